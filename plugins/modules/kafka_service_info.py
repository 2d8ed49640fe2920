#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a Kafka service on this host is doing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_service_info
short_description: Read what a Kafka service on this host is doing
version_added: "0.1.0"
description:
  - Reads the state of the unit, the version and heap that it runs with, its disks, and whether it needs a restart.
  - A restart is needed when what the service would read at its next start differs from what it read at its last one.
  - On brokers, reads the record of the last upgrade, too.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  service:
    description: The service.
    type: str
    choices: [broker, controller, zookeeper]
    required: true
  mounts:
    description: The mount points of its data volumes.
    type: list
    elements: path
    default: []
  log_dirs:
    description: Its data directories, whose identity is read.
    type: list
    elements: path
    default: []
  watch_seconds:
    description:
      - Up to which age a process that systemd started anew by itself, or is about to, is watched, to tell one that crashes again and again from one
        that crashed once.
      - V(0) watches nothing. A service that a person started, or whose process is older, is never waited for.
    type: int
    default: 0
  claim:
    description:
      - The run that has taken the lock of the cluster and asks now, so that from here on no earlier run stops a service on this host, also one that was
        suspended between the gate's answer and the stop; see M(rackaware.kafka.kafka_roll_service). In check mode nothing is written.
      - The module fails when a run that took the lock later has been here.
    type: dict
    suboptions:
      owner:
        description: The owner of the lock, as M(rackaware.kafka.kafka_roll_lock) took it.
        type: str
        required: true
      since:
        description: When it took the lock, RV(rackaware.kafka.kafka_roll_lock#module:lock) has it.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Look at the broker
  rackaware.kafka.kafka_service_info:
    service: broker
    mounts: [/var/lib/kafka/data0]
"""

RETURN = r"""
unit_state:
  description: systemd's word for it, like V(active) or V(failed); V(absent) when there is no such unit.
  type: str
  returned: success
restarts:
  description: How often systemd started it anew by itself, since a person last did.
  type: int
  returned: success
crash_looping:
  description: Whether it was seen to crash again within O(watch_seconds) after systemd had started it anew.
  type: bool
  returned: success
version:
  description: The version that it runs with.
  type: str
  returned: success
next_version:
  description: The version that it would start with, once what is staged is in place.
  type: str
  returned: success
next_min_isr:
  description:
    - The C(min.insync.replicas) that a broker would start with, once what is staged is in place; V(1), as in Kafka, where nothing sets it.
  type: int
  returned: success
out_of_service:
  description: The record that the broker is out of service, with since, by and reason, or V(null).
  type: dict
  returned: success
upgrade:
  description:
    - The record of the last upgrade on this host, with from, to, metadata, protocol and features (as they were before), began, rolled, finalizing, finalized.
    - V(null) where there is none.
  type: dict
  returned: success
heap_mb:
  description: The heap that it runs with.
  type: int
  returned: success
disks:
  description: Size and use of its disks, and whether each is a LUKS volume.
  type: list
  elements: dict
  returned: success
identity:
  description:
    - Whose host it is by what lies there.
    - C(host) is its own name, C(directories) are as from M(rackaware.kafka.kafka_storage_info), C(mounted) is whether all O(mounts) are there.
    - C(process) has the C(path) of the file that the running service was started with, and the C(node_id) in it; V(null) when it does not run.
    - C(quorum) lists the ZooKeeper servers or controllers that its configuration names.
  type: dict
  returned: success
restart_needed:
  description: Whether it runs with something else than it would start with now.
  type: bool
  returned: success
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._config import units
from ..module_utils._errors import RackawareError
from ..module_utils._host import claim as host_claim
from ..module_utils._host import identity, out_of_service, service_state
from ..module_utils._roll import lock
from ..module_utils._upgrade import record

SPEC = {
    "service": {"type": "str", "choices": ["broker", "controller", "zookeeper"], "required": True},
    "mounts": {"type": "list", "elements": "path", "default": []},
    "log_dirs": {"type": "list", "elements": "path", "default": []},
    "watch_seconds": {"type": "int", "default": 0},
    "claim": {
        "type": "dict",
        "options": {"owner": {"type": "str", "required": True}, "since": {"type": "str", "required": True}},
    },
}


def main() -> None:
    """Read, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    name = module.params["service"]
    unit = units.service(name).unit
    claim = module.params["claim"]
    try:
        if claim and not module.check_mode:
            host_claim.claim(claim["owner"], claim["since"], now=lock.text(time.time()))
        # First, so that the rest is as it is after the while that this may take.
        looping = service_state.crash_loops(unit, module.run_command, module.params["watch_seconds"])
        found = service_state.state(unit, module.run_command)
        result = dict(
            service_state.jvm(name),
            next_min_isr=service_state.next_min_isr(name),
            unit_state=found,
            restarts=service_state.restarts(unit, module.run_command),
            crash_looping=looping,
            disks=service_state.disks(module.params["mounts"]),
            out_of_service=out_of_service.read() if name == "broker" else None,
            upgrade=record.read(),
            # A broker with a disk that failed can be rolled all the same.
            identity=identity.look(
                name, module.params["log_dirs"], mounts=module.params["mounts"], runs=found == "active", tolerant=True
            ),
            restart_needed=found == "active" and service_state.restart_needed(unit),
        )
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
