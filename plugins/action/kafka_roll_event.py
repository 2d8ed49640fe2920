# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an event of a roll on the controller, without a connection to a host.

The module of the same name has the documentation.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils._errors import RackawareError
from ..module_utils._roll import events

SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "event": {"type": "str", "required": True},
    "broker": {"type": "int"},
    "brokers": {"type": "list", "elements": "int"},
    "fields": {"type": "dict", "default": {}},
    "new": {"type": "bool", "default": False},
}
KEPT = ("t", "event", "broker", "brokers")


class ActionModule(ActionBase):
    """The note."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Append one line, or begin with it."""
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=SPEC, mutually_exclusive=[("broker", "brokers")])
        taken = sorted(set(options["fields"]) & set(KEPT))
        if taken:
            raise AnsibleActionFail(
                "fields has %s, which is an option of its own or the time; take it out." % ", ".join(taken)
            )
        named = {name: options[name] for name in ("broker", "brokers") if options[name] is not None}
        (event,) = events.stamped([{"event": options["event"], **named, **options["fields"]}])
        if not self._task.check_mode:
            try:
                events.append(options["path"], [event], new=options["new"])
            except RackawareError as error:
                raise AnsibleActionFail(str(error)) from None
        # A note about the roll is no change to any host.
        return {"changed": False, "event": event}
