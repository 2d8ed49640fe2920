#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the instance stores of a host, and what is on them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_store_info
short_description: Read the instance stores of a host, and what is on them
version_added: "0.1.0"
description:
  - Lists the host's NVMe disks from the kernel, without a call to AWS. Judges what is on them without a write.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  include_ebs:
    description: Whether to list EBS volumes and other NVMe disks, too.
    type: bool
    default: false
  models:
    description: Shell patterns of the models that count as instance stores.
    type: list
    elements: str
    default: [Amazon EC2 NVMe Instance Storage]
  subsystem:
    description: The prefix of the subsystem in the header of our own encrypted volumes. They are listed as
      V(luks_ours).
    type: str
    default: ""
  hardware_encrypted:
    description:
      - Whether the instance type encrypts its stores in hardware, as C(instance_store.encrypted) of
        M(rackaware.kafka.instance_type_info) says. The host itself cannot know.
    type: bool
  marker_dir:
    description: The directory in which this host remembers its encrypted disks.
    type: path
    default: /var/lib/kafka-luks
"""

EXAMPLES = r"""
- name: Find the instance stores
  rackaware.kafka.instance_store_info:
    subsystem: kafka-
  register: stores
"""

RETURN = r"""
disks:
  description: The disks, in order of their kernel names, which may differ after the next boot.
  returned: success
  type: list
  elements: dict
  contains:
    device:
      description: The kernel's name.
      type: str
    by_id:
      description: The persistent path below C(/dev/disk/by-id); empty where udev made none.
      type: str
    model:
      description: The model.
      type: str
    serial:
      description: The serial number.
      type: str
    size_bytes:
      description: The size.
      type: int
    kind:
      description: V(instance_store), V(ebs) or V(other).
      type: str
    ebs_volume_id:
      description: The id of an EBS volume.
      type: str
    ebs_device_name:
      description: The device name in the request that attached the EBS volume; empty when unknown.
      type: str
    logical_sector:
      description: Bytes of a logical sector.
      type: int
    physical_sector:
      description: Bytes of a physical sector.
      type: int
    holders:
      description: Kernel names of the devices on top of it.
      type: list
      elements: str
    mountpoint:
      description: Where the disk itself is mounted.
      type: str
    state:
      description:
        - What is on the disk. V(blank), V(luks_ours), V(luks_foreign), V(filesystem), V(partitioned), V(data) for data
          without a signature, V(in_use) or V(unreadable).
      type: str
    uuid:
      description: The UUID of the volume or file system.
      type: str
    subsystem:
      description: The subsystem of a LUKS volume.
      type: str
    remembered:
      description: The UUID of the encrypted volume that this host remembers on the disk, also when its header is lost.
      type: str
hardware_encrypted:
  description: The option of the same name.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._command import run
from ..module_utils._errors import RackawareError
from ..module_utils._luks import format_record, instance_store

SPEC = {
    "include_ebs": {"type": "bool", "default": False},
    "models": {"type": "list", "elements": "str", "default": [instance_store.STORE_MODEL]},
    "subsystem": {"type": "str", "default": ""},
    "hardware_encrypted": {"type": "bool"},
    "marker_dir": {"type": "path", "default": format_record.DIRECTORY},
}


def main() -> None:
    """Look, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        disks = instance_store.disks(models=params["models"])
        chosen = [disk for disk in disks if params["include_ebs"] or disk.kind == instance_store.INSTANCE_STORE]
        judged = [
            instance_store.judged(disk, run, subsystem=params["subsystem"], marker_dir=params["marker_dir"]).as_dict()
            for disk in chosen
        ]
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(changed=False, disks=judged, hardware_encrypted=params["hardware_encrypted"])


if __name__ == "__main__":
    main()
