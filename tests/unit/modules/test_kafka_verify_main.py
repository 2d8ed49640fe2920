"""main() of kafka_verify: on a fake cluster, with what listens, what is there and how far it is, and what is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_kafka_modules_main import Topics

from ansible_collections.rackaware.kafka.plugins.module_utils._config import units
from ansible_collections.rackaware.kafka.plugins.module_utils._host import service_state
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import round_trip
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import LibraryError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.modules import kafka_verify

BROKERS = [{"id": number, "name": "b%d" % number} for number in (1, 2, 3)]
GIVEN = {"bootstrap_servers": ["one:9092", "two:9092"], "brokers": BROKERS, "min_racks": 3}


class Cluster(Topics):
    """The same, whose brokers come and whose replicas catch up with each look."""

    def __init__(self):
        super().__init__()
        self.there, self.behind, self.looks = [[1, 2, 3]], [0], 0

    def cluster(self):
        self.looks += 1
        ids = self.there.pop(0) if len(self.there) > 1 else self.there[0]
        seen = super().cluster()
        return {**seen, "brokers": [broker for broker in seen["brokers"] if broker["id"] in ids]}

    def partitions(self, topics=None):
        found = super().partitions(topics)
        if topics is None and "t" in found:
            behind = self.behind.pop(0) if len(self.behind) > 1 else self.behind[0]
            for each in found["t"][:behind]:
                each["isr"] = each["isr"][:2]
        return found


@pytest.fixture
def stage(monkeypatch, tmp_path):
    fake = Cluster()
    fake.topics["t"] = {"replicas": [[1, 2, 3]] * 4, "config": {}}
    fake.wrote, fake.listening, fake.age, fake.slept, fake.now = [], ["two:9092"], 999.0, [], 0.0

    def produce(where, topic, values, *, key, compression):
        fake.wrote.append((topic, sorted(values), compression))
        fake.records = {partition: (key, value) for partition, value in values.items()}
        return dict.fromkeys(values, 1)

    def sleep(seconds):
        fake.slept.append(seconds)
        fake.now += seconds

    def dialled(servers):
        fake.dialled = servers
        return iter(fake.listening)

    monkeypatch.setattr(kafka_verify, "Admin", fake)
    monkeypatch.setattr(kafka_verify, "listening", dialled)
    monkeypatch.setattr(kafka_verify.time, "monotonic", lambda: fake.now)
    monkeypatch.setattr(kafka_verify.time, "sleep", sleep)
    monkeypatch.setattr(service_state, "age", lambda unit, run: fake.age)
    monkeypatch.setattr(
        units, "service", lambda name: replace(units.SERVICES[name], config=str(tmp_path / "broker.properties"))
    )
    monkeypatch.setattr(round_trip, "produce", produce)
    monkeypatch.setattr(round_trip, "consume", lambda where, topic, offsets: fake.records)
    return fake


@pytest.fixture
def run(run_main, stage):
    return lambda check=False, **params: run_main(kafka_verify, check, **{**GIVEN, **params})


def test_a_complete_cluster_gets_its_topic_and_both_records(run, stage):
    result = run()
    assert (result["changed"], result["ready"], result["missing"]) == (True, True, [])
    assert stage.topics["rackaware-proof"] == {
        "replicas": [[1, 2, 3]] * 3,
        "config": {"compression.type": "producer", "retention.ms": "3600000"},
    }
    assert stage.wrote == [("rackaware-proof", [0, 1, 2], None), ("rackaware-proof", [0, 1, 2], "zstd")]
    assert result["proof"]["sentence"].startswith("A record acknowledged by all in-sync replicas, and a compressed one")
    assert result["cluster"]["counts"]["topics"] == 2 and "partitions" not in result["cluster"]


def test_a_second_run_changes_nothing_and_writes_again(run, stage):
    run()
    again = run()
    assert not again["changed"] and len(stage.wrote) == 4 and stage.calls == [("create", False)]


def test_a_topic_of_an_older_version_is_configured_and_keeps_its_replicas(run, stage):
    stage.topics["rackaware-proof"] = {"replicas": [[1, 2, 3]] * 5, "config": {"retention.ms": "3600000"}}
    assert run(replication_factor=2)["changed"]
    assert (
        stage.calls == [("alter", False, {"compression.type": "producer"})]
        and len(stage.topics["rackaware-proof"]["replicas"]) == 5
    )


def test_only_servers_that_listen_are_asked(run, stage):
    run()
    assert stage.dialled == ("one:9092", "two:9092") and {where.bootstrap_servers for where, _ in stage.opened} == {
        ("two:9092",)
    }


def test_it_waits_for_brokers_and_replicas_within_a_poll_session(run, stage):
    stage.there, stage.behind = [[1], [1, 2, 3]], [4, 4, 1, 0]
    assert run()["ready"] and len(stage.slept) == 3


def test_a_poll_session_ends_with_what_is_missing(run, stage):
    stage.there, stage.behind = [[1, 3]], [2]
    result = run()
    assert (result["ready"], result["missing"], result["cluster"]["counts"]["under_replicated"]) == (False, [2], 2)
    assert "failed" not in result and stage.wrote == [] and stage.calls == [] and sum(stage.slept) == 5


def test_a_broker_that_does_not_answer_is_a_reason_to_come_again(run, stage):
    stage.error = KafkaError("Broker 1 did not answer.")
    assert run()["reason"] == "Broker 1 did not answer." and not run()["ready"]


def test_without_the_library_there_is_no_second_question(run, stage):
    stage.error = LibraryError("The Python interpreter has no kafka-python.")
    assert "no kafka-python" in run()["msg"] and stage.slept == []


class TestSilence:
    @pytest.fixture(autouse=True)
    def nothing_listens(self, stage):
        stage.listening = []

    def test_an_old_broker_will_not_listen_any_more(self, run, stage):
        said = run()
        assert said["failed"] and "Nothing listens at one:9092, two:9092" in said["msg"] and stage.slept == []

    def test_a_young_one_may(self, run, stage):
        stage.age = 20.0
        said = run()
        assert "failed" not in said and "has run for 20 s" in said["reason"]

    def test_a_young_one_with_another_port_will_not(self, run, stage, tmp_path):
        stage.age = 20.0
        (tmp_path / "broker.properties").write_text("listeners=CLIENT://h:19092\n")
        assert "at port 19092" in run()["msg"]

    def test_a_host_without_systemd_has_no_broker(self, run, stage, monkeypatch):
        def broken(unit, run):
            raise service_state.ServiceError("systemd could not be asked.")

        monkeypatch.setattr(service_state, "age", broken)
        assert "no broker runs on this host" in run()["msg"]


class TestCheckMode:
    def test_nothing_is_written(self, run, stage):
        result = run(check=True)
        assert result["changed"] and result["ready"] and result["proof"]["marker"] is None
        assert stage.calls == [("create", True)] and stage.wrote == [] and "rackaware-proof" not in stage.topics

    def test_what_is_missing_is_an_answer_without_a_wait(self, run, stage):
        stage.there = [[1]]
        result = run(check=True)
        assert (result["missing"], result["proof"]["sentence"], stage.slept) == ([2, 3], None, [])


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"brokers": [{"name": "b"}]}, "brokers must list each broker"),
        ({"brokers": [{"id": "x", "name": "b"}]}, "brokers must list each broker"),
        ({"bootstrap_servers": ["nowhere"]}, "nowhere is not an address"),
        ({"replication_factor": 9}, "INVALID_REPLICATION_FACTOR"),
        ({"min_racks": 4}, "but 4 are wanted"),
    ],
)
def test_what_cannot_be_is_one_sentence(run, stage, params, sentence):
    result = run(**params)
    assert result["failed"] and sentence in result["msg"] and stage.wrote == []


def test_a_connection_that_may_not_see_all_topics_is_not_waited_for(run, stage):
    stage.authorized_operations = {5, 8}
    said = run()["msg"]
    assert "lets this connection do only Create, Describe with the cluster" in said
    assert stage.slept == [] and stage.wrote == []


def test_users_that_would_pass_for_nodes_are_named(run, stage):
    ours = ["CN=operator,OU=demo,O=rackaware", "CN=kafka,OU=other,O=rackaware"]
    stage.users = lambda: ["alice", *ours, "CN=kafka,OU=demo,O=example"]
    for _ in range(2):
        assert run()["cluster"]["posing_users"] == sorted(ours)
