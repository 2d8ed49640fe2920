#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a ZooKeeper node its id, once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zookeeper_id
short_description: Give a ZooKeeper node its id, once
version_added: "0.1.0"
description:
  - Writes C(myid) into a data directory that has none.
  - Refuses a directory with another id, or with data of a node but no id, and never changes it.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  id:
    description: The node's id, 1 to 255.
    type: int
    required: true
  data_dir:
    description: The node's data directory. It is made when it is missing; its parent must exist.
    type: path
    required: true
  user:
    description: The owner of directory and file; needs root.
    type: str
"""

EXAMPLES = r"""
- name: Give the node its id
  rackaware.kafka.zookeeper_id:
    id: 1
    data_dir: /var/lib/zookeeper/data
    user: kafka
"""

RETURN = r"""
id:
  description: The id in the data directory, after the run.
  type: int
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import myid

SPEC = {
    "id": {"type": "int", "required": True},
    "data_dir": {"type": "path", "required": True},
    "user": {"type": "str"},
}


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        needed = myid.needed(params["data_dir"], params["id"])
        if needed and not module.check_mode:
            myid.write(params["data_dir"], params["id"], params["user"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=needed,
        id=params["id"],
        diff={"before": "" if needed else "%d\n" % params["id"], "after": "%d\n" % params["id"]},
    )


if __name__ == "__main__":
    main()
