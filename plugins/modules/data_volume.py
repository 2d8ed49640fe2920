#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a host's data volumes, and format only those that are proven blank."""

from __future__ import annotations

DOCUMENTATION = r"""
module: data_volume
short_description: Mount data volumes, and format those that are proven blank
version_added: "0.1.0"
description:
  - Judges all data volumes of a host before it changes any. It changes none when one of them cannot be used.
  - Keeps a volume with an XFS file system as it is, and makes an XFS on a volume that is proven blank. Refuses anything
    else, anything in use and anything that cannot be read.
  - A disk looks blank when all of this is so. The kernel opens it exclusively. It has no partitions, holders, mounts or
    swap. C(blkid) finds nothing. Its first and last 16 MiB are zeros, and so are the places where XFS, ext, btrfs, LVM,
    LUKS or md keep second copies, and hundreds or thousands of blocks spread over the rest. No mount unit on the host
    remembers a file system on it.
  - Looking blank is not enough. A disk that looks blank is formatted only with one of three proofs. EC2 proves that it
    is new (O(proven)). Or every byte of it was read and is zero, which is done for disks up to 16 GiB, and for larger
    ones with O(read_whole). Or a person declares that very disk to be blank (O(declared_blank)).
  - Mounts each file system by its UUID through a systemd unit that C(multi-user.target) wants, so that a lost disk
    never keeps the host from booting. Always adds the mount option C(nofail).
  - While a volume is not mounted, its mount point is a directory that only root may enter.
  - There is no option to format a disk that is not blank.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
requirements:
  - blkid of util-linux
  - mkfs.xfs of xfsprogs
  - systemd with udev
options:
  volumes:
    description: All data volumes of the host.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The id of an EBS volume that is attached to this instance, whatever the kernel calls it.
        type: str
      path:
        description: For a disk that is no EBS volume, its persistent name below C(/dev/disk/by-id).
        type: str
      mount:
        description: The mount point. The module makes it when it is missing.
        type: str
        required: true
  owner:
    description: The owner of the root directory of each mounted volume.
    type: str
    default: root
  group:
    description: The group of the root directory of each mounted volume.
    type: str
    default: root
  mode:
    description: The octal mode of the root directory of each mounted volume.
    type: str
    default: "0750"
  mount_options:
    description: The mount options; a mounted volume is remounted when they change.
    type: list
    elements: str
    default: [noatime, nodev, nosuid, noexec]
  proven:
    description:
      - Ids of volumes that EC2 proves to be new, as M(rackaware.kafka.ebs_blank_proof) returns them.
      - A volume with anything on it is refused all the same.
    type: list
    elements: str
    default: []
  read_whole:
    description:
      - Names, as in O(volumes), of disks larger than 16 GiB that may be read from end to end before they are formatted.
        The read stops at the first byte that is not zero. 500 GiB take more than an hour at 125 MiB/s.
      - Check mode does not read them, and assumes that they are blank.
    type: list
    elements: str
    default: []
  declared_blank:
    description:
      - Names, as in O(volumes), of disks that a person declares to be blank, instead of a read from end to end.
      - The module still reads thousands of its blocks. A disk with anything on it is refused all the same.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for a disk that was just attached, and for udev's link to a new file system.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Mount the data volumes
  rackaware.kafka.data_volume:
    volumes:
      - id: vol-0123456789abcdef0
        mount: /var/lib/kafka/data0
      - path: /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data1
        mount: /var/lib/kafka/data1
    owner: kafka
    group: kafka

- name: Format a volume that was restored to zeros by hand, after reading all of it
  rackaware.kafka.data_volume:
    volumes:
      - id: vol-0123456789abcdef0
        mount: /var/lib/kafka/data0
    read_whole: [vol-0123456789abcdef0]
"""

RETURN = r"""
volumes:
  description: The volumes in the given order, as they are after the run; in check mode, as they would be.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The EBS volume's id, where it was given.
      type: str
    path:
      description: The disk's path, where it was given.
      type: str
    device:
      description: The kernel's name of the disk, until the next boot.
      type: str
    uuid:
      description: The file system's UUID, V(null) in check mode for one that would be made.
      type: str
    mount:
      description: The mount point.
      type: str
    state_before:
      description: The state before the run, V(blank), V(xfs) or V(mounted).
      type: str
    formatted:
      description: Whether this run formatted it.
      type: bool
    mounted:
      description: Whether this run mounted it.
      type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._disk import volume_plan, volumes
from ..module_utils._disk.blank_proof import Permit
from ..module_utils._errors import RackawareError

VOLUME = {"id": {"type": "str"}, "path": {"type": "str"}, "mount": {"type": "str", "required": True}}
SPEC = {
    "volumes": {"type": "list", "elements": "dict", "required": True, "options": VOLUME},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0750"},
    "mount_options": {"type": "list", "elements": "str", "default": ["noatime", "nodev", "nosuid", "noexec"]},
    "proven": {"type": "list", "elements": "str", "default": []},
    "read_whole": {"type": "list", "elements": "str", "default": []},
    "declared_blank": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 60},
}


def main() -> None:
    """Look, judge, change, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    permit = Permit(tuple(params["proven"]), tuple(params["declared_blank"]), tuple(params["read_whole"]))
    root = volume_plan.Root(params["owner"], params["group"], params["mode"])
    try:
        volume_plan.demand(root, params["mount_options"])
        judged = volumes.judge(
            params["volumes"], module.run_command, timeout=params["timeout"], permit=permit, read=not module.check_mode
        )
        plans = volume_plan.plan(judged, root, params["mount_options"], names=not module.check_mode)
        changed = any(plan.needed for plan in plans)
        if changed and not module.check_mode:
            volume_plan.apply(plans, root, module.run_command, timeout=params["timeout"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    diff = {side: {plan.volume.name: getattr(plan, side) for plan in plans} for side in ("before", "after")}
    module.exit_json(changed=changed, volumes=[plan.as_dict() for plan in plans], diff=diff)


if __name__ == "__main__":
    main()
