"""main() of the Kafka modules: check, apply, again, and the error; what was written, and what was not."""

from __future__ import annotations

import os
import stat

import pytest
import yaml
from documented import declared
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import connection, round_trip, zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.modules import (
    kafka_cluster_info,
    kafka_round_trip,
    kafka_storage,
    kafka_storage_info,
    kafka_topic,
    zookeeper_info,
)

CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
SERVERS = {"bootstrap_servers": ["one:9092"]}


@pytest.fixture
def run(run_main):
    return run_main


class Topics(FakeAdmin):
    """A cluster of three brokers that remembers what was done to it."""

    def __init__(self):
        super().__init__()
        self.topics, self.calls = {}, []

    def cluster(self):
        brokers = [
            {"id": number, "host": "h", "port": 9092, "rack": "abc"[number - 1], "fenced": False}
            for number in (1, 2, 3)
        ]
        return {"cluster_id": "c", "controller_id": 1, "brokers": brokers}

    def partitions(self, topics=None):
        def each(index, replicas):
            return {"partition": index, "leader": replicas[0], "replicas": replicas, "isr": replicas, "offline": []}

        return {
            name: [each(index, replicas) for index, replicas in enumerate(found["replicas"])]
            for name, found in self.topics.items()
            if topics is None or name in topics
        }

    def topic_configs(self, topics):
        return {
            name: {key: {"value": value, "own": True} for key, value in self.topics[name]["config"].items()}
            | {"default": {"value": "1", "own": False}}
            for name in topics
        }

    def create_topic(self, name, partitions, factor, config, assignment, *, validate_only):
        self.calls.append(("create", validate_only))
        if factor > 3:
            raise KafkaError("Kafka refused to create topic %s: INVALID_REPLICATION_FACTOR." % name, 38)
        if not validate_only:
            self.topics[name] = {
                "replicas": list((assignment or dict.fromkeys(range(partitions), [1, 2, 3][:factor])).values()),
                "config": dict(config),
            }

    def alter_topic_config(self, name, config, *, validate_only):
        self.calls.append(("alter", validate_only, config))
        if not validate_only:
            self.topics[name]["config"].update(config)

    def add_partitions(self, name, count, assignment, *, validate_only):
        self.calls.append(("add", validate_only, count, assignment))
        if not validate_only:
            self.topics[name]["replicas"] += [[1, 2, 3]] * (count - len(self.topics[name]["replicas"]))

    def delete_topic(self, name):
        self.calls.append(("delete", name))
        del self.topics[name]


@pytest.fixture
def cluster(monkeypatch):
    fake = Topics()
    for module in (kafka_topic, kafka_cluster_info, kafka_round_trip):
        monkeypatch.setattr(module, "Admin", fake)
    return fake


def test_the_documented_connection_is_the_accepted_one():
    assert declared(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]) == declared(connection.CONNECTION_SPEC)


class TestTopic:
    WANTED = dict(SERVERS, name="t", partitions=3, replication_factor=3, config={"min.insync.replicas": 2})

    def test_check_mode_lets_kafka_judge_and_creates_nothing(self, run, cluster):
        result = run(kafka_topic, check=True, **self.WANTED)
        assert result["changed"] and result["diff"]["before"] == {}
        assert result["topic"] == {"partitions": 3, "replication_factor": 3, "config": {"min.insync.replicas": "2"}}
        assert cluster.calls == [("create", True)] and cluster.topics == {}

    def test_apply_then_again(self, run, cluster):
        assert run(kafka_topic, **self.WANTED)["changed"]
        again = run(kafka_topic, **self.WANTED)
        assert not again["changed"] and again["diff"]["before"] == again["diff"]["after"]
        assert cluster.calls == [("create", False)]

    def test_it_grows_and_is_configured(self, run, cluster):
        run(kafka_topic, **self.WANTED)
        result = run(kafka_topic, **dict(self.WANTED, partitions=5, config={"retention.ms": 9}))
        assert result["topic"]["partitions"] == 5
        assert result["topic"]["config"] == {"min.insync.replicas": "2", "retention.ms": "9"}
        assert cluster.calls[1:] == [("alter", False, {"retention.ms": "9"}), ("add", False, 5, None)]

    def test_new_partitions_go_where_the_assignment_says(self, run, cluster):
        cluster.topics["t"] = {"replicas": [[1, 2]], "config": {}}
        run(kafka_topic, **SERVERS, name="t", replica_assignment=[[1, 2], [2, 3]])
        assert cluster.calls == [("add", False, 2, [[2, 3]])]

    def test_what_would_move_data_is_refused_before_anything_is_written(self, run, cluster):
        run(kafka_topic, **self.WANTED)
        result = run(kafka_topic, **dict(self.WANTED, replication_factor=2, partitions=9))
        assert result["failed"] and "reassign its partitions" in result["msg"]
        assert len(cluster.calls) == 1

    def test_kafkas_refusal_is_the_message_also_in_check_mode(self, run, cluster):
        result = run(kafka_topic, check=True, **dict(self.WANTED, replication_factor=9))
        assert result["failed"] and "INVALID_REPLICATION_FACTOR" in result["msg"]

    def test_absent(self, run, cluster):
        run(kafka_topic, **self.WANTED)
        assert run(kafka_topic, check=True, **SERVERS, name="t", state="absent")["changed"] and "t" in cluster.topics
        assert run(kafka_topic, **SERVERS, name="t", state="absent")["topic"] is None and cluster.topics == {}
        assert not run(kafka_topic, **SERVERS, name="t", state="absent")["changed"]


class TestClusterInfo:
    def test_the_cluster(self, run, cluster):
        cluster.topics["t"] = {"replicas": [[1, 2, 3]], "config": {}}
        result = run(kafka_cluster_info, **SERVERS)
        assert (
            not result["changed"]
            and result["cluster"]["counts"]["partitions"] == len(result["cluster"]["partitions"]) == 1
        )

    def test_a_healthy_one_has_nothing_troubled(self, run, cluster):
        cluster.topics["t"] = {"replicas": [[1, 2, 3]], "config": {}}
        seen = run(kafka_cluster_info, **SERVERS, only_troubled=True)["cluster"]
        assert seen["partitions"] == [] and seen["counts"]["partitions"] == 1

    def test_what_is_in_trouble_can_be_cut_and_still_counts(self, run, cluster, monkeypatch):
        for name in ("fine", "t", "u"):
            cluster.topics[name] = {"replicas": [[1, 2, 3]] * 3, "config": {}}
        bad = {"leader": -1, "isr": []}
        whole = cluster.partitions
        monkeypatch.setattr(
            cluster,
            "partitions",
            lambda topics=None: {
                name: [{**p, **(bad if name != "fine" else {})} for p in each] for name, each in whole(topics).items()
            },
        )
        seen = run(kafka_cluster_info, **SERVERS, only_troubled=True, limit=2)["cluster"]
        assert [(each["topic"], each["partition"]) for each in seen["partitions"]] == [("t", 0), ("t", 1)]
        assert (list(seen["topics"]), seen["counts"]["offline"], seen["counts"]["topics"]) == (["t"], 6, 3)

    def test_a_summary_has_neither_topics_nor_partitions(self, run, cluster):
        cluster.topics["t"] = {"replicas": [[1, 2, 3], [2, 3, 1]], "config": {}}
        seen = run(kafka_cluster_info, **SERVERS, summary=True)["cluster"]
        assert not {"topics", "partitions", "reassignments"} & set(seen) and seen["reassigning"] == 0
        assert seen["loads"][0] == {"id": 1, "leaders": 1, "replicas": 2, "out_of_sync": 0} and seen[
            "checked_at"
        ].endswith("Z")

    @pytest.mark.parametrize(("ask", "whom"), [(None, None), ("2", 2), ("three:9092", ("three", 9092))])
    def test_one_broker_can_be_chosen(self, run, cluster, ask, whom):
        run(kafka_cluster_info, **SERVERS, ask=ask, exclude_brokers=[1])
        assert cluster.opened[0][1] == {"ask": whom, "exclude": [1]}

    @pytest.mark.parametrize(
        ("params", "sentence"),
        [
            ({"ask": "three"}, "three is not an address"),
            ({"topics": ["gone"]}, "has no topic gone"),
            ({"bootstrap_servers": []}, "bootstrap_servers is empty"),
            ({"only_troubled": True, "limit": -1}, "limit is -1"),
            ({"only_troubled": True, "summary": True}, "mutually exclusive"),
        ],
    )
    def test_bad_input_is_one_sentence(self, run, cluster, params, sentence):
        result = run(kafka_cluster_info, **{**SERVERS, **params})
        assert result["failed"] and sentence in result["msg"]


class TestRoundTrip:
    @pytest.fixture(autouse=True)
    def log(self, monkeypatch, cluster):
        cluster.topics["rackaware-proof"] = {"replicas": [[1, 2, 3], [2, 3, 1]], "config": {}}
        self.written, self.wrote, self.noexec = {}, [], False
        self.lost = set()

        def produce(where, topic, values, *, key, compression):
            if compression and self.noexec:
                raise KafkaError("A record for rackaware-proof-0 was not acknowledged: UnknownServerError.")
            self.written = {partition: (key, value) for partition, value in values.items()}
            self.wrote.append((compression, {len(value) for value in values.values()}))
            return {partition: 8 if compression else 7 for partition in values}

        monkeypatch.setattr(round_trip, "produce", produce)
        monkeypatch.setattr(
            round_trip,
            "consume",
            lambda where, topic, offsets: {p: record for p, record in self.written.items() if p not in self.lost},
        )

    def test_every_partition_is_written_and_read(self, run, cluster):
        result = run(kafka_round_trip, **SERVERS, min_racks=3)
        assert not result["changed"]
        assert result["partitions"][0] == {
            "partition": 0,
            "offset": 7,
            "leader": 1,
            "replicas": [1, 2, 3],
            "racks": ["a", "b", "c"],
        }
        assert all(result["marker"].encode() == key for key, _ in self.written.values()) and len(self.written) == 2

    def test_the_second_record_is_a_compressed_one_with_something_to_compress(self, run, cluster):
        run(kafka_round_trip, **SERVERS)
        (plain, short), (compression, long) = self.wrote
        assert (plain, compression) == (None, "zstd") and min(long) > max(short) + 500

    def test_a_broker_that_cannot_run_native_code_is_told_where_to_look(self, run, cluster):
        self.noexec = True
        said = run(kafka_round_trip, **SERVERS)["msg"]
        assert "UnknownServerError" in said and "without compression was acknowledged" in said and "noexec" in said

    def test_each_run_has_its_own_marker(self, run, cluster):
        assert run(kafka_round_trip, **SERVERS)["marker"] != run(kafka_round_trip, **SERVERS)["marker"]

    def test_check_mode_writes_nothing(self, run, cluster):
        result = run(kafka_round_trip, check=True, **SERVERS)
        assert self.written == {} and result["marker"] is None and result["partitions"][0]["offset"] is None

    def test_check_mode_before_the_topic_exists(self, run, cluster):
        cluster.topics.clear()
        assert run(kafka_round_trip, check=True, **SERVERS)["partitions"] == []
        assert "does not exist" in run(kafka_round_trip, **SERVERS)["msg"]

    def test_a_lost_record_fails(self, run, cluster):
        self.lost = {1}
        result = run(kafka_round_trip, **SERVERS)
        assert result["failed"] and "rackaware-proof-1 at offset 7 (leader 2)" in result["msg"]

    def test_too_few_racks_fail_before_anything_is_written(self, run, cluster):
        result = run(kafka_round_trip, **SERVERS, min_racks=4)
        assert result["failed"] and "but 4 are wanted" in result["msg"] and self.written == {}


class TestZooKeeper:
    def test_all_servers_in_the_order_given(self, run, monkeypatch):
        modes = {"a:2181": "follower", "b": "leader", "c": None}
        monkeypatch.setattr(
            zookeeper,
            "look",
            lambda server, timeout, secure: {"server": server, "mode": modes[server], "synced_followers": 1},
        )
        result = run(zookeeper_info, servers=["a:2181", "b", "c"])
        assert [each["server"] for each in result["servers"]] == ["a:2181", "b", "c"]
        assert result["quorum"] == {
            "ok": True,
            "size": 3,
            "serving": 2,
            "leader": "b",
            "followers": ["a:2181"],
            "reason": None,
        }

    @pytest.mark.parametrize(("servers", "sentence"), [([], "servers is empty"), (["zk:port"], "is not an address")])
    def test_bad_input_is_one_sentence(self, run, servers, sentence):
        result = run(zookeeper_info, servers=servers)
        assert result["failed"] and sentence in result["msg"]


class TestStorage:
    @pytest.fixture
    def params(self, tmp_path):
        """A java that formats as StorageTool does, and writes down how it was called."""
        tool = tmp_path / "java"
        tool.write_text(
            "#!/bin/sh\n"
            'echo "$*" >> %(calls)s\n'
            "for dir in %(d0)s %(d1)s; do\n"
            '  [ -f "$dir/meta.properties" ] && continue\n'
            '  mkdir -p "$dir"\n'
            '  printf "version=1\\nnode.id=1\\ndirectory.id=x\\ncluster.id=%(id)s\\n" > "$dir/meta.properties"\n'
            "done\n" % {"calls": tmp_path / "calls", "d0": tmp_path / "d0", "d1": tmp_path / "d1", "id": CLUSTER}
        )
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        return {
            "cluster_id": CLUSTER,
            "node_id": 1,
            "roles": ["broker", "controller"],
            "log_dirs": [str(tmp_path / "d0"), str(tmp_path / "d1")],
            "initial_controllers": [{"id": 1, "host": "h1"}],
            "properties": "/etc/kafka/broker.properties",
            "libs": "/libs",
            "java": str(tool),
        }

    def test_check_apply_again(self, run, params, tmp_path):
        check = run(kafka_storage, check=True, **params)
        assert check["changed"] and not (tmp_path / "calls").exists() and not (tmp_path / "d0").exists()
        applied = run(kafka_storage, **params)
        assert applied["changed"] and applied["formatted"] == params["log_dirs"] and not applied["joins_as_observer"]
        call = (tmp_path / "calls").read_text()
        assert (
            "--cluster-id %s --config /etc/kafka/broker.properties --initial-controllers 1@h1:9093:" % CLUSTER in call
        )
        assert "--ignore-formatted" not in call
        again = run(kafka_storage, **params)
        assert not again["changed"] and (tmp_path / "calls").read_text() == call

    def test_a_replaced_disk_is_formatted_alone(self, run, params, tmp_path):
        run(kafka_storage, **params)
        os.remove(tmp_path / "d1/meta.properties")
        result = run(kafka_storage, **params)
        assert result["formatted"] == [params["log_dirs"][1]] and not result["joins_as_observer"]
        assert "--ignore-formatted" in (tmp_path / "calls").read_text().splitlines()[-1]

    def test_a_controller_that_comes_later_says_so(self, run, params):
        assert run(kafka_storage, check=True, **params, quorum_exists=True)["joins_as_observer"]

    def test_foreign_data_is_refused_and_kept(self, run, params, tmp_path):
        (tmp_path / "d1").mkdir()
        (tmp_path / "d1/orders-0").write_text("data")
        result = run(kafka_storage, **params)
        assert result["failed"] and "never formatted" in result["msg"] and not (tmp_path / "calls").exists()
        assert (tmp_path / "d1/orders-0").read_text() == "data"

    def test_a_tool_that_fails_is_one_sentence(self, run, params, tmp_path):
        (tmp_path / "java").write_text("#!/bin/sh\necho Invalid cluster.id\nexit 1\n")
        result = run(kafka_storage, **params)
        assert result["failed"] and "failed with code 1: Invalid cluster.id" in result["msg"]

    def test_no_directory_is_refused(self, run, params):
        assert "log_dirs is empty" in run(kafka_storage, **dict(params, log_dirs=[]))["msg"]

    def test_info(self, run, params, tmp_path):
        before = run(kafka_storage_info, log_dirs=params["log_dirs"])
        assert [each["state"] for each in before["directories"]] == ["absent", "absent"] and before[
            "cluster_id"
        ] is None
        run(kafka_storage, **params)
        after = run(kafka_storage_info, log_dirs=params["log_dirs"])
        assert (after["cluster_id"], after["node_id"], after["started"], after["changed"]) == (CLUSTER, 1, False, False)
        assert after["host"]

    def test_info_of_a_zookeeper_node_is_its_myid(self, run, tmp_path):
        (tmp_path / "myid").write_text("3\n")
        result = run(kafka_storage_info, log_dirs=[str(tmp_path)], service="zookeeper")
        assert (result["node_id"], result["cluster_id"]) == (3, None)

    def test_info_of_two_clusters_on_one_host_is_refused(self, run, params, tmp_path):
        run(kafka_storage, **params)
        (tmp_path / "d1/meta.properties").write_text("version=1\nnode.id=1\ncluster.id=other\n")
        assert "disks of 2 clusters" in run(kafka_storage_info, log_dirs=params["log_dirs"])["msg"]
