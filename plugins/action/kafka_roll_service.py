# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop or start the service of a node in its turn, and write down when. Its options are documented in the module of the same name."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils import _roll_events
from ..module_utils._errors import RackawareError
from ..module_utils._unit import service

SPEC: dict[str, dict[str, Any]] = {
    "kind": {"type": "str", "choices": ["broker", "controller", "zookeeper"], "required": True},
    "node": {"type": "int", "required": True},
    "state": {"type": "str", "choices": ["stopped", "started"], "required": True},
    "events": {"type": "path"},
}
# systemd reads unit files again before a start: what was staged may have been one.
COMMANDS = {"stopped": "systemctl stop %s", "started": "systemctl daemon-reload && systemctl start %s"}


class ActionModule(ActionBase):
    """The stop or start."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Note, do, note."""
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=SPEC)
        unit, state = service(options["kind"]).unit, options["state"]
        if self._task.check_mode:
            return {"changed": True, "seconds": 0.0}
        if state == "stopped":
            try:
                self._note(options, "stopping")
            except RackawareError as error:
                raise AnsibleActionFail(str(error)) from None
        begun = time.monotonic()
        host = (task_vars or {}).get("inventory_hostname", "the host")
        # An unreachable host would drop out of the play without a rescue: here it fails like any other.
        try:
            done = self._low_level_execute_command(COMMANDS[state] % unit)
        except AnsibleConnectionFailure as error:
            raise AnsibleActionFail("%s cannot be reached (%s), so that %s was not %s; look at the host." % (host, _said(str(error)), unit, state)) from None
        if done["rc"] != 0:
            said = _said(done["stderr"] or done["stdout"]) or "systemctl ended with %s" % done["rc"]
            raise AnsibleActionFail("%s was not %s on %s: %s; look at its log there." % (unit, state, host, said))
        try:
            self._note(options, state)
        except RackawareError as error:
            # The node is down or up by now, and must not stay so because the report lacks a line.
            Display().warning(str(error))
        return {"changed": True, "seconds": round(time.monotonic() - begun, 3)}

    def _note(self, options: dict[str, Any], event: str) -> None:
        if options["events"]:
            _roll_events.append(options["events"], _roll_events.stamped([_roll_events.of(options["kind"], event, options["node"])]))


def _said(text: str) -> str:
    """The last line, without its full stop."""
    lines = text.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else ""
