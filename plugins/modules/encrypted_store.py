#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open and mount encrypted stores by their units."""

from __future__ import annotations

DOCUMENTATION = r"""
module: encrypted_store
short_description: Open and mount encrypted stores by their units
version_added: "0.1.0"
description:
  - Writes the files that P(rackaware.kafka.encrypted_store_files#filter) made, enables and starts the units, and waits until the stores are mounted.
  - Before anything is written, the keys in the new configuration of each store are compared with the tokens in the header of the volume that is there,
    whether it is open or closed. Where no key is one that opens it, the run fails, because the store would stay locked at its next boot.
    Of two keys, as during a rotation, one is enough.
  - A store that stays locked fails the task with the reason that the unlocker gives; the unit goes on trying, and opens the store once it may.
  - Does not format, decrypt or open anything itself.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.files
options:
  directories:
    description: Directories to make before the files.
  files:
    description:
      - The files to write first, at once also while a store is open, because what is open stays so, and the next boot must know the keys as they are now.
      - None leaves the files as they are.
    default: []
  stores:
    description: The stores.
    type: list
    elements: dict
    required: true
    suboptions:
      store:
        description: The store's name.
        type: str
        required: true
      mount:
        description: Its mount point.
        type: str
        required: true
  owner:
    description: Who owns the root directory of each mounted store.
    type: str
    default: root
  group:
    description: The group of the root directory of each mounted store.
    type: str
    default: root
  mode:
    description: The octal mode of the root directory of each mounted store.
    type: str
    default: "0755"
  timeout:
    description: How many seconds to wait for stores that wait themselves, for the network or for a throttled service.
    type: int
    default: 120
seealso:
  - module: rackaware.kafka.luks_volume
"""

EXAMPLES = r"""
- name: Open the stores
  rackaware.kafka.encrypted_store:
    stores:
      - {store: d0, mount: /var/lib/kafka/data0}
    owner: kafka
    group: kafka
    mode: "0750"

- name: Write what opens the stores at each boot, and open them
  rackaware.kafka.encrypted_store:
    stores:
      - {store: d0, mount: /var/lib/kafka/data0}
    directories: "{{ file_set.directories }}"
    files: "{{ file_set.files }}"
  vars:
    file_set: "{{ stores | rackaware.kafka.encrypted_store_files(as_file_set=true) }}"
"""

RETURN = r"""
stores:
  description: The stores in the given order.
  returned: success
  type: list
  elements: dict
  contains:
    store:
      description: The store's name.
      type: str
    mount:
      description: Its mount point.
      type: str
    actions:
      description: The steps that were done, or would be in check mode, of V(reload), V(enable), V(open), V(mount) and V(own).
      type: list
      elements: str
changed_files:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _files, _store_keys, _store_units
from ..module_utils._errors import RackawareError

SPEC = {
    "stores": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"store": {"type": "str", "required": True}, "mount": {"type": "str", "required": True}},
    },
    "directories": _files.DIRECTORIES_SPEC,
    "files": {**_files.FILES_SPEC, "default": []},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0755"},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    """Compare, write, look, decide, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params, written = module.params, []
    try:
        root = _store_units.Root(params["owner"], params["group"], params["mode"])
        stores = _store_units.stores(params["stores"])
        _store_keys.check(params["files"], [each.name for each in stores])
        directories = _files.missing_directories(params["directories"])
        files = [step for step in _files.decide(params["files"], held=False, promote=True) if step.changed]
        if not module.check_mode:
            for path, wanted in directories:
                _files.make_directory(path, wanted)
            for step in files:
                _files.apply(step)
                written.append(step.dest)
        # Asked when the files are in place: systemd then says which units it has to read anew.
        seen = _store_units.show([unit for each in stores for unit in each.units], module.run_command) if stores else {}
        plans = [(each, _store_units.plan(each, seen, root)) for each in stores]
        if not module.check_mode:
            _store_units.apply(plans, root, module.run_command, timeout=params["timeout"])
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None, changed=bool(written), changed_files=written)
    told = [{"store": each.name, "mount": each.mount, "actions": steps} for each, steps in plans]
    changed = [each for each in told if each["actions"]]
    diff = [_files.diff(step) for step in files] + [{"prepared": "directory %s\n" % path} for path, _wanted in directories]
    diff.append({"before": {each["store"]: "to do" for each in changed}, "after": {each["store"]: each["actions"] for each in changed}})
    changed_files = [step.dest for step in files]
    module.exit_json(changed=bool(changed or files or directories), stores=told, changed_files=changed_files, diff=diff)


if __name__ == "__main__":
    main()
