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
  - Looks at all data volumes of a host before it changes any, and changes none when one of them cannot be used.
  - A volume with an XFS file system is kept as it is. A blank one gets an XFS. Anything else, anything in use and anything that
    cannot be read is refused.
  - A disk looks blank when the kernel lets it be opened exclusively, it has no partitions, holders, mounts or swap, C(blkid) finds nothing, and zeros
    are read in its first and last 16 MiB, wherever XFS, ext, btrfs, LVM, LUKS or md keep second copies, and in hundreds or thousands of blocks spread
    over the rest; and no mount unit on the host remembers a file system on it.
  - Looking blank is not enough. A disk that looks blank is formatted when EC2 proves that it is new (O(proven)), when every byte of it was read and is
    zero (up to 16 GiB without being asked, larger ones with O(read_whole)), or when a person declares that very disk to be blank
    (O(declared_blank)).
  - Each file system is mounted by its UUID through a systemd unit that is wanted by C(multi-user.target), so that a lost disk never keeps the host
    from booting. The mount option C(nofail) is always there.
  - While a volume is not mounted, its mount point is a directory that nobody may enter.
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
        description: The id of an EBS volume that is attached to this instance; the kernel's name for it does not matter.
        type: str
      path:
        description: The disk's lasting name below C(/dev/disk/by-id), where it is no EBS volume.
        type: str
      mount:
        description: Where it is mounted; made when it is missing.
        type: str
        required: true
  owner:
    description: Who owns the root directory of each mounted volume.
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
      - Ids of volumes that are known to be new from outside this host, as M(rackaware.kafka.ebs_blank_proof) returns them.
      - Such a volume is still refused when anything is found on it.
    type: list
    elements: str
    default: []
  read_whole:
    description:
      - Names, as in O(volumes), of disks larger than 16 GiB that may be read from end to end before they are formatted, however long that takes;
        500 GiB take more than an hour at 125 MiB/s. The read stops at the first byte that is not zero.
      - Check mode does not read them, and predicts that they are blank.
    type: list
    elements: str
    default: []
  declared_blank:
    description:
      - Names, as in O(volumes), of disks that a person declares to be blank, instead of a read from end to end.
      - Such a disk is still refused when anything is found on it, and thousands of blocks are looked at.
    type: list
    elements: str
    default: []
  timeout:
    description: How many seconds to wait for a disk that was just attached, and for the link to a new file system.
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
      description: What the kernel calls the disk now.
      type: str
    uuid:
      description: The file system's UUID, V(null) in check mode for one that would be made.
      type: str
    mount:
      description: The mount point.
      type: str
    state_before:
      description: What was found, V(blank), V(xfs) or V(mounted).
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
