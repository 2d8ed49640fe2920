#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write all files that a service reads, and stage them while it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_set
short_description: Write all files that a service reads, and stage them while it runs
version_added: "0.1.0"
description:
  - Writes directories and files as one set, each file atomically.
  - While the unit in O(held_by) runs, a file that would change is staged, which means that it is written beside its
    place with the suffix C(.staged).
  - So a running service that crashes starts again with the files that it runs with. Only a start in its maintenance
    window promotes the staged files.
  - A staged file that is no longer needed is removed.
  - The texts of files appear neither in the host's journal, nor in the output of C(-vvv), nor in callbacks, nor in the
    result.
  - Diffs mask private keys, JAAS configurations and the values of names like password, secret, token or key. A diff
    shows a secret under any other name; set C(diff=false) for such a task.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.files
options:
  held_by:
    description: The systemd unit that reads the files.
    type: str
    required: true
  promote:
    description:
      - Whether files go in place even while the service runs, because this is its maintenance window.
      - Use it in plays that restart the service right after.
    type: bool
    default: false
  directories:
    description: Directories to make first. They are never staged.
  files:
    description: The files.
    required: true
  promoted:
    description: Further files that the service reads, which another task stages. What is staged of them goes in place
      with O(files).
    type: list
    elements: path
    default: []
  contents:
    description:
      - The packed texts of O(files) on their way to the host. The action plugin of this module sets it, and refuses it
        in a playbook.
    type: str
"""

EXAMPLES = r"""
- name: Write the broker's files
  rackaware.kafka.file_set:
    held_by: kafka.service
    directories:
      - {path: /etc/kafka, owner: root, group: kafka, mode: "0750"}
    files:
      - dest: /etc/kafka/broker.properties
        content: "{{ broker_properties }}"
        owner: root
        group: kafka
        mode: "0640"
"""

RETURN = r"""
changed_files:
  description: The paths of files that changed, in place or staged.
  returned: success
  type: list
  elements: str
staged:
  description: The paths of files that are staged for the service's next maintenance window.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import service_state, staging


def main() -> None:
    """Look, decide, write, report."""
    module = AnsibleModule(argument_spec=staging.MODULE_SPEC, supports_check_mode=True)
    params = module.params
    try:
        directories = staging.missing_directories(params["directories"])
        turn = {
            "held": service_state.runs(params["held_by"], module.run_command),
            "promote": params["promote"],
        }
        steps = staging.decide(staging.unpack(params), **turn)
        due = staging.due(params["promoted"], **turn)
        if not module.check_mode:
            for path, attributes in directories:
                staging.make_directory(path, attributes)
            for step in steps:
                staging.apply(step)
            for path in due:
                staging.put_in_place(path)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    except Exception as error:  # A trace could quote a text.
        module.fail_json(
            msg="The files could not be written (%s); report this as a bug." % type(error).__name__, exception=None
        )
    changed = [step for step in steps if step.changed]
    module.exit_json(
        changed=bool(directories or changed or due),
        changed_files=[step.dest for step in changed] + due,
        staged=[step.dest for step in steps if step.waits],
        # Only with --diff: otherwise it would still be in the output of -vvv, and in what a callback keeps.
        **(
            {
                "diff": [staging.diff(step) for step in changed]
                + [{"prepared": "directory %s\n" % path} for path, _ in directories]
            }
            if module._diff
            else {}
        ),
    )


if __name__ == "__main__":
    main()
