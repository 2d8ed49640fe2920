# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of a roll are asked; the specs are SPEC and LIMITS_SPEC in module_utils/_roll/poll.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: QUESTION for the modules that ask the gate, LIMITS for those and for the plan."""

    QUESTION = r"""
attributes:
  check_mode:
    support: full
    description: Asks in check mode as well, and elects nobody.
  diff_mode:
    support: none
    description: There is nothing to compare.
options:
  question:
    description:
      - V(may_stop) asks whether all O(nodes) may be stopped together now.
      - V(back) asks whether all O(nodes), which were started again, do all of their work again.
    type: str
    choices: [may_stop, back]
    required: true
  kind:
    description:
      - What the nodes are.
      - A V(broker) may stop when no partition falls below C(min.insync.replicas) and O(isr_headroom), and none is being reassigned there. It is back
        when it is registered and unfenced, and in sync everywhere, by its own word and by another broker's.
      - A V(controller) is a voter of KRaft that is no broker. It may stop when a majority without it has caught up with the metadata log. It is back when
        the leader sees it caught up after the question was asked.
      - A V(zookeeper) server may stop when a majority without it serves. It is back when it leads or follows.
      - A broker that is a voter as well must satisfy both.
      - A leader may stop like the others, as it resigns when it is asked to, and the lead moves during a roll. That it goes last is what the plan is made for.
    type: str
    choices: [broker, controller, zookeeper]
    default: broker
  nodes:
    description: Ids of the nodes that the question is about. For V(may_stop) they are tried in this order, and each that may stop counts as out for the next.
    type: list
    elements: int
    required: true
  in_flight:
    description: Ids of nodes of this kind that were let out and are not back yet. They count as out, and are not asked.
    type: list
    elements: int
    default: []
  out:
    description:
      - Ids of brokers that are known to be down, because their services do not run. They count as out, and are not asked.
      - One of O(nodes) that the cluster does not list as alive may go only when it is named here, because its start takes nothing from anybody. Any other
        may be reading its logs after a crash, and would begin anew. One that is named and listed has come up, and does not count as out.
    type: list
    elements: int
    default: []
  restart:
    description: Ids of all nodes that still need a restart, to say so when a leader goes before them; O(nodes) when not given.
    type: list
    elements: int
  allow:
    description: Topics whose loss of availability is accepted, as in M(rackaware.kafka.kafka_roll_plan).
    type: list
    elements: str
    default: []
  elect_leaders:
    description:
      - For brokers and O(question=back) only. As soon as all of them are back, and in the same visit to the cluster, partitions are given back to their
        preferred leaders, as M(rackaware.kafka.kafka_leader_election) does.
      - In check mode it is only counted.
    type: bool
    default: false
  disruption:
    description:
      - For brokers and O(question=may_stop), what happens to them. It is the rule by which they may go.
      - V(restart), they come back with their data. What they take is counted among the in-sync replicas that run, and O(allow) applies.
      - V(stay_away), they stop for longer. Every partition that they hold must keep C(min.insync.replicas) without them, whether they run now or not.
      - V(destroy), their copies are erased. Every partition that they hold, whether they run or not, needs C(min.insync.replicas), and at least one,
        other in-sync replicas that run.
      - For the last two all O(nodes) go together or none does, and O(allow) never applies.
    type: str
    choices: [restart, stay_away, destroy]
    default: restart
  accepted_last_copies:
    description:
      - For O(disruption=destroy) only. The number of partitions that may lose their last in-sync copy that runs. It must be exactly the number that the
        gate has found, as a person who has read it says it; then the answer is yes.
      - Partitions that are being reassigned and the majority of a quorum are not overridden by it.
    type: int
  lock:
    description:
      - The lock of the roll, as M(rackaware.kafka.kafka_roll_lock) takes it. Before each question it is renewed on the host of the task, so delegate the
        task to the host that keeps it. In check mode it is left alone.
      - When somebody else has taken it, the task fails, and nobody was asked.
    type: dict
    suboptions:
      path:
        description: The file of the lock.
        type: path
        default: /var/lib/kafka-admin/roll.lock
      owner:
        description: Who holds it, the same text as when it was taken.
        type: str
        required: true
      lease_seconds:
        description: How long it then holds.
        type: int
        default: 900
  zookeeper_servers:
    description:
      - All servers of the ensemble, as P(rackaware.kafka.kafka_nodes#filter) lists them. Needed with O(kind=zookeeper).
      - Each is asked itself, so O(bootstrap_servers) is not used then; O(request_timeout_seconds) is how long one may take.
    type: list
    elements: dict
    suboptions:
      id:
        description: The id of the server, as in its C(myid).
        type: int
        required: true
      host:
        description: Its address.
        type: str
        required: true
      port:
        description: Its port for clients.
        type: int
        default: 2181
  addresses:
    description:
      - For brokers, the address of the inventory's host for each id, as brokers advertise it. A broker is back only when that host answers for its id, and
        nothing is stopped where another does.
      - Names are resolved. Where nobody can tell, as with a name that is not resolved, or when brokers advertise addresses of a network of their own, nothing
        is held against it.
    type: dict
    default: {}
  proven:
    description:
      - For O(question=back), RV(proven) of the answer before, when the same question is asked again. Whoever has proven to be back is then not asked for all
        that it holds again, as long as others list it in sync everywhere and it answers.
    type: dict
    default: {}
"""

    LIMITS = r"""
options:
  max_batch:
    description: How many brokers may be out at once; no limit but safety when not given.
    type: int
  isr_headroom:
    description: How many in-sync replicas must stay above C(min.insync.replicas).
    type: int
    default: 0
  min_isr:
    description:
      - The least C(min.insync.replicas) to count with for topics that set none themselves, as when brokers will start with a higher one than they have.
      - For such a topic the value of a partition's leader holds, so that of all brokers that are asked the highest counts in any case.
    type: int
"""
