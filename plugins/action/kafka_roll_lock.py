# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of the cluster; a host that cannot be reached fails a renewal.

The module of the same name has the documentation.
"""

from __future__ import annotations

from typing import Any

from .kafka_roll_gate import ActionModule as Reached


class ActionModule(Reached):
    """The module of the same name. A run may take or release the lock without a lost host, but never renew it."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Renew, or pass on."""
        if self._task.args.get("state") == "renewed":
            return super().run(tmp, task_vars)
        return self._execute_module(module_args=self._task.args, task_vars=task_vars)
