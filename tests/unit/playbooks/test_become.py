"""Plays of localhost that ask a cluster, under Ansible itself: the broker is asked as the user that its other tasks run as."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from bench import verify
from stand_ins import Project, groups, hosts, sudo

ROOT = Path(__file__).resolve().parents[3]
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
    project = Project(tmp_path / "tree", tmp_path)
    verify.tree(project.collections, ROOT, {**verify.answers(3, 30), "kafka_features": {"changed": True}})
    state = {"unit_state": "active", "crash_looping": False, "restarts": 0, "restart_needed": False, "next_min_isr": 2}
    brokers = hosts(("b1", "b2", "b3"), __kafka_service=state, **own)
    for broker in brokers.values():
        del broker["ansible_python_interpreter"]
    code, said = project.run(
        tmp_path / "play.yml",
        "-e",
        json.dumps({"ansible_python_interpreter": sys.executable}),
        *arguments,
        inventory=groups(brokers=brokers),
        **sudo(tmp_path),
    )
    assert code == 0, said
    return project.called().count("called")


@pytest.mark.parametrize("play", PLAYS)
def test_become_of_the_command_line_holds_for_the_broker_that_is_asked(tmp_path, play):
    assert called(tmp_path, play, "-b") > 0


@pytest.mark.parametrize("play", PLAYS)
def test_become_of_the_inventory_holds_too_and_none_is_made_up(tmp_path, play):
    assert called(tmp_path, play) == 0
    other = tmp_path / "other"
    other.mkdir()
    assert called(other, play, ansible_become=True) > 0
