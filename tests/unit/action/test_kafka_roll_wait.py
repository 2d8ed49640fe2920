"""The action plugins of a roll: scripted answers of the gate on a clock that only they move."""

from __future__ import annotations

import json
import os
import time
from types import SimpleNamespace as Made
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from documented import declared, documented

from ansible_collections.rackaware.kafka.plugins.action import (
    kafka_roll_event,
    kafka_roll_report,
    kafka_roll_service,
    kafka_roll_wait,
)
from ansible_collections.rackaware.kafka.plugins.module_utils._host import claim
from ansible_collections.rackaware.kafka.plugins.module_utils._report import roll as report_roll
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import poll
from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_event as event_docs
from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_report as report_docs
from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_service as service_docs
from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_wait as wait_docs

SERVERS = ["one:9092"]
COUNTS = {"under_replicated": 0, "at_min_isr": 0, "under_min_isr": 0, "offline": 0}


def node(id_, behind=0, registered=True, reason="It is not in sync yet.", seen=(0.0, 0.0), **more):
    done = registered and behind == 0 and not more
    since = {"registered_seconds": seen[0] if registered else None, "back_seconds": seen[1] if done else None}
    return {
        "id": id_,
        "back": done,
        "registered": registered,
        "behind": behind if registered else None,
        "reason": None if done else reason,
        **since,
        **more,
    }


def gone(id_):
    return node(id_, registered=False, reason="It is not registered and unfenced by the others' answer.")


def back(*nodes, counts=None):
    return {**poll.returned(nodes), **counted(counts), "asked": 6}


def counted(counts=None):
    return {"counts": counts or COUNTS, "curve": [{"ago": 0.0, **(counts or COUNTS)}]}


def may(nodes, held=(), counts=None):
    decided = {
        "admitted": [id_ for id_ in nodes if id_ not in dict(held)],
        "held": [{"broker": id_, "reason": why} for id_, why in dict(held).items()],
    }
    return {**poll.verdict(nodes, decided), **counted(counts), "asked": 6}


def failure(message, **more):
    return {"failed": True, "msg": message, **more}


class Stage:
    """Runs the plugin; each question takes the next answer (the last one again and again), and one second."""

    def __init__(self, monkeypatch):
        self.now, self.lines, self.calls, self.slept, self.measured = 0.0, [], [], [], []
        monkeypatch.setattr(kafka_roll_wait, "Display", lambda: Made(display=self.lines.append))

    def make(self, plugin, args, check=False):
        task = MagicMock(
            args=args, check_mode=check, async_val=0, delegate_to="broker-c1", action="rackaware.kafka.kafka_roll_wait"
        )
        return plugin(
            task=task,
            connection=MagicMock(),
            play_context=MagicMock(),
            loader=MagicMock(),
            templar=MagicMock(),
            shared_loader_obj=None,
        )

    def wait(self, answers, check=False, **args):
        action = self.make(
            kafka_roll_wait.ActionModule,
            {"bootstrap_servers": SERVERS, "question": "back", "interval": 1, **args},
            check,
        )
        left = list(answers)

        def execute(module_name, module_args, task_vars):
            assert module_name == kafka_roll_wait.GATE
            self.calls.append(
                {name: value for name, value in module_args.items() if name not in ("wait_seconds", "log_sizes")}
            )
            self.measured.append(module_args.get("log_sizes"))
            self.now += 1
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return {"invocation": {}, **answer}

        def sleep(seconds):
            self.slept.append(seconds)
            self.now += seconds

        action._execute_module, action.clock, action.sleep = execute, lambda: self.now, sleep
        return action.run(task_vars={"inventory_hostname": "localhost"})

    def fail(self, answers, **args):
        with pytest.raises(AnsibleActionFail) as raised:
            self.wait(answers, **args)
        return str(raised.value)


@pytest.fixture
def stage(monkeypatch):
    return Stage(monkeypatch)


class TestOpening:
    def test_an_open_gate_takes_one_question_and_no_line(self, stage):
        result = stage.wait([may([4, 5])], question="may_stop", nodes=[4, 5], in_flight=[7])
        assert (result["open"], result["changed"], result["questions"], result["seconds"]) == (True, False, 1, 1.0)
        assert stage.lines == [] and stage.slept == []
        assert stage.calls == [
            {"bootstrap_servers": SERVERS, "question": "may_stop", "nodes": [4, 5], "in_flight": [7]}
        ]
        assert "invocation" not in result

    def test_the_way_back_in_lines(self, stage):
        answers = [
            back(gone(4), gone(5), gone(6)),
            back(node(4, 120), gone(5), gone(6)),
            back(node(4), node(5, 120), gone(6)),
            back(node(4), node(5, 120), gone(6)),
            back(node(4), node(5, 37), gone(6)),
            back(node(4), node(5, 37), gone(6)),
            back(node(4), node(5), node(6)),
        ]
        result = stage.wait(answers, nodes=[4, 5, 6], interval=2)
        assert result["open"] and result["questions"] == 7
        assert stage.lines == [
            "  broker 4 not registered, broker 5 not registered, broker 6 not registered · 0 of 3 back · 00:01",
            "  broker 4 back, broker 5: 120 partitions to catch up, broker 6 not registered · 1 of 3 back · 00:07",
            "  broker 4 back, broker 5: 37 partitions to catch up (was 120), broker 6 not registered · 1 of 3 back · 00:13",
            "  brokers 4, 5 and 6 back · 3 of 3 back · 00:19",
        ]

    def test_how_much_is_left_and_for_how_long(self, stage):
        left = [int(gigabytes * 2**30) for gigabytes in (3, 2.5, 2.1, 0.06)]
        stage.wait(
            [*[back(node(4, 37, bytes=1, bytes_left=each)) for each in left], back(node(4))], nodes=[4], interval=59
        )
        assert [line.partition(" · ")[0] for line in stage.lines] == [
            "  broker 4: 37 partitions to catch up, 3 GB to copy",
            "  broker 4: 37 partitions to catch up, 2.5 GB to copy, about 5 min left",
            "  broker 4: 37 partitions to catch up, 2.1 GB to copy, about 5 min left",
            "  broker 4: 37 partitions to catch up, 61 MB to copy, less than a minute left",
            "  broker 4 back",
        ]

    @pytest.mark.parametrize(
        "left", [[5e6, 5e6], [5e6, 9e6], [None, 5e6], [0, 0]], ids=["no faster", "more", "just known", "nothing"]
    )
    def test_no_time_is_promised_where_nothing_goes_on(self, stage, left):
        stage.wait(
            [*[back(node(4, 1, bytes=1, bytes_left=each)) for each in left], back(node(4))], nodes=[4], interval=59
        )
        assert "left" not in "".join(stage.lines) and "0 MB" not in "".join(stage.lines)

    def test_what_was_proven_goes_to_the_next_poll_session_and_is_forgotten_after_one_that_failed(self, stage):
        first, second = (
            {**back(node(4), gone(5)), "proven": proven} for proven in ({"4": True}, {"4": True, "5": False})
        )
        stage.wait(
            [first, second, failure("No broker answered."), first, {**back(node(4), node(5)), "proven": {}}],
            nodes=[4, 5],
        )
        assert [call.get("proven") for call in stage.calls] == [
            None,
            {"4": True},
            {"4": True, "5": False},
            None,
            {"4": True},
        ]

    def test_what_holds_it_in_lines(self, stage):
        held = "Partition t-0 has 2 in sync and needs 2; broker 3 is stopped or behind."
        stage.wait([may([1, 2, 9], {1: held, 2: held}), may([1, 2, 9])], question="may_stop", nodes=[1, 2, 9])
        assert stage.lines == [
            "  brokers 1 and 2 wait: Partition t-0 has 2 in sync and needs 2; broker 3 is stopped or behind · 1 of 3 may go · 00:01",
            "  brokers 1, 2 and 9 may be stopped · 00:03",
        ]

    def test_many_are_cut_short(self, stage):
        stage.wait(
            [back(*[gone(id_) for id_ in range(1, 31)]), back(*[node(id_) for id_ in range(1, 31)])],
            nodes=list(range(1, 31)),
        )
        assert "broker 4 not registered and 26 brokers more · 0 of 30 back" in stage.lines[0]
        assert "brokers 1, 2, 3, 4, 5, 6, 7, 8 … (30 in all) back" in stage.lines[1]

    @pytest.mark.parametrize("answer", [back(gone(4)), back(node(4))], ids=["not back", "back"])
    def test_check_mode_asks_once_and_writes_nothing(self, stage, tmp_path, answer):
        result = stage.wait([answer], check=True, nodes=[4], events=str(tmp_path / "e"), lock={"owner": "me"})
        assert result["open"] == answer["open"] and len(stage.calls) == 1 and stage.slept == []
        assert not (tmp_path / "e").exists()


class TestStalling:
    def test_without_progress_it_ends_with_the_last_state(self, stage, tmp_path):
        path = tmp_path / "events"
        message = stage.fail(
            [back(gone(4), gone(5)), back(node(4), node(5, 37))], nodes=[4, 5], stall_seconds=60, events=str(path)
        )
        assert message == (
            "Waited 1 min 03 s until brokers 4 and 5 are back, without progress in the last 1 min 00 s; last seen: broker 4 back, "
            "broker 5: 37 partitions to catch up · 1 of 2 back; look at the log there, then start the roll again, which continues from here."
        )
        assert json.loads(path.read_text().splitlines()[-1])["event"] == "failed"

    @pytest.mark.parametrize(
        ("answer", "kind", "told"),
        [(back(gone(4)), "broker", True), (back(node(4, 3)), "broker", False), (back(gone(4)), "controller", False)],
        ids=["not registered", "catching up", "a controller"],
    )
    def test_a_broker_that_is_not_registered_may_be_reading_its_logs(self, stage, answer, kind, told):
        message = stage.fail([answer], nodes=[4], kind=kind, stall_seconds=10)
        assert (
            "(a broker that reads its logs after a crash registers only then, and stall_seconds must be longer than that takes"
            in message
        ) == told
        assert message.endswith("then start the roll again, which continues from here.")

    def test_as_long_as_it_gets_better_it_goes_on(self, stage):
        answers = [back(node(4, number)) for number in range(500, -1, -1)]
        assert stage.wait(answers, nodes=[4], stall_seconds=3)["questions"] == 501

    def test_up_and_down_is_no_progress(self, stage):
        message = stage.fail(
            [back(node(4, number)) for _ in range(50) for number in (5, 9)], nodes=[4], stall_seconds=30
        )
        assert "without progress in the last 30 s" in message and stage.now < 40

    def test_one_large_partition_that_grows_is_progress_and_one_that_does_not_is_none(self, stage):
        growing = [back(node(4, 1, bytes=size)) for size in range(1000, 1100)]
        assert stage.wait([*growing, back(node(4))], nodes=[4], stall_seconds=10)["open"]
        assert "without progress" in stage.fail([back(node(4, 1, bytes=7))], nodes=[4], stall_seconds=10)

    def test_fewer_under_replicated_partitions_are_progress_at_the_gate(self, stage):
        answers = [may([1], {1: "Held."}, {**COUNTS, "under_replicated": number}) for number in range(40, 0, -1)]
        assert stage.wait([*answers, may([1])], question="may_stop", nodes=[1], stall_seconds=10)["open"]
        assert "may be stopped, without progress" in stage.fail(
            [answers[0]], question="may_stop", nodes=[1], stall_seconds=10
        )

    @pytest.mark.parametrize("question", ["back", "may_stop"])
    def test_a_question_that_fails_is_asked_again_and_the_last_error_is_told(self, stage, question):
        good = back(node(4)) if question == "back" else may([4])
        assert (
            stage.wait(
                [failure("No broker answered."), failure("No broker answered."), good], question=question, nodes=[4]
            )["questions"]
            == 3
        )
        assert "last seen: the last question failed: No broker answered; look" in stage.fail(
            [failure("No broker answered.", retry=True)], question=question, nodes=[4], stall_seconds=10
        )

    def test_a_state_and_an_error_after_it_are_both_told(self, stage):
        message = stage.fail([back(node(4, 3)), failure("No broker answered.")], nodes=[4], stall_seconds=10)
        assert (
            "broker 4: 3 partitions to catch up · 0 of 1 back · the last question failed: No broker answered;"
            in message
        )

    def test_bad_input_ends_it_at_once(self, stage):
        assert stage.fail([failure("nodes is empty.", retry=False)], nodes=[]) == "nodes is empty."
        assert stage.slept == []

    @pytest.mark.parametrize(
        "answer", [AnsibleConnectionFailure("ssh: no route."), {"unreachable": True, "msg": "ssh: no route."}]
    )
    def test_a_host_that_cannot_be_reached_ends_it_at_once(self, stage, answer):
        assert stage.fail([answer], nodes=[4]).startswith(
            "broker-c1, from which the cluster is asked, cannot be reached (ssh: no route)"
        )

    @pytest.mark.parametrize("value", [0, -1, "nan", "inf"])
    @pytest.mark.parametrize("option", ["stall_seconds", "interval"])
    def test_a_time_is_a_number_above_nothing(self, stage, option, value):
        said = stage.fail([back(node(4))], nodes=[4], **{option: value})
        assert (
            said == "%s is %s, but must be a number of seconds above 0." % (option, float(value)) and stage.calls == []
        )

    @pytest.mark.parametrize("params", [{"question": "maybe"}, {"nodse": [1]}])
    def test_bad_options_are_refused(self, stage, params):
        stage.fail([back(node(4))], nodes=[4], **params)
        assert stage.calls == []


def test_the_gate_gets_the_lock_with_each_question_and_its_path_as_it_was_given(stage):
    lock = {"owner": "me", "path": "~/roll.lock"}
    stage.wait([back(gone(4)), back(node(4))], nodes=[4], lock=lock)
    assert [each["lock"] for each in stage.calls] == [lock, lock]


def test_what_is_left_is_asked_for_once_catching_up_takes_a_while(stage):
    stage.wait([back(gone(4))] * 20 + [back(node(4, 3))] * 7 + [back(node(4))], nodes=[4])
    # A question takes a second, and there is another between two of them.
    assert stage.measured == [False] * 26 + [True] * 2


class TestHold:
    """That an answer is yes for a moment may be too little."""

    def test_it_ends_when_the_answer_has_stayed_yes_for_so_long(self, stage):
        stage.wait([back(node(4))], nodes=[4], hold_seconds=5)
        assert len(stage.calls) == 3 and stage.slept == [2.0, 2.0]

    @pytest.mark.parametrize("between", [back(node(4, 3)), failure("no broker answered")], ids=["gone", "no answer"])
    def test_and_starts_again_when_it_has_not(self, stage, between):
        stage.wait([back(node(4)), between, back(node(4))], nodes=[4], hold_seconds=5)
        assert len(stage.calls) == 5

    def test_what_comes_back_in_time_is_no_stall_however_long_it_was_well(self, stage):
        well, away = [back(node(4))] * 300, [back(node(4, 3))]
        stage.wait(
            [*well, *away, *well, failure("no broker answered"), *well, *away, back(node(4))],
            nodes=[4],
            hold_seconds=1800,
            stall_seconds=900,
        )

    def test_a_node_that_comes_and_goes_is_not_waited_for_without_end(self, stage):
        """Each yes is something new, so that only how long it lasts tells."""
        answers = [back(node(4)), back(gone(4))] * 400
        said = stage.fail(answers, nodes=[4], hold_seconds=5, stall_seconds=30)
        assert "The answer was yes, but never for 5 s as asked for" in said

    def test_whoever_does_not_come_back_in_it_ends_the_wait(self, stage):
        assert "without progress" in stage.fail(
            [back(node(4)), back(gone(4))], nodes=[4], hold_seconds=5, stall_seconds=30
        )

    def test_the_report_is_told(self, stage, tmp_path):
        stage.wait([back(node(4))], nodes=[4], hold_seconds=5, events=str(tmp_path / "e"))
        told = [json.loads(line) for line in (tmp_path / "e").read_text().splitlines()]
        assert [(each["event"], each.get("brokers"), each.get("seconds")) for each in told[-2:]] == [
            ("back", None, None),
            ("soaked", [4], 6.0),
        ]

    def test_without_it_the_first_yes_is_enough(self, stage):
        stage.wait([back(node(4))], nodes=[4])
        assert len(stage.calls) == 1 and stage.slept == []


class TestEvents:
    def read(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_what_the_report_reads(self, stage, tmp_path):
        path = tmp_path / "made" / "roll.jsonl"
        under = {**COUNTS, "under_replicated": 9, "at_min_isr": 9}
        stage.wait(
            [may([4, 5], {5: "Held."}), may([4, 5], {5: "Held."}), may([4, 5])],
            question="may_stop",
            nodes=[4, 5],
            events=str(path),
        )
        stage.wait(
            [back(gone(4), gone(5), counts=under), back(node(4), node(5, 3), counts=under), back(node(4), node(5))],
            nodes=[4, 5],
            events=str(path),
        )
        seen = self.read(path)
        assert all(isinstance(event.pop("t"), float) for event in seen)
        curve = {"event": "curve", "under_replicated": 0, "at_min_isr": 0, "under_min_isr": 0}
        assert seen == [
            {"event": "batch_started", "brokers": [4, 5]},
            curve,
            {"event": "gate_waiting", "brokers": [5], "reason": "Held."},
            {"event": "gate_open", "brokers": [4, 5]},
            {**curve, "under_replicated": 9, "at_min_isr": 9},
            {"event": "registered", "broker": 4},
            {"event": "registered", "broker": 5},
            {"event": "back", "broker": 4},
            curve,
            {"event": "back", "broker": 5},
        ]
        roll = report_roll.model(self.read(path))
        assert [gate["node"] for gate in roll["gates"]] == ["broker 5"] and roll["gates"][0]["reason"] == "Held."

    def test_what_was_seen_early_in_a_poll_session_is_recorded_as_of_then(self, stage, tmp_path, monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 1000.0)
        curve = [
            {"ago": ago, **COUNTS, "under_replicated": behind, "offline": lost}
            for ago, behind, lost in ((3, 7, 1), (2.5, 7, 0), (0.4, 0, 0))
        ]
        answer = {**back(node(4, seen=(4.5, 0.3)), node(5, seen=(2.0, 1.5))), "curve": curve}
        stage.wait([answer], nodes=[4, 5], events=str(tmp_path / "e"))
        seen = [
            (event["t"], event["event"], event.get("broker", event.get("under_replicated")))
            for event in self.read(tmp_path / "e")
        ]
        assert seen == [
            (995.5, "registered", 4),
            (997.0, "curve", 7),
            (998.0, "registered", 5),
            (998.5, "back", 5),
            (999.6, "curve", 0),
            (999.7, "back", 4),
        ]

    def test_those_of_controllers_have_names_of_their_own(self, stage, tmp_path):
        path = tmp_path / "e"
        stage.wait([{**back(node(101)), "counts": None, "curve": []}], kind="controller", nodes=[101], events=str(path))
        assert [event["event"] for event in self.read(path)] == ["controller_registered", "controller_back"]
        roll = report_roll.model(self.read(path))
        assert roll["brokers"] == [] and [row["id"] for row in roll["quorum_nodes"]] == [101]

    def test_a_file_that_cannot_be_written_is_one_sentence(self, stage, tmp_path):
        (tmp_path / "file").write_text("")
        assert "events cannot be written to" in stage.fail(
            [back(node(4))], nodes=[4], events=str(tmp_path / "file" / "e")
        )


class TestEvent:
    def note(self, stage, check=False, **args):
        return stage.make(kafka_roll_event.ActionModule, args, check).run()

    def test_one_line_is_appended(self, stage, tmp_path):
        path = tmp_path / "made" / "roll.jsonl"
        result = self.note(stage, path=str(path), event="roll_started", fields={"cluster": "demo", "kind": "restart"})
        self.note(stage, path=str(path), event="batch_started", brokers=["1", 4], fields={"batch": 1})
        self.note(stage, path=str(path), event="stopping", broker="4")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert lines[0] == result["event"] and not result["changed"]
        assert [{key: value for key, value in line.items() if key != "t"} for line in lines] == [
            {"event": "roll_started", "cluster": "demo", "kind": "restart"},
            {"event": "batch_started", "brokers": [1, 4], "batch": 1},
            {"event": "stopping", "broker": 4},
        ]

    def test_a_new_roll_begins_a_new_file(self, stage, tmp_path):
        path = tmp_path / "e"
        for event in ("roll_started", "roll_ended"):
            self.note(stage, path=str(path), event=event)
        self.note(stage, path=str(path), event="roll_started", new=True)
        assert len(path.read_text().splitlines()) == 1

    def test_a_new_one_keeps_what_the_last_roll_left(self, stage, tmp_path):
        for end in (".jsonl", ".json", ".html"):
            (tmp_path / ("roll" + end)).write_text("before")
            os.utime(tmp_path / ("roll" + end), (1777630500, 1777630500))
        self.note(stage, path=str(tmp_path / "roll.jsonl"), event="roll_started", new=True)
        kept = ["roll-20260501T101500Z%s" % end for end in (".html", ".json", ".jsonl")]
        assert sorted(path.name for path in tmp_path.iterdir()) == [*kept, "roll.jsonl"]
        assert all((tmp_path / name).read_text() == "before" for name in kept)

    def test_nothing_in_check_mode(self, stage, tmp_path):
        assert (
            self.note(stage, check=True, path=str(tmp_path / "e"), event="roll_ended")["event"]["event"] == "roll_ended"
        )
        assert not (tmp_path / "e").exists()

    @pytest.mark.parametrize(
        ("args", "why"),
        [
            ({"event": "x"}, "path"),
            ({"path": "/tmp/e", "event": "x", "broker": 1, "brokers": [1]}, "mutually exclusive"),
            ({"path": "/tmp/e", "event": "x", "fields": {"t": 1}}, "fields has t"),
            ({"path": "/proc/none/e", "event": "x"}, "cannot be written"),
        ],
        ids=["no path", "both", "the time", "no such place"],
    )
    def test_bad_input_is_one_sentence(self, stage, args, why):
        with pytest.raises(AnsibleActionFail, match=why):
            self.note(stage, **args)


class TestReport:
    def report(self, stage, check=False, **args):
        return stage.make(kafka_roll_report.ActionModule, args, check).run()

    def test_a_page_and_the_same_as_data_beside_the_events(self, stage, tmp_path):
        lines = [
            {"t": 1, "event": "roll_started", "cluster": "demo"},
            {"t": 2, "event": "stopping", "broker": 4},
            {"t": 9, "event": "roll_ended"},
        ]
        (tmp_path / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        result = self.report(
            stage,
            events=str(tmp_path / "r.jsonl"),
            plan={"batches": [[4]], "nodes": [{"id": 4, "rack": "a", "name": "broker-a1"}]},
        )
        assert (result["page"], result["data"], result["changed"]) == (
            str(tmp_path / "r.html"),
            str(tmp_path / "r.json"),
            False,
        )
        assert (
            "broker-a1" in (tmp_path / "r.html").read_text()
            and json.loads((tmp_path / "r.json").read_text())["state"] == "done"
        )

    @pytest.mark.parametrize("ending", [".json", ".html"])
    def test_events_that_the_report_would_overwrite_are_refused(self, stage, tmp_path, ending):
        (tmp_path / ("r" + ending)).write_text("")
        with pytest.raises(AnsibleActionFail, match="give it another, as .jsonl"):
            self.report(stage, events=str(tmp_path / ("r" + ending)))

    def test_nothing_in_check_mode(self, stage, tmp_path):
        self.report(stage, check=True, events=str(tmp_path / "r.jsonl"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("text", "why"),
        [(None, "cannot be read from"), ("{\n", "no event"), ("", "was the roll started"), ("[]\n", "has the time")],
    )
    def test_what_is_no_file_of_events_is_one_sentence(self, stage, tmp_path, text, why):
        if text is not None:
            (tmp_path / "r.jsonl").write_text(text)
        with pytest.raises(AnsibleActionFail, match=why):
            self.report(stage, events=str(tmp_path / "r.jsonl"))


OK = {"rc": 0, "stdout": "", "stderr": ""}


class TestService:
    FILES = [
        {"dest": "/etc/kafka/broker.properties", "content": "a=1", "owner": "root", "group": "kafka", "mode": "0640"}
    ]
    ANSWER = {"owner": "ann", "answered": 1e9}
    STOP, START = claim.stop_command("kafka.service", **ANSWER), kafka_roll_service.START % {"unit": "kafka.service"}

    def act(self, stage, answers=(), check=False, kind="broker", **args):
        """Each command or module takes the next answer; all is well when there is none left."""
        answer = {} if args.get("state") == "started" else {"answer": self.ANSWER}
        action, left = (
            stage.make(kafka_roll_service.ActionModule, {"kind": kind, "node": 4, **answer, **args}, check),
            list(answers),
        )

        def do(what, well):
            stage.calls.append(what)
            answer = left.pop(0) if left else well
            if isinstance(answer, Exception):
                raise answer
            return answer

        action._low_level_execute_command = lambda command: do(command, {"rc": 0, "stdout": "", "stderr": ""})
        action._execute_module = lambda module_name, module_args, task_vars: do(
            (module_name, module_args["promote"], module_args["held_by"]), {}
        )
        return action.run(task_vars={"inventory_hostname": "broker-b1"})

    def fail(self, stage, *answers, **args):
        with pytest.raises(AnsibleActionFail) as raised:
            self.act(stage, answers, **args)
        return str(raised.value)

    def test_a_restart_is_a_stop_what_was_staged_and_a_start(self, stage, tmp_path):
        path = tmp_path / "e"
        assert self.act(stage, files=self.FILES, events=str(path))["changed"]
        assert stage.calls == [self.STOP, ("rackaware.kafka.file_set", True, "kafka.service"), self.START]
        seen = [json.loads(line) for line in path.read_text().splitlines()]
        assert [(each["event"], each["broker"]) for each in seen] == [("stopping", 4), ("stopped", 4), ("started", 4)]

    def test_or_one_half_of_it(self, stage):
        # In place at once, so that a boot of the host starts it with that. One that runs is not stopped again: the gate was asked for one stop.
        self.act(stage, state="stopped", files=self.FILES)
        assert stage.calls == [self.STOP, ("rackaware.kafka.file_set", True, "kafka.service")]
        self.act(stage, state="started", files=self.FILES)
        assert stage.calls[2:] == [self.START]

    def test_others_are_written_down_by_other_names(self, stage, tmp_path):
        self.act(stage, kind="zookeeper", state="stopped", events=str(tmp_path / "e"))
        assert [json.loads(line)["event"] for line in (tmp_path / "e").read_text().splitlines()] == [
            "zookeeper_stopping",
            "zookeeper_stopped",
        ]
        assert stage.calls == [claim.stop_command("zookeeper.service", **self.ANSWER)]

    def test_a_service_that_was_down_must_still_be_down(self, stage):
        answer = {**self.ANSWER, "down": True}
        said = self.fail(stage, {**OK, "rc": claim.RUNS_AGAIN}, answer=answer)
        assert stage.calls == [claim.stop_command("kafka.service", **answer)]
        assert "kafka.service was not stopped on broker-b1: it did not run when the gate answered" in said

    def test_no_stop_without_an_answer(self, stage):
        assert "answer is missing" in self.fail(stage, answer=None) and stage.calls == []

    @pytest.mark.parametrize(
        ("code", "told", "sentence"),
        [
            (
                claim.ANOTHER_RUN,
                "bob of today 2026",
                "kafka.service was not stopped on broker-b1: bob of today 2026 has claimed the host",
            ),
            (claim.OLD_ANSWER, "61", "the gate's answer is 61 s old"),
        ],
    )
    def test_a_stop_that_the_host_refuses_ends_it_with_nothing_put_in_place(self, stage, code, told, sentence):
        assert (
            sentence in self.fail(stage, {"rc": code, "stdout": "", "stderr": told}, files=self.FILES)
            and len(stage.calls) == 1
        )

    def test_a_start_that_waits_goes_on_and_says_for_what(self, stage):
        shown = "Id=kafka.service\nStatusText=\n\nId=kafka-luks@d0.service\nStatusText=locked: AccessDenied.\n"
        done = self.act(stage, [{"rc": kafka_roll_service.TIMED_OUT, "stdout": shown, "stderr": ""}], state="started")
        assert done["waits"] == "kafka.service waits on broker-b1: kafka-luks@d0.service: locked: AccessDenied."

    def test_a_start_that_fails_says_why_in_the_units_own_words(self, stage):
        shown = "Id=kafka.service\nStatusText=It is the last in-sync replica of 1 partition (t-0).\n"
        said = self.fail(stage, {"rc": 1, "stdout": shown, "stderr": "Job for kafka.service failed."}, state="started")
        assert (
            "kafka.service was not started on broker-b1: kafka.service: It is the last in-sync replica of 1 partition (t-0); look"
            in said
        )

    @pytest.mark.parametrize(
        ("answers", "sentence", "calls"),
        [
            (
                [{"rc": 1, "stdout": "", "stderr": "Oh.\nJob failed."}],
                "kafka.service was not stopped on broker-b1: Job failed; look at its log there.",
                1,
            ),
            ([{"rc": 1, "stdout": "", "stderr": ""}], "systemctl ended with 1", 1),
            (
                [OK, {"failed": True, "msg": "No space."}],
                "could not be put in place on broker-b1, which is down: No space.",
                2,
            ),
            (
                [OK, {}, {"rc": 5, "stdout": "", "stderr": "No unit."}],
                "kafka.service was not started on broker-b1: No unit;",
                3,
            ),
            ([AnsibleConnectionFailure("timed out")], "broker-b1 cannot be reached (timed out)", 1),
            ([OK, {"unreachable": True, "msg": "gone."}], "broker-b1 cannot be reached (gone)", 2),
        ],
        ids=["no stop", "without a word", "no room", "no start", "unreachable", "unreachable later"],
    )
    def test_what_goes_wrong_is_a_failure_in_one_sentence_and_ends_it(self, stage, answers, sentence, calls):
        assert sentence in self.fail(stage, *answers, files=self.FILES)
        assert len(stage.calls) == calls

    def test_no_node_is_stopped_when_it_cannot_be_recorded_and_no_node_stays_down_for_it(self, stage):
        assert "cannot be written" in self.fail(stage, events="/proc/none/e")
        assert stage.calls == []
        assert self.act(stage, state="started", events="/proc/none/e")["changed"]

    def test_nothing_in_check_mode(self, stage, tmp_path):
        assert self.act(stage, check=True, events=str(tmp_path / "e"))["changed"]
        assert stage.calls == [] and not (tmp_path / "e").exists()


def test_the_options_are_the_documented_ones():
    assert documented(wait_docs) == declared({**poll.SPEC, **kafka_roll_wait.OWN})
    assert documented(event_docs) == declared(kafka_roll_event.SPEC)
    assert documented(report_docs) == declared(kafka_roll_report.SPEC)
    assert documented(service_docs) == declared(kafka_roll_service.SPEC)
