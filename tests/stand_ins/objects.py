"""What the modules of declared objects say: the case has the answers of each, one for a first call that leaves removals, one for the other."""

from __future__ import annotations

import json
from typing import Any

from stand_ins.plugin import StandIn


class ActionModule(StandIn):
    """Writes down its arguments, and answers what the case says."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        line = {"module": self.NAME, "on": self._task.delegate_to, "check": self._task.check_mode, **self.args}
        self.write(json.dumps(line, default=str))
        answers = case.get(self.NAME, [{}])
        return answers[min(len(answers) - 1, int(self.args.get("removals") != "later"))]
