"""What all stand-ins have in common."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.action import ActionBase


class StandIn(ActionBase):
    """A module that answers what the case says; NAME is the module's."""

    NAME = ""
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Answer as the subclass does."""
        super().run(tmp, task_vars)
        self.task_vars, self.host, self.args = task_vars, task_vars["inventory_hostname"], self._task.args
        return self.answer(json.loads(os.environ["STAND_IN_CASE"]))

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        raise NotImplementedError

    def write(self, line: str) -> None:
        """Write down what was called, as one line; all processes of the run write to the same file."""
        with open(os.environ["STAND_IN_LOG"], "a") as log:
            log.write(line + "\n")

    def written(self) -> list[str]:
        """What was called so far."""
        with open(os.environ["STAND_IN_LOG"]) as log:
            return log.read().splitlines()
