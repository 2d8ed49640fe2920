"""Whether a cluster is complete, and what is said while it is not."""

from __future__ import annotations

import json

import pytest
from bench.verify import snapshot

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import snapshot as kafka_snapshot
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import topic
from ansible_collections.rackaware.kafka.plugins.module_utils._report import cluster as report_cluster
from ansible_collections.rackaware.kafka.plugins.module_utils._report import verify

NAMES = {1: "b1", 2: "b2", 3: "b3"}
CONFIG = "broker.id=1\nlisteners=CLIENT://198.18.1.11:19092,REPLICATION://[2001:db8::1]:9093\nadvertised.listeners=CLIENT://h:1\n"


def cluster(behind=0, offline=0, examples=("t-0",)):
    counts = {"under_replicated": behind, "under_min_isr": 0, "offline": offline}
    return {"counts": counts, "examples": {kind: list(examples)[:count] for kind, count in counts.items()}}


def answer(missing=(), **more):
    return {"missing": list(missing), "cluster": cluster(**more), "ready": False}


def brokers(**states):
    return [{"id": int(name[1:]), "name": name, "unit_state": state} for name, state in states.items()]


class TestStopped:
    @pytest.mark.parametrize("state", ["active", "activating", None])
    def test_a_service_that_runs_or_is_about_to_is_waited_for(self, state):
        assert verify.stopped(brokers(b1="active", b2=state)) is None

    @pytest.mark.parametrize("state", ["inactive", "failed", "absent", "deactivating"])
    def test_one_that_does_not_run_is_named_with_what_starts_it(self, state):
        assert verify.stopped(brokers(b1="active", b2=state)) == (
            "Broker 2 (b2: %s) does not run, so that the cluster cannot be complete; see journalctl -u kafka there, and run"
            " rackaware.kafka.rolling_restart, which starts it. See docs/runbooks/broker_down.md." % state
        )

    def test_of_many_the_first_few(self):
        said = verify.stopped(brokers(**{"b%d" % number: "failed" for number in range(1, 8)}))
        assert (
            said.startswith("Broker 1 (b1: failed), broker 2")
            and "and 2 more do not run" in said
            and said.endswith("starts them. See docs/runbooks/broker_down.md.")
        )


class TestSilence:
    def test_a_wrong_port_is_known_at_once_from_the_broker_of_the_host(self):
        may, said = verify.silence(["a:9092", "b:9092"], 3, CONFIG)
        assert not may
        assert said.startswith(
            "Nothing listens at a:9092, b:9092: the listeners of the broker on this host are at port 9093, 19092."
        )

    @pytest.mark.parametrize(("age", "may"), [(5, True), (119, True), (120, False), (4000, False)])
    def test_a_young_broker_may_not_listen_yet(self, age, may):
        answered, said = verify.silence(["a:19092"], age, CONFIG)
        assert answered == may and "has run for %d s" % age in said

    def test_where_no_broker_runs_there_is_nothing_to_wait_for(self):
        assert verify.silence(["a:1"], None, None) == (
            False,
            "Nothing listens at a:1, and no broker runs on this host; check the inventory's addresses, and that the brokers run."
            " See docs/runbooks/broker_down.md.",
        )

    def test_of_many_servers_the_first_few(self):
        assert (
            "a1:9, a2:9, a3:9 and 297 more,"
            in verify.silence(["a%d:9" % number for number in range(1, 301)], 999, None)[1]
        )

    @pytest.mark.parametrize("text", ["", "x=1", "#listeners=A://:1", "listeners=A://h"])
    def test_a_configuration_without_ports(self, text):
        assert verify.ports(text) == set()


class TestComplete:
    def test_a_fenced_broker_is_missing(self):
        seen = {"brokers": [{"id": 1, "fenced": False}, {"id": 2, "fenced": True}, {"id": 9, "fenced": False}]}
        assert verify.missing(seen, [3, 1, 2]) == [2, 3]

    def test_new_partitions_only_get_the_factor(self):
        want = verify.wanted("t", None, 3, 2)
        assert (want.partitions, want.replication_factor, want.config["compression.type"]) == (3, 2, "producer")
        there = topic.Topic([[1, 2, 3]] * 6, 3)
        assert (verify.wanted("t", there, 3, 2).partitions, verify.wanted("t", there, 3, 2).replication_factor) == (
            6,
            None,
        )
        assert verify.wanted("t", there, 9, 2).replication_factor == 2


class TestWatch:
    def watch(self, *answers, stall=100, timeout=1000):
        watch = verify.Watch(NAMES, stall, timeout, 0)
        for now, each in answers:
            watch.answered(now, each)
        return watch

    def test_a_line_says_who_is_missing_and_how_many_are_behind(self):
        watch = self.watch((12, answer([2, 3], behind=40, examples=("t-0", "t-1", "t-2"))))
        assert watch.line() == (
            "waiting for the cluster, 12 s: broker 2 (b2), broker 3 (b3) are not registered; 40 partitions behind (t-0, t-1, t-2, …)"
        )

    def test_a_line_says_why_no_broker_could_be_asked(self):
        assert (
            self.watch((3, {"reason": "Nothing listens at a:1."})).line()
            == "waiting for the cluster, 3 s: Nothing listens at a:1"
        )

    @pytest.mark.parametrize(
        "answers",
        [
            [answer([2]), answer([])],
            [answer(behind=5), answer(behind=4)],
            # A broker that is back holds partitions that are behind.
            [answer([2], behind=1), answer([], behind=99)],
        ],
        ids=["a broker", "a partition", "a broker with partitions"],
    )
    def test_progress_restarts_the_time(self, answers):
        assert not self.watch(*zip((10, 90), answers), (180, answers[-1])).over
        assert self.watch(*zip((10, 90), answers), (190, answers[-1])).over

    @pytest.mark.parametrize(
        "later", [answer([2]), answer([2, 3]), {"reason": "Broker 1 did not answer."}], ids=["same", "worse", "silent"]
    )
    def test_without_progress_it_ends(self, later):
        assert self.watch((10, answer([2])), (110, later)).over and not self.watch((10, answer([2])), (109, later)).over

    def test_progress_in_ever_smaller_steps_ends_too(self):
        assert self.watch(*((now * 90, answer(behind=1000 - now)) for now in range(1, 13)), timeout=1000).over

    def test_the_sentence_names_them(self):
        assert self.watch((10, answer([2])), (250, answer([2], behind=412, offline=1))).sentence() == (
            "The cluster is not complete after 250 s, the last 240 of them without progress: broker 2 (b2) is not registered; 1 partition without a leader"
            " (t-0), 412 partitions behind (t-0, …). Look at the log of each of these brokers (journalctl -u kafka), and run the same command again."
            " See docs/runbooks/under_replicated.md."
        )


class TestSize:
    """At 300 brokers and 100,000 partitions."""

    def test_what_travels_stays_small(self):
        whole = snapshot(300, 100_000, behind=0.3)
        small = kafka_snapshot.summarize(whole)
        hosts = [
            {"name": "b%d" % id_, "id": id_, "rack": "rack-%d" % (id_ % 3), "roles": ["broker"], "unit_state": "active"}
            for id_ in range(1, 301)
        ]
        model = report_cluster.build(small, hosts)
        assert len(model["findings"]) == 1 and "(topic-0-" in model["findings"][0]
        assert (
            sum(each["leaders"] for each in small["loads"]) == 100_000
            and sum(each["replicas"] for each in small["loads"]) == 300_000
        )
        assert max(len(json.dumps(each)) for each in ({"cluster": small}, model)) < 200_000
        assert len(json.dumps(kafka_snapshot.troubled(whole, 1000))) < 1_000_000
