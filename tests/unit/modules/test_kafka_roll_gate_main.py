"""main() of kafka_roll_gate over a cluster in memory: whom it asks, what it says, and when it fails."""

from __future__ import annotations

import copy
import json
import threading
from functools import partial

import pytest
from documented import declared, documented
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import poll
from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_gate, kafka_roll_lock

SERVERS = ["one:9092"]


class Brokers(FakeAdmin):
    """Six brokers, topics t-0 on 1, 2, 3 and t-1 on 4, 5, 6, minimum 2; own holds what a broker says itself where that differs."""

    def __init__(self):
        super().__init__()
        self.isr = {0: [1, 2, 3], 1: [4, 5, 6]}
        self.replicas = {0: [1, 2, 3], 1: [4, 5, 6]}
        # More topics, of one partition each: their replicas, all in sync.
        self.more: dict[str, list[int]] = {}
        self.gone, self.fenced, self.moving = set(), set(), []
        self.own, self.hung, self.asked_itself, self.asked_about = {}, set(), [], {}
        self.configs: list[list[str]] = []
        # Whom it asked whether they answer, and what they enforce.
        self.probed: list[int] = []
        self.limits: list[int] = []
        self.elected: list[tuple[str, int]] = []
        self.refuses = None
        self.read = 0
        self.measured: list[tuple[int, list[tuple[str, int]]]] = []
        self.quorums, self.asked = [None], 6
        self.enforced, self.sets_it = {}, False
        # In a cluster with ZooKeeper: whom brokers take for the controller, whom they list.
        self.boss, self.bosses, self.lists = 6, {}, {}
        # What brokers have on disk beside what is named, what only they know of it, and what may not be described.
        self.disks: dict[int, set[tuple[str, int]]] = {}
        self.knows: dict[int, set[str]] = {}
        self.forbidden: set[str] = set()
        self.dirs: list[int] = []
        self.hosts: dict[int, str] = {}

    @property
    def exclude(self):
        return self.opened[-1][1]["exclude"]

    def cluster(self):
        brokers = [
            {
                "id": id_,
                "host": self.hosts.get(id_, "h"),
                "port": 9092,
                "rack": "abc"[id_ % 3],
                "fenced": id_ in self.fenced,
            }
            for id_ in range(1, 7)
            if id_ not in self.gone
        ]
        return {"cluster_id": "c", "controller_id": self.bosses.get(self.asked, self.boss), "brokers": brokers}

    def _answers(self, broker, what="Metadata"):
        if broker in self.hung:
            raise KafkaError("Broker %d did not answer %s; check that it runs." % (broker, what))

    def ping(self, broker):
        self.probed.append(broker)
        self._answers(broker)
        return self.bosses.get(broker, self.boss)

    def held_by(self, broker):
        self.dirs.append(broker)
        self._answers(broker, "DescribeLogDirs")
        named = {("t", index) for index, replicas in self.replicas.items() if broker in replicas}
        return named | {("__cluster_metadata", 0)} | self.disks.get(broker, set())

    @property
    def is_kraft(self):
        return self.quorums[0] is not None

    def quorum(self):
        return self.quorums.pop(0) if len(self.quorums) > 1 else self.quorums[0]

    def _partitions(self, isr):
        def listed(replicas, in_sync):
            return [
                {
                    "partition": index,
                    "leader": ids[0] if ids else -1,
                    "replicas": replicas[index],
                    "isr": ids,
                    "offline": [],
                }
                for index, ids in in_sync.items()
            ]

        return {
            "t": listed(self.replicas, isr),
            **{name: listed({0: ids}, {0: ids}) for name, ids in self.more.items()},
        }

    def partitions(self, topics=None):
        if topics is None:
            self.read += 1
        self._allowed(topics)
        return {
            name: listed
            for name, listed in copy.deepcopy(self._partitions(self.isr)).items()
            if topics is None or name in topics
        }

    def _allowed(self, topics):
        for name in self.forbidden.intersection(topics or ()):
            raise KafkaError("Kafka refused to describe topic %s: TOPIC_AUTHORIZATION_FAILED." % name, 29)

    def view(self, broker, topics):
        self.asked_itself.append(broker)
        self.asked_about.setdefault(broker, []).append(topics)
        self._answers(broker)
        self._allowed(topics)
        own = self.own.get(broker, self.isr)
        known = self._partitions(own) if own else {}
        listed = self.lists.get(broker, [id_ for id_ in range(1, 7) if id_ not in self.gone])
        for name, index in self.disks.get(broker, ()):
            if name in self.knows.get(broker, ()):
                known[name] = [
                    {"partition": index, "leader": broker, "replicas": [broker], "isr": [broker], "offline": []}
                ]
        return {
            "controller_id": self.bosses.get(broker, self.boss),
            "brokers": [
                {"id": id_, "host": "h", "port": 9092, "rack": "abc"[id_ % 3]} for id_ in (listed if known else ())
            ],
            "partitions": {name: listed for name, listed in known.items() if topics is None or name in topics},
        }

    def elect(self, partitions):
        self.elected += partitions
        if self.refuses:
            raise KafkaError(self.refuses)
        return {}

    def own_minimum(self, broker):
        self.limits.append(broker)
        self._answers(broker, "DescribeConfigs")
        return self.enforced.get(broker, 2)

    def sizes(self, broker, partitions):
        self.measured.append((broker, sorted(partitions)))
        self._answers(broker, "DescribeLogDirs")
        sizes = {0: 70, 1: 5} if broker in (1, 4) else {0: 100, 1: 4}
        replicas = [
            {"topic": "t", "partition": index, "size_bytes": size, "future": False}
            for index, size in sizes.items()
            if ("t", index) in partitions
        ]
        return [*replicas, {"topic": "t", "partition": 0, "size_bytes": 1, "future": True}]

    def reassignments(self):
        return self.moving

    def eligible_leader_replicas(self, topics):
        self.configs.append("eligible")
        return {}

    def min_insync_replicas(self, topics, broker=None):
        self.configs.append(topics)
        return dict.fromkeys(topics, (2, self.sets_it))


@pytest.fixture
def cluster(monkeypatch):
    fake = Brokers()
    monkeypatch.setattr(kafka_roll_gate, "Admin", fake)
    monkeypatch.setattr(poll.time, "sleep", lambda _: None)
    return fake


@pytest.fixture
def run(run_main):
    return partial(run_main, kafka_roll_gate, bootstrap_servers=SERVERS)


def voters(*caught_up_ms, leader=1, epoch=1, observers=()):
    def members(times):
        return [
            {"id": id_, "last_caught_up_ms": when, "log_end_offset": 10, "directory_id": None} for id_, when in times
        ]

    return {
        "leader": leader,
        "epoch": epoch,
        "high_watermark": 10,
        "voters": members(enumerate(caught_up_ms, 1)),
        "observers": members(observers),
    }


FOLLOW = [(4, 9000), (5, 9000), (6, 9000)]


class TestOldMetadata:
    """Broker 5 heartbeats, and does not read the metadata any more."""

    OLD = "Broker 5 is 11 s behind in the cluster's metadata (0 records), so that what it knows is old;"
    NEVER = "Broker 5 does not follow the cluster's metadata, so that what it knows is old;"

    def seen(self, *members):
        listed = {4: 20_000, 6: 20_000, **dict(members)}
        return voters(20_000, 20_000, 20_000, observers=listed.items())

    @pytest.mark.parametrize(
        ("members", "nodes", "more", "reason"),
        [
            ([(5, 9_000)], [4], {}, OLD),
            ([(5, -1)], [4], {}, NEVER),
            ([], [4], {}, NEVER),
            ([(5, 9_000)], [1, 4], {}, OLD),
            ([(5, 11_000)], [4], {}, None),
            ([(5, 9_000)], [5], {}, None),
            ([(5, 9_000)], [2], {"kind": "controller"}, OLD),
            ([(5, 19_000)], [2], {"kind": "controller"}, None),
            ([(5, 9_000)], [4], {"in_flight": [5]}, "Partition t-1 has 2 in sync and needs 2; broker 5 is stopped"),
            ([(5, 9_000)], [4], {"disruption": "stay_away"}, OLD),
        ],
        ids=[
            "behind",
            "never caught up",
            "not listed",
            "two",
            "within the limit",
            "the broker itself",
            "a controller",
            "a controller, all follow",
            "restarted just now",
            "staying away",
        ],
    )
    def test_only_itself_may_stop(self, run, cluster, members, nodes, more, reason):
        cluster.quorums = [self.seen(*members)]
        result = run(question="may_stop", nodes=nodes, **more)
        assert result["open"] == (reason is None), result
        if reason:
            assert result["admitted"] == [] and reason in result["reason"]
        if reason in (self.OLD, self.NEVER):
            assert result["reason"].endswith("See docs/runbooks/metadata_behind.md.")

    def test_it_stops_without_a_healthy_one(self, run, cluster):
        cluster.quorums = [self.seen((5, 9_000))]
        cluster.replicas[0] = cluster.isr[0] = [1, 5, 2, 3]
        result = run(question="may_stop", nodes=[1, 5])
        assert not result["open"] and result["admitted"] == [5] and self.OLD in result["reason"]

    def test_a_broker_that_is_down_is_started(self, run, cluster):
        cluster.quorums, cluster.gone, cluster.isr[1] = [self.seen((5, 9_000))], {4}, [5, 6]
        assert run(question="may_stop", nodes=[4], out=[4])["open"]

    def test_another_one_that_is_behind_counts_as_stopped(self, run, cluster):
        cluster.quorums = [self.seen((5, 9_000), (4, 9_000))]
        assert "Partition t-1 has 2 in sync and needs 2" in run(question="may_stop", nodes=[4])["reason"]


class TestMayStop:
    def ask(self, run, nodes, **more):
        return run(question="may_stop", nodes=nodes, **more)

    @pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
    def test_open_on_a_healthy_cluster_and_asked_of_another(self, run, cluster, check):
        result = self.ask(run, [1, 4], in_flight=[], check=check)
        assert (result["open"], result["admitted"], result["held"], result["reason"]) == (True, [1, 4], [], None)
        assert result["counts"] == {"under_replicated": 0, "at_min_isr": 0, "under_min_isr": 0, "offline": 0}
        assert result["asked"] == 6 and cluster.exclude == {1, 4} and not result["changed"]

    def test_held_when_another_is_out(self, run, cluster):
        cluster.isr[0] = [1, 2]
        result = self.ask(run, [1, 4])
        assert (result["open"], result["admitted"]) == (False, [4])
        assert result["held"] == [
            {"broker": 1, "reason": "Partition t-0 has 2 in sync and needs 2; broker 3 is stopped or behind."}
        ]
        assert result["reason"] == result["held"][0]["reason"] and result["counts"]["at_min_isr"] == 1

    @pytest.mark.parametrize("accepted", [None, 0, 1])
    def test_copies_are_not_destroyed_while_the_cluster_lists_their_broker_as_alive(self, run, cluster, accepted):
        """A host that is taken for gone, or a stop that is not seen yet: no loss that is accepted stands for it."""
        params = {"disruption": "destroy", "out": [1], "accepted_last_copies": accepted}
        result = self.ask(run, [1], **params)
        assert (
            not result["open"]
            and result["admitted"] == []
            and result["loss"]["last_copies"] == result["loss"]["below_minimum"] == 0
        )
        assert "Broker 1 is taken for stopped or gone, but the cluster lists it as alive" in result["reason"]
        cluster.fenced = {1}
        cluster.isr[0] = [2, 3]
        assert self.ask(run, [1], **{**params, "accepted_last_copies": None})["open"]

    def test_a_listed_broker_that_does_not_answer_counts_as_out(self, run, cluster):
        cluster.hung = {3}
        result = self.ask(run, [1, 4])
        assert result["admitted"] == [4]
        assert (
            result["reason"]
            == "Partition t-0 has 2 in sync and needs 2; broker 3 is stopped or behind. Broker 3 does not answer."
        )

    def test_one_that_shall_go_is_counted_as_running_though_it_does_not_answer(self, run, cluster):
        cluster.hung = {1}
        assert self.ask(run, [1])["admitted"] == [1]
        cluster.isr[0] = [1, 2]
        assert self.ask(run, [1])["admitted"] == []

    def test_no_broker_that_is_stopped_anyway_is_asked(self, run, cluster):
        cluster.fenced = {3}
        self.ask(run, [1], in_flight=[4], out=[5])
        assert sorted(cluster.limits) == [1, 2, 6]

    @pytest.mark.parametrize("who", [2, 6, 1], ids=["a replica", "any broker", "one that is to be stopped itself"])
    def test_of_what_brokers_enforce_for_topics_that_set_nothing_the_highest_counts(self, run, cluster, who):
        assert self.ask(run, [1])["open"]
        cluster.enforced = {who: 3}
        assert "Partition t-0 has 3 in sync and needs 3" in self.ask(run, [1])["reason"]
        cluster.sets_it = True
        assert self.ask(run, [1])["open"]

    def test_what_they_will_enforce_counts_too(self, run, cluster):
        assert "needs 3" in self.ask(run, [1], min_isr=3)["reason"] and self.ask(run, [1], min_isr=1)["open"]

    def test_in_flight_counts_as_out_although_metadata_lists_it_and_is_not_asked(self, run, cluster):
        assert "broker 2 is stopped or behind" in self.ask(run, [1], in_flight=[2])["reason"]
        assert cluster.exclude == {1, 2}

    def test_a_broker_in_flight_that_is_not_listed_and_holds_nothing_is_no_stranger(self, run, cluster):
        cluster.replicas, cluster.isr, cluster.gone = {0: [1, 2, 3]}, {0: [1, 2, 3]}, {5}
        assert self.ask(run, [1], in_flight=[5], restart=[1, 5])["open"]
        assert self.ask(run, [5], out=[5])["open"]
        assert "does not have broker 5; the inventory and the cluster disagree" in self.ask(run, [5])["msg"]

    def test_a_broker_that_is_down_and_not_listed_has_no_rack_and_that_is_fine(self, run, cluster):
        cluster.gone, cluster.isr[1] = {5}, [4, 6]
        assert self.ask(run, [5], out=[5])["open"]
        assert "broker 5 is stopped or behind" in self.ask(run, [4])["reason"]

    def test_one_that_is_not_registered_goes_only_when_it_is_known_to_be_down(self, run, cluster):
        cluster.fenced, cluster.isr[1] = {5}, [4, 6]
        assert "it may be reading its logs after a crash" in self.ask(run, [5])["reason"]
        assert self.ask(run, [5], out=[5])["open"]

    def test_one_that_was_down_and_is_listed_again_is_counted_as_running(self, run, cluster):
        cluster.isr[1] = [4, 5]
        assert "Partition t-1 has 2 in sync and needs 2" in self.ask(run, [5], out=[5])["reason"]
        # Not so one that shall not go: it counts as out, whatever is listed.
        assert "brokers 5 and 6 are stopped or behind" in self.ask(run, [4], out=[5])["reason"]

    def test_the_limits_of_the_plan_hold_here_too(self, run, cluster):
        assert "as many as max_batch" in self.ask(run, [1, 4], max_batch=1)["reason"]
        assert "1 of headroom" in self.ask(run, [1], isr_headroom=1)["reason"]
        cluster.replicas, cluster.isr = {0: [1]}, {0: [1]}
        assert not self.ask(run, [1])["open"] and self.ask(run, [1], allow=["t"])["open"]

    def test_a_reassignment_holds(self, run, cluster):
        cluster.moving = [{"topic": "t", "partition": 1, "replicas": [4, 5, 6, 1], "adding": [1], "removing": [4]}]
        assert self.ask(run, [1])["reason"] == "Partition t-1 is being reassigned."

    def test_an_old_answer_is_no_answer(self, run, cluster):
        cluster.quorums = [voters(9000, 9000, 9000, observers=[(6, 1000)])]
        assert "Broker 6, which was asked, is 8 s behind" in self.ask(run, [4])["msg"]

    def test_a_broker_that_votes_must_leave_a_majority_that_has_caught_up(self, run, cluster):
        cluster.quorums = [voters(9000, 9000, 2000, observers=FOLLOW)]
        result = self.ask(run, [2, 4])
        assert result["admitted"] == [4] and "Of 3 voters only 1 would be left caught up" in result["reason"]
        cluster.quorums = [voters(9000, 9000, 9000, observers=FOLLOW)]
        assert self.ask(run, [2, 4])["open"]

    def test_a_broker_that_cannot_be_asked_makes_it_fail(self, run, cluster):
        cluster.error = KafkaError("No broker is left to ask.")
        result = self.ask(run, [1])
        assert result["msg"] == "No broker is left to ask." and result["retry"]

    @pytest.mark.parametrize(
        ("params", "why"),
        [
            ({"nodes": []}, "nodes is empty"),
            ({"nodes": [1], "in_flight": [1]}, "Broker 1 shall be stopped, and in_flight has it already"),
            ({"nodes": [1], "bootstrap_servers": ["nowhere"]}, "not an address of a broker"),
            ({"nodes": [9]}, "the inventory and the cluster disagree"),
            *[
                (
                    {"nodes": [1], "wait_seconds": value},
                    "wait_seconds is %s, but must be a number of seconds from 0." % value,
                )
                for value in ("nan", "inf", -1.0)
            ],
        ],
        ids=["no node", "already stopped", "no address", "a stranger", "no number", "for ever", "less than nothing"],
    )
    def test_bad_input_is_one_sentence(self, run, cluster, params, why):
        result = run(question="may_stop", **params)
        assert why in result["msg"] and not result["retry"]


class TestStaleWitness:
    """With ZooKeeper a broker that has lost its session answers on, with what was so then; the controller, 6 here, sends it no news."""

    def ask(self, run, nodes, **more):
        return run(question="may_stop", nodes=nodes, **more)

    @pytest.fixture
    def zombie(self, cluster):
        """Broker 1 is asked and still sees itself in sync; in truth it is not, and 2 and 3 are at the minimum."""
        cluster.asked, cluster.own = 1, {6: {0: [2, 3], 1: [4, 5, 6]}}
        return cluster

    def test_in_sync_is_who_is_so_by_both(self, run, zombie):
        result = self.ask(run, [2, 4])
        assert (result["open"], result["admitted"], result["asked"], result["witness"]) == (False, [4], 1, 6)
        assert result[
            "reason"
        ] == "Partition t-0 has 2 in sync and needs 2; broker 1 is stopped or behind." and zombie.asked_itself == [6]

    def test_and_the_other_way_round_where_the_controller_is_asked_first(self, run, cluster):
        cluster.own = {1: {0: [1, 2], 1: [4, 5, 6]}}
        result = self.ask(run, [2])
        assert (
            not result["open"]
            and (result["asked"], result["witness"]) == (6, 1)
            and result["counts"]["at_min_isr"] == 1
        )

    def test_a_broker_that_is_not_alive_by_the_controller_is_not_asked(self, run, zombie):
        zombie.lists = {6: [2, 3, 4, 5, 6]}
        result = self.ask(run, [4])
        said = "Broker 1, which was asked, is not alive by broker 6, the active controller: it may have lost its session with ZooKeeper"
        assert said in result["msg"] and result["retry"]

    def test_one_that_only_one_of_them_lists_is_not_counted_on(self, run, zombie):
        zombie.own, zombie.lists = {}, {6: [1, 2, 4, 5, 6]}
        assert "broker 3 is stopped or behind" in self.ask(run, [2])["reason"]
        assert "It is not registered, and not known to be down" in self.ask(run, [3])["reason"]

    @pytest.mark.parametrize(
        ("change", "params", "why"),
        [
            (
                {"hung": {6}},
                {},
                "Broker 6, the active controller, does not answer; wait until it does, or another is elected.",
            ),
            ({"boss": -1}, {}, "Broker 1, which was asked, knows no active controller that is alive"),
            ({"gone": {6}}, {}, "knows no active controller that is alive"),
            ({}, {"in_flight": [6]}, "Broker 6, the active controller by broker 1, is being restarted or down"),
            ({}, {"out": [6]}, "Broker 6, the active controller by broker 1, is being restarted or down"),
            (
                {"bosses": {6: 5}},
                {},
                "takes broker 6 for the active controller, and broker 6 takes broker 5; wait until they agree",
            ),
            (
                {"bosses": {3: 5}},
                {},
                "takes broker 6 for the active controller, and broker 3 takes broker 5; wait until they agree",
            ),
            ({"bosses": {5: -1}}, {}, "and broker 5 takes no broker; wait until they agree"),
        ],
        ids=[
            "silent",
            "no broker is it",
            "not alive",
            "in flight",
            "down",
            "it is not any more",
            "by another rack",
            "one knows of none",
        ],
    )
    def test_the_controller_must_be_known_and_be_asked(self, run, zombie, change, params, why):
        for name, value in change.items():
            setattr(zombie, name, value)
        result = self.ask(run, [4], **params)
        assert why in result["msg"] and result["retry"]

    def test_the_controller_is_asked_although_it_shall_go_itself(self, run, zombie):
        zombie.boss, zombie.own = 4, {4: {0: [1, 2, 3], 1: [4, 5]}}
        result = self.ask(run, [4])
        assert result["witness"] == 4 and "broker 6 is stopped or behind" in result["reason"]

    def test_a_controller_that_has_lost_zookeeper_itself_is_found_out_by_the_others(self, run, cluster):
        # It is asked first, believes to be the controller, and its picture is as old as its session.
        cluster.bosses = dict.fromkeys(range(1, 6), 5)
        assert "takes broker 6 for the active controller, and broker 1 takes broker 5" in self.ask(run, [2])["msg"]

    def test_of_a_small_cluster_one_that_shall_go_is_the_second(self, run, cluster):
        cluster.replicas, cluster.isr, cluster.gone = {0: [1, 6]}, {0: [1, 6]}, {2, 3, 4, 5}
        result = self.ask(run, [1], min_isr=1)
        assert result["witness"] == 1 and result["reason"] == "Partition t-0 has 2 in sync and needs 2."

    def test_one_alone_is_not_enough_unless_all_are_down_that_shall_be_started(self, run, cluster):
        cluster.replicas, cluster.isr, cluster.gone = {0: [1, 2, 6]}, {0: [1, 6]}, {2, 3, 4, 5}
        cluster.hung = {1}
        result = self.ask(run, [1])
        assert (
            "is the only one that answers, and with ZooKeeper two must say the same" in result["msg"]
            and result["retry"]
        )
        cluster.gone, cluster.isr = {1, 2, 3, 4, 5}, {0: [6]}
        result = self.ask(run, [1], out=[1])
        assert result["open"] and (result["asked"], result["witness"]) == (6, None)

    def test_a_topic_that_only_the_second_names_counts(self, run, zombie, monkeypatch):
        zombie.own = {}
        other = zombie.view
        more = [{"partition": 0, "leader": 4, "replicas": [4, 5], "isr": [4, 5], "offline": []}]

        def view_of(broker, topics):
            view = other(broker, topics)
            return {**view, "partitions": {**view["partitions"], "new": more}}

        monkeypatch.setattr(zombie, "view", view_of)
        assert self.ask(run, [4])["reason"] == "Partition new-0 has 2 in sync and needs 2."

    def test_under_kraft_no_other_broker_is_asked(self, run, cluster):
        cluster.quorums = [voters(9000, 9000, 9000, observers=FOLLOW)]
        result = self.ask(run, [4])
        assert result["open"] and result["witness"] is None and cluster.asked_itself == []


class TestHidden:
    """What a principal may not describe is left out of an answer without a word."""

    def ask(self, run, nodes, **more):
        return run(question="may_stop", nodes=nodes, **more)

    def test_what_a_broker_holds_and_may_not_be_seen_refuses(self, run, cluster):
        cluster.disks, cluster.forbidden = (
            {1: {("secret", 3), ("secret", 1), ("vault", 0), ("vault", 1)}},
            {"secret", "vault"},
        )
        cluster.knows = {1: {"secret", "vault"}}
        result = self.ask(run, [1, 4])
        assert result["msg"] == (
            "Broker 1 holds 4 partitions (secret-1, secret-3, vault-0 …), which the principal may not describe, so it is not known whether they can be spared; "
            "allow it to describe all topics."
        )
        assert not result["retry"]

    def test_asked_are_those_that_shall_go_and_who_answers_and_only_before_a_yes(self, run, cluster):
        assert self.ask(run, [1, 4])["open"] and sorted(cluster.dirs) == [1, 4, 6]
        cluster.isr[0], cluster.dirs = [1, 2], []
        assert not self.ask(run, [1, 4])["open"] and cluster.dirs == []
        assert run(question="back", nodes=[4])["open"] and cluster.dirs == []

    def test_a_topic_that_is_being_deleted_or_was_left_over_blocks_nothing(self, run, cluster):
        cluster.disks = {1: {("gone", 0)}}
        assert self.ask(run, [1])["open"]

    def test_what_only_the_broker_itself_knows_has_a_moment(self, run, cluster, monkeypatch):
        cluster.disks, cluster.knows = {1: {("new", 0)}}, {1: {"new"}}
        result = self.ask(run, [1])
        assert "Broker 1 knows 1 partition (new-0), which broker 6 does not name" in result["msg"] and result["retry"]
        slept = []
        monkeypatch.setattr(poll.time, "sleep", lambda seconds: slept.append(seconds) or cluster.knows.clear())
        params = {"nodes": [1], "in_flight": [], "out": []}
        poll.nothing_hidden(cluster, poll.witnessed(cluster, params), params, sleep=poll.time.sleep)
        assert slept == [poll.MOMENT]

    def test_in_the_place_of_one_that_does_not_say_all_others_are_asked(self, run, cluster):
        cluster.hung = {1}
        assert self.ask(run, [1])["open"] and sorted(cluster.dirs) == [1, 2, 3, 4, 5, 6]
        cluster.disks, cluster.forbidden = {3: {("secret", 0)}}, {"secret"}
        assert (
            "Broker 3 holds 1 partition (secret-0), which the principal may not describe" in self.ask(run, [1])["msg"]
        )

    def test_who_may_not_ask_for_disks_may_not_stop_anybody(self, run, cluster, monkeypatch):
        def refused(broker):
            raise KafkaError(
                "Kafka refused to describe the log directories of broker %d: CLUSTER_AUTHORIZATION_FAILED." % broker, 31
            )

        monkeypatch.setattr(cluster, "held_by", refused)
        assert "CLUSTER_AUTHORIZATION_FAILED" in self.ask(run, [1])["msg"]

    def test_a_broker_that_is_down_is_only_started(self, run, cluster):
        cluster.gone, cluster.isr[1] = {5}, [4, 6]
        assert self.ask(run, [5], out=[5])["open"] and cluster.dirs == []


class TestIdentity:
    """Two hosts have each other's id in the inventory: the cluster lists both, whichever of them runs."""

    HOSTS = {id_: "10.0.0.%d" % id_ for id_ in range(1, 7)}
    SWAPPED = {**HOSTS, 1: HOSTS[2], 2: HOSTS[1]}
    SAID = "Broker 1 is answered for by host 10.0.0.1, which the inventory has for node 2, not by 10.0.0.2: kafka_node_id is swapped; correct it."

    @pytest.fixture
    def hosts(self, cluster):
        cluster.hosts = self.HOSTS
        return cluster

    def test_a_node_is_back_only_when_its_own_host_answers_for_it(self, run, hosts):
        assert run(question="back", nodes=[1, 4], addresses=self.HOSTS)["open"]
        result = run(question="back", nodes=[1, 4], addresses=self.SWAPPED)
        assert result["back"] == [4] and result["reason"] == self.SAID and hosts.asked_itself.count(1) == 1

    def test_no_broker_is_stopped_where_it_is_seen_before(self, run, hosts):
        assert run(question="may_stop", nodes=[1], addresses=self.HOSTS)["open"]
        result = run(question="may_stop", nodes=[1], addresses=self.SWAPPED)
        assert result["msg"] == self.SAID + " Nothing was stopped." and not result["retry"]
        assert run(question="may_stop", nodes=[3], addresses=self.SWAPPED)["open"]

    def test_keys_must_be_ids(self, run, hosts):
        assert "must give an address for each id" in run(question="back", nodes=[1], addresses={"one": "a"})["msg"]


class TestProofs:
    """A poll session gets what the previous one has seen proven."""

    def test_they_travel_from_session_to_session(self, run, cluster):
        cluster.isr[1] = [5, 6]
        first = run(question="back", nodes=[1, 4])
        assert first["proven"] == {"1": True} and cluster.asked_itself == [1]
        cluster.isr[1] = [4, 5, 6]
        second = run(question="back", nodes=[1, 4], proven=first["proven"])
        assert (
            second["open"]
            and second["proven"] == {"1": True, "4": True}
            and cluster.asked_itself == [1, 4]
            and cluster.probed == [1]
        )

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"isr": {0: [2, 3], 1: [4, 5, 6]}}, "not in sync yet in 1 partition"),
            ({"fenced": {1}}, "not registered and unfenced"),
            ({"hung": {1}}, "does not answer any more"),
        ],
        ids=["out of sync", "fenced", "no answer"],
    )
    def test_they_end_with_what_they_prove(self, run, cluster, change, why):
        for name, value in change.items():
            setattr(cluster, name, value)
        result = run(question="back", nodes=[1, 4], proven={"1": True, "4": True})
        assert not result["open"] and why in result["reason"] and result["proven"] == {"4": True}

    def test_they_need_an_answer_that_is_no_older_than_a_start_takes(self, run, cluster):
        cluster.quorums = [voters(9000, 9000, 9000, observers=[(6, 1000)])]
        result = run(question="back", nodes=[4], proven={"4": True})
        assert "Broker 6, which was asked, is 8 s behind" in result["reason"] and result["proven"] == {"4": True}
        cluster.quorums = [voters(9000, 9000, 9000, observers=[(6, 9000)])]
        assert run(question="back", nodes=[4], proven={"4": True})["open"] and cluster.asked_itself == []

    def test_those_of_other_brokers_do_not_count(self, run, cluster):
        assert run(question="back", nodes=[4], proven={"9": True})["proven"] == {
            "4": True
        } and cluster.asked_itself == [4]
        assert "must be what an earlier answer returned" in run(question="back", nodes=[4], proven={"x": True})["msg"]

    def test_topics_that_come_and_go_between_two_answers_undo_none(self, run, cluster, monkeypatch):
        cluster.more, asked = {"old": [1, 5], "stays": [1, 5]}, cluster.view

        def meanwhile(broker, topics):
            cluster.more = {"new": [1, 6], "stays": [1, 5]}
            answer = asked(broker, topics)
            cluster.more = {"new": [1, 6], "stays": [1, 5]} if broker == 1 else {"stays": [1, 5]}
            return answer

        monkeypatch.setattr(cluster, "view", meanwhile)
        assert run(question="back", nodes=[1])["open"]
        cluster.more = {"old": [4, 5], "stays": [1, 5]}
        assert run(question="back", nodes=[4])["open"]

    def test_what_the_others_still_name_and_it_does_not_keeps_it_out(self, run, cluster):
        cluster.own = {1: {1: [4, 5, 6]}}
        assert "do not name the same partitions" in run(question="back", nodes=[1])["reason"]


class TestBack:
    def ask(self, run, nodes, **more):
        return run(question="back", nodes=nodes, **more)

    def test_back_by_its_own_word_and_the_others(self, run, cluster):
        result = self.ask(run, [1, 4], in_flight=[1, 4])
        assert (result["open"], result["back"], result["behind"], result["reason"]) == (True, [1, 4], 0, None)
        assert sorted(cluster.asked_itself) == [1, 4] and cluster.exclude == {1, 4}

    @pytest.mark.parametrize(
        ("change", "registered", "behind", "why", "asked"),
        [
            ({"gone": {1}}, False, None, "not registered and unfenced by", []),
            ({"fenced": {1}}, False, None, "not registered and unfenced by", []),
            ({"isr": {0: [2, 3], 1: [4, 5, 6]}}, True, 1, "not in sync yet in 1 partition, one of them t-0", []),
            ({"own": {1: {0: [2, 3], 1: [4, 5, 6]}}}, True, 1, "not in sync yet in 1 partition", [1]),
            ({"own": {1: {}}}, True, None, "not registered and unfenced by its own answer", [1]),
            ({"hung": {1}}, True, None, "Broker 1 did not answer Metadata", [1]),
        ],
        ids=[
            "not listed",
            "fenced",
            "behind by the others",
            "behind by its own word, the others being old",
            "started, and knows nothing yet",
            "no answer",
        ],
    )
    def test_not_back_with_a_reason(self, run, cluster, change, registered, behind, why, asked):
        for name, value in change.items():
            setattr(cluster, name, value)
        result = self.ask(run, [1, 4])
        node = result["nodes"][0]
        assert not result["open"] and result["back"] == [4]
        assert (node["back"], node["registered"], node["behind"]) == (False, registered, behind)
        assert why in node["reason"] and result["reason"] == node["reason"]
        assert sorted(cluster.asked_itself) == [*asked, 4] and node["bytes"] == (70 if behind else None)

    def test_a_replica_that_is_being_added_is_not_waited_for(self, run, cluster):
        cluster.replicas[1] = [4, 5, 6, 1]
        cluster.moving = [{"topic": "t", "partition": 1, "replicas": [4, 5, 6, 1], "adding": [1], "removing": []}]
        assert self.ask(run, [1])["open"]

    def test_a_voter_must_fetch_after_it_was_asked_for(self, run, cluster):
        cluster.quorums = [voters(9000, 8900, 9000), voters(9000, 8900, 9000), voters(9900, 8900, 9900)]
        assert "has not fetched the whole metadata log" in self.ask(run, [2])["reason"]
        cluster.quorums = [voters(9000, 8900, 9000), voters(9000, 8900, 9000), voters(9900, 9400, 9900)]
        assert self.ask(run, [2], in_flight=[2])["open"]

    def test_no_broker_left_to_ask_is_a_failure(self, run, cluster):
        cluster.error = KafkaError("No broker is left to ask.")
        assert self.ask(run, [1])["failed"]

    @pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
    def test_with_all_back_the_preferred_lead_again(self, run, cluster, check):
        # The first of the in-sync ones leads in this cluster.
        cluster.isr[0] = [2, 3, 1]
        result = self.ask(run, [1, 4], elect_leaders=True, check=check)
        assert (
            result["open"] and result["changed"] and result["election"] == {"elected": 1, "waiting": 0, "refused": []}
        )
        # What the question has read is what the election goes by, so that nothing can fail between the two.
        assert cluster.elected == ([] if check else [("t", 0)]) and cluster.read == 1

    def test_no_leader_is_elected_while_one_broker_is_missing_or_unasked(self, run, cluster):
        cluster.isr[0] = [2, 3, 1]
        assert not self.ask(run, [1])["changed"]
        cluster.hung = {4}
        result = self.ask(run, [1, 4], elect_leaders=True)
        assert not result["open"] and not result["changed"] and "election" not in result and cluster.elected == []

    def test_an_election_that_is_refused_is_told_and_all_are_back_all_the_same(self, run, cluster):
        cluster.isr[0], cluster.refuses = (
            [2, 3, 1],
            "Kafka refused the election of preferred leaders: POLICY_VIOLATION.",
        )
        result = self.ask(run, [1], elect_leaders=True)
        assert result["open"] and not result["changed"]
        assert result["election"] == {
            "elected": 0,
            "waiting": 0,
            "refused": [{"topic": "t", "partition": 0, "reason": cluster.refuses}],
        }

    @pytest.mark.parametrize(("question", "kind"), [("may_stop", "broker"), ("back", "controller")])
    def test_an_election_is_for_brokers_that_are_back(self, run, cluster, question, kind):
        said = run(question=question, kind=kind, nodes=[1], elect_leaders=True)
        assert (
            said["msg"]
            == "elect_leaders is for brokers that are back, not for %s of a %s; leave it out." % (question, kind)
            and not said["retry"]
        )


class TestOneVisit:
    """Several questions of one poll session, of which the later ones cost less."""

    @pytest.fixture
    def ask(self, cluster):
        session = poll.PollSession()
        return lambda *nodes: poll.brokers_back(
            cluster, {"nodes": nodes, "in_flight": [], "out": [], "log_sizes": True}, session
        )

    def test_a_broker_that_was_proven_back_is_not_asked_again_but_must_answer_when_the_gate_opens(self, ask, cluster):
        cluster.isr[1] = [5, 6]
        assert ask(1, 4)["back"] == [1] and ask(1, 4)["back"] == [1]
        assert cluster.asked_itself == [1] and cluster.probed == []
        cluster.isr[1], cluster.hung = [4, 5, 6], {1}
        found = ask(1, 4)
        assert (found["open"], found["back"], found["reason"]) == (
            False,
            [4],
            "It does not answer any more.",
        ) and cluster.probed == [1]
        cluster.hung = set()
        assert ask(1, 4)["open"] and cluster.asked_itself == [1, 4, 1] and cluster.probed == [1, 4]

    def test_a_broker_that_fell_out_of_sync_since_must_show_it_again(self, ask, cluster):
        cluster.isr[1] = [5, 6]
        ask(1, 4)
        cluster.isr[0] = [2, 3]
        assert ask(1, 4)["back"] == []
        cluster.isr = {0: [1, 2, 3], 1: [4, 5, 6]}
        assert ask(1, 4)["open"] and sorted(cluster.asked_itself) == [1, 1, 4]

    def test_a_broker_is_asked_for_its_own_topics_until_the_gate_may_open_and_then_for_everything(self, ask, cluster):
        cluster.more, cluster.isr[1] = {"u": [5, 6], "v": [5, 6]}, [5, 6]
        assert ask(1, 4)["back"] == [1] and ask(1, 4)["back"] == [1]
        cluster.isr[1] = [4, 5, 6]
        assert ask(1, 4)["open"] and cluster.asked_about == {1: [["t"], None], 4: [None]}

    def test_a_partition_that_only_the_broker_itself_knows_keeps_the_gate_shut(self, ask, cluster):
        cluster.own = {1: {**cluster.isr, 7: [2]}}
        cluster.replicas[7] = [1, 2]
        assert "not in sync yet in 1 partition, one of them t-7" in ask(1)["reason"]

    def test_brokers_are_asked_together(self, ask, cluster, monkeypatch):
        together, asked = threading.Barrier(2), cluster.view
        monkeypatch.setattr(cluster, "view", lambda *of: together.wait(5) is None or asked(*of))
        assert ask(1, 4)["open"]

    def test_each_is_judged_by_what_it_holds_and_not_by_all_there_is(self, ask, cluster, monkeypatch):
        cluster.more, seen, rule = {"u": [5, 6]}, [], poll.gate.back
        monkeypatch.setattr(
            poll.gate, "back", lambda id_, own, others: seen.append(len(others["partitions"])) or rule(id_, own, others)
        )
        assert ask(1, 4)["open"] and set(seen) == {1}

    def test_configurations_are_read_once_and_eligible_replicas_never(self, ask, cluster):
        cluster.isr[1] = [5, 6]
        ask(1, 4)
        cluster.more = {"u": [5, 6]}
        assert ask(1, 4)["counts"]["at_min_isr"] == 2 and cluster.configs == [["t"], ["u"]]


class TestWhatIsLeft:
    """How much a broker has to copy yet: what another replica holds more than it does."""

    @pytest.fixture
    def ask(self, cluster):
        session = poll.PollSession()
        question = {"in_flight": [], "out": [], "log_sizes": True}
        return lambda *nodes, **more: poll.brokers_back(cluster, {"nodes": nodes, **question, **more}, session)["nodes"]

    def test_the_leader_is_asked_once_a_visit_and_only_about_what_is_behind(self, ask, cluster):
        cluster.isr[0] = [2, 3]
        for _ in range(2):
            assert [(each["bytes"], each["bytes_left"]) for each in ask(1, 4)] == [(70, 30), (None, None)]
        assert cluster.measured == [(1, [("t", 0)]), (2, [("t", 0)]), (1, [("t", 0)])]

    def test_no_broker_is_asked_without_log_sizes(self, ask, cluster):
        cluster.isr[0] = [2, 3]
        assert ask(1, log_sizes=False)[0]["bytes_left"] is None and cluster.measured == []

    def test_more_than_the_leader_has_is_nothing_left(self, ask, cluster):
        cluster.isr = {0: [2, 3], 1: [5, 6]}
        assert [each["bytes_left"] for each in ask(1, 4)] == [30, 0]

    def test_another_replica_is_asked_where_the_leader_is_in_flight(self, ask, cluster):
        cluster.isr[0] = [2, 3]
        assert ask(1, out=[2])[0]["bytes_left"] == 30 and cluster.measured[1][0] == 3

    @pytest.mark.parametrize(("hung", "held"), [(2, 70), (1, None)], ids=["the leader", "the broker itself"])
    def test_a_broker_that_does_not_say_leaves_it_unknown_and_is_no_failure(self, ask, cluster, hung, held):
        cluster.isr[0], cluster.hung = [2, 3], {hung}
        for _ in range(2):
            assert [(each["bytes"], each["bytes_left"]) for each in ask(1)] == [(held, None)]
        assert sum(broker == 2 for broker, _ in cluster.measured) == 1

    def test_a_partition_without_a_leader_leaves_it_unknown(self, ask, cluster):
        cluster.isr[0] = []
        assert ask(1)[0]["bytes_left"] is None


class TestControllers:
    def ask(self, run, question, nodes, **more):
        return run(question=question, kind="controller", nodes=nodes, **more)

    def test_a_follower_goes_and_so_does_the_leader_which_is_said_when_others_wait(self, run, cluster):
        cluster.quorums = [voters(9000, 9000, 9000, observers=FOLLOW)]
        result = self.ask(run, "may_stop", [2], restart=[1, 2])
        assert result["open"] and result["note"] is None
        result = self.ask(run, "may_stop", [1], restart=[1, 2])
        assert (
            result["open"]
            and result["note"] == "Node 1 leads, and goes before node 2: leadership has moved since the plan was made."
        )

    def test_an_answer_from_before_the_question_is_not_enough(self, run, cluster):
        cluster.quorums = [voters(9000, 8999, 9000), voters(9900, 8999, 9900)]
        assert not self.ask(run, "back", [2])["open"]
        cluster.quorums = [voters(9000, 8999, 9000), voters(9900, 9000, 9900)]
        assert self.ask(run, "back", [2])["open"]

    def test_another_leader_has_another_clock(self, run, cluster):
        cluster.quorums = [voters(90, 80, 90), voters(9000, 8000, 9000, leader=3, epoch=2)]
        assert not self.ask(run, "back", [2])["open"]

    def test_zookeeper_mode_has_no_controllers(self, run, cluster):
        assert "ask with kind: zookeeper" in self.ask(run, "may_stop", [1])["msg"]


class TestZooKeeper:
    SERVERS = [{"id": id_, "host": "z%d" % id_, "port": 2181} for id_ in (1, 2, 3)]

    @pytest.fixture
    def modes(self, monkeypatch):
        modes = {"z1:2181": "follower", "z2:2181": "leader", "z3:2181": "follower"}

        def look(server, timeout, secure):
            mode = modes[server]
            error = None if mode else "ZooKeeper server %s cannot be asked." % server
            return {
                "server": server,
                "mode": mode,
                "ok": mode is not None,
                "error": error,
                "synced_followers": 2 if mode == "leader" else None,
            }

        monkeypatch.setattr(poll.zookeepers, "__defaults__", (look,))
        return modes

    def ask(self, run, question, nodes, **more):
        return run(question=question, kind="zookeeper", nodes=nodes, zookeeper_servers=self.SERVERS, **more)

    def test_both_questions(self, run, modes):
        assert self.ask(run, "may_stop", [1])["open"] and self.ask(run, "back", [1, 2])["open"]
        modes["z3:2181"] = None
        assert "no majority" in self.ask(run, "may_stop", [1])["reason"]
        assert self.ask(run, "back", [1, 3])["back"] == [1]

    def test_the_servers_are_needed(self, run, modes):
        assert "zookeeper_servers" in run(question="back", kind="zookeeper", nodes=[1])["msg"]
        assert "empty" in run(question="back", kind="zookeeper", nodes=[1], zookeeper_servers=[])["msg"]
        assert (
            "twice" in run(question="back", kind="zookeeper", nodes=[1], zookeeper_servers=self.SERVERS[:1] * 2)["msg"]
        )


@pytest.mark.parametrize("question", ["may_stop", "back"])
@pytest.mark.parametrize(
    ("allowed", "named"), [(set(), "only nothing"), ({5, 7, 8}, "only Create, Alter, Describe with")]
)
def test_a_connection_that_may_not_see_all_topics_is_refused_for_good(run, cluster, question, allowed, named):
    cluster.authorized_operations = allowed
    refused = run(question=question, nodes=[1])
    assert refused["retry"] is False and named in refused["msg"]
    assert refused["msg"].endswith("so that it may not show all topics; connect as a super user. See docs/clients.md.")


class TestLock:
    """No broker is asked on behalf of a roll that has lost its lock."""

    @pytest.fixture
    def path(self, run_main, tmp_path):
        run_main(kafka_roll_lock, owner="me", path=str(tmp_path / "roll.lock"))
        return tmp_path / "roll.lock"

    @pytest.mark.parametrize("question", ["may_stop", "back"])
    def test_renewed_before_the_question(self, run, cluster, path, question):
        before = path.read_text()
        assert run(question=question, nodes=[1], lock={"owner": "me", "path": str(path), "lease_seconds": 5000})["open"]
        assert path.read_text() != before and json.loads(path.read_text())["owner"] == "me"

    def test_lost_it_fails_before_a_broker_is_asked(self, run, cluster, path):
        result = run(question="may_stop", nodes=[1], lock={"owner": "she", "path": str(path)})
        assert (
            "is no longer held by she: me has taken it" in result["msg"]
            and result["retry"] is False
            and cluster.read == 0
        )

    def test_left_alone_in_check_mode(self, run, cluster, path):
        before = path.read_text()
        assert (
            run(check=True, question="may_stop", nodes=[1], lock={"owner": "she", "path": str(path)})["open"]
            and path.read_text() == before
        )


class TestPatience:
    GONE, THERE, BACK = "gone", "there", "back"

    def ask(self, *states, seconds=3.0):
        """Of two nodes, whose states are given question by question; the last answer, without what is not asked here, and how often it slept."""
        left, slept = list(states), []

        def answer():
            states = left.pop(0) if len(left) > 1 else left[0]
            nodes = [
                {"id": id_, "registered": state != self.GONE, "back": state == self.BACK}
                for id_, state in enumerate(states, 1)
            ]
            return {"open": all(each["back"] for each in nodes), "nodes": nodes}

        last = poll.poll_until_open(answer, seconds, clock=lambda: sum(slept), sleep=slept.append)
        return last["open"], [(each["registered_seconds"], each["back_seconds"]) for each in last["nodes"]], len(slept)

    def test_it_ends_with_a_yes_or_with_the_time_and_says_since_when(self):
        first, second, third = (self.GONE, self.GONE), (self.THERE, self.GONE), (self.BACK, self.THERE)
        assert self.ask(first, second, third, (self.BACK, self.BACK)) == (True, [(0.6, 0.3), (0.3, 0.0)], 3)
        assert self.ask(second, first, seconds=2.9) == (False, [(None, None)] * 2, 10)

    def test_a_node_that_goes_again_starts_its_seconds_again(self):
        states = [self.BACK, self.GONE, self.THERE, self.THERE, self.BACK]
        assert self.ask(*((each, self.GONE) for each in states), seconds=1.2) == (False, [(0.6, 0.0), (None, None)], 4)

    def test_without_time_it_asks_once(self):
        assert self.ask((self.GONE, self.GONE), (self.BACK, self.BACK), seconds=0) == (False, [(None, None)] * 2, 0)

    def test_what_was_counted_is_told_once_a_second_where_it_changed_and_at_the_end(self):
        left, slept = [3, 9, 9, 5, 5, 5, 2, 1], []

        def answer():
            return {"open": len(left) == 1, "counts": {"under_replicated": left.pop(0)}}

        last = poll.poll_until_open(answer, 30.0, clock=lambda: sum(slept), sleep=slept.append)
        assert last["curve"] == [
            {"ago": ago, "under_replicated": number} for ago, number in ((2.1, 3), (0.9, 5), (0.0, 1))
        ]

    @pytest.mark.parametrize("answer", [{"open": True}, {"open": True, "counts": None}])
    def test_where_nothing_is_counted_there_is_no_curve(self, answer):
        assert poll.poll_until_open(lambda: dict(answer), 3.0) == {**answer, "curve": []}


def test_the_options_are_the_documented_ones():
    assert documented(kafka_roll_gate) == declared(kafka_roll_gate.SPEC)
