# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack the texts of files before they travel, so that they are never shown or logged.

The module of the same name has the documentation.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._host import staging


class ActionModule(ActionBase):
    """The module of the same name, with its texts packed."""

    TRANSFERS_FILES = False
    SPEC = staging.SET_SPEC
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the options here, because a module would quote a wrong one; pack, run."""
        result = super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=staging.as_given(self.SPEC))
        wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
        result.update(
            self._execute_module(module_args=staging.pack(options), task_vars=task_vars, wrap_async=wrap_async)
        )
        return result
