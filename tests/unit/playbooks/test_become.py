"""Plays of localhost that ask a cluster, under Ansible itself: the broker is asked as the user that its other tasks run as."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bench import verify

ROOT = Path(__file__).resolve().parents[3]
# What sudo does here: it writes down that it was called, and runs the command.
SUDO = '#!/bin/sh\necho called >> "$SUDO_LOG"\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n'
PLAYS = {
    "a roll": ("parts/roll.yml", "(1/4) Read the cluster"),
    "an upgrade": ("finalize_upgrade.yml", "(3/4) Raise the features"),
}
FACTS = {"upgrade_finalization": {"features": {"metadata.version": 25}}}


def called(tmp_path, play, *arguments, **own):
    """How often sudo was called."""
    file, name = PLAYS[play]
    plays = [item for item in yaml.safe_load((ROOT / "playbooks" / file).read_text()) if item["name"] == name]
    keep = {"name": "Keep", "hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.set_fact": FACTS}]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([keep, *plays], sort_keys=False))
    verify.tree(tmp_path / "tree", ROOT, {**verify.answers(3, 30), "kafka_features": {"changed": True}})
    state = {"unit_state": "active", "crash_looping": False, "restarts": 0, "restart_needed": False, "next_min_isr": 2}
    common = {"ansible_connection": "local", "__kafka_service": state, **own}
    hosts = {"b%d" % id_: {"kafka_node_id": id_, "kafka_rack": "rack-%d" % id_, **common} for id_ in (1, 2, 3)}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": {"kafka_brokers": {"hosts": hosts}}}}))
    (tmp_path / "sudo").write_text(SUDO)
    (tmp_path / "sudo").chmod(0o755)
    (tmp_path / "log").write_text("")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "tree"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        # The user of the tests may be root already.
        "ANSIBLE_BECOME_ALLOW_SAME_USER": "1",
        "ANSIBLE_BECOME_EXE": str(tmp_path / "sudo"),
        "SUDO_LOG": str(tmp_path / "log"),
    }
    more = json.dumps({"ansible_python_interpreter": sys.executable})
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(tmp_path / "hosts.json"), "-e", more, *arguments]
    done = subprocess.run(
        [*command, str(tmp_path / "play.yml")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (tmp_path / "log").read_text().count("called")


@pytest.mark.parametrize("play", PLAYS)
def test_become_of_the_command_line_holds_for_the_broker_that_is_asked(tmp_path, play):
    assert called(tmp_path, play, "-b") > 0


@pytest.mark.parametrize("play", PLAYS)
def test_become_of_the_inventory_holds_too_and_none_is_made_up(tmp_path, play):
    assert called(tmp_path, play) == 0
    other = tmp_path / "other"
    other.mkdir()
    assert called(other, play, ansible_become=True) > 0
