"""Modules of a roll of nine brokers: each writes what it was asked; the case says what breaks, who is down, and how the cluster differs from a sound
one."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan
from stand_ins.plugin import StandIn


def cluster() -> dict[str, Any]:
    """Nine brokers in three racks, with 27 partitions."""
    brokers = [
        {"id": id_, "rack": "abc"[(id_ - 1) % 3], "fenced": False, "host": "h", "port": 1} for id_ in range(1, 10)
    ]
    placed = [[a, b, c] for a in (1, 4, 7) for b in (2, 5, 8) for c in (3, 6, 9)]
    more = {"topic": "t", "min_isr": 2, "adding": [], "removing": [], "offline": [], "elr": []}
    partitions = [
        {"partition": n, "leader": ids[0], "replicas": ids, "isr": ids, **more} for n, ids in enumerate(placed)
    ]
    return {
        "cluster_id": "abc",
        "brokers": brokers,
        "partitions": partitions,
        "quorum": None,
        "controller_id": 9,
        "reassignments": [],
        "metadata": "kraft",
    }


class ActionModule(StandIn):
    """One of them."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        args, words = self.args, case["words"]
        if self.NAME == "kafka_service_info" and self.host in case["silent"]:
            return {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route to host"}
        watch = args.get("watch_seconds")
        subject = ",".join(map(str, args["nodes"])) if "nodes" in args else self.host
        asked = args.get("question") or args.get("state") or ("watched" if "watch_seconds" in args else "")
        line = " ".join(word for word in (self.NAME, asked, subject) if word)
        self.note(line, subject)
        if line in words or (watch and "watch breaks" in words):
            raise AnsibleActionFail("It broke on purpose.")
        if "lost " + line in words:
            return {"unreachable": True, "msg": "No route to host"}
        down = "down " + subject in words and not (watch and "up since" in words)
        return {
            "kafka_service_info": lambda: {
                "unit_state": "inactive" if down else case["state"],
                "crash_looping": bool(watch and "looping " + subject in words),
                "restarts": 1,
                "restart_needed": True,
                "next_min_isr": 2 if subject == "b5" else 1,
            },
            "kafka_cluster_info": lambda: {
                "cluster": {**cluster(), **({} if case["heals"] in self.written() else case["cluster"])}
            },
            "kafka_roll_plan": lambda: {**self.planned(case["canary"]), **case["plan"]},
            "kafka_roll_wait": lambda: {"open": True, "answered": 1e9},
            "kafka_roll_lock": lambda: {"lock": {"since": "2026-05-01T10:00:00Z"}, "answered": 1e9},
            "kafka_roll_service": lambda: {"changed": True},
        }[self.NAME]()

    def planned(self, canary: int) -> dict[str, Any]:
        """The plan that the module would make."""
        made = plan.plan(plan.from_cluster(cluster(), restart=self.args["restart"]))
        return {**made, "steps": plan.ramp(made["batches"], canary)}

    def note(self, line: str, subject: str) -> None:
        """Write down what was asked, and with what."""
        self.write(line)
        if self.args.get("elect_leaders"):
            self.write("elected after %s" % subject)
        if self.args.get("out"):
            self.write("known to be down: %s" % self.args["out"])
        if self.args.get("lock"):
            self.write("renewed on %s" % self._task.delegate_to)
        if self.NAME == "kafka_roll_lock":
            self.write("connected by %s" % self._connection.transport)
        if self.args.get("hold_seconds"):
            self.write("held %s s: %s" % (self.args["hold_seconds"], subject))
        if self.NAME in ("kafka_roll_plan", "kafka_roll_wait"):
            self.write("enforces %s" % self.args.get("min_isr"))
