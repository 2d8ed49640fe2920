#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add, remove and rotate the keys of an encrypted volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: luks_key
short_description: Add, remove and rotate the keys of an encrypted volume
version_added: "0.1.0"
description:
  - Adds a key in a free slot, verifies that it opens the volume, and only then removes another key.
  - Never removes the last slot that a given key opens, which cryptsetup itself would do.
  - A run that was interrupted between any two steps continues with the next step when it is run again with the same
    options.
  - The volume may be open and in use.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.luks_key_source
  - rackaware.kafka.luks_key_source.new_key
options:
  device:
    description:
      - The disk, by a persistent name, as below C(/dev/disk/by-id), or a loop device.
    type: path
    required: true
  uuid:
    description: The UUID that the volume must have.
    type: str
    required: true
  state:
    description:
      - V(present) adds O(new_key) and keeps O(key).
      - V(rotated) adds O(new_key) and removes O(key). It keeps slots that neither key opens.
      - V(absent) removes the slot O(keyslot). O(key) must open another slot.
    type: str
    choices: [present, rotated, absent]
    default: present
  keyslot:
    description: The slot to remove with O(state=absent), else the slot for O(new_key); by default the lowest free one.
    type: int
notes:
  - An older backup of the header still holds the old slot, and opens the volume with the old key. Make a new backup and
    destroy the old one.
  - Rotation changes the keys to the volume key, not the volume key itself. After a leak of both, wipe the volume and
    let Kafka replicate it again.
seealso:
  - module: rackaware.kafka.kms_data_key
  - module: rackaware.kafka.luks_header_backup
"""

EXAMPLES = r"""
- name: Rotate the key of a volume
  rackaware.kafka.luks_key:
    device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS22D0EC0D5AD8F5B37
    uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
    key:
      wrapped: "{{ old_key.wrapped }}"
    new_key:
      wrapped: "{{ new_key.wrapped }}"
    state: rotated
"""

RETURN = r"""
actions:
  description: The steps that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [add, prove, token, remove old, remove old tokens]
keyslots:
  description: The slots that are in use after the run.
  returned: success
  type: list
  elements: int
new_keyslots:
  description: The slots that O(new_key) opens.
  returned: success
  type: list
  elements: int
"""

from contextlib import ExitStack

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._command import run
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._luks import key_source, keyslots, kms, volume
from ..module_utils._luks.cryptsetup import Cryptsetup

SPEC = {
    "device": {"type": "path", "required": True},
    "uuid": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "rotated", "absent"], "default": "present"},
    "keyslot": {"type": "int", "no_log": False},
    "key": key_source.spec(),
    "new_key": key_source.spec(),
}


def _old_key(params: dict, stack: ExitStack) -> bytearray | None:
    """The key that opens it now; None when a rotation has come so far that its wrapped form is gone."""
    try:
        return stack.enter_context(key_source.key_of(params["key"]))
    except kms.Denied as error:
        if params["state"] == "rotated" and error.code in ("NoSuchKey", "NoSuchVersion"):
            return None
        raise


def work(params: dict, *, check_mode: bool) -> dict:
    """Look, decide, do, look again."""
    cryptsetup = Cryptsetup(run)
    cryptsetup.require()
    header = volume.header_of(params["device"])
    if header.version != 2 or header.uuid != params["uuid"]:
        facts = (params["device"], header.uuid, header.version, params["uuid"])
        raise volume.LuksError("%s holds the volume %s (LUKS%d), not %s; nothing was changed." % facts)
    state, slot = params["state"], params["keyslot"]
    with ExitStack() as stack:
        key = _old_key(params, stack)
        new = (
            stack.enter_context(key_source.key_of(params["new_key"]))
            if params["new_key"] and state != "absent"
            else None
        )
        keys = keyslots.Keys(cryptsetup, params["device"], key, new, key_source.facts_of(params["new_key"]))
        before = keys.slots()
        plans = {"present": keyslots.plan_present, "rotated": keyslots.plan_rotated}
        actions = plans[state](before) if state in plans else keyslots.plan_absent(before, slot)
        if not check_mode:
            for action in actions:
                keys.step(action, slot)
        after = keys.slots()
    return {
        "changed": bool(actions),
        "actions": list(actions),
        "keyslots": list(after.every),
        "new_keyslots": list(after.new),
        "diff": {
            "before": {"keyslots": list(before.every)},
            "after": {"keyslots": list(after.every), **({"actions": list(actions)} if actions else {})},
        },
    }


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_if=[
            ("state", "absent", ["key", "keyslot"]),
            ("state", "present", ["key", "new_key"]),
            ("state", "rotated", ["key", "new_key"]),
        ],
    )
    try:
        with unforeseen("The keys could not be worked on"):
            result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
