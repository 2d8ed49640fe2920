#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back up, remove and restore the header of an encrypted volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: luks_header_backup
short_description: Back up and restore the header of an encrypted volume, and remove the copy
version_added: "0.1.0"
description:
  - A LUKS volume without its header is lost. A copy of 16 MiB can restore it.
  - B(A copy is key material.) With it, every key that opened the volume at the time of the copy opens it again, also a
    key that was removed since. Destroy old copies after a rotation, and never store one beside the wrapped keys.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  device:
    description: The disk, by a persistent name, as below C(/dev/disk/by-id), or a loop device.
    type: path
    required: true
  uuid:
    description: The UUID that the volume must have.
    type: str
    required: true
  dest:
    description: The file of the copy, readable by root only.
    type: path
    required: true
  state:
    description:
      - V(present) copies the current header, and replaces an older copy of the same volume.
      - V(absent) overwrites and removes the copy. V(restored) writes the copy over the device's header.
      - A copy of an earlier volume is never restored, even with the same UUID, because each format makes a new volume
        key.
    type: str
    choices: [present, absent, restored]
    default: present
  confirm_uuid:
    description: The value of O(uuid) again, to confirm O(state=restored) when the header differs.
    type: str
  marker_dir:
    description:
      - The directory in which this host remembers its encrypted disks.
      - A copy is restored to a disk without a header only when the disk and the volume key of the copy are remembered
        here.
    type: path
    default: /var/lib/kafka-luks
requirements:
  - cryptsetup >= 2.4.3
seealso:
  - module: rackaware.kafka.luks_volume
"""

EXAMPLES = r"""
- name: Back up the header
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

from dataclasses import replace

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
        found = header.scan(device).header
        actions = header_backup.plan_present(found, copy, uuid, dest)
        if not check_mode:
            _note_key(format_record.path_of(device, params["marker_dir"]), found)
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


def _note_key(path: str, found: header.Header | None) -> None:
    """Note the digest of the volume key where the record has none, as that of a store opened by an earlier release."""
    record = format_record.load(path)
    if record is not None and found is not None and record.uuid == found.uuid and not record.key_digest:
        format_record.save(path, replace(record, key_digest=found.key_digest))


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
