"""The plays of a roll under Ansible itself, with nine brokers that are only names: what happens when something breaks in a step of several hosts.

Whatever would speak to a host or to Kafka is replaced by an action plugin that writes a line and does what the case says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REPLACED = ("kafka_service_info", "kafka_cluster_info", "kafka_roll_lock", "kafka_roll_plan", "kafka_roll_wait", "kafka_roll_service")
STAND_IN = """
import json, os
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.rackaware.kafka.plugins.module_utils import _roll

NAME = %r
RACKS = "abc"


def cluster():
    brokers = [{"id": id_, "rack": RACKS[(id_ - 1) %% 3], "fenced": False, "host": "h", "port": 1} for id_ in range(1, 10)]
    partitions = [
        {"topic": "t", "partition": n, "leader": ids[0], "replicas": ids, "isr": ids, "min_isr": 2, "adding": [], "removing": [], "offline": [], "elr": []}
        for n, ids in enumerate([a, b, c] for a in (1, 4, 7) for b in (2, 5, 8) for c in (3, 6, 9))
    ]
    return {"cluster_id": "abc", "brokers": brokers, "partitions": partitions, "quorum": None, "controller_id": 9, "reassignments": [], "metadata": "kraft"}


def plan():
    made = _roll.plan(_roll.from_cluster(cluster()))
    return {**made, "steps": _roll.ramp(made["batches"], 0)}


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        case, args = json.loads(os.environ["ROLL_CASE"]), self._task.args
        said = "%%s %%s" %% (NAME, args.get("question") or args.get("state") or "")
        subject = ",".join(map(str, args["nodes"])) if "nodes" in args else task_vars["inventory_hostname"]
        with open(os.environ["ROLL_LOG"], "a") as log:
            log.write("%%s %%s\\n" %% (said.strip(), subject))
            if args.get("elect_leaders"):
                log.write("elected after %%s\\n" %% subject)
            if args.get("out"):
                log.write("known to be down: %%s\\n" %% args["out"])
            if args.get("lock"):
                log.write("renewed on %%s\\n" %% self._task.delegate_to)
        if NAME in ("kafka_roll_plan", "kafka_roll_wait"):
            with open(os.environ["ROLL_LOG"] + ".min_isr", "a") as log:
                log.write("%%s\\n" %% args.get("min_isr"))
        if case.get("%%s %%s" %% (said.strip(), subject)):
            raise AnsibleActionFail("It broke on purpose.")
        return {
            "kafka_service_info": {
                "unit_state": "inactive" if case.get("down " + subject) else "active",
                "crash_looping": False,
                "restart_needed": True,
                "next_min_isr": 2 if subject == "b5" else 1,
            },
            "kafka_cluster_info": {"cluster": cluster()},
            "kafka_roll_plan": {**plan(), **case.get("plan", {})},
            "kafka_roll_wait": {"open": True},
            "kafka_roll_service": {"changed": True},
        }.get(NAME, {})
"""


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """The collection, with stand-ins."""
    place = tmp_path_factory.mktemp("roll") / "ansible_collections"
    here = place / "rackaware" / "kafka"
    (here / "plugins" / "action").mkdir(parents=True)
    for name in ("meta", "playbooks", "galaxy.yml"):
        (here / name).symlink_to(ROOT / name)
    for each in (ROOT / "plugins").iterdir():
        if each.name != "action":
            (here / "plugins" / each.name).symlink_to(each)
    for each in (ROOT / "plugins" / "action").glob("*.py"):
        if each.stem not in REPLACED:
            (here / "plugins" / "action" / each.name).symlink_to(each)
    for name in REPLACED:
        (here / "plugins" / "action" / (name + ".py")).write_text(STAND_IN % name)
    (here / "roles" / "broker" / "tasks").mkdir(parents=True)
    (here / "roles" / "roll").symlink_to(ROOT / "roles" / "roll")
    turn = "- name: Turn\n  rackaware.kafka.kafka_roll_service:\n    kind: broker\n    node: 1\n"
    (here / "roles" / "broker" / "tasks" / "turn.yml").write_text(turn)
    return place.parent


@pytest.fixture
def run(collections, tmp_path):
    """Returns run(case, **extra), which gives the code, what was said on one line, the log, the report and the events."""

    def call(case=(), unreachable=(), plan=None, **extra):
        hosts = {
            "b%d" % id_: {
                "kafka_node_id": id_,
                "kafka_rack": "abc"[(id_ - 1) % 3],
                "ansible_connection": "ssh" if "b%d" % id_ in unreachable else "local",
                "ansible_host": "127.0.0.1",
                "ansible_port": 1,
                "ansible_python_interpreter": sys.executable,
            }
            for id_ in range(1, 10)
        }
        groups = {"kafka_brokers": {"hosts": hosts}, "kafka_zookeepers": {}, "kafka_controllers": {}}
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))
        more = {"roll_events": str(tmp_path / "roll.jsonl"), "roll_canary": False, "__kafka_instance_types": {"": {}}, **extra}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_SSH_ARGS": "-o ConnectTimeout=2",
            "ROLL_CASE": json.dumps({**dict.fromkeys(case, True), "plan": plan or {}}),
            "ROLL_LOG": str(tmp_path / "log"),
        }
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(tmp_path / "hosts.json"), "-e", json.dumps(more)]
        done = subprocess.run([*command, str(ROOT / "playbooks/parts/roll.yml")], env=environment, capture_output=True, text=True, check=False, timeout=120)
        log = [line for line in (tmp_path / "log").read_text().splitlines() if not line.startswith(("kafka_service_info", "renewed"))]
        said = " ".join((done.stdout + done.stderr).split())
        written = (tmp_path / "roll.jsonl").read_text() if (tmp_path / "roll.jsonl").exists() else ""
        events = [json.loads(line)["event"] for line in written.splitlines()]
        report = json.loads((tmp_path / "roll.json").read_text()) if (tmp_path / "roll.json").exists() else None
        return done.returncode, said, log, report, events

    return call


def of(log, what):
    return sorted(line.split()[-1] for line in log if line.startswith(what))


def test_racks_go_one_after_another(run):
    code, said, log, report, events = run()
    assert code == 0, said
    for number in range(3):
        rack = ["b%d" % (number + 1 + 3 * other) for other in range(3)]
        ids = ",".join(name[1:] for name in rack)
        begin = log.index("kafka_roll_wait may_stop " + ids)
        assert of(log[begin : begin + 4], "kafka_roll_service restarted") == rack
        assert log[begin + 4 : begin + 6] == ["kafka_roll_wait back " + ids, "elected after " + ids]
    assert (report["state"], events[-1]) == ("done", "roll_ended")
    assert log[-1].startswith("kafka_roll_lock released")


def test_the_gate_is_told_who_of_a_step_is_known_to_be_down(run):
    code, said, log, report, events = run(["down b4"])
    assert code == 0, said
    begin = log.index("kafka_roll_wait may_stop 1,4,7")
    assert log[begin + 1] == "known to be down: [4]" and of(log[:begin], "known") == []
    assert {line for line in log if line.startswith("known")} == {"known to be down: [4]"}


def test_the_plan_and_every_gate_count_with_what_the_brokers_will_enforce(run, tmp_path):
    run()
    assert (tmp_path / "log.min_isr").read_text().splitlines() == ["2"] * 7


def test_every_wait_is_on_a_host_that_keeps_the_lock(run, tmp_path):
    run()
    renewed = [line.split()[-1] for line in (tmp_path / "log").read_text().splitlines() if line.startswith("renewed")]
    assert renewed == ["b2", "b2", "b1", "b1", "b1", "b1"]


def test_a_refusal_lets_the_lock_go_and_begins_no_report(run):
    refused = [{"topic": "t", "partition": 0, "brokers": [1], "reason": "It has only one replica."}]
    code, said, log, report, events = run(plan={"refused": refused})
    assert code != 0 and "Partition t-0 stands against broker 1: It has only one replica." in said, said
    assert len(of(log, "kafka_roll_lock released")) == 2 and of(log, "kafka_roll_service") == []
    assert report is None and events == []


def test_a_second_runner_is_refused_before_it_looks_at_anything(run):
    code, said, log, report, events = run(["kafka_roll_lock b1"])
    assert code != 0 and "It broke on purpose." in said, said
    assert of(log, "kafka_cluster_info") == [] and events == []


def test_a_node_that_fails_leaves_the_others_of_its_step_running_and_stops_the_roll(run):
    code, said, log, report, events = run(["kafka_roll_service restarted b4"])
    assert code != 0 and "The roll stopped at b4 (Turn): It broke on purpose. Nothing else was touched" in said, said
    assert of(log, "kafka_roll_service") == ["b1", "b4", "b7"]
    assert of(log, "kafka_roll_wait back") == ["1,7"] and len(of(log, "kafka_roll_wait may_stop")) == 1
    assert (report["state"], events[-1]) == ("stopped", "roll_stopped")
    assert len(of(log, "kafka_roll_lock released")) == 2


def test_a_gate_that_stays_shut_stops_the_roll_with_a_report_and_without_the_lock(run):
    code, said, log, report, events = run(["kafka_roll_wait may_stop 1,4,7"])
    assert code != 0 and "The roll stopped at roll-step-1 (step | Wait until" in said, said
    assert of(log, "kafka_roll_service") == []
    assert (report["state"], events[-1]) == ("stopped", "roll_stopped")
    assert len(of(log, "kafka_roll_lock released")) == 2


def test_a_step_whose_every_node_is_lost_stops_the_roll_with_a_report_and_without_the_lock(run, tmp_path):
    reboot = tmp_path / "reboot.yml"
    reboot.write_text("- name: Reboot\n  ansible.builtin.raw: 'true'\n")
    code, said, log, report, events = run(unreachable=["b1", "b4", "b7"], roll_node_tasks=str(reboot))
    assert code != 0 and "The roll stopped at b1, b4, b7 could not be reached" in said, said
    assert of(log, "kafka_roll_service stopped") == ["b1", "b4", "b7"] and of(log, "kafka_roll_service started") == []
    assert (report["state"], events[-1]) == ("stopped", "roll_stopped")
    assert len(of(log, "kafka_roll_lock released")) == 2


@pytest.mark.parametrize(("text", "why"), [(None, "There is no file"), ("- name: [\n", "cannot be read: YAML parsing failed")], ids=["none", "broken"])
def test_tasks_that_could_not_be_run_are_refused_before_anybody_stops(run, tmp_path, text, why):
    patch = tmp_path / "patch.yml"
    if text:
        patch.write_text(text)
    code, said, log, report, events = run(roll_node_tasks=str(patch))
    assert code != 0 and "roll_node_tasks: " in said and why in said, said
    assert of(log, "kafka_roll_service") == [] and events == [] and len(of(log, "kafka_roll_lock released")) == 2
