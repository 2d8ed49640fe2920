"""Runs the playbooks of declared objects from an inventory of three brokers of which only names exist, with stand-ins for some modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Writes down what it was asked, and answers what the case says.
STAND_IN = """
import json, os
from ansible.plugins.action import ActionBase

NAME = %r


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        arguments = {key: value for key, value in self._task.args.items()}
        line = {"module": NAME, "on": self._task.delegate_to, "check": self._task.check_mode, **arguments}
        with open(os.environ["OBJECTS_LOG"], "a") as log:
            log.write(json.dumps(line, default=str) + "\\n")
        answers = json.loads(os.environ["OBJECTS_ANSWERS"]).get(NAME, [{}])
        return answers[min(len(answers) - 1, int(arguments.get("removals") != "later"))]
"""


class Plays:
    """A place to run in: .run(playbook) gives the code and the output on one line; .log has what stand-ins were asked."""

    def __init__(self, place: Path, stand_ins: tuple[str, ...], mode: str = "kraft", port: int = 9092) -> None:
        self.place, self.stand_ins, self.mode, self.port = place, stand_ins, mode, port
        plugins = place / "ansible_collections/rackaware/kafka/plugins"
        (plugins / "action").mkdir(parents=True)
        for each in ROOT.iterdir():
            if each.name != "plugins" and not each.name.startswith("."):
                (plugins.parent / each.name).symlink_to(each)
        for each in (ROOT / "plugins").iterdir():
            if each.name != "action":
                (plugins / each.name).symlink_to(each)
        for each in (ROOT / "plugins/action").glob("*.py"):
            if each.stem not in stand_ins:
                (plugins / "action" / each.name).symlink_to(each)
        for name in stand_ins:
            (plugins / "action" / (name + ".py")).write_text(STAND_IN % name)
        listeners = [
            {"name": name, "port": each, "protocol": "PLAINTEXT"}
            for name, each in (("CLIENT", port), ("REPLICATION", 9091), ("CONTROLLER", 9093))
        ]
        brokers = self._hosts("b", 0, kafka_listeners=listeners)
        # A combined node is fine, one with ZooKeeper is not.
        others = {"kafka_controllers": dict.fromkeys(brokers, {})}
        if mode == "zookeeper":
            others = {"kafka_zookeepers": self._hosts("z", 10)}
        groups = {name: {"hosts": hosts} for name, hosts in {"kafka_brokers": brokers, **others}.items()}
        (place / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))

    @staticmethod
    def _hosts(letter: str, offset: int, **more: Any) -> dict[str, dict[str, Any]]:
        return {
            "%s%d" % (letter, number): {
                "kafka_node_id": number,
                "kafka_rack": "abc"[number - 1],
                "kafka_cluster": "demo",
                "kafka_data_volumes": ["vol-0%d" % (number + offset)],
                "ansible_connection": "local",
                "ansible_host": "127.0.0.%d" % (number + offset),
                "ansible_python_interpreter": sys.executable,
                **more,
            }
            for number in (1, 2, 3)
        }

    @property
    def log(self) -> list[dict[str, Any]]:
        """Each call of a stand-in: module, on, check, and the arguments."""
        path = self.place / "log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def run(
        self, playbook: str, *arguments: str, answers: dict[str, list[dict[str, Any]]] | None = None, **extra: Any
    ) -> tuple[int, str]:
        """Run a playbook with these extra variables; the calls of earlier runs are forgotten."""
        (self.place / "log").unlink(missing_ok=True)
        locked = {"kafka_roll_lock": [{"lock": {"since": "2026-05-01T10:00:00Z"}}]}
        variables = {"kafka_instance_source": "facts", "ansible_python_interpreter": sys.executable, **extra}
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(self.place / "hosts.json")]
        # In a file: at -vvvv Ansible shows its command line.
        (self.place / "variables.json").write_text(json.dumps(variables))
        given = ["-e", "@%s" % (self.place / "variables.json")]
        command += [*given, *arguments, str(ROOT / "playbooks" / (playbook + ".yml"))]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(self.place),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.place / "local"),
            "OBJECTS_ANSWERS": json.dumps({**locked, **(answers or {})}),
            "OBJECTS_LOG": str(self.place / "log"),
        }
        done = subprocess.run(
            command, cwd=self.place, env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())
