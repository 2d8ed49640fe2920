"""The end of `site` under Ansible itself, with modules that only answer: who is asked, as whom, and what is shown."""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from bench import verify
from stand_ins import ROOT, Project, groups, hosts, sudo


@pytest.fixture
def run(tmp_path):
    """Returns run(*arguments, become, **states): the code, the output, and how often sudo was called."""

    def call(*arguments, become=None, **states):
        project = Project(tmp_path / "tree", tmp_path)
        verify.tree(project.collections, ROOT, {"kafka_topic": {"changed": False}, **verify.answers(3, 30)})
        action = project.collections / "ansible_collections/rackaware/kafka/plugins/action/kafka_service_info.py"
        action.write_text(
            action.read_text().replace("'active'", "%r.get(task_vars['inventory_hostname'], 'active')" % states)
        )
        more = {"kafka_report_dir": str(tmp_path / "reports"), "ansible_python_interpreter": sys.executable}
        code, said = project.run(
            "parts/verify_cluster.yml",
            "-e",
            json.dumps(more),
            *arguments,
            inventory=groups(brokers=hosts(("b1", "b2", "b3"), **({"ansible_become": become} if become else {}))),
            **sudo(tmp_path),
        )
        return code, said, project.called().count("called")

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
