#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a rolling restart."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_plan
short_description: Plan a rolling restart of a Kafka cluster in as few safe batches as possible
version_added: "0.1.0"
description:
  - Says which brokers may be restarted together, so that no partition falls below C(min.insync.replicas) or loses its
    last in-sync replica.
  - Counts every batch partition by partition before it returns it. The search begins with racks, but never trusts them.
  - Brokers that are down and need a restart go first. Brokers that can stop only after these are back are planned as if
    they were back, so that a roll that was broken off continues.
  - Plans from a snapshot that it is given, or takes one itself, which saves a large cluster the transfer to the
    controller and back.
  - The plan is as old as its snapshot, so ask the gate again before each step.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
  - rackaware.kafka.roll.limits
options:
  bootstrap_servers:
    description: Brokers to take the snapshot from, as V(host:port); the first that answers is used.
    type: list
    elements: str
    required: false
  snapshot:
    description:
      - The cluster, as RV(rackaware.kafka.kafka_cluster_info#module:cluster) returns it, instead of
        O(bootstrap_servers).
      - A broker that is fenced, or holds replicas and is not listed, counts as stopped.
    type: dict
  restart:
    description: Ids of the brokers that need a restart; all brokers when not given.
    type: list
    elements: int
  out:
    description: Ids of brokers that are down already. They count as stopped, whatever the snapshot says.
    type: list
    elements: int
    default: []
  racks:
    description: The rack of each broker by id, for brokers that are down and therefore not in the snapshot.
    type: dict
    default: {}
  allow:
    description:
      - Topics whose loss of availability is accepted, because they have one replica, or no more replicas than
        C(min.insync.replicas).
      - Without it the plan refuses the brokers that hold them. The last in-sync one of several replicas is protected
        all the same.
      - A topic that the cluster does not have is refused.
    type: list
    elements: str
    default: []
  disruption:
    description:
      - What happens to the brokers, as in M(rackaware.kafka.kafka_roll_gate). With anything but V(restart) each broker
        is a batch of its own, O(allow) never applies, and a broker that is down is judged like the others.
    type: str
    choices: [restart, stay_away, destroy]
    default: restart
  canary:
    description: How many canary brokers RV(steps) begins with, each alone; V(0) for none.
    type: int
    default: 1
  forks:
    description:
      - How many hosts Ansible works on at once, C(ansible_forks). No step has more brokers, because the last of them
        would stop long after the gate answered.
    type: int
  quorum:
    description: Controllers or ZooKeeper nodes to plan, separately from the brokers.
    type: dict
    suboptions:
      voters:
        description: Ids of all members.
        type: list
        elements: int
        required: true
      leader:
        description: The id of the leader. Without a known leader no node is restarted.
        type: int
      restart:
        description: Ids of those that need a restart; all when not given.
        type: list
        elements: int
      out:
        description: Ids of those that are down already.
        type: list
        elements: int
        default: []
"""

EXAMPLES = r"""
- name: Read the cluster
  rackaware.kafka.kafka_cluster_info:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: seen

- name: Plan the restart of all brokers
  rackaware.kafka.kafka_roll_plan:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python

- name: Plan the restart of three brokers
  rackaware.kafka.kafka_roll_plan:
    snapshot: "{{ seen.cluster }}"
    restart: [1, 4, 5]
  register: plan

- name: Show why there are not fewer batches
  ansible.builtin.debug:
    msg: "{{ plan.certificate.sentence }}"

- name: Plan the controllers, one after another, the leader last
  rackaware.kafka.kafka_roll_plan:
    quorum:
      voters: [101, 102, 103]
      leader: 102
  register: controllers
"""

RETURN = r"""
batches:
  description:
    - Ids of brokers, batch after batch. They cover exactly the brokers that can be restarted; the leader of the quorum
      is in the last one.
    - This and what follows is returned with O(snapshot) or O(bootstrap_servers).
  returned: with O(snapshot)
  type: list
  elements: list
  sample: [[1, 4], [2, 5], [3, 6]]
steps:
  description: The same brokers in steps of kind V(canary), V(ramp) or V(batch), each with the number of its batch and
    its brokers.
  returned: with O(snapshot)
  type: list
  elements: dict
  sample: [{kind: canary, batch: 1, brokers: [1]}]
lower_bound:
  description: A lower bound; no plan has fewer batches.
  returned: with O(snapshot)
  type: int
certificate:
  description:
    - Why no plan has fewer batches, as C(sentence), C(kind), and the facts that the sentence names.
    - The kind is V(partition), V(clique), V(quorum), V(cap), V(groups), V(exhaustive), V(single) or V(nothing).
  returned: with O(snapshot)
  type: dict
  sample:
    kind: partition
    lower_bound: 3
    topic: orders
    partition: 0
    replicas: [1, 2, 3]
    brokers: [1, 2, 3]
    spare: 1
    sentence: >-
      Partition orders-0 is in sync on brokers 1, 2 and 3, which all need a restart, and can spare 1 at a time,
      so there are at least 3 batches.
refused:
  description: Partitions that block a broker of O(restart), each with C(topic), C(partition), C(brokers) and C(reason);
    the first 100.
  returned: with O(snapshot)
  type: list
  elements: dict
refused_partitions:
  description: How many partitions block a broker, also beyond the first 100.
  returned: with O(snapshot)
  type: int
repairs:
  description: Moves of replicas that would make the plan shorter, each with C(topic), C(partition), C(from), C(to) and
    C(reason).
  returned: with O(snapshot)
  type: list
  elements: dict
notes:
  description: Other sentences for the operator.
  returned: with O(snapshot)
  type: list
  elements: str
seconds:
  description: How many seconds planning took.
  returned: with O(snapshot)
  type: float
quorum:
  description: The plan of the controllers or ZooKeeper nodes, with C(batches) of one node, C(lower_bound),
    C(certificate) and C(refused).
  returned: with O(quorum)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import configs, snapshot
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._roll import disruption, plan
from ..module_utils._roll.poll import LIMITS_SPEC, least

SPEC = {
    **CONNECTION_SPEC,
    **LIMITS_SPEC,
    "bootstrap_servers": {"type": "list", "elements": "str"},
    "snapshot": {"type": "dict"},
    "restart": {"type": "list", "elements": "int"},
    "out": {"type": "list", "elements": "int", "default": []},
    "racks": {"type": "dict", "default": {}},
    "allow": {"type": "list", "elements": "str", "default": []},
    "disruption": {"type": "str", "choices": list(disruption.KINDS), "default": disruption.RESTART},
    "canary": {"type": "int", "default": 1},
    "forks": {"type": "int"},
    "quorum": {
        "type": "dict",
        "options": {
            "voters": {"type": "list", "elements": "int", "required": True},
            "leader": {"type": "int"},
            "restart": {"type": "list", "elements": "int"},
            "out": {"type": "list", "elements": "int", "default": []},
        },
    },
}
FEW_FORKS = (
    "Ansible works on %d hosts at once, and the largest batch has %d brokers, so that no step has more than %d; "
    "with --forks %d the roll is faster."
)
# A topic with as many replicas as min.insync.replicas refuses each of its partitions, which may be 100,000.
REFUSED_AT_MOST = 100
PASSED_ON = ("restart", "out", "racks", "max_batch", "isr_headroom", "allow", "min_isr")


def main() -> None:
    """Plan, report."""
    module = AnsibleModule(
        argument_spec=SPEC,
        required_one_of=[("bootstrap_servers", "snapshot", "quorum")],
        mutually_exclusive=[("bootstrap_servers", "snapshot")],
        supports_check_mode=True,
    )
    params = module.params
    result, seen = {}, params["snapshot"]
    try:
        if params["bootstrap_servers"] is not None:
            with Admin(connection(params)) as admin:
                seen = snapshot.take(admin).to_dict()
                own = configs.own_minimums(admin, [broker["id"] for broker in seen["brokers"] if not broker["fenced"]])
                params["min_isr"] = least(params, own)
        if seen is not None:
            result = plan.resume(
                plan.from_cluster(seen, **{key: params[key] for key in PASSED_ON}), params["disruption"]
            )
            result["refused_partitions"] = len(result["refused"])
            result["refused"] = result["refused"][:REFUSED_AT_MOST]
            result["steps"] = plan.ramp(result["batches"], params["canary"], params["max_batch"], params["forks"])
            widest = max(map(len, result["batches"]), default=0)
            if params["forks"] is not None and params["forks"] < min(widest, params["max_batch"] or widest):
                result["notes"].append(FEW_FORKS % (params["forks"], widest, params["forks"], widest))
        quorum = params["quorum"]
        if quorum is not None:
            restart = quorum["voters"] if quorum["restart"] is None else quorum["restart"]
            result["quorum"] = plan.resume_quorum(quorum["voters"], quorum["leader"], restart, quorum["out"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
