"""Modules of site: each writes its name and the host; the case says what is found on a host."""

from __future__ import annotations

from typing import Any

from stand_ins import secrets
from stand_ins.plugin import StandIn


class ActionModule(StandIn):
    """One of them."""

    def answer(self, case: Any) -> dict[str, Any]:
        """The module's result."""
        self.write("%s %s" % (self.NAME, self.host))
        said = case.get(self.host, {})
        if self.NAME == "host_preflight" and "refused" in said:
            return {"failed": True, "msg": said["refused"]}
        identity = {"host": self.host, "directories": [], "mounted": True, "process": None, "quorum": []}
        identity.update(said.get("identity", {}))
        return {
            "host_preflight": {"identity": identity, "installed": [], "running": [], "users": {}, "upgrade": None},
            "kafka_storage_info": {"host": self.host, "directories": said.get("disks", [])},
            "kafka_service_info": {
                "unit_state": "inactive",
                "restart_needed": False,
                "identity": identity,
                "next_min_isr": 1,
            },
            "kafka_verify": {"cluster": secrets.cluster("zookeeper"), "proof": {"sentence": "A record came back."}},
            "zookeeper_info": {"servers": [], "quorum": {"ok": True, "leader": "z1:2181", "findings": []}},
        }.get(self.NAME, {"changed": True})
