"""What keeps a broker from starting on a log directory that is new since its last start.

The tests cover what is new, which brokers are trusted, and the sentences.
"""

from __future__ import annotations

import itertools
import json
import re
import resource
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_cluster_exists
from ansible_collections.rackaware.kafka.plugins.module_utils import _program
from ansible_collections.rackaware.kafka.plugins.module_utils._config import start_guard, units
from ansible_collections.rackaware.kafka.plugins.module_utils._host import staging, storage
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_wrapper
from ansible_collections.rackaware.kafka.plugins.module_utils._start_guard import program, rule
from ansible_collections.rackaware.kafka.plugins.module_utils._start_guard.rule import Directory, View

ROOT = Path(__file__).resolve().parents[3]
PATHS = ("/d0/logs", "/d1/logs")
MARKS = {path: {"id": "id-%d" % number, "volume": "vol-%d" % number} for number, path in enumerate(PATHS)}
RECORD = {path: mark["id"] for path, mark in MARKS.items()}


def seen(number=0, used=True, **mark):
    path = PATHS[number]
    return Directory(path, "vol-%d" % number, used, {**MARKS[path], **mark} if mark.get("id", "x") else None)


def partition(leader, isr, *, topic="t", number=0, elr=()):
    return {"topic": topic, "partition": number, "leader": leader, "isr": list(isr), "elr": list(elr)}


def view(broker, *partitions, controller=1, alive=(1, 2), kraft=False):
    return View(broker, kraft, controller, frozenset(alive), partitions)


def answer(*views, node=3):
    return rule.answer(node, {each.broker: each for each in views})


# What is new.


@pytest.mark.parametrize(
    ("directories", "record", "new_cluster", "said"),
    [
        ([seen(0), seen(1)], RECORD, False, []),
        ([seen(0), seen(1, used=False)], RECORD, False, ["/d1/logs is blank"]),
        (
            [seen(0, used=False, id=None), seen(1, used=False, id=None)],
            RECORD,
            False,
            ["/d0/logs is blank", "/d1/logs is blank"],
        ),
        ([seen(0, id="other"), seen(1)], RECORD, False, ["/d0/logs is not the one of the last start"]),
        ([seen(0, id=None), seen(1)], RECORD, False, ["/d0/logs is not the one of the last start"]),
        ([seen(0), seen(1)], {PATHS[0]: "id-0"}, False, ["/d1/logs is not the one of the last start"]),
        ([seen(0, volume="vol-9")], RECORD, False, ["/d0/logs is on vol-0 and comes from vol-9"]),
        ([seen(0, volume="vol-9")], None, False, ["/d0/logs is on vol-0 and comes from vol-9"]),
        # No broker has started on this host.
        ([seen(0, id=None), seen(1, id=None)], None, False, []),
        ([seen(0), seen(1)], None, False, []),
        ([seen(0), seen(1, used=False, id=None)], None, False, ["/d1/logs is blank"]),
        ([seen(0, used=False, id=None)], None, False, ["/d0/logs is blank"]),
        ([seen(0, used=False, id=None)], None, True, []),
        # Where one has, no new cluster is believed.
        ([seen(0, used=False, id=None)], RECORD, True, ["/d0/logs is blank"]),
        ([seen(0, used=False, id=None)], {}, True, ["/d0/logs is blank"]),
        # A disk that fails is Kafka's to take offline.
        ([seen(0), Directory(PATHS[1], "vol-1", None, None)], RECORD, False, []),
    ],
)
def test_what_is_new_since_the_last_start(directories, record, new_cluster, said):
    record = None if record is None else rule.Record(record, True)
    assert rule.unknown(directories, record, new_cluster=new_cluster) == ["the log directory " + text for text in said]


@pytest.mark.parametrize(
    ("directories", "record", "failed"),
    [
        ([seen(0, used=False), seen(1, used=False)], rule.Record(RECORD, False), True),
        ([seen(0, used=False), seen(1, used=False)], rule.Record(RECORD, True), False),
        ([seen(0, used=False), seen(1, used=False)], None, False),
        ([seen(0, used=False), seen(1, used=True)], rule.Record(RECORD, False), False),
        # Another disk than that of the last start, and one that cannot be read.
        ([seen(0, used=False), seen(1, used=False, id="other")], rule.Record(RECORD, False), False),
        ([seen(0, used=False), seen(1, used=False, id=None)], rule.Record(RECORD, False), False),
        ([seen(0, used=False), Directory(PATHS[1], "vol-1", None, None)], rule.Record(RECORD, False), False),
    ],
)
def test_a_first_start_that_got_nowhere_is_known_by_its_own_marks(directories, record, failed):
    assert rule.first_start_failed(directories, record) is failed


# Who is believed.


@pytest.mark.parametrize(
    ("partitions", "open_", "lost", "said"),
    [
        ([], True, None, ""),
        ([partition(1, [1, 2])], True, None, ""),
        ([partition(-1, [2])], True, None, ""),
        ([partition(-1, [3])], False, 1, "the last in-sync replica of 1 partition (t-0)"),
        ([partition(3, [3])], False, 1, "the last in-sync replica of 1 partition (t-0)"),
        # The others of the in-sync set are down, too.
        ([partition(-1, [3, 4])], False, 1, "the last in-sync replica"),
        ([partition(-1, [], elr=[3])], False, 1, "the last in-sync replica"),
        ([partition(1, [1], elr=[3])], True, None, ""),
        # No broker leads, and no in-sync replica is alive, as 5 and 6 are down.
        # KIP-966 elects the last known leader, an unclean election any replica.
        ([partition(-1, [])], False, 1, "no in-sync replica of 1 partition (t-0) is alive; started now it might be"),
        ([partition(-1, [5])], False, 1, "no in-sync replica of 1 partition"),
        ([partition(5, [5])], False, 1, "no in-sync replica of 1 partition"),
        ([partition(-1, [], elr=[5, 6])], False, 1, "no in-sync replica of 1 partition"),
        ([partition(-1, [], elr=[2])], True, None, ""),
        (
            [partition(-1, []), partition(-1, [3], number=1)],
            *(False, 2, "replica of 1 partition (t-1) and no in-sync replica of 1 partition (t-0) is alive"),
        ),
        ([partition(-1, [3], number=n) for n in (4, 2, 10, 3)], False, 4, "4 partitions (t-2, t-3, t-4, …)"),
        # Its death is not known to all yet.
        ([partition(1, [1, 3])], False, None, "still counts it as in sync in 1 partition"),
        ([partition(3, [1, 3])], False, None, "still counts it as in sync in 1 partition"),
    ],
)
@pytest.mark.parametrize("kraft", [False, True])
def test_it_starts_when_it_is_in_no_in_sync_set_and_leads_nothing(partitions, open_, lost, said, kraft):
    found = answer(view(1, *partitions, kraft=kraft), view(2, *partitions, kraft=kraft))
    assert (found.open, found.lost) == (open_, lost) and said in found.reason


@pytest.mark.parametrize("kraft", [False, True])
def test_of_two_views_the_stricter_counts(kraft):
    for views in itertools.permutations(
        [view(1, partition(1, [1]), kraft=kraft), view(2, partition(-1, [3]), kraft=kraft)]
    ):
        assert answer(*views).lost == 1


def test_a_node_that_the_cluster_lists_as_alive_waits_and_nothing_can_be_accepted():
    found = answer(view(1, alive=(1, 2, 3)), view(2, alive=(1, 2, 3)))
    assert not found.open and found.lost is None and "another process has the same id" in found.reason


def test_a_broker_that_lost_its_session_is_not_believed():
    """Broker 1 was the controller and sees the past; 2 is the controller now."""
    old = view(1, partition(1, [1, 2]), controller=1)
    now = view(2, partition(-1, [3]), controller=2, alive=(2, 4))
    found = answer(old, now)
    assert not found.open and "brokers 1 and 2 all say that they are the controller" in found.reason
    # No view names it as the controller, so it is left out.
    old = view(1, partition(3, [3]), controller=2)
    assert answer(old, view(2, controller=2, alive=(2, 4)), view(4, controller=2, alive=(2, 4))).open


@pytest.mark.parametrize(
    ("views", "said"),
    [
        ([view(2, controller=1)], "the controller, broker 1, does not answer"),
        ([view(2, controller=3)], "no controller yet"),
        ([view(2, controller=-1)], "no controller yet"),
        ([view(1, controller=1)], "only broker 1 answers, although it lists broker 2 as alive"),
        ([view(1, kraft=True, controller=2)], "only broker 1 answers, although it lists broker 2 as alive"),
        ([view(1, controller=1), view(2, controller=4)], "brokers disagree about the controller: 1 says 1, 2 says 4"),
        ([], "no other broker answers"),
    ],
)
def test_what_is_not_settled_starts_nothing(views, said):
    found = answer(*views)
    assert not found.open and said in found.reason
    assert found.lost == (rule.UNANSWERED if not views else None)


def test_where_no_other_broker_is_alive_one_answer_is_enough():
    assert answer(view(1, partition(1, [1]), controller=1, alive=(1,))).open
    assert answer(view(1, partition(-1, [3]), controller=1, alive=(1,))).lost == 1


def test_two_are_asked_and_always_the_controller():
    def asked(controllers, listening, kraft=False):
        views, left = {}, list(listening)
        while True:
            broker = rule.next_witness(3, views, left)
            if broker is None:
                return list(views)
            left.remove(broker)
            views[broker] = view(broker, controller=controllers[broker], kraft=kraft)

    assert asked({1: 1, 2: 1, 4: 1}, [1, 2, 4]) == [1, 2]
    assert asked({1: 9, 2: 9, 9: 9}, [1, 2, 9]) == [1, 9]
    assert asked({1: 4, 2: 4, 4: 2}, [1, 2, 4]) == [1, 4, 2]
    assert asked({1: 9, 2: 9, 9: 9}, [1, 2, 9], kraft=True) == [1, 2]
    assert asked({1: 9, 2: 9}, [1, 2]) == [1, 2] and asked({}, [3]) == []


@pytest.mark.parametrize(
    ("voters", "observers", "said"),
    [
        ([(9, 10_000)], [(1, 9_000)], ""),
        ([(1, 10_000)], [], ""),
        ([(9, 10_000)], [(1, 5_000)], "broker 1 is 5 s behind"),
        ([(9, 10_000)], [], "broker 1 does not follow the quorum"),
    ],
)
def test_in_kraft_mode_a_broker_with_old_metadata_is_no_witness(voters, observers, said):
    quorum = {"leader": voters[0][0]}
    for name, listed in (("voters", voters), ("observers", observers)):
        quorum[name] = [{"id": id_, "last_caught_up_ms": at} for id_, at in listed]
    found = rule.behind(quorum, 1)
    assert said in found and bool(said) == bool(found)


def test_the_sentence_says_what_why_and_what_to_do_and_consent_is_for_that_alone():
    found = answer(view(1, partition(-1, [3])), view(2))
    text = rule.sentence(3, ["the log directory /d is blank"], found)
    assert text.startswith(
        "Broker 3 stays down: the log directory /d is blank, and it is the last in-sync replica of 1 partition (t-0); started now"
    )
    assert text.endswith("or accept the loss with kafka-start-guard accept 3 1. See docs/runbooks/blank_store.md.")
    assert text.count(". ") == 1
    assert rule.accepted({"node": 3, "partitions": 1}, 3, found)
    for other in (
        None,
        {"node": 3, "partitions": 2},
        {"node": 1, "partitions": 1},
        {"node": 3, "partitions": rule.UNANSWERED},
    ):
        assert not rule.accepted(other, 3, found)
    waiting = answer(view(1, alive=(1, 2, 3)), view(2))
    assert not rule.accepted({"node": 3, "partitions": None}, 3, waiting)
    assert "accept" not in rule.sentence(3, ["x"], waiting) and "asked again" in rule.sentence(3, ["x"], waiting)


# The program.


class Host:
    """A host with one data disk, and brokers that answer."""

    def __init__(self, tmp_path, monkeypatch):
        self.logs, self.state, self.config = tmp_path / "data0/logs", tmp_path / "state", tmp_path / "start-guard.json"
        self.now, self.status, self.views, self.asked = 1000.0, [], {}, 0
        self.servers({1: "127.0.0.1:1", 2: "127.0.0.1:2"})
        self.mark = tmp_path / "data0/.logs.kafka-log-dir"
        self.logs.mkdir(parents=True)
        monkeypatch.setattr(
            kafka_wrapper, "listening", lambda servers: [server for server in servers if int(server[-1]) in self.views]
        )
        monkeypatch.setattr(kafka_wrapper, "Admin", self.admin)
        monkeypatch.setattr(program, "view", lambda broker, _id, _node: self.look(broker))

    def servers(self, servers):
        found = {
            "node": 3,
            "directories": {str(self.logs): "vol-0"},
            "servers": servers,
            "connection": {"security_protocol": "PLAINTEXT"},
        }
        self.config.write_text(json.dumps(found))

    def admin(self, where, digits=1):
        host, broker = self, int(where.bootstrap_servers[0][-digits:])

        class Admin:
            def __enter__(self):
                return broker

            def __exit__(self, *_):
                host.asked += 1

        return Admin()

    def look(self, broker):
        found = self.views[broker]
        if isinstance(found, Exception):
            raise found
        return found

    def used(self, yes=True):
        for name in (program.META, program.RUN):
            (self.logs / name).touch() if yes else (self.logs / name).unlink()

    def blank_disk(self):
        subprocess.run(["rm", "-r", str(self.logs.parent)], check=True)
        self.logs.parent.mkdir()

    def new_cluster(self, age=0):
        self.state.mkdir(exist_ok=True)
        (self.state / "new-cluster").write_text(json.dumps({"time": self.now - age}))

    def pass_time(self, seconds):
        self.now += seconds

    def run(self, *arguments):
        world = program.World(
            str(self.config), str(self.state), sys.executable, 5, lambda: self.now, self.pass_time, self.status.append
        )
        return program.main(list(arguments) or ["check"], world)


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def settle(host, *partitions):
    host.views = {1: view(1, *partitions), 2: view(2, *partitions)}


def test_a_usual_start_asks_no_broker_and_writes_nothing(host):
    host.used()
    assert host.run() == 0
    mark, record = json.loads(host.mark.read_text()), json.loads((host.state / "log-dirs.json").read_text())
    assert record == {"directories": {str(host.logs): mark["id"]}, "ran": True} and mark["volume"] == "vol-0"
    before = {path: path.stat().st_mtime_ns for path in (host.mark, host.state / "log-dirs.json")}
    assert host.run() == 0 and host.asked == 0 and host.status == []
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_blank_disk_stays_down_while_the_broker_is_the_last_in_sync_replica(host, capsys):
    host.used()
    host.run()
    host.blank_disk()
    settle(host, partition(-1, [3]))
    assert host.run() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is blank, and it is the last in-sync replica of 1 partition (t-0)" in said
    assert host.status[-1] == "STATUS=" + said.strip() and not host.mark.exists()
    settle(host, partition(1, [1]))
    assert host.run() == 0 and "starts although" in capsys.readouterr().out and host.status[-1] == "STATUS="
    # Known from now on, and asked about again until Kafka has run on it.
    asked = host.asked
    assert host.run() == 0 and host.asked == asked + 2
    host.logs.mkdir()
    host.used()
    assert host.run() == 0 and host.asked == asked + 2


def test_it_is_asked_until_the_cluster_has_noticed(host):
    host.used()
    host.run()
    host.blank_disk()
    settle(host, partition(1, [1, 3]))
    start = host.now
    host.pass_time = lambda seconds: (
        setattr(host, "now", host.now + seconds),
        settle(host) if host.now >= start + 3 else None,
    )
    assert host.run() == 0 and 3 <= host.now - start < 5


def test_who_cannot_be_asked_gives_no_permission_and_says_why(host, capsys):
    host.used()
    host.run()
    host.blank_disk()
    assert host.run() == 1 and "no other broker answers; bring its old disk back" in capsys.readouterr().err
    host.views = {1: kafka_wrapper.KafkaError("Broker 1 did not answer Metadata: time is up; check that it runs.")}
    assert (
        host.run() == 1
        and "no other broker answers (Broker 1 did not answer Metadata: time is up" in capsys.readouterr().err
    )
    host.servers({})
    assert host.run() == 1 and "accept 3 unanswered" in capsys.readouterr().err


def test_of_hundreds_of_brokers_some_are_dialled_and_the_controller_always_asked(host, monkeypatch):
    host.used()
    host.run()
    host.blank_disk()
    host.servers({number: "198.18.0.1:%d" % number for number in range(1000, 1300) if number != 1003})
    dialled = []
    monkeypatch.setattr(kafka_wrapper, "listening", lambda servers: dialled.append(len(servers)) or servers)
    for number in range(1000, 1300):
        host.views[number] = view(number, controller=1007, alive=range(1000, 1300))
    admin = host.admin
    monkeypatch.setattr(kafka_wrapper, "Admin", lambda where: admin(where, 4))
    assert host.run() == 0 and dialled == [program.DIALLED] and host.asked in (2, 3)


def test_a_missing_client_does_not_prevent_a_usual_start(host, monkeypatch, capsys, tmp_path):
    host.used()
    world = program.World(str(host.config), str(host.state), str(tmp_path / "no-python"))
    assert program.main(["check"], world) == 0
    host.blank_disk()
    assert (
        program.main(["check"], world) == 1
        and "no-python does not run: No such file or directory; run site" in capsys.readouterr().err
    )


def test_the_first_broker_of_a_new_cluster_asks_no_broker_and_its_permission_is_used_up(host, capsys):
    """By Kafka that has run, not by a start that got nowhere."""
    assert host.run() == 1
    host.new_cluster(age=program.NEW_CLUSTER_SECONDS + 1)
    assert host.run() == 1
    host.new_cluster(age=-program.SKEW_SECONDS - 1)
    assert host.run() == 1
    host.new_cluster(age=3600)
    assert host.run() == 0 and host.asked == 0
    capsys.readouterr()
    assert host.run() == 0 and "no broker of this new cluster has run" in capsys.readouterr().out
    host.used()
    assert host.run() == 0 and not (host.state / "new-cluster").exists()
    # Also where site says it again, because the disks of all were emptied.
    host.used(False)
    host.new_cluster()
    assert host.run() == 1 and "is blank, and no other broker answers" in capsys.readouterr().err


def test_a_first_start_that_failed_is_decided_by_brokers_that_answer_and_by_no_permission_of_the_past(host):
    host.new_cluster()
    assert host.run() == 0
    settle(host, partition(-1, [3]))
    assert host.run() == 1
    host.views = {}
    assert host.run() == 0
    host.now += program.NEW_CLUSTER_SECONDS + 1
    assert host.run() == 1
    host.new_cluster()
    assert host.run() == 0


def test_a_disk_that_was_replaced_after_a_first_start_is_asked_about(host):
    host.new_cluster()
    assert host.run() == 0
    host.blank_disk()
    assert host.run() == 1


def test_another_broker_of_a_cluster_asks_before_its_first_start(host):
    settle(host, partition(-1, [3]))
    assert host.run() == 1
    settle(host, partition(1, [1, 2]))
    assert host.run() == 0


@pytest.mark.parametrize(("given", "starts"), [("1", True), ("2", False), ("unanswered", False)])
def test_a_loss_is_accepted_by_its_number_once_and_for_an_hour(host, capsys, given, starts):
    host.used()
    host.run()
    host.blank_disk()
    settle(host, partition(-1, [3]))
    assert host.run("accept", "3", given) == 0
    host.now += program.CONSENT_SECONDS + 1
    assert host.run() == 1
    assert host.run("accept", "3", given) == 0
    capsys.readouterr()
    assert host.run() == (0 if starts else 1)
    said = capsys.readouterr()
    assert ("this was accepted: it is the last in-sync replica of 1 partition" in said.out) == starts
    assert ("what was accepted, 3 %s, is something else" % given in said.err) != starts
    assert (host.state / "accepted-loss.json").exists() != starts


def test_no_answer_is_accepted_only_while_there_is_none(host):
    host.used()
    host.run()
    host.blank_disk()
    host.run("accept", "3", "unanswered")
    settle(host, partition(-1, [3]))
    assert host.run() == 1
    host.views = {}
    assert host.run() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["accept", "1", "1"], "This host is broker 3, not 1; nothing was accepted."),
        (["accept", "3", "all"], "Use: kafka-start-guard check"),
        (["start"], "Use: kafka-start-guard check"),
        (["accept", "3"], "Use: kafka-start-guard check"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(host, capsys, arguments, said):
    assert host.run(*arguments) == 1 and said in capsys.readouterr().err and not host.state.exists()


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"node": 3}', '{"node": "x", "directories": {}, "servers": {}, "connection": {}}']
)
def test_without_a_configuration_nothing_starts(host, capsys, content):
    host.config.unlink() if content is None else host.config.write_text(content)
    assert host.run() == 1 and "is missing or not what the role broker writes; run site." in capsys.readouterr().err


def test_a_record_that_was_damaged_is_asked_about(host):
    host.used()
    host.run()
    (host.state / "log-dirs.json").write_text("{")
    assert host.run() == 1
    settle(host)
    assert host.run() == 0 and json.loads((host.state / "log-dirs.json").read_text())["directories"]


def test_a_disk_that_fails_is_left_to_kafka(host, monkeypatch):
    host.used()
    host.run()

    def broken(path):
        raise OSError(5, "Input/output error")

    record = (host.state / "log-dirs.json").read_text()
    monkeypatch.setattr(program, "_exists", broken)
    assert host.run() == 0 and (host.state / "log-dirs.json").read_text() == record


def test_a_view_has_what_the_node_holds_and_asks_for_eligible_replicas_of_leaderless_partitions():
    class Asked(FakeAdmin):
        def __init__(self, quorum):
            self.given, self.is_kraft = quorum, quorum is not None

        def quorum(self):
            return self.given

        def cluster(self):
            return {"controller_id": 1, "brokers": [{"id": 1, "fenced": False}, {"id": 3, "fenced": True}]}

        def partitions(self, topics=None):
            listed = [([1, 3], -1, []), ([1, 2], -1, []), ([3], 3, [3])]
            return {
                "t": [
                    {"partition": n, "replicas": r, "leader": leader, "isr": isr}
                    for n, (r, leader, isr) in enumerate(listed)
                ]
            }

        def eligible_leader_replicas(self, topics):
            assert topics == ["t"]
            return {("t", 0): [3]}

    quorum = {"leader": 1, "voters": [{"id": 1, "last_caught_up_ms": 5}], "observers": []}
    found = program.view(Asked(quorum), 1, 3)
    assert found.alive == {1} and found.kraft
    assert [(each["partition"], each["elr"]) for each in found.partitions] == [(0, [3]), (2, [])]
    assert [each["elr"] for each in program.view(Asked(None), 1, 3).partitions] == [[], []]
    with pytest.raises(program.GuardError, match="does not follow the quorum"):
        program.view(Asked({**quorum, "leader": 9}), 1, 3)


# What is put on the host.


def files(**more):
    options = {
        "volumes": ["vol-1"],
        "others": [{"id": 1, "host": "198.18.1.11", "port": 9092}],
        "connection": {"security_protocol": "SSL"},
        **more,
    }
    found = start_guard.file_set({"id": 3, "data_dirs": ["/var/lib/kafka/data0/logs"]}, **options)
    return {each["dest"]: each for each in found["files"]}, [each["path"] for each in found["directories"]]


def test_the_host_gets_the_program_whom_to_ask_and_for_a_new_cluster_only_a_permission():
    made, directories = files()
    assert json.loads(made["/etc/kafka/start-guard.json"]["content"]) == {
        "node": 3,
        "directories": {"/var/lib/kafka/data0/logs": "vol-1"},
        "servers": {"1": "198.18.1.11:9092"},
        "connection": {"security_protocol": "SSL"},
    }
    assert {path for path in made if path.startswith(program.PACKAGE)} == set(
        _program.package(program.SOURCE, program.PACKAGE)
    )
    assert program.STATE in directories and program.NEW_CLUSTER not in made
    assert json.loads(files(new_cluster=1234.5)[0][program.NEW_CLUSTER]["content"]) == {"time": 1234}
    assert json.loads(files(volumes=[])[0]["/etc/kafka/start-guard.json"]["content"])["directories"] == {
        "/var/lib/kafka/data0/logs": ""
    }


def test_nothing_of_it_waits_for_a_restart(tmp_path):
    place = {"owner": "root", "group": "root", "mode": "0644", "content": "new"}
    for name in ("read", "beside"):
        (tmp_path / name).write_text("old")
    items = [{**place, "dest": str(tmp_path / "read")}, {**place, "dest": str(tmp_path / "beside"), "at_once": True}]
    assert [step.waits for step in staging.decide(items, held=True, promote=False)] == [True, False]
    assert all(each["at_once"] for each in files(new_cluster=1)[0].values())


@pytest.fixture
def installed(tmp_path):
    """The program where it was put, its constants pointed at this place."""
    made, _ = files(new_cluster=time.time())
    for path, each in made.items():
        place = tmp_path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        text = (
            each["content"]
            .replace("/etc/kafka/", "%s/etc/kafka/" % tmp_path)
            .replace("/var/lib/", "%s/var/lib/" % tmp_path)
        )
        place.write_text(
            text.replace("/usr/local/lib/", "%s/usr/local/lib/" % tmp_path).replace(
                "/opt/kafka-admin/bin/python", sys.executable
            )
        )
        place.chmod(int(each["mode"], 8))
    (tmp_path / "var/lib/kafka/data0/logs").mkdir(parents=True)
    return tmp_path


def test_the_program_runs_as_installed_and_fast_on_known_disks(installed):
    command = [str(installed / "usr/local/sbin/kafka-start-guard"), "check"]

    def run():
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first = run()
    assert (first.returncode, first.stderr) == (0, "")
    logs = installed / "var/lib/kafka/data0/logs"
    for name in (program.META, program.RUN):
        (logs / name).touch()
    took = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run().returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Of its processor, because others may be busy on this machine.
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print("on known disks: %.0f ms" % (min(took) * 1000))
    assert min(took) < 0.1
    (logs / program.META).unlink()
    config = installed / "etc/kafka/start-guard.json"
    config.write_text(config.read_text().replace("198.18.1.11:9092", "127.0.0.1:1"))
    source = installed / "usr/local/lib/kafka-start-guard/kafka_start_guard/_start_guard/program.py"
    source.write_text(source.read_text().replace("REQUEST_SECONDS = 30, 1, 5", "REQUEST_SECONDS = 1, 1, 5"))
    blank = run()
    assert blank.returncode == 1 and re.fullmatch(
        r"Broker 3 stays down: the log directory \S+ is blank, and no other broker answers; .*unanswered\. See docs/runbooks/blank_store\.md\.\n",
        blank.stderr,
    )
    assert stat.S_IMODE((installed / "usr/local/sbin/kafka-start-guard").stat().st_mode) == 0o755


def test_the_unit_of_a_broker_asks_it_first_and_the_others_do_not():
    texts = {name: units.unit(name, version="3.9.2", open_files=1, writes=[], mounts=[]) for name in units.SERVICES}
    before = [line for line in texts["broker"].splitlines() if line.startswith("ExecStartPre")]
    assert before[0] == "ExecStartPre=+/usr/local/sbin/kafka-start-guard check" and "sha256sum" in before[1]
    assert "NotifyAccess=exec" in texts["broker"] and "StartLimitIntervalSec=0" in texts["broker"]
    assert not [name for name, text in texts.items() if "kafka-start-guard" in text and name != "broker"]


# Whether the cluster is new.


def formatted(version, started=False):
    return {"directories": [{"state": storage.FORMATTED, "version": version, "started": started}]}


@pytest.mark.parametrize(
    ("host", "exists"),
    [
        ({}, False),
        (
            {
                "__kafka_host": {"running": ["chrony.service"]},
                "__kafka_storage": {"directories": [{"state": "empty", "version": None, "started": False}]},
            },
            False,
        ),
        ({"__kafka_host": {"running": ["kafka.service"]}}, True),
        ({"__kafka_storage": formatted(0)}, True),
        # Formatted by a run of site that broke off before the first start.
        ({"__kafka_storage": formatted(1)}, False),
        ({"__kafka_storage": formatted(1, started=True)}, True),
        ({"__kafka_storage": {"skipped": True}}, False),
    ],
)
def test_a_cluster_exists_when_any_of_its_brokers_has_run(host, exists):
    assert kafka_cluster_exists({"b1": {}, "b2": host, "z1": {"__kafka_storage": formatted(0)}}, ["b1", "b2"]) is exists


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (
            {"security_protocol": "SSL", "ssl_certfile": "/none.pem", "ssl_keyfile": "/none.pem"},
            "ssl_certfile /none.pem",
        ),
        (
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_username": "a",
                "sasl_password_file": "/none",
            },
            "password, /none, cannot be read",
        ),
    ],
)
def test_a_file_of_the_connection_that_cannot_be_read_keeps_it_down_whatever_else_holds(host, capsys, connection, said):
    """Also on the first start of a new cluster, and with a consent for brokers that do not answer."""
    host.new_cluster()
    assert host.run() == 0
    config = json.loads(host.config.read_text())
    host.config.write_text(json.dumps({**config, "connection": connection}))
    host.blank_disk()
    assert host.run("accept", "3", "unanswered") == 0
    capsys.readouterr()
    assert host.run() == 1
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1 and said in sentence and "Other brokers cannot be asked" in sentence
