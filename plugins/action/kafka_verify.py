# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module of the same name until the cluster is complete, and show what is missing meanwhile.

That module has the documentation.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._report import verify

MODULE = "rackaware.kafka.kafka_verify"


class ActionModule(ActionBase):
    """The wait."""

    TRANSFERS_FILES = False
    clock = staticmethod(time.monotonic)

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Wait; the result is the module's last answer, and how long it took."""
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        _, options = self.validate_argument_spec(argument_spec=verify.SPEC)
        for name in ("stall_seconds", "timeout_seconds", "visit_seconds"):
            if not 0 < options[name] < float("inf"):
                raise AnsibleActionFail("%s is %s, but must be a number of seconds above 0." % (name, options[name]))
        try:
            brokers = [
                {
                    "id": int(broker["id"]),
                    "name": str(broker["name"]),
                    "unit_state": broker.get("unit_state"),
                    "out_of_service": broker.get("out_of_service"),
                }
                for broker in options["brokers"]
            ]
        except (KeyError, TypeError, ValueError):
            raise AnsibleActionFail("brokers must list each broker with its id, a number, and its name.") from None
        sentence = None if self._task.check_mode else verify.stopped(brokers)
        if sentence:
            raise AnsibleActionFail(sentence)
        return self._wait(
            {**self._task.args, "brokers": [{"id": broker["id"], "name": broker["name"]} for broker in brokers]},
            options,
            brokers,
        )

    def _wait(self, question: dict[str, Any], options: dict[str, Any], brokers: list[dict[str, Any]]) -> dict[str, Any]:
        # systemd's state of a unit that it restarts again and again.
        names = {
            broker["id"]: broker["name"] + (", service activating" if broker["unit_state"] == "activating" else "")
            for broker in brokers
        }
        watch = verify.Watch(names, options["stall_seconds"], options["timeout_seconds"], self.clock())
        while True:
            answer = self._ask(question)
            watch.answered(self.clock(), answer)
            if answer["ready"] or (self._task.check_mode and "reason" not in answer):
                return {**answer, "seconds": round(watch.now - watch.begun, 3)}
            if self._task.check_mode:
                raise AnsibleActionFail(answer["reason"])
            if watch.over:
                raise AnsibleActionFail(watch.sentence())
            Display().display(watch.line())

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._execute_module(module_name=MODULE, module_args=question, task_vars=self._variables)
        except AnsibleConnectionFailure as error:
            answer = {"unreachable": True, "msg": str(error)}
        if answer.get("unreachable"):
            host = self._task.delegate_to or self._variables.get("inventory_hostname", "the host")
            why = str(answer.get("msg")).strip().rstrip(".")
            raise AnsibleActionFail(
                "%s, from which the cluster is asked, cannot be reached (%s); "
                "bring it back, then run the same command again. See docs/runbooks/broker_down.md." % (host, why)
            )
        if answer.get("failed"):
            # When Python cannot start, only module_stderr has the reason.
            said = str(answer.get("module_stderr") or "").strip().splitlines()[-1:]
            raise AnsibleActionFail(" ".join([str(answer.get("msg") or "No reason was given."), *said]))
        return {name: value for name, value in answer.items() if name != "invocation"}
