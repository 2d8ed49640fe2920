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

ROOT = Path(__file__).resolve().parents[3]
REPLACED = (
    "kafka_service_info",
    "kafka_cluster_info",
    "kafka_roll_lock",
    "kafka_roll_plan",
    "kafka_roll_wait",
    "kafka_roll_service",
    "kafka_roll_gate",
)
STAND_IN = """
import json, os
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan

NAME = %r
RACKS = "abc"


def cluster():
    brokers = [{"id": id_, "rack": RACKS[(id_ - 1) %% 3], "fenced": False, "host": "h", "port": 1} for id_ in range(1, 10)]
    partitions = [
        {"topic": "t", "partition": n, "leader": ids[0], "replicas": ids, "isr": ids, "min_isr": 2, "adding": [], "removing": [], "offline": [], "elr": []}
        for n, ids in enumerate([a, b, c] for a in (1, 4, 7) for b in (2, 5, 8) for c in (3, 6, 9))
    ]
    return {"cluster_id": "abc", "brokers": brokers, "partitions": partitions, "quorum": None, "controller_id": 9, "reassignments": [], "metadata": "kraft"}


def planned(restart):
    made = plan.plan(plan.from_cluster(cluster(), restart=restart))
    return {**made, "steps": plan.ramp(made["batches"], int(os.environ["ROLL_CANARY"]))}


def well(since):
    with open(os.environ["ROLL_LOG"]) as log:
        return since in log.read().splitlines()


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        case, args = json.loads(os.environ["ROLL_CASE"]), self._task.args
        if NAME == "kafka_service_info" and task_vars["inventory_hostname"] in case["silent"]:
            return {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route to host"}
        said = "%%s %%s" %% (NAME, args.get("question") or args.get("state") or ("watched" if "watch_seconds" in args else ""))
        subject = ",".join(map(str, args["nodes"])) if "nodes" in args else task_vars["inventory_hostname"]
        with open(os.environ["ROLL_LOG"], "a") as log:
            log.write("%%s %%s\\n" %% (said.strip(), subject))
            if args.get("elect_leaders"):
                log.write("elected after %%s\\n" %% subject)
            if args.get("out"):
                log.write("known to be down: %%s\\n" %% args["out"])
            if args.get("lock"):
                log.write("renewed on %%s\\n" %% self._task.delegate_to)
            if args.get("claim"):
                log.write("claimed %%s by %%s since %%s\\n" %% (subject, args["claim"]["owner"], args["claim"]["since"]))
            if args.get("answer"):
                log.write("bound to %%s %%s\\n" %% (args["answer"]["answered"], args["answer"]["owner"]))
            if NAME == "kafka_roll_lock":
                log.write("connected by %%s\\n" %% self._connection.transport)
            if args.get("hold_seconds"):
                log.write("held %%s s: %%s\\n" %% (args["hold_seconds"], subject))
        if NAME in ("kafka_roll_plan", "kafka_roll_wait"):
            with open(os.environ["ROLL_LOG"] + ".min_isr", "a") as log:
                log.write("%%s\\n" %% args.get("min_isr"))
        if args.get("watch_seconds") and case.get("watch breaks"):
            raise AnsibleActionFail("It broke on purpose.")
        if case.get("%%s %%s" %% (said.strip(), subject)):
            raise AnsibleActionFail("It broke on purpose.")
        return {
            "kafka_service_info": {
                "unit_state": "inactive" if case.get("down " + subject) and not (args.get("watch_seconds") and case.get("up since")) else case["state"],
                "crash_looping": bool(args.get("watch_seconds") and case.get("looping " + subject)),
                "restarts": 1,
                "restart_needed": True,
                "out_of_service": {"since": "2026-05-01T10:00:00Z", "by": "ann", "reason": "its keys are revoked"} if case.get("out " + subject) else None,
                "next_min_isr": 2 if subject == "b5" else 1,
            },
            "kafka_cluster_info": {"cluster": {**cluster(), **({} if well(case["heals"]) else case["cluster"])}},
            "kafka_roll_plan": {**planned(args["restart"]), **case["plan"]} if NAME == "kafka_roll_plan" else None,
            "kafka_roll_wait": {"open": True, "answered": 1e9},
            "kafka_roll_gate": {"open": case.get("gate", True), "reason": "It may not go.", "loss": {"last_copies": 1}, "answered": 1e9},
            "kafka_roll_lock": {"lock": {"since": "2026-05-01T10:00:00Z"}, "answered": 1e9},
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
    for name in ("roll", "service"):
        (here / "roles" / name).symlink_to(ROOT / "roles" / name)
    # The entry point alone: what the broker reads is not asked for.
    restart = (ROOT / "roles/broker/tasks/restart.yml").read_text()
    assert "{{ __broker_set }}" in restart
    (here / "roles" / "broker" / "tasks" / "restart.yml").write_text(
        restart.replace("{{ __broker_set }}", "{{ {'directories': [], 'files': []} }}")
    )
    return place.parent


@pytest.fixture
def run(collections, tmp_path):
    """Returns run(case, **extra), which gives the code, what was said on one line, the log, the report and the events."""

    def call(
        case=(),
        unreachable=(),
        silent=(),
        plan=None,
        cluster=None,
        heals=None,
        canary=0,
        state="active",
        playbook="playbooks/parts/roll.yml",
        **extra,
    ):
        hosts = {
            "b%d" % id_: {
                "kafka_cluster": "kafka",
                "kafka_node_id": id_,
                "kafka_rack": "abc"[(id_ - 1) % 3],
                # Whose connection nothing names is reached by SSH, unless a play says otherwise.
                **({} if "b%d" % id_ in unreachable else {"ansible_connection": "local"}),
                "ansible_host": "127.0.0.1",
                "ansible_port": 1,
                "ansible_python_interpreter": sys.executable,
            }
            for id_ in range(1, 10)
        }
        # As a person writes it: without a group for ZooKeeper nodes.
        groups = {"kafka_brokers": {"hosts": hosts}}
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))
        more = {
            "roll_events": str(tmp_path / "roll.jsonl"),
            "roll_canary": False,
            "__kafka_instance_types": {"": {}},
            **extra,
        }
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_SSH_ARGS": "-o ConnectTimeout=2",
            "ROLL_CASE": json.dumps(
                {
                    **dict.fromkeys(case, True),
                    "plan": plan or {},
                    "cluster": cluster or {},
                    "heals": heals,
                    "silent": list(silent),
                    "state": state,
                }
            ),
            "ROLL_CANARY": str(canary),
            "ROLL_LOG": str(tmp_path / "log"),
        }
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(tmp_path / "hosts.json"),
            "-e",
            json.dumps(more),
        ]
        done = subprocess.run(
            [*command, str(ROOT / playbook)], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        whole = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
        log = [
            line
            for line in whole
            if not line.startswith(("kafka_service_info", "renewed", "connected", "claimed", "bound"))
        ]
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


def test_every_wait_is_on_the_host_that_keeps_the_lock(run, tmp_path):
    code, said, log, report, events = run()
    whole = (tmp_path / "log").read_text().splitlines()
    assert [line.split()[-1] for line in whole if line.startswith("renewed")] == ["b1"] * 6
    assert whole[0].startswith("kafka_roll_lock") and len(of(log, "kafka_roll_lock")) == 2


def test_the_canary_is_watched_and_nobody_after_the_last_step(run):
    log = run(canary=1, roll_canary_soak_seconds=30, roll_soak_seconds=5)[2]
    assert [line for line in log if line.startswith("held")] == [
        "held 30.0 s: 1",
        "held 5.0 s: 4,7",
        "held 5.0 s: 2,5,8",
    ]


def test_a_second_roll_in_one_run_asks_for_its_own_steps(run, tmp_path):
    """The hosts and groups of the first one are still there."""
    both = tmp_path / "both.yml"
    part = ROOT / "playbooks/parts/roll.yml"
    both.write_text("- import_playbook: %s\n  vars: {roll_only: 'b2, b5,b8'}\n- import_playbook: %s\n" % (part, part))
    code, said, log, report, events = run(playbook=both)
    assert code == 0, said
    steps = [line for line in log if line.startswith("kafka_roll_wait may_stop") or "restarted" in line]
    assert [ids.split()[-1] for ids in steps[::4]] == ["2,5,8", "1,4,7", "2,5,8", "3,6,9"]
    for begin in range(0, 16, 4):
        ids = steps[begin].split()[-1].split(",")
        assert steps[begin].startswith("kafka_roll_wait may_stop") and of(
            steps[begin + 1 : begin + 4], "kafka_roll_service"
        ) == ["b" + id_ for id_ in ids]
    # The report of the first one is kept.
    assert len(list(tmp_path.glob("roll-*Z.html"))) == 1 and (tmp_path / "roll.html").exists()


def test_a_refusal_lets_the_lock_go_and_begins_no_report(run):
    refused = [{"topic": "t", "partition": 0, "brokers": [1], "reason": "It has only one replica."}]
    code, said, log, report, events = run(plan={"refused": refused})
    assert code != 0 and "Partition t-0 blocks broker 1: It has only one replica." in said, said
    assert len(of(log, "kafka_roll_lock released")) == 1 and of(log, "kafka_roll_service") == []
    assert report is None and events == []


BROKERS = [{"id": id_, "rack": "abc"[id_ % 3], "fenced": False, "host": "h", "port": 1} for id_ in range(1, 11)]
BEHIND = {
    "topic": "t",
    "partition": 0,
    "leader": 1,
    "replicas": [1, 2, 3],
    "isr": [1, 2],
    "min_isr": 2,
    "offline": [],
    "adding": [],
    "removing": [],
}
STRANGE = {
    "a broker that the inventory does not know": ({"brokers": BROKERS}, "which the inventory does not know"),
    "a broker that the cluster does not list": (
        {"brokers": BROKERS[:8]},
        "Broker 9 runs, but the cluster does not list it as alive",
    ),
    "a rack that is missing": (
        {"brokers": [*BROKERS[:8], {**BROKERS[8], "rack": None}]},
        "Broker 9 has no rack in the cluster",
    ),
    "a partition without a leader": (
        {"partitions": [{**BEHIND, "leader": -1, "isr": [1, 2, 3]}]},
        "The cluster is not healthy: 1 partition is behind",
    ),
}


@pytest.mark.parametrize("title", STRANGE)
def test_a_cluster_that_is_not_as_it_should_be_is_refused_with_nobody_stopped(run, title):
    cluster, sentence = STRANGE[title]
    code, said, log, report, events = run(cluster=cluster)
    assert code != 0 and sentence in said, said
    assert (
        len(of(log, "kafka_roll_lock released")) == 1
        and of(log, "kafka_roll_service") == of(log, "kafka_roll_wait may_stop") == []
    )
    assert report is None and events == []


def test_a_broker_that_catches_up_is_waited_for_before_the_plan(run):
    code, said, log, report, events = run(cluster={"partitions": [BEHIND]}, heals="kafka_roll_wait back 3")
    assert code == 0, said
    begin = log.index("kafka_roll_wait back 3")
    assert (
        log[begin - 1].startswith("kafka_cluster_info")
        and log[begin + 1].startswith("kafka_cluster_info")
        and log[begin + 2].startswith("kafka_roll_plan")
    )


@pytest.mark.parametrize(
    ("case", "extra"),
    [([], {}), (["kafka_roll_wait back 3"], {"roll_only": "b2"})],
    ids=["it is so again", "it does not get on and is not of the roll"],
)
def test_one_that_does_not_is_refused_with_nobody_stopped(run, case, extra):
    code, said, log, report, events = run(case, cluster={"partitions": [BEHIND]}, **extra)
    assert code != 0 and "The cluster is not healthy: 1 partition is behind" in said, said
    assert (
        len(of(log, "kafka_cluster_info")) == 2
        and len(of(log, "kafka_roll_lock released")) == 1
        and of(log, "kafka_roll_service") == []
        and events == []
    )


def test_one_that_does_not_get_on_may_be_what_the_roll_heals(run):
    code, said, log, report, events = run(["kafka_roll_wait back 3"], cluster={"partitions": [BEHIND]})
    assert code == 0 and log.index("kafka_roll_wait back 3") < log.index("kafka_roll_service restarted b3"), said


def test_where_everybody_has_to_catch_up_nobody_else_could_be_asked(run):
    behind = [
        {**BEHIND, "leader": a, "replicas": [a, b, c], "isr": [a]}
        for a, b, c in ((1, 2, 3), (4, 5, 6), (7, 8, 9), (2, 1, 4), (5, 7, 4))
    ]
    code, said, log, report, events = run(cluster={"partitions": behind})
    assert code != 0 and "The cluster is not healthy: 5 partitions are behind" in said, said
    assert of(log, "kafka_roll_wait") == []


def test_a_host_that_does_not_answer_is_named_and_the_lock_let_go(run, tmp_path):
    code, said, log, report, events = run(unreachable=["b1"], silent=["b4", "b5"])
    assert [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("connected")] == [
        "connected by ssh"
    ] * 2
    assert (
        code != 0
        and "b4 cannot be reached (Failed to connect to the host via ssh: No route to host); bring it back, or replace it"
        in said
    ), said
    assert "b5 cannot be reached" in said and len(of(log, "kafka_roll_lock released")) == 1
    assert of(log, "kafka_cluster_info") == of(log, "kafka_roll_service") == [] and events == []


NINTH = {
    "brokers": [
        {"id": id_, "rack": "abc"[(id_ - 1) % 3], "fenced": id_ == 9, "host": "h", "port": 1} for id_ in range(1, 10)
    ]
}


def test_a_broker_that_crashed_and_reads_its_logs_is_waited_for(run, tmp_path):
    code, said, log, report, events = run(cluster=NINTH)
    assert (
        code != 0
        and "Broker 9 runs, but the cluster does not list it as alive; it may be reading its logs after a crash" in said
    ), said
    assert len(of(log, "kafka_roll_lock released")) == 1 and of(log, "kafka_roll_service") == [] and events == []
    asked = [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("kafka_service_info")]
    assert len(asked) == 10 and asked[-1].endswith("b9")


def test_and_whoever_is_back_meanwhile_takes_its_turn(run):
    code, said, log, report, events = run(cluster=NINTH, heals="kafka_service_info watched b9")
    assert code == 0 and of(log, "kafka_roll_service restarted")[-1] == "b9", said


def test_a_broker_that_crashes_again_and_again_is_down(run, tmp_path):
    code, said, log, report, events = run(["looping b9"], cluster=NINTH)
    assert code == 0, said
    assert [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("known to be down")] == [
        "known to be down: [9]"
    ] * 2


def test_a_node_that_came_up_since_the_roll_began_is_not_down(run, tmp_path):
    """It may read its logs, in which a stop would disturb it."""
    for case, known in ((["down b9"], 1), (["down b9", "up since"], 0)):
        (tmp_path / "log").unlink(missing_ok=True)
        code, said, log, report, events = run(case, cluster=NINTH)
        assert code == 0, said
        assert (
            len([line for line in (tmp_path / "log").read_text().splitlines() if line == "known to be down: [9]"])
            == 2 * known
        )


def test_a_watch_that_fails_takes_nobody_for_down_and_lets_the_lock_go(run):
    code, said, log, report, events = run(["watch breaks"], cluster=NINTH)
    assert code != 0 and "Broker 9 runs, but the cluster does not list it as alive" in said, said
    assert len(of(log, "kafka_roll_lock released")) == 1 and of(log, "kafka_roll_service") == []


def test_nobody_runs_so_that_nobody_can_be_asked(run):
    code, said, log, report, events = run(state="inactive")
    assert code != 0 and "No broker is left to ask" in said, said
    assert len(of(log, "kafka_roll_lock released")) == 1 and of(log, "kafka_roll_service") == []


def test_a_second_runner_is_refused_before_it_looks_at_anything(run):
    code, said, log, report, events = run(["kafka_roll_lock localhost"])
    assert code != 0 and "It broke on purpose." in said, said
    assert of(log, "kafka_cluster_info") == [] and events == []


def test_a_node_that_fails_leaves_the_others_of_its_step_running_and_stops_the_roll(run):
    code, said, log, report, events = run(["kafka_roll_service restarted b4"])
    task = "restart | Stop the service, promote the staged files, start the service"
    assert code != 0 and "The roll stopped at b4 (%s): It broke on purpose. Nothing else was touched" % task in said, (
        said
    )
    assert of(log, "kafka_roll_service") == ["b1", "b4", "b7"]
    assert of(log, "kafka_roll_wait back") == ["1,7"] and len(of(log, "kafka_roll_wait may_stop")) == 1
    assert (report["state"], events[-1]) == ("stopped", "roll_stopped")
    assert len(of(log, "kafka_roll_lock released")) == 1


def test_a_gate_that_stays_shut_stops_the_roll_with_a_report_and_without_the_lock(run):
    code, said, log, report, events = run(["kafka_roll_wait may_stop 1,4,7"])
    assert code != 0 and "The roll stopped at roll-1-step-1 (step | Wait until" in said, said
    assert of(log, "kafka_roll_service") == []
    assert (report["state"], events[-1]) == ("stopped", "roll_stopped")
    assert len(of(log, "kafka_roll_lock released")) == 1


def test_a_step_whose_every_node_is_lost_stops_the_roll_with_a_report_and_without_the_lock(run, tmp_path):
    reboot = tmp_path / "reboot.yml"
    reboot.write_text("- name: Reboot\n  ansible.builtin.raw: 'true'\n")
    code, said, log, report, events = run(unreachable=["b1", "b4", "b7"], roll_node_tasks=str(reboot))
    assert code != 0 and "The roll stopped at b1, b4, b7 could not be reached" in said, said
    assert of(log, "kafka_roll_service stopped") == ["b1", "b4", "b7"] and of(log, "kafka_roll_service started") == []
    assert (report["state"], events[-1]) == ("stopped", "roll_stopped")
    assert len(of(log, "kafka_roll_lock released")) == 1


BAD_TASKS = {
    "none": (None, "There is no file"),
    "broken": ("- name: [\n", "cannot be read: YAML parsing failed"),
    "a module that does not exist": (
        "- block:\n  - name: Patch\n    ansible.builtin.aptt: {}\n",
        "ansible.builtin.aptt",
    ),
    "a keyword that does not exist": ("- name: Patch\n  ansible.builtin.raw: 'true'\n  wen: true\n", "wen"),
    "an import that is not there": ("- ansible.builtin.import_tasks: nowhere.yml\n", "nowhere.yml"),
}


@pytest.mark.parametrize("title", BAD_TASKS)
def test_tasks_that_could_not_be_run_are_refused_before_anything_is_touched(run, tmp_path, title):
    text, why = BAD_TASKS[title]
    patch = tmp_path / "patch.yml"
    if text:
        patch.write_text(text)
    code, said, log, report, events = run(roll_node_tasks=str(patch))
    assert code != 0 and why in said, said
    assert log == [] and events == []


def test_the_tasks_of_the_user_run_once_on_each_node_that_is_down(run, tmp_path):
    patch = tmp_path / "patch.yml"
    note = "echo {{ inventory_hostname }} >> %s/notes" % tmp_path
    # Where to is known only by what a task before it said.
    told = "- name: Ask\n  ansible.builtin.command: echo localhost\n  register: told\n"
    patch.write_text(told + "- name: Note\n  ansible.builtin.shell: '%s'\n  delegate_to: '{{ told.stdout }}'\n" % note)
    code, said, log, report, events = run(roll_node_tasks=str(patch))
    assert code == 0, said
    assert sorted((tmp_path / "notes").read_text().split()) == ["b%d" % id_ for id_ in range(1, 10)]
    assert log.index("kafka_roll_service stopped b1") < log.index("kafka_roll_wait back 1,4,7")
