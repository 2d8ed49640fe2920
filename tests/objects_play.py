"""Runs the playbooks of declared objects from an inventory of three brokers of which only names exist, with stand-ins for some modules."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from stand_ins import Project, groups, hosts, one_line, overlay, plugins


class Plays:
    """A place to run in: .run(playbook) gives the code and the output on one line; .log has what stand-ins were asked.

    With a port the cluster is not secured, and that is the port of its clients."""

    def __init__(
        self, place: Path, replaced: tuple[str, ...], mode: str = "kraft", port: int | None = None, **files: str
    ) -> None:
        tree = overlay(place / "tree", {**plugins("objects", replaced), **files})
        self.project = Project(tree, place)
        ports = (("CLIENT", port), ("REPLICATION", 9091), ("CONTROLLER", 9093))
        listeners = [{"name": name, "port": each} for name, each in ports]
        own = {"kafka_security": "none", "kafka_listeners": listeners} if port else {}
        brokers = self._hosts("b", 0, **own)
        # A combined node is fine, one with ZooKeeper is not.
        others = {"zookeepers": self._hosts("z", 10, **own)} if mode == "zookeeper" else {"controllers": brokers}
        self.inventory = groups(brokers=brokers, **others)

    @staticmethod
    def _hosts(letter: str, offset: int, **more: Any) -> dict[str, dict[str, Any]]:
        made = hosts([letter + str(number) for number in (1, 2, 3)], kafka_cluster="demo", **more)
        for values in made.values():
            values["ansible_host"] = "127.0.0.%d" % (values["kafka_node_id"] + offset)
            values["kafka_data_volumes"] = ["vol-%08d" % (values["kafka_node_id"] + offset)]
        return made

    @property
    def log(self) -> list[dict[str, Any]]:
        """Each call of a stand-in: module, on, check, and the arguments."""
        return [json.loads(line) for line in self.project.called()]

    def run(
        self, playbook: str, *arguments: str, answers: dict[str, list[dict[str, Any]]] | None = None, **extra: Any
    ) -> tuple[int, str]:
        """Run a playbook with these extra variables; the calls of earlier runs are forgotten."""
        self.project.log.unlink(missing_ok=True)
        locked = {"kafka_roll_lock": [{"lock": {"since": "2026-05-01T10:00:00Z"}}]}
        variables = {"kafka_instance_source": "facts", "ansible_python_interpreter": sys.executable, **extra}
        # In a file: at -vvvv Ansible shows its command line.
        given = self.project.place / "variables.json"
        given.write_text(json.dumps(variables))
        code, said = self.project.run(
            playbook + ".yml",
            "-e",
            "@%s" % given,
            *arguments,
            inventory=self.inventory,
            case={**locked, **(answers or {})},
        )
        return code, one_line(said)
