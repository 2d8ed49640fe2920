# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the report of a roll on the controller, without a connection to a host.

The module of the same name has the documentation.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils import _local_file
from ..module_utils._errors import RackawareError
from ..module_utils._report import page
from ..module_utils._report import roll as report_roll
from ..module_utils._roll import events

SPEC: dict[str, dict[str, Any]] = {
    "events": {"type": "path", "required": True},
    "plan": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):
    """The report."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read what the roll wrote, write a page and the same as data beside it."""
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=SPEC)
        stem, ending = os.path.splitext(options["events"])
        if ending in (".html", ".json"):
            raise AnsibleActionFail(
                "events is %s, but the report is written to names with that ending; give it another, as .jsonl."
                % options["events"]
            )
        what = "The roll's report"
        written = {"page": stem + ".html", "data": stem + ".json"}
        if not self._task.check_mode:
            try:
                roll = report_roll.model(events.read(options["events"]), options["plan"])
                _local_file.write(written["data"], json.dumps(roll, indent=1) + "\n", what)
                _local_file.write(written["page"], page.roll_page(roll), what)
            except RackawareError as error:
                raise AnsibleActionFail(str(error)) from None
        # A report is no change to any host.
        return {"changed": False, **written}
