#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lease on one host that keeps two runners from rolling the same cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll_lock
short_description: Keep a second runner from working on the same cluster
version_added: "0.1.0"
description:
  - Takes, renews or releases a lease, which is a file on one host of the cluster. All runners must use the same host.
  - A lease expires, so that a run that was killed blocks the next one only for a while.
    M(rackaware.kafka.kafka_roll_gate) and M(rackaware.kafka.kafka_roll_wait) renew it during a roll.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  state:
    description:
      - V(held) takes the lease, or renews it when O(owner) has it already. The module fails when another run holds a
        lease that has not expired, and names the holder.
      - V(renewed) renews it when O(owner) has it, and fails otherwise. Use it right before a step that cannot be
        undone. Check mode never takes the lease, so that it fails only when another run has it.
      - V(released) releases the lease. When another run has it, nothing changes.
    type: str
    choices: [held, renewed, released]
    default: held
  owner:
    description: The run that takes it, as a text that is different for every run, for example user, host, process and
      start time.
    type: str
    required: true
  what:
    description: The operation that needs the lock. Other runs show it when they are refused.
    type: str
    default: a roll
  path:
    description: The file. The module makes its directory when it is missing.
    type: path
    default: /var/lib/kafka-admin/roll.lock
  lease_seconds:
    description: How many seconds the lease lasts from now on, by this host's clock; at most 604800, a week.
    type: int
    default: 900
  break_lock:
    description: Take or remove the lock of another run. Use it only when that run is certainly dead.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the lock of the cluster
  rackaware.kafka.kafka_roll_lock:
    owner: "{{ roll_owner }}"
    what: rolling_restart
  delegate_to: broker-a1
  run_once: true

- name: Release the lock of the cluster
  rackaware.kafka.kafka_roll_lock:
    state: released
    owner: "{{ roll_owner }}"
  delegate_to: broker-a1
  run_once: true
"""

RETURN = r"""
held:
  description: Whether O(owner) has the lock now; in check mode, whether it would have it.
  returned: success
  type: bool
lock:
  description: The lease after the run, with C(owner), C(what), C(since) and C(expires), or V(null).
  returned: success
  type: dict
  sample:
    owner: "root@ops1:4711"
    what: rolling_restart
    since: "2026-05-01T10:00:00Z"
    expires: "2026-05-01T10:15:00Z"
answered:
  description: When the lock was read, in seconds since 1970 by the clock of its host.
    M(rackaware.kafka.kafka_roll_service) accepts a stop only while this is fresh.
  returned: success
  type: float
previous:
  description: The lease before the run, in the same shape, or V(null).
  returned: success
  type: dict
"""

import time
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._roll import lock

SPEC = {
    "state": {"type": "str", "choices": ["held", "renewed", "released"], "default": "held"},
    "owner": {"type": "str", "required": True},
    "what": {"type": "str", "default": "a roll"},
    "path": lock.PATH_SPEC,
    "lease_seconds": lock.LEASE_SPEC,
    "break_lock": {"type": "bool", "default": False},
}


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    path, owner, break_lock = params["path"], params["owner"], params["break_lock"]
    now = time.time()
    try:
        with lock.guarded(path, make=params["state"] == "held" and not module.check_mode):
            before = lock.read(path, break_lock=break_lock)
            if params["state"] == "held":
                after = lock.take(
                    before, path, owner, params["what"], now=now, seconds=params["lease_seconds"], break_lock=break_lock
                )
            elif params["state"] == "renewed" and module.check_mode:
                after = before
                lock.take(
                    before, path, owner, params["what"], now=now, seconds=params["lease_seconds"], break_lock=False
                )
            elif params["state"] == "renewed":
                after = lock.renewed(before, path, owner, params["lease_seconds"], now=now)
            else:
                after = lock.release(before, owner, break_lock=break_lock)
            if after != before and not module.check_mode:
                lock.write(path, after)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    plain = [None if lease is None else asdict(lease) for lease in (before, after)]
    module.exit_json(
        changed=after != before,
        held=after is not None and after.owner == owner,
        lock=plain[1],
        answered=now,
        previous=plain[0],
        diff={"before": plain[0] or {}, "after": plain[1] or {}},
    )


if __name__ == "__main__":
    main()
