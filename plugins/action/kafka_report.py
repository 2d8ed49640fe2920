# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the report of a cluster on the controller, without a connection to a host.

The module of the same name has the documentation.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils import _local_file
from ..module_utils._errors import RackawareError
from ..module_utils._report import page

SPEC: dict[str, dict[str, Any]] = {
    "model": {"type": "dict", "required": True},
    "dest": {"type": "path", "required": True},
}


class ActionModule(ActionBase):
    """The page."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Render the model and write the page."""
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=SPEC)
        try:
            text = page.cluster_page(options["model"])
            if not self._task.check_mode:
                _local_file.write(options["dest"], text, "The page")
        except RackawareError as error:
            raise AnsibleActionFail(str(error)) from None
        # A report is no change to any host.
        return {"changed": False, "page": options["dest"]}
