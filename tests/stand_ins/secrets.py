"""Modules that would speak to Kafka, AWS or disks, of a sound cluster with two brokers that need a restart; the case is the metadata mode."""

from __future__ import annotations

from typing import Any

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan
from stand_ins.plugin import StandIn

IDENTITY = {"host": "h", "directories": [], "mounted": True, "process": None, "quorum": []}
QUORUM = {
    "leader": 101,
    "voters": [{"id": 101, "log_end_offset": 9, "last_caught_up_ms": 5}],
    "observers": [{"id": id_, "log_end_offset": 9, "last_caught_up_ms": 5} for id_ in (1, 2)],
}
PARTITION = {
    "topic": "rackaware-proof",
    "partition": 0,
    "leader": 1,
    "replicas": [1, 2],
    "isr": [1, 2],
    "min_isr": 1,
    **{"adding": [], "removing": [], "offline": [], "elr": []},
}
TROUBLES = ("under_replicated", "at_min_isr", "under_min_isr", "offline", "without_preferred_leader")


def cluster(mode: str) -> dict[str, Any]:
    """The cluster, as kafka_cluster_info returns it."""
    return {
        "cluster_id": "AAAAAAAAAAAAAAAAAAAAAA",
        "brokers": [{"id": id_, "rack": "ab"[id_ - 1], "fenced": False, "host": "h", "port": 1} for id_ in (1, 2)],
        "partitions": [PARTITION],
        "reassignments": [],
        "metadata": mode,
        "controller_id": 101 if mode == "kraft" else 1,
        "quorum": QUORUM if mode == "kraft" else None,
        "topics": {"rackaware-proof": {"partitions": 3}},
        "counts": {"topics": 1, "partitions": 1, **dict.fromkeys(TROUBLES, 0)},
    }


class ActionModule(StandIn):
    """One of them."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        args, proof = self.args, "A record came back."
        return {
            "host_preflight": lambda: {
                "installed": args.get("packages", []) + args.get("python_packages", []),
                "running": args.get("services", []),
                "users": {"kafka": {"home": "/nonexistent", "shell": "/usr/sbin/nologin"}},
                "identity": IDENTITY,
                "blank_volumes": [],
            },
            "kafka_storage_info": lambda: {"host": self.host, "directories": []},
            "kafka_service_info": lambda: {
                "unit_state": "active",
                "crash_looping": False,
                "restarts": 0,
                "restart_needed": True,
                "next_min_isr": 1,
                "heap_mb": 512,
                "version": self.task_vars["kafka_version"],
                "next_version": self.task_vars["kafka_version"],
                "disks": [],
                "upgrade": None,
                "identity": IDENTITY,
            },
            "kafka_cluster_info": lambda: {"cluster": cluster(case)},
            "kafka_verify": lambda: {"cluster": cluster(case), "proof": {"sentence": proof}},
            "kafka_roll_plan": lambda: self.planned(cluster(case)),
            "kafka_roll_wait": lambda: {"open": True, "answered": 1e9},
            "kafka_roll_lock": lambda: {"lock": {"since": "2026-05-01T10:00:00Z"}, "answered": 1e9},
            "zookeeper_info": lambda: {
                "servers": [{"server": "k1", "ok": True, "mode": "standalone"}],
                "quorum": {"ok": True, "leader": "198.51.100.21:2181", "findings": []},
            },
            "kafka_round_trip": lambda: {"sentence": proof},
        }.get(self.NAME, dict)()

    def planned(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The plan that the module would make."""
        made = plan.resume(plan.from_cluster(asked, restart=self.args["restart"]))
        quorum = self.args.get("quorum")
        # Two more voters, which the inventory need not have for a plan.
        voters = [901, 902, *quorum["voters"]] if quorum else []
        more = {"quorum": plan.resume_quorum(voters, 901, quorum["restart"], [])} if quorum else {}
        return {**made, "steps": plan.ramp(made["batches"], 0), **more}
