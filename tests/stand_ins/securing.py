"""Modules of secure_cluster: the nodes run what the last step gave them, and the case says what they ran before, and who is connected."""

from __future__ import annotations

from typing import Any

from stand_ins.plugin import StandIn

PLAIN = [{"name": "CLIENT", "port": 9092, "protocol": "PLAINTEXT"}]


class ActionModule(StandIn):
    """One of them."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        if self.NAME == "file_set":
            # Stands for all of a step; the check of a step changes nothing.
            self.write(("would take %s" if self._task.check_mode else "took %s") % self.args["held_by"])
            return {"changed": True}
        taken = [line.split()[1] for line in self.written() if line.startswith("took")]
        step = taken[-1] if taken else case.get(self.host, case["runs"])
        if self.NAME == "kafka_service_info":
            identity = {"security": step, "listeners": [] if step == "tls" else PLAIN, "running": True}
            return {"unit_state": "active", "restart_needed": False, "identity": identity}
        if self.NAME == "kafka_connections_info":
            self.write("watched %s %s %s" % (self.host, self.args["ports"], self.args["watch_seconds"]))
            return {"connections": case.get("connections", [])}
        self.write("%s %s by %s" % (self.NAME, self.args["owner"], self.args["ssl_certfile"]))
        return {"changed": True}
