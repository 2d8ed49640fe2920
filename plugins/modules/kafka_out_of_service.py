#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a broker out of service, or return it to service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_out_of_service
short_description: Record that a broker is out of service, or back in service
version_added: "0.1.0"
description:
  - Writes, or removes, the record on this host that its broker is out of service.
  - While the record exists, the broker's unit does not start, at a boot either. Rolls and C(site) skip the broker, and
    name it.
  - Neither stops nor starts the broker, and asks no other broker. M(rackaware.kafka.kafka_roll_gate) with
    O(rackaware.kafka.kafka_roll_gate#module:disruption=stay_away) must come first.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  state:
    description: Whether the record exists.
    type: str
    choices: [present, absent]
    default: present
  reason:
    description: The reason, which runs and reports show. Needed with O(state=present).
    type: str
  by:
    description: The operator, as runs and reports show it. Needed with O(state=present).
    type: str
"""

EXAMPLES = r"""
- name: Record that the broker is out of service
  rackaware.kafka.kafka_out_of_service:
    reason: its keys are revoked
    by: root@ops1

- name: Return it to service
  rackaware.kafka.kafka_out_of_service:
    state: absent
"""

RETURN = r"""
out_of_service:
  description: The record after the run, with C(since), C(by) and C(reason), or V(null).
  returned: success
  type: dict
  sample: {since: "2026-05-01T10:00:00Z", by: root@ops1, reason: its keys are revoked}
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import out_of_service
from ..module_utils._roll import lock

SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "reason": {"type": "str"},
    "by": {"type": "str"},
}


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(
        argument_spec=SPEC, required_if=[("state", "present", ("reason", "by"))], supports_check_mode=True
    )
    params = module.params
    try:
        before = out_of_service.read()
        after = out_of_service.new_record(
            before,
            present=params["state"] == "present",
            since=lock.text(time.time()),
            by=params["by"] or "",
            reason=params["reason"] or "",
        )
        if after != before and not module.check_mode:
            out_of_service.write(after)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=after != before, out_of_service=after, diff={"before": before or {}, "after": after or {}})


if __name__ == "__main__":
    main()
