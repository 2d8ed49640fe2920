#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep, remove and restore a copy of a volume's header."""

from __future__ import annotations

DOCUMENTATION = r"""
module: luks_header_backup
short_description: Keep, remove and restore a copy of a volume's header
version_added: "0.1.0"
description:
  - A LUKS volume without its header is lost; a copy of 16 MiB saves it.
  - B(A copy is key material.) With it, each key that opened the volume when it was made opens it again, also one that was removed since.
    Destroy old copies after a rotation, and never keep one where the wrapped keys are.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  device:
    description: The disk, by a name that outlives a boot, as below C(/dev/disk/by-id), or a loop device.
    type: path
    required: true
  uuid:
    description: The UUID that the volume must have.
    type: str
    required: true
  dest:
    description: The file with the copy; only root can read it.
    type: path
    required: true
  state:
    description:
      - V(present) is a copy of the header as it is now; an older copy of the same volume is replaced.
      - V(absent) overwrites and removes the file. V(restored) writes the copy over the device's header.
      - A copy of an earlier volume is not restored, also with the same UUID, as each format makes another volume key.
    type: str
    choices: [present, absent, restored]
    default: present
  confirm_uuid:
    description: The volume's UUID once more, for O(state=restored) when the header differs.
    type: str
  marker_dir:
    description:
      - Where this host remembers its encrypted disks.
      - It must know a disk without any header, and the volume key of the copy, before one is written to it.
    type: path
    default: /var/lib/kafka-luks
requirements:
  - cryptsetup >= 2.4.3
seealso:
  - module: rackaware.kafka.luks_volume
"""

EXAMPLES = r"""
- name: Keep a copy of the header
  rackaware.kafka.luks_header_backup:
    device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS22D0EC0D5AD8F5B37
    uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
    dest: /root/kafka-d0.header
"""

RETURN = r"""
actions:
  description: The steps that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [copy]
dest:
  description: The file.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._command import run
from ..module_utils._disk import probe
from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._luks import format_record, header, header_backup, volume
from ..module_utils._luks.cryptsetup import Cryptsetup

SPEC = {
    "device": {"type": "path", "required": True},
    "uuid": {"type": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
    "confirm_uuid": {"type": "str"},
    "marker_dir": {"type": "path", "default": format_record.DIRECTORY},
}


def work(params: dict, *, check_mode: bool) -> dict:
    """Look, decide, do."""
    device, uuid, dest = params["device"], params["uuid"], params["dest"]
    if not volume.UUID.fullmatch(uuid):
        raise volume.LuksError("%s is no UUID; write it as 8-4-4-4-12 lower-case hexadecimal digits." % uuid)
    cryptsetup = Cryptsetup(run)
    cryptsetup.require()
    copy = header_backup.read(dest)
    if params["state"] == "absent":
        actions = header_backup.plan_absent(copy, uuid, dest)
    elif params["state"] == "present":
        actions = header_backup.plan_present(header.scan(device).header, copy, uuid, dest)
    else:
        seen = probe.probe(device, run)
        if seen.error:
            raise volume.LuksError("%s cannot be judged: %s; nothing was restored." % (device, seen.error))
        marker = format_record.load(format_record.path_of(device, params["marker_dir"]))
        actions = header_backup.plan_restored(
            header.scan(device),
            copy=copy,
            uuid=uuid,
            confirm_uuid=params["confirm_uuid"],
            used=seen.what if seen.state == probe.IN_USE else "",
            signed=volume.is_signed(seen),
            remembered=marker.key_digest if marker is not None and marker.uuid == uuid else "",
            dest=dest,
        )
    if not check_mode:
        for action in actions:
            header_backup.step(action, cryptsetup=cryptsetup, device=device, dest=dest)
    diff = {
        "before": {"copy": copy is not None},
        "after": {"copy": params["state"] != "absent", **({"actions": list(actions)} if actions else {})},
    }
    return {"changed": bool(actions), "actions": list(actions), "dest": dest, "diff": diff}


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        with unforeseen("The header could not be worked on"):
            result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
