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
  - Enables and starts the units that P(rackaware.kafka.encrypted_store_files#filter) made, and waits until the stores are mounted.
  - A store that stays locked fails the task with the reason that the unlocker gives; the unit goes on trying, and opens the store once it may.
  - Does not format, decrypt or open anything itself.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
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
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _store_units
from ..module_utils._errors import RackawareError

SPEC = {
    "stores": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"store": {"type": "str", "required": True}, "mount": {"type": "str", "required": True}},
    },
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0755"},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    """Look, decide, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        root = _store_units.Root(params["owner"], params["group"], params["mode"])
        stores = _store_units.stores(params["stores"])
        seen = _store_units.show([unit for each in stores for unit in each.units], module.run_command) if stores else {}
        plans = [(each, _store_units.plan(each, seen, root)) for each in stores]
        if not module.check_mode:
            _store_units.apply(plans, root, module.run_command, timeout=params["timeout"])
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    told = [{"store": each.name, "mount": each.mount, "actions": steps} for each, steps in plans]
    changed = [each for each in told if each["actions"]]
    diff = {"before": {each["store"]: "to do" for each in changed}, "after": {each["store"]: each["actions"] for each in changed}}
    module.exit_json(changed=bool(changed), stores=told, diff=diff)


if __name__ == "__main__":
    main()
