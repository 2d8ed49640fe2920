"""The plays of a roll under Ansible itself, with nine brokers that are only names: what happens when something breaks in a step of several hosts.

Whatever would speak to a host or to Kafka is replaced by an action plugin that writes a line and does what the case says.
"""

from __future__ import annotations

import json

import pytest
from stand_ins import ROOT, groups, hosts, one_line, plugins

REPLACED = (
    "kafka_service_info",
    "kafka_cluster_info",
    "kafka_roll_lock",
    "kafka_roll_plan",
    "kafka_roll_wait",
    "kafka_roll_service",
)
# What only some cases ask about.
ASIDE = ("kafka_service_info", "renewed", "connected", "enforces")


@pytest.fixture(scope="module")
def files():
    """Of the broker's role the entry point alone: what the broker reads is not asked for."""
    restart = (ROOT / "roles/broker/tasks/restart.yml").read_text()
    assert "{{ __broker_set }}" in restart
    restart = restart.replace("{{ __broker_set }}", "{{ {'directories': [], 'files': [], 'promoted': []} }}")
    return {**plugins("roll", REPLACED), "roles/broker/tasks/restart.yml": restart}


@pytest.fixture
def run(project, tmp_path):
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
        playbook="parts/roll.yml",
        **extra,
    ):
        brokers = hosts(["b%d" % id_ for id_ in range(1, 10)], ansible_host="127.0.0.1", ansible_port=1)
        for name in unreachable:
            # Whose connection nothing names is reached by SSH, unless a play says otherwise.
            del brokers[name]["ansible_connection"]
        more = {
            "roll_events": str(tmp_path / "roll.jsonl"),
            "roll_canary": False,
            "__kafka_instance_types": {"": {}},
            **extra,
        }
        code, said = project.run(
            playbook,
            "-e",
            json.dumps(more),
            # As a person writes it: without a group for ZooKeeper nodes.
            inventory=groups(brokers=brokers),
            case={
                "words": list(case),
                "plan": plan or {},
                "cluster": cluster or {},
                "heals": heals,
                "silent": list(silent),
                "state": state,
                "canary": canary,
            },
            ANSIBLE_SSH_ARGS="-o ConnectTimeout=2",
        )
        log = [line for line in project.called() if not line.startswith(ASIDE)]
        written = (tmp_path / "roll.jsonl").read_text() if (tmp_path / "roll.jsonl").exists() else ""
        events = [json.loads(line)["event"] for line in written.splitlines()]
        report = json.loads((tmp_path / "roll.json").read_text()) if (tmp_path / "roll.json").exists() else None
        return code, one_line(said), log, report, events

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


@pytest.mark.parametrize("module", ["kafka_cluster_info", "kafka_roll_plan"])
def test_a_host_that_is_lost_while_it_is_asked_keeps_no_lock(run, module):
    code, said, log, *_ = run(["lost %s localhost" % module])
    assert code != 0 and "b1 keeps the lock and asks the brokers, and cannot be reached; bring it back." in said
    assert log[-1].startswith("kafka_roll_lock released") and of(log, "kafka_roll_service") == []


def test_the_gate_is_told_who_of_a_step_is_known_to_be_down(run):
    code, said, log, report, events = run(["down b4"])
    assert code == 0, said
    begin = log.index("kafka_roll_wait may_stop 1,4,7")
    assert log[begin + 1] == "known to be down: [4]" and of(log[:begin], "known") == []
    assert {line for line in log if line.startswith("known")} == {"known to be down: [4]"}


def test_the_plan_and_every_gate_count_with_what_the_brokers_will_enforce(run, project):
    run()
    assert [line for line in project.called() if line.startswith("enforces")] == ["enforces 2"] * 7


def test_every_wait_is_on_the_host_that_keeps_the_lock(run, project):
    code, said, log, report, events = run()
    whole = project.called()
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


def test_a_host_that_does_not_answer_is_named_and_the_lock_let_go(run, project):
    code, said, log, report, events = run(unreachable=["b1"], silent=["b4", "b5"])
    assert [line for line in project.called() if line.startswith("connected")] == ["connected by ssh"] * 2
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


def test_a_broker_that_crashed_and_reads_its_logs_is_waited_for(run, project):
    code, said, log, report, events = run(cluster=NINTH)
    assert (
        code != 0
        and "Broker 9 runs, but the cluster does not list it as alive; it may be reading its logs after a crash" in said
    ), said
    assert len(of(log, "kafka_roll_lock released")) == 1 and of(log, "kafka_roll_service") == [] and events == []
    asked = [line for line in project.called() if line.startswith("kafka_service_info")]
    assert len(asked) == 10 and asked[-1].endswith("b9")


def test_and_whoever_is_back_meanwhile_takes_its_turn(run):
    code, said, log, report, events = run(cluster=NINTH, heals="kafka_service_info watched b9")
    assert code == 0 and of(log, "kafka_roll_service restarted")[-1] == "b9", said


def test_a_broker_that_crashes_again_and_again_is_down(run, project):
    code, said, log, report, events = run(["looping b9"], cluster=NINTH)
    assert code == 0, said
    assert [line for line in project.called() if line.startswith("known to be down")] == ["known to be down: [9]"] * 2


def test_a_node_that_came_up_since_the_roll_began_is_not_down(run, project):
    """It may read its logs, in which a stop would disturb it."""
    for case, known in ((["down b9"], 1), (["down b9", "up since"], 0)):
        project.log.unlink(missing_ok=True)
        code, said, log, report, events = run(case, cluster=NINTH)
        assert code == 0, said
        assert len([line for line in project.called() if line == "known to be down: [9]"]) == 2 * known


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
