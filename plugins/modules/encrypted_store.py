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
  - Writes the files that P(rackaware.kafka.encrypted_store_files#filter) returns, enables and starts the units, and
    waits until the stores are mounted.
  - Before it writes anything, it compares the keys in the new configuration of each store with the tokens in the header
    of the volume, whether the store is open or closed. It fails when no key opens the volume, because the store would
    stay locked at the next boot. During a rotation there are two keys, and one of them is enough.
  - A store that stays locked fails the task with the unlocker's reason. The unit keeps trying, and opens the store as
    soon as KMS allows it.
  - The module itself neither formats, decrypts nor opens anything. The units do.
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
      - The files to write first, also while a store is open. An open store stays open, and the next boot must know the
        current keys.
      - An empty list leaves the files as they are.
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
  state:
    description:
      - V(open) writes O(files), opens and mounts the stores.
      - V(closed) closes those that are open. Services that use them stop with them, so stop these first.
    type: str
    choices: [open, closed]
    default: open
  answer:
    description:
      - For O(state=closed), the answer of the gate that admits it. Nothing is closed when the answer is older than a
        minute, or when another run has claimed the host since, as with M(rackaware.kafka.kafka_roll_service).
    type: dict
    suboptions:
      owner:
        description: The owner of the lock of the cluster.
        type: str
        required: true
      answered:
        description: When the gate or the lock answered, in seconds since 1970.
        type: float
  contents:
    description:
      - The packed texts of O(files) on their way to the host. The action plugin of this module sets it, and refuses it
        in a playbook.
    type: str
  owner:
    description: The owner of the root directory of each mounted store.
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
    description: Seconds to wait for stores that wait for the network or for a throttled service.
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

- name: Write the files that open the stores at each boot, and open them
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
      description: The steps that were done, or would be in check mode. They are V(reload), V(enable), V(open),
        V(mount), V(own) and V(close).
      type: list
      elements: str
changed_files:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import claim, staging
from ..module_utils._stores import activate, keys

SPEC = activate.MODULE_SPEC


def main() -> None:
    """Compare, write, look, decide, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    written: list[str] = []
    try:
        result = _closed(module) if module.params["state"] == "closed" else _opened(module, written)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None, changed=bool(written), changed_files=written)
    except Exception as error:  # A trace could quote a text.
        module.fail_json(
            msg="The stores could not be worked on (%s); report this as a bug." % type(error).__name__, exception=None
        )
    module.exit_json(**result)


def _opened(module: AnsibleModule, written: list[str]) -> dict[str, Any]:
    """Write the files and open the stores; written lists the files that are in place, also after a failure."""
    params = module.params
    root = activate.Root(params["owner"], params["group"], params["mode"])
    stores = activate.stores(params["stores"])
    desired_files = staging.unpack(params)
    keys.check(desired_files, [store.name for store in stores])
    directories = staging.missing_directories(params["directories"])
    files = [step for step in staging.decide(desired_files, held=False, promote=True) if step.changed]
    if not module.check_mode:
        for path, attributes in directories:
            staging.make_directory(path, attributes)
        for step in files:
            staging.apply(step)
            written.append(step.dest)
    # Asked when the files are in place: systemd then says which units it has to read again.
    seen = activate.show([unit for store in stores for unit in store.units], module.run_command) if stores else {}
    plans = [(store, activate.plan(store, seen, root)) for store in stores]
    if not module.check_mode:
        activate.apply(plans, root, module.run_command, timeout=params["timeout"])
    results = [{"store": store.name, "mount": store.mount, "actions": steps} for store, steps in plans]
    changed = [result for result in results if result["actions"]]
    diff = [staging.diff(step) for step in files] + [
        {"prepared": "directory %s\n" % path} for path, _attributes in directories
    ]
    diff.append(
        {
            "before": {result["store"]: "to do" for result in changed},
            "after": {result["store"]: result["actions"] for result in changed},
        }
    )
    return {
        "changed": bool(changed or files or directories),
        "stores": results,
        "changed_files": [step.dest for step in files],
        **({"diff": diff} if module._diff else {}),
    }


def _closed(module: AnsibleModule) -> dict[str, Any]:
    """Close the open stores, on a fresh answer, because services that use them stop with them."""
    stores = activate.stores(module.params["stores"])
    seen = activate.show([store.units[0] for store in stores], module.run_command) if stores else {}
    # A store that waits for its key is closed, too, or it would open later.
    open_ = [store for store in stores if seen.get(store.units[0], {}).get("ActiveState") not in ("inactive", "failed")]
    if open_ and not module.check_mode:
        answer = module.params["answer"]
        if answer:
            claim.check(answer["owner"], answer["answered"], now=time.time())
        activate.close(open_, module.run_command)
    results = [
        {"store": store.name, "mount": store.mount, "actions": ["close"] if store in open_ else []} for store in stores
    ]
    return {"changed": bool(open_), "stores": results, "changed_files": []}


if __name__ == "__main__":
    main()
