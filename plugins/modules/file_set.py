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
  - While the unit in O(held_by) runs, a file that would change is written beside its place, with C(.staged) behind its name.
  - So what a running service would read at its next start, also when it crashes, is what it reads now, until its turn comes.
  - A staged file that is no longer wanted is removed.
  - No text of a file is in the host's journal, in the output of C(-vvv), in what a callback keeps, or in the result.
  - In diffs, private keys, JAAS configurations and what stands behind names like password, secret, token or key are left out. A secret under a name
    that does not say so is shown there; set C(diff=false) for such a task.
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
      - Whether it is this service's turn, so that everything goes in place even while it runs.
      - For plays that stop and start the service right after.
    type: bool
    default: false
  directories:
    description: Directories to make first; they are never staged.
  files:
    description: The files.
    required: true
  contents:
    description:
      - The texts of O(files) on their way to the host. The action plugin of this module packs them, and refuses this option in a playbook.
    type: str
"""

EXAMPLES = r"""
- name: Write what the broker reads
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
  description: The files that changed, or whose staged version did, by their places.
  returned: success
  type: list
  elements: str
staged:
  description: The files that wait for the service's turn, by their places.
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
        steps = staging.decide(
            staging.unpack(params),
            held=service_state.runs(params["held_by"], module.run_command),
            promote=params["promote"],
        )
        if not module.check_mode:
            for path, wanted in directories:
                staging.make_directory(path, wanted)
            for step in steps:
                staging.apply(step)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    except Exception as error:  # A trace could quote a text.
        module.fail_json(
            msg="The files could not be written (%s); report this as a bug." % type(error).__name__, exception=None
        )
    changed = [step for step in steps if step.changed]
    module.exit_json(
        changed=bool(directories or changed),
        changed_files=[step.dest for step in changed],
        staged=[step.dest for step in steps if step.waits],
        # Only where it is asked for: without --diff it would still be in the output of -vvv, and in what a callback keeps.
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
