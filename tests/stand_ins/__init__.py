"""Playbooks under Ansible itself, in a copy of the collection in which modules are stand-ins: what was called, in which order, and what was said.

A stand-in is an action plugin: it runs on the controller, whatever the connection. The files beside this one say what the modules answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterable, Mapping

ROOT = Path(__file__).resolve().parents[2]
# Python's own words for the file of an action plugin: the answers, and the name of the module that it stands for.
PLUGIN = "from stand_ins.%s import ActionModule as Base\n\n\nclass ActionModule(Base):\n    NAME = %r\n"
# What sudo does here: it writes down that it was called, and runs the command.
SUDO = '#!/bin/sh\necho called >> "$STAND_IN_LOG"\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n'


def sudo(place: Path) -> dict[str, str]:
    """The environment in which become runs SUDO."""
    (place / "sudo").write_text(SUDO)
    (place / "sudo").chmod(0o755)
    # The user of the tests may be root already.
    return {"ANSIBLE_BECOME_ALLOW_SAME_USER": "1", "ANSIBLE_BECOME_EXE": str(place / "sudo")}


def plugins(kind: str, names: Iterable[str], place: str = "plugins/action") -> dict[str, str]:
    """The files of stand-ins for these modules, with the answers of a file beside this one."""
    return {"%s/%s.py" % (place, name): PLUGIN % (kind, name) for name in names}


def overlay(place: Path, files: Mapping[str, str], source: Path = ROOT) -> Path:
    """Make the collection below place, with these files; whatever they do not name is a link to the source."""
    here = place / "ansible_collections/rackaware/kafka"
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    _link(source, here)
    return place


def _link(source: Path, here: Path) -> None:
    for path in source.iterdir():
        mine = here / path.name
        if mine.is_dir():
            _link(path, mine)
        elif not mine.exists() and not path.name.startswith((".", "__pycache__")):
            mine.symlink_to(path)


class Project:
    """A directory with an inventory, in which playbooks run."""

    def __init__(self, collections: Path, place: Path) -> None:
        self.collections = collections
        self.place = place
        self.log = place / "log"

    def run(
        self, playbook: str | Path, *options: str, inventory: Any, case: Any = None, **environment: str
    ) -> tuple[int, str]:
        """Run a playbook, named as below playbooks/ or by its path; the case is what the stand-ins ask. Returns the code and the output."""
        (self.place / "hosts.json").write_text(json.dumps(inventory))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "KAFKA_"))}
        own = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.place / "local"),
            "PYTHONPATH": str(ROOT / "tests"),
            "STAND_IN_CASE": json.dumps(case),
            "STAND_IN_LOG": str(self.log),
        }
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(self.place / "hosts.json"), *options]
        done = subprocess.run(
            [*command, str(ROOT / "playbooks" / playbook)],
            cwd=self.place,
            # Reports are written below it.
            env={**kept, "PWD": str(self.place), **own, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        return done.returncode, done.stdout + done.stderr

    def called(self) -> list[str]:
        """What the stand-ins wrote."""
        return self.log.read_text().splitlines() if self.log.exists() else []


def one_line(text: str) -> str:
    """An output without its line breaks, which may be anywhere."""
    return " ".join(text.split())


def hosts(names: Iterable[str], **more: Any) -> dict[str, dict[str, Any]]:
    """Hosts that are only names, as b2, which is broker 2 in the second rack; more is for all of them."""
    return {
        name: {
            "kafka_cluster": "kafka",
            "kafka_node_id": int(name[1:]),
            "kafka_rack": "abc"[(int(name[1:]) - 1) % 3],
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            **more,
        }
        for name in names
    }


def groups(**members: Mapping[str, Any]) -> dict[str, Any]:
    """An inventory with these groups."""
    return {"all": {"children": {"kafka_" + name: {"hosts": dict(found)} for name, found in members.items()}}}
