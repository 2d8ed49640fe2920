# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules of a roll share; the specs are SPEC and LIMITS_SPEC in module_utils/_roll/poll.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: QUESTION for the modules that ask the gate, LIMITS for those and for the plan."""

    QUESTION = r"""
attributes:
  check_mode:
    support: full
    description: Asks in check mode as well, and elects no leader.
  diff_mode:
    support: none
    description: There is nothing to compare.
options:
  question:
    description:
      - V(may_stop) asks whether all O(nodes) may be stopped together now.
      - V(back) asks whether all O(nodes), which were started again, have recovered.
    type: str
    choices: [may_stop, back]
    required: true
  kind:
    description:
      - What the nodes are.
      - A V(broker) may stop when no partition falls below C(min.insync.replicas) plus O(isr_headroom), and no partition
        on it is being reassigned. It is back when it is registered, not fenced, and in sync in every partition, by its
        own answer and by another broker's.
      - A V(controller) is a KRaft voter that is no broker. It may stop when a majority without it has caught up with
        the metadata log. It is back when the leader sees it caught up after the question began.
      - A V(zookeeper) server may stop when a majority without it serves clients. It is back when it leads or follows.
      - A broker that is a KRaft voter as well must satisfy both rules.
      - A leader may stop like the other nodes, because it resigns when it stops. The plan puts the leader last, but
        leadership can move during a roll.
    type: str
    choices: [broker, controller, zookeeper]
    default: broker
  nodes:
    description: Ids of the nodes that the question is about. For V(may_stop) the gate judges them in this order, and
      each node that may stop counts as stopped for the next.
    type: list
    elements: int
    required: true
  in_flight:
    description: Ids of nodes of this kind that are being restarted. They count as stopped, and are not asked.
    type: list
    elements: int
    default: []
  out:
    description:
      - Ids of brokers whose services do not run. They count as stopped, and are not asked.
      - A broker of O(nodes) that the cluster does not list as alive may be restarted only when it is named here. Any
        other such broker may be recovering its logs after a crash, and a stop would restart that recovery. A broker
        that is named here and listed as alive has started meanwhile, and does not count as stopped.
    type: list
    elements: int
    default: []
  restart:
    description: Ids of all nodes that still need a restart, for RV(note) about a leader that goes before them; O(nodes)
      when not given.
    type: list
    elements: int
  allow:
    description: Topics whose loss of availability is accepted, as in M(rackaware.kafka.kafka_roll_plan).
    type: list
    elements: str
    default: []
  elect_leaders:
    description:
      - For brokers and O(question=back) only. As soon as all of them are back, the module elects the preferred leaders,
        over the same connection, as M(rackaware.kafka.kafka_leader_election) does.
      - In check mode it only counts them.
    type: bool
    default: false
  disruption:
    description:
      - For brokers and O(question=may_stop), what happens to the brokers. It selects the rule by which they may stop.
      - With V(restart) they come back with their data. The rule counts in-sync replicas that run, and O(allow) applies.
      - With V(stay_away) they stop for longer. Every partition that they hold must keep C(min.insync.replicas) without
        them, whether they run now or not.
      - With V(destroy) their copies are erased. Every partition that they hold needs C(min.insync.replicas), and at
        least one, other in-sync replicas that run. It does not matter whether the brokers run now.
      - With the last two, all O(nodes) may stop together or none may, and O(allow) never applies.
    type: str
    choices: [restart, stay_away, destroy]
    default: restart
  accepted_last_copies:
    description:
      - For O(disruption=destroy) only. The number of partitions that may lose their last running in-sync copy. The
        answer is yes only when it is exactly the number that the gate has found, so that a person must have read that
        number.
      - It overrides neither a partition that is being reassigned nor the majority of a quorum.
    type: int
  lock:
    description:
      - The lock of the roll, as M(rackaware.kafka.kafka_roll_lock) takes it. Each question first renews it on the host
        of the task, so delegate the task to the host that keeps the lock. Check mode does not renew it.
      - When another run has taken it, the task fails before it asks.
    type: dict
    suboptions:
      path:
        description: The file of the lock.
        type: path
        default: /var/lib/kafka-admin/roll.lock
      owner:
        description: The owner, the same text as when the lock was taken.
        type: str
        required: true
      lease_seconds:
        description: How many seconds the lease lasts from now on.
        type: int
        default: 900
  zookeeper_servers:
    description:
      - All servers of the ensemble, as P(rackaware.kafka.kafka_nodes#filter) lists them. Needed with O(kind=zookeeper).
      - Each server is asked itself, and O(bootstrap_servers) is not used. One answer may take
        O(request_timeout_seconds).
      - Servers are asked over TLS when O(ssl_certfile) is set, with the same O(ssl_cafile), O(ssl_certfile) and
        O(ssl_keyfile) as brokers.
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
      - For brokers, the address of the inventory's host for each id, as brokers advertise it. A broker is back only
        when that host answers for its id. No broker is stopped when another host answers for its id.
      - Names are resolved. An address that cannot be compared blocks nothing. That is a name that does not resolve, or
        any address when brokers advertise addresses of a network of their own.
    type: dict
    default: {}
  proven:
    description:
      - For O(question=back), RV(proven) of the previous answer to the same question. A broker that has shown that it is
        back is not asked about all its partitions again, as long as it answers and the other brokers list it as in sync
        in every partition.
    type: dict
    default: {}
"""

    LIMITS = r"""
options:
  max_batch:
    description: How many brokers may be stopped at once; only safety limits them when not given.
    type: int
  isr_headroom:
    description: How many in-sync replicas must stay above C(min.insync.replicas).
    type: int
    default: 0
  min_isr:
    description:
      - The least C(min.insync.replicas) to assume for topics that set none, for example when brokers will start with a
        higher default than they have.
      - For such a topic Kafka uses the default of the partition's leader. The highest default of all brokers counts in
        any case.
    type: int
"""
