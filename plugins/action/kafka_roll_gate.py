# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the gate; a host that cannot be reached is a failure like any other.

The module of the same name has the documentation.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The module of the same name. A rescue never sees an unreachable host: a broker would stay down, the lock held."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask."""
        super().run(tmp, task_vars)
        try:
            answer = self._execute_module(module_args=self._task.args, task_vars=task_vars)
            why = str(answer.get("msg")) if answer.get("unreachable") else None
        except AnsibleConnectionFailure as error:
            answer, why = {}, str(error)
        if why is None:
            return answer
        host = self._task.delegate_to or (task_vars or {}).get("inventory_hostname", "The host")
        return {
            "failed": True,
            "msg": "%s, from which the cluster is asked, cannot be reached (%s); bring it back."
            " See docs/runbooks/broker_down.md." % (host, why.strip().rstrip(".")),
        }
