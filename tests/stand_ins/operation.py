"""Modules of erase_stores, revoke, grant and downtime_upgrade: each writes a line. The case names the lines at which a module fails or its host is
lost, and the questions, by number, to which the gate says no."""

from __future__ import annotations

from typing import Any

from stand_ins.plugin import StandIn

WORDS = ("state", "disruption", "nodes", "accepted_last_copies", "reason")


class ActionModule(StandIn):
    """One of them."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        words = [self.NAME, *(self.args.get(word) for word in WORDS)]
        if self.NAME == "kafka_roll_gate":
            words += ["stopped" if self.args.get("out") else "", "renews" if self.args.get("lock") else ""]
        line = "%s on %s" % (" ".join(str(word) for word in words if word not in (None, "")), self.host)
        bound = self.args.get("answer")
        self.write(line + (" bound to %s" % bound["answered"] if bound else ""))
        asked = sum(written.startswith("kafka_roll_gate") for written in self.written())
        if line in case.get("unreachable", []):
            return {"unreachable": True, "msg": "No route to host"}
        if line in case.get("fails", []):
            return {"failed": True, "msg": "It broke on purpose."}
        no = asked in case.get("no", [])
        return {
            "kafka_service_info": {
                "unit_state": "active",
                "crash_looping": False,
                "restarts": 0,
                "restart_needed": False,
                "next_min_isr": 1,
            },
            "kafka_roll_lock": {"lock": {"since": "2026-05-01T10:00:00Z"}, "answered": 1000.0 + asked},
            "kafka_roll_gate": {
                "open": not no,
                "reason": "The last copy of 2 partitions." if no else None,
                "loss": {"held": 3, "last_copies": 2, "below_minimum": 0, "first": ["t-0", "t-1"]},
                "answered": 2000.0 + asked,
            },
            "instance_store_info": {"disks": case.get("disks", [])},
            "aws_caller_info": {"account": "123456789012", "arn": "arn:aws:iam::123456789012:user/ann"},
            "iam_policy_info": {"policies": []},
        }.get(self.NAME, {"changed": True})
