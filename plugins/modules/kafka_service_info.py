#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the state of a Kafka service on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_service_info
short_description: Read the state of a Kafka service on this host
version_added: "0.1.0"
description:
  - Reads the state of the unit, the version and heap of the running process, the disks, and whether the service needs a
    restart.
  - A service needs a restart when the files of its next start differ from those of its last start.
  - Reads the record of the last upgrade on this host, too.
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
      - Seconds to watch a process that systemd has restarted, or is about to restart, until the process has this age.
        The watch tells a crash loop from a single crash.
      - V(0) does not watch. A service that a person started, or whose process is older, is never watched.
    type: int
    default: 0
  claim:
    description:
      - The run that holds the lock of the cluster. It claims this host, so that from now on no earlier run can stop a
        service here, not even a run that was suspended between the gate's answer and the stop; see
        M(rackaware.kafka.kafka_roll_service). Check mode writes no claim.
      - The module fails when a run that took the lock later has claimed the host.
    type: dict
    suboptions:
      owner:
        description: The owner of the lock, as M(rackaware.kafka.kafka_roll_lock) took it.
        type: str
        required: true
      since:
        description: When it took the lock, from RV(rackaware.kafka.kafka_roll_lock#module:lock).
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Read the state of the broker
  rackaware.kafka.kafka_service_info:
    service: broker
    mounts: [/var/lib/kafka/data0]
"""

RETURN = r"""
unit_state:
  description: systemd's state of the unit, such as V(active) or V(failed); V(absent) when there is no such unit.
  type: str
  returned: success
restarts:
  description: How often systemd has restarted the service since the last start by a person.
  type: int
  returned: success
crash_looping:
  description: Whether it crashed again within O(watch_seconds) after systemd had restarted it.
  type: bool
  returned: success
version:
  description: The version of the running process.
  type: str
  returned: success
next_version:
  description: The version of its next start, with staged files in place.
  type: str
  returned: success
next_min_isr:
  description:
    - The C(min.insync.replicas) of a broker's next start, with staged files in place; V(1), Kafka's default, when it is
      not set.
  type: int
  returned: success
out_of_service:
  description: The record that the broker is out of service, with C(since), C(by) and C(reason), or V(null).
  type: dict
  returned: success
upgrade:
  description:
    - The record of the last upgrade on this host. C(from) and C(to) are the versions. C(metadata), C(protocol) and
      C(features) are as before the upgrade. C(began), C(rolled), C(finalizing) and C(finalized) are its times.
    - V(null) when there is none.
  type: dict
  returned: success
heap_mb:
  description: The heap of the running process in MiB.
  type: int
  returned: success
disks:
  description: Size and use of each of O(mounts), and whether it is a LUKS volume.
  type: list
  elements: dict
  returned: success
  contains:
    mount:
      description: The mount point. One that is not mounted is left out.
      type: str
    size_gb:
      description: The size in GB.
      type: float
    used_percent:
      description: How much of it is used.
      type: float
    luks:
      description: Whether a LUKS mapping is directly below the file system.
      type: bool
identity:
  description:
    - The identity of the node, as the host's disks and process have it.
    - C(host) is its own name, C(directories) are as from M(rackaware.kafka.kafka_storage_info), C(mounted) is whether
      all O(mounts) are there, C(running) whether the service runs.
    - C(process) has the C(path) of the file that the running service was started with, and the C(node_id) in it. It is
      V(null) when the service does not run.
    - C(quorum) lists the ZooKeeper servers or controllers in its configuration, C(protocols) has the security protocol
      of each listener of a running service, C(listeners) has C(name), C(port) and C(protocol) of those in its
      configuration.
    - C(security) is how far that is from plaintext (V(none)) to TLS (V(tls)), with V(opened) and V(moved) between
      them; V(null) before there is a configuration.
  type: dict
  returned: success
certificate_days:
  description: Full days until the certificate in place ends, negative when it has ended; V(null) without a certificate.
  type: int
  returned: success
next_certificate_days:
  description: The same of the certificate that the service would start with, which may be staged.
  type: int
  returned: success
restart_needed:
  description: Whether the files of its next start differ from those of its last start.
  type: bool
  returned: success
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._config import units
from ..module_utils._errors import RackawareError
from ..module_utils._host import claim as host_claim
from ..module_utils._host import identity, out_of_service, service_state, tls_files
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
        # First, because this may take a while, and the rest must be as it is afterwards.
        looping = service_state.crash_loops(unit, module.run_command, module.params["watch_seconds"])
        unit_state = service_state.state(unit, module.run_command)
        result = dict(
            service_state.jvm(name),
            next_min_isr=service_state.next_min_isr(name),
            unit_state=unit_state,
            restarts=service_state.restarts(unit, module.run_command),
            crash_looping=looping,
            disks=service_state.disks(module.params["mounts"]),
            out_of_service=out_of_service.read() if name == "broker" else None,
            upgrade=record.read(),
            # A broker with a failed disk can be rolled all the same.
            identity=identity.look(
                name,
                module.params["log_dirs"],
                mounts=module.params["mounts"],
                runs=unit_state == "active",
                tolerant=True,
            ),
            certificate_days=tls_files.days_left(name),
            next_certificate_days=tls_files.days_left(name, staged=True),
            restart_needed=unit_state == "active" and service_state.restart_needed(unit),
        )
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
