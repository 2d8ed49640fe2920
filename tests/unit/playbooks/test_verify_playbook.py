"""The end of `site` under Ansible itself, with modules that only answer: who is asked, as whom, and what is shown."""

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


@pytest.fixture
def run(tmp_path):
    """Returns run(*arguments, become, **states): the code, the output, and how often sudo was called."""

    def call(*arguments, become=None, **states):
        said = verify.answers(3, 30)
        said = {"kafka_topic": {"changed": False}, **said}
        place = tmp_path / "tree"
        verify.tree(place, ROOT, said)
        action = place / "ansible_collections/rackaware/kafka/plugins/action/kafka_service_info.py"
        action.write_text(
            action.read_text().replace("'active'", "%r.get(task_vars['inventory_hostname'], 'active')" % states)
        )
        own = {
            "kafka_cluster": "kafka",
            "ansible_connection": "local",
            **({"ansible_become": become} if become else {}),
        }
        hosts = {"b%d" % id_: {"kafka_node_id": id_, "kafka_rack": "rack-%d" % (id_ % 3), **own} for id_ in (1, 2, 3)}
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": {"kafka_brokers": {"hosts": hosts}}}}))
        (tmp_path / "sudo").write_text(SUDO)
        (tmp_path / "sudo").chmod(0o755)
        (tmp_path / "log").write_text("")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(place),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            # Whoever runs the tests may be root already.
            "ANSIBLE_BECOME_ALLOW_SAME_USER": "1",
            "ANSIBLE_BECOME_EXE": str(tmp_path / "sudo"),
            "SUDO_LOG": str(tmp_path / "log"),
        }
        more = {"kafka_report_dir": str(tmp_path / "reports"), "ansible_python_interpreter": sys.executable}
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(tmp_path / "hosts.json"),
            "-e",
            json.dumps(more),
            *arguments,
        ]
        done = subprocess.run(
            [*command, "playbooks/parts/verify_cluster.yml"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr, (tmp_path / "log").read_text().count("called")

    return call


def test_the_summary_and_the_page_are_dated_and_one_result_is_enough(run, tmp_path):
    code, said, sudo = run()
    assert code == 0 and sudo == 0, said
    assert (
        "Checked 20" in said
        and "30 partitions in 1 topic: all have a leader" in said
        and "No node needs a restart." in said
    )
    page = (tmp_path / "reports" / "kafka.html").read_text()
    assert "checked 20" in page and "<b>Verified.</b> A record acknowledged" in page


@pytest.mark.parametrize(
    ("arguments", "become"), [(["-b"], None), ([], True)], ids=["by the command line", "by the inventory"]
)
def test_the_broker_is_asked_as_the_user_that_its_tasks_run_as(run, arguments, become):
    code, said, sudo = run(*arguments, become=become)
    assert code == 0 and sudo > 0, said


def test_a_broker_that_does_not_run_is_said_without_asking_anybody(run):
    code, said, _ = run(b2="inactive")
    assert code != 0 and "Broker 2 (b2: inactive) does not run" in said and "rackaware.kafka.rolling_restart" in said
    assert "Unknown error" not in said


def test_in_check_mode_a_new_cluster_is_asked_nothing(run):
    code, said, sudo = run("--check", "-b", b1="absent", b2="absent", b3="absent")
    assert (
        code == 0 and sudo == 0 and "Verify" not in said.split("PLAY RECAP")[0].split("skipping")[0].split("TASK")[-1]
    ), said


def tasks(node):
    """Every task of a YAML document, at whatever depth."""
    if isinstance(node, list):
        for each in node:
            yield from tasks(each)
    elif isinstance(node, dict):
        yield node
        for name, value in node.items():
            if name != "vars":
                yield from tasks(value)


def calls(module):
    """(file, arguments) of each task in playbooks and roles that runs this module."""
    for path in sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").rglob("*.yml")]):
        for task in tasks(yaml.safe_load(path.read_text())):
            if "rackaware.kafka." + module in task:
                yield str(path.relative_to(ROOT)), task["rackaware.kafka." + module] or {}


def test_no_snapshot_of_a_whole_cluster_travels_through_variables():
    asked = list(calls("kafka_cluster_info"))
    assert asked
    assert [
        path for path, given in asked if not (given.get("only_troubled") is True or given.get("summary") is True)
    ] == []
    assert [path for path, given in calls("kafka_roll_plan") if "snapshot" in given] == []
