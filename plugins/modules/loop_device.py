#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach a file to a loop device."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_device
short_description: Attach a file to a loop device
version_added: "0.1.0"
description:
  - Creates a file of a given size, once, and attaches it to a loop device.
  - Finds an attached file by its inode, so that it is never attached twice.
  - Neither resizes nor overwrites an existing file.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  path:
    description: The file; its directory must exist.
    type: path
    required: true
  size:
    description: Its size, such as V(2G); needed when the file does not exist.
    type: str
  allocate:
    description: V(full) reserves the space of the file when it is created, V(sparse) does not.
    type: str
    choices: [full, sparse]
    default: full
  direct_io:
    description: Whether reads and writes bypass the page cache, which would otherwise hold all data twice. Not every
      file system supports it.
    type: bool
    default: true
  sector_size:
    description: The size of a sector of the loop device.
    type: int
    choices: [512, 1024, 2048, 4096]
    default: 4096
  offset:
    description: The offset in the file at which the device begins, in bytes.
    type: int
    default: 0
  read_only:
    description: Whether the device is read-only.
    type: bool
    default: false
  state:
    description:
      - V(attached) attaches the file, V(detached) detaches it. V(absent) detaches and deletes it.
      - A device in use is never detached.
    type: str
    choices: [attached, detached, absent]
    default: attached
  confirm_path:
    description: The value of O(path) again, to confirm O(state=absent).
    type: path
requirements:
  - losetup of util-linux >= 2.30
"""

EXAMPLES = r"""
- name: Back a volume with a file
  rackaware.kafka.loop_device:
    path: /var/lib/secretfs.img
    size: 2G
  register: store
"""

RETURN = r"""
actions:
  description: The steps that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [create, attach]
device:
  description: The loop device; empty when there is none, and in check mode when it would be attached.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._command import run
from ..module_utils._disk import loop
from ..module_utils._errors import RackawareError

SPEC = {
    "path": {"type": "path", "required": True},
    "size": {"type": "str"},
    "allocate": {"type": "str", "choices": [loop.FULL, loop.SPARSE], "default": loop.FULL},
    "direct_io": {"type": "bool", "default": True},
    "sector_size": {"type": "int", "choices": [512, 1024, 2048, 4096], "default": 4096},
    "offset": {"type": "int", "default": 0},
    "read_only": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": [loop.ATTACHED, loop.DETACHED, loop.ABSENT], "default": loop.ATTACHED},
    "confirm_path": {"type": "path"},
}


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        options = {
            name: params[name] for name in ("path", "allocate", "direct_io", "sector_size", "offset", "read_only")
        }
        wanted = loop.Wanted(size=loop.bytes_of(params["size"]) if params["size"] else 0, **options)
        before = loop.attached(wanted)
        actions = loop.plan(
            loop.file_of(wanted.path), loop.loops(), wanted, state=params["state"], confirm_path=params["confirm_path"]
        )
        if not module.check_mode:
            for action in actions:
                loop.step(action, wanted, run)
        after = before if module.check_mode or not actions else loop.attached(wanted)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    shown = {"before": {"attached": before is not None}, "after": {"attached": params["state"] == loop.ATTACHED}}
    if actions:
        shown["after"]["actions"] = list(actions)
    module.exit_json(changed=bool(actions), actions=list(actions), device=after.device if after else "", diff=shown)


if __name__ == "__main__":
    main()
