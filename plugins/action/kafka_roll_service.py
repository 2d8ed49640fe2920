# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart the service of a node that the gate has admitted, and record the times.

The module of the same name has the documentation.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._config.units import service
from ..module_utils._errors import RackawareError
from ..module_utils._host import claim, staging
from ..module_utils._roll import events

SPEC: dict[str, dict[str, Any]] = {
    "kind": {"type": "str", "choices": ["broker", "controller", "zookeeper"], "required": True},
    "node": {"type": "int", "required": True},
    "state": {"type": "str", "choices": ["stopped", "started", "restarted"], "default": "restarted"},
    "directories": staging.DIRECTORIES_SPEC,
    "files": {**staging.FILES_SPEC, "default": []},
    "promoted": staging.PROMOTED_SPEC,
    "events": {"type": "path"},
    "answer": {
        "type": "dict",
        "options": {
            "owner": {"type": "str", "required": True},
            "answered": {"type": "float", "required": True},
            "down": {"type": "bool", "default": False},
        },
    },
}
FILES = "rackaware.kafka.file_set"
# Seconds after which a start continues without this task, because it may wait for ever, for example for an encrypted
# store. kafka_roll_wait watches whether the node comes back, and renews the lock meanwhile.
START_SECONDS = 20
# systemd reads unit files again before a start, because a unit file may have been staged. The job continues when its
# client ends. The unit, or a store, reports what it waits for, or why it failed.
START = (
    "systemctl daemon-reload && timeout %d systemctl start %%(unit)s; code=$?; "
    "[ $code = 0 ] || systemctl show --property=Id,StatusText %%(unit)s 'kafka-luks@*.service'; exit $code"
    % START_SECONDS
)
TIMED_OUT = 124


class ActionModule(ActionBase):
    """The stop, the start, or both, with staged files promoted after the stop."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Record, act, record."""
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        _, options = self.validate_argument_spec(argument_spec=SPEC)
        if options["state"] != "started" and options["answer"] is None:
            raise AnsibleActionFail(
                "state is %s, but answer is missing; pass who holds the lock, and when the gate answered."
                % options["state"]
            )
        if self._task.check_mode:
            return {"changed": True, "seconds": 0.0, "waits": None}
        begun, waits = time.monotonic(), None
        # Ansible drops an unreachable host from the play without a rescue. Here it is a failure like any other.
        try:
            if options["state"] != "started":
                self._stop(options)
                # At once, so that a reboot of the host starts the service with the staged files, too.
                self._promote(options)
            if options["state"] != "stopped":
                waits = self._start(options)
        except AnsibleConnectionFailure as error:
            raise AnsibleActionFail(self._unreachable(str(error))) from None
        return {"changed": True, "seconds": round(time.monotonic() - begun, 3), "waits": waits}

    def _stop(self, options: dict[str, Any]) -> None:
        try:
            self._note(options, "stopping")
        except RackawareError as error:
            raise AnsibleActionFail(str(error)) from None
        unit = service(options["kind"]).unit
        done = self._low_level_execute_command(claim.stop_command(unit, **options["answer"]))
        refused = claim.refusal(done["rc"], _said(done["stderr"]))
        if refused:
            raise AnsibleActionFail(
                "%s was not stopped on %s: %s. See docs/runbooks/lock_held.md." % (unit, self._host, refused)
            )
        self._ended(options, "stopped", done)

    def _promote(self, options: dict[str, Any]) -> None:
        if not options["files"]:
            return
        file_set = {
            "held_by": service(options["kind"]).unit,
            "promote": True,
            "directories": options["directories"],
            "files": options["files"],
            "promoted": options["promoted"],
        }
        done = self._execute_module(module_name=FILES, module_args=staging.pack(file_set), task_vars=self._variables)
        if done.get("unreachable"):
            raise AnsibleActionFail(self._unreachable(str(done.get("msg"))))
        if done.get("failed"):
            raise AnsibleActionFail(
                "What was staged could not be put in place on %s, which is down: %s" % (self._host, done.get("msg"))
            )

    def _start(self, options: dict[str, Any]) -> str | None:
        """Start the service; what the start still waits for, as a sentence."""
        unit = service(options["kind"]).unit
        done = self._low_level_execute_command(START % {"unit": unit})
        said = statuses(done["stdout"]) if done["rc"] != 0 else ""
        waits = done["rc"] == TIMED_OUT
        self._ended(
            options,
            "started",
            {**done, "rc": 0} if waits else {**done, "stderr": said or done["stderr"] or done["stdout"], "stdout": ""},
        )
        if not waits:
            return None
        sentence = "%s waits on %s: %s." % (unit, self._host, said or "it does not say for what")
        Display().display(sentence)
        return sentence

    def _ended(self, options: dict[str, Any], state: str, done: dict[str, Any]) -> None:
        if done["rc"] != 0:
            said = _said(done["stderr"] or done["stdout"]) or "systemctl ended with %s" % done["rc"]
            raise AnsibleActionFail(
                "%s was not %s on %s: %s; look at its log there."
                % (service(options["kind"]).unit, state, self._host, said)
            )
        try:
            self._note(options, state)
        except RackawareError as error:
            # The service is stopped or started by now. A missing line in the report must not end the roll.
            Display().warning(str(error))

    def _note(self, options: dict[str, Any], event: str) -> None:
        events.note(options["events"], [events.of(options["kind"], event, options["node"])])

    def _unreachable(self, why: str) -> str:
        return "%s cannot be reached (%s), so that its service may be down; look at the host." % (
            self._host,
            _said(why),
        )

    @property
    def _host(self) -> str:
        return str(self._variables.get("inventory_hostname", "the host"))


def statuses(shown: str) -> str:
    """The status texts of units, from the output of systemctl show; empty ones are left out."""
    said, unit = [], ""
    for line in shown.splitlines():
        name, _, value = line.partition("=")
        if name == "Id":
            unit = value
        elif name == "StatusText" and value.strip():
            said.append("%s: %s" % (unit, value.strip().rstrip(".")))
    return "; ".join(said)


def _said(text: str) -> str:
    """The last line, without its full stop."""
    lines = text.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else ""
