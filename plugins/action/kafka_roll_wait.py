# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the gate again and again on the task's host, and show the progress.

The module of the same name has the documentation.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._errors import RackawareError
from ..module_utils._roll import events, poll, progress

# Seconds between two questions of a soak, which sees few changes.
HOLD_EVERY = 2.0
# Seconds of one poll session on the host. The processes that it starts there cost more than its questions, and
# between two sessions the gate is not asked.
SESSION_SECONDS = progress.LINE_EVERY
GATE = "rackaware.kafka.kafka_roll_gate"
OWN: dict[str, dict[str, Any]] = {
    "stall_seconds": {"type": "float", "default": 900},
    "interval": {"type": "float", "default": 0.2},
    "hold_seconds": {"type": "float", "default": 0},
    "events": {"type": "path"},
}


class ActionModule(ActionBase):
    """The wait."""

    TRANSFERS_FILES = False
    clock = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Wait; the result is the gate's last answer, and how long it took."""
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        _, options = self.validate_argument_spec(argument_spec={**poll.SPEC, **OWN}, required_if=poll.REQUIRED_IF)
        for name in ("stall_seconds", "interval"):
            if not 0 < options[name] < float("inf"):
                raise AnsibleActionFail("%s is %s, but must be a number of seconds above 0." % (name, options[name]))
        # Unchanged, because the other host must expand a path with ~.
        question = {name: value for name, value in self._task.args.items() if name in poll.SPEC and value is not None}
        if self._task.check_mode:
            return {"changed": False, **self._ask(question), "seconds": 0.0, "questions": 1}
        try:
            return self._wait(question, options)
        except RackawareError as error:
            raise AnsibleActionFail(str(error)) from None

    def _wait(self, question: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        begun = self.clock()
        watch = progress.Watch(
            options["question"], options["kind"], options["nodes"], stall_seconds=options["stall_seconds"], now=begun
        )
        questions, held, proven = 0, None, {}
        if options["question"] == poll.MAY_STOP and options["kind"] == poll.BROKER:
            events.note(options["events"], [events.of(options["kind"], "batch_started", options["nodes"])])
        longest, grown = 0.0, None
        while True:
            answer = self._ask(
                {**question, **proven, "wait_seconds": SESSION_SECONDS, "log_sizes": watch.takes_a_while}
            )
            # All brokers of a rack may take longer to ask than a poll session lasts.
            proven = {"proven": answer["proven"]} if answer.get("proven") else {}
            questions += 1
            if answer.get("failed"):
                if answer.get("retry") is False:
                    raise AnsibleActionFail(answer["msg"])
                watch.failed(self.clock(), answer.get("msg") or "no reason was given")
            else:
                events.note(options["events"], watch.answered(self.clock(), answer))
                if answer["open"]:
                    held = self.clock() if held is None else held
                    if self.clock() - held >= options["hold_seconds"]:
                        if options["hold_seconds"]:
                            soaked = {
                                **events.of(options["kind"], "soaked", options["nodes"]),
                                "seconds": round(self.clock() - held, 3),
                            }
                            events.note(options["events"], [soaked])
                        self._show(watch.line(last=True))
                        return {
                            "changed": False,
                            **answer,
                            "seconds": round(self.clock() - begun, 3),
                            "questions": questions,
                        }
                    if grown is None or self.clock() - held > longest:
                        longest, grown = self.clock() - held, self.clock()
                    self._show(watch.line())
                    self.sleep(min(HOLD_EVERY, options["hold_seconds"]))
                    continue
            # After a no, or without an answer, the soak starts again.
            held = None
            if watch.stalled:
                events.note(options["events"], watch.failures())
                raise AnsibleActionFail(watch.sentence())
            if grown is not None and self.clock() - grown > options["stall_seconds"] + options["hold_seconds"]:
                # Every yes counts as progress, so that nodes that come and go would be waited for without end.
                events.note(options["events"], watch.failures())
                text = (
                    "The answer was yes, but never for %g s as asked for: %.0f s at most, and not longer "
                    "in the last %.0f s; look at the nodes (%s)."
                )
                raise AnsibleActionFail(text % (options["hold_seconds"], longest, self.clock() - grown, watch.state()))
            self._show(watch.line())
            self.sleep(options["interval"])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._execute_module(module_name=GATE, module_args=question, task_vars=self._variables)
        except AnsibleConnectionFailure as error:
            raise AnsibleActionFail(self._unreachable(str(error))) from None
        if answer.get("unreachable"):
            raise AnsibleActionFail(self._unreachable(str(answer.get("msg"))))
        return {name: value for name, value in answer.items() if name != "invocation"}

    def _unreachable(self, why: str) -> str:
        host = self._task.delegate_to or self._variables.get("inventory_hostname", "the host")
        return "%s, from which the cluster is asked, cannot be reached (%s); start the roll again when it can." % (
            host,
            why.strip().rstrip("."),
        )

    def _show(self, line: str | None) -> None:
        if line is not None:
            Display().display(line)
