"""The wait for a complete cluster: scripted answers of the module on a clock that only they move."""

from __future__ import annotations

from types import SimpleNamespace as Made
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from documented import declared, documented

from ansible_collections.rackaware.kafka.plugins.action import kafka_verify
from ansible_collections.rackaware.kafka.plugins.module_utils._report import verify
from ansible_collections.rackaware.kafka.plugins.modules import kafka_verify as docs

BROKERS = [
    {"id": 1, "name": "b1", "unit_state": "active", "disks": []},
    {"id": "2", "name": "b2", "unit_state": "active"},
]
CLUSTER = {
    "counts": {"under_replicated": 0, "under_min_isr": 0, "offline": 0},
    "examples": {"under_replicated": [], "under_min_isr": [], "offline": []},
}
READY = {"ready": True, "missing": [], "cluster": CLUSTER, "proof": {"sentence": "Yes."}, "changed": True}
MISSING = {"ready": False, "missing": [2], "cluster": CLUSTER, "changed": False}
SILENT = {"ready": False, "reason": "Nothing listens at a:1, yet.", "changed": False}


class Stage:
    """Runs the plugin; each question takes the next answer (the last one again and again), and five seconds."""

    def __init__(self, monkeypatch):
        self.lines, self.asked, self.now = [], [], 0.0
        monkeypatch.setattr(kafka_verify, "Display", lambda: Made(display=self.lines.append))

    def run(self, *answers, check=False, **args):
        args = {"bootstrap_servers": ["a:1"], "brokers": BROKERS, **args}
        task = MagicMock(
            args=args, check_mode=check, async_val=0, delegate_to="b1", action="rackaware.kafka.kafka_verify"
        )
        plugin = kafka_verify.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), None)
        left = list(answers)

        def execute(module_name, module_args, task_vars):
            self.asked.append(module_args)
            self.now += 5
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return {"invocation": {}, **answer}

        plugin._execute_module, plugin.clock = execute, lambda: self.now
        return plugin.run(task_vars={"inventory_hostname": "localhost"})

    def fail(self, *answers, **args):
        with pytest.raises(AnsibleActionFail) as raised:
            self.run(*answers, **args)
        return str(raised.value)


@pytest.fixture
def stage(monkeypatch):
    return Stage(monkeypatch)


def test_a_complete_cluster_takes_one_question_and_no_line(stage):
    assert stage.run(READY) == {**READY, "seconds": 5.0}
    assert stage.lines == [] and stage.asked == [
        {"bootstrap_servers": ["a:1"], "brokers": [{"id": 1, "name": "b1"}, {"id": 2, "name": "b2"}]}
    ]


def test_what_is_missing_is_shown_meanwhile(stage):
    assert stage.run(SILENT, MISSING, READY)["seconds"] == 15.0
    assert stage.lines == [
        "waiting for the cluster, 5 s: Nothing listens at a:1, yet",
        "waiting for the cluster, 10 s: broker 2 (b2) is not registered",
    ]


def test_a_service_that_systemd_starts_again_and_again_is_waited_for_and_named(stage):
    said = stage.fail(MISSING, brokers=[BROKERS[0], {**BROKERS[1], "unit_state": "activating"}], stall_seconds=30)
    assert "broker 2 (b2, service activating) is not registered" in said


def test_without_progress_it_ends_and_says_who_is_missing(stage):
    said = stage.fail(MISSING, stall_seconds=60)
    assert said.startswith(
        "The cluster is not complete after 65 s, the last 60 of them without progress: broker 2 (b2) is not registered."
    )
    assert len(stage.asked) == 13


def test_a_service_that_does_not_run_ends_it_before_a_broker_is_asked(stage):
    said = stage.fail(MISSING, brokers=[BROKERS[0], {**BROKERS[1], "unit_state": "inactive"}])
    assert said.startswith("Broker 2 (b2: inactive) does not run") and "rolling_restart" in said and stage.asked == []


def test_a_refusal_ends_it_at_once(stage):
    assert (
        stage.fail({"failed": True, "msg": "Nothing listens at a:1."}) == "Nothing listens at a:1."
        and len(stage.asked) == 1
    )


def test_an_interpreter_that_cannot_be_run_says_so(stage):
    answer = {
        "failed": True,
        "msg": "The module failed.",
        "module_stderr": "x\n/bin/sh: 1: /opt/kafka-admin/bin/python: Permission denied\n",
    }
    assert stage.fail(answer) == "The module failed. /bin/sh: 1: /opt/kafka-admin/bin/python: Permission denied"


@pytest.mark.parametrize(
    "answer",
    [AnsibleConnectionFailure("No route."), {"unreachable": True, "msg": "No route."}],
    ids=["raised", "returned"],
)
def test_a_host_that_cannot_be_reached_ends_it_at_once(stage, answer):
    assert stage.fail(answer).startswith(
        "b1, from which the cluster is asked, cannot be reached (No route); bring it back"
    )


class TestCheckMode:
    def test_what_is_missing_is_an_answer_and_nothing_is_waited_for(self, stage):
        down = [BROKERS[0], {**BROKERS[1], "unit_state": "absent"}]
        assert stage.run(MISSING, check=True, brokers=down) == {**MISSING, "seconds": 5.0}

    def test_that_no_broker_can_be_asked_is_a_failure(self, stage):
        assert stage.fail(SILENT, check=True) == SILENT["reason"] and len(stage.asked) == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"stall_seconds": 0}, "stall_seconds is 0"),
        ({"timeout_seconds": "inf"}, "timeout_seconds is inf"),
        ({"brokers": [{"id": "x", "name": "b"}]}, "brokers must list"),
        ({"brokers": [{"name": "b"}]}, "brokers must list"),
    ],
)
def test_bad_input_is_one_sentence(stage, more, why):
    assert why in stage.fail(READY, **more) and stage.asked == []


def test_the_options_are_the_documented_ones():
    assert documented(docs) == declared(verify.SPEC)
