"""The Kafka modules against real Kafka, in KRaft and in ZooKeeper mode.

They format, start, create, verify, lose a broker, and recover.
"""

from __future__ import annotations

import shutil
import uuid

import pytest
from kafka_cluster import RACKS, Cluster, run_module

from ansible_collections.rackaware.kafka.plugins.module_utils._host import storage as host_storage
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import kraft, leader_election

TOPIC = {"name": "rackaware-proof", "partitions": 6, "replication_factor": 3, "config": {"min.insync.replicas": 2}}


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def cluster(request, tmp_path_factory):
    with Cluster(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.start_all()
        yield made


def info(cluster, **params):
    return run_module("kafka_cluster_info", bootstrap_servers=cluster.bootstrap, **params)["cluster"]


def test_a_topic_is_judged_created_and_left_alone(cluster):
    def topic(**params):
        return run_module("kafka_topic", bootstrap_servers=cluster.bootstrap, **{**TOPIC, **params})

    assert topic(check=True)["changed"]
    assert topic(check=True)["changed"], "check mode created the topic"
    first, second = topic(), topic()
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["topic"] == second["topic"] == second["diff"]["before"] == second["diff"]["after"]
    assert topic(partitions=8)["topic"]["partitions"] == 8
    assert "cannot take partitions away" in topic()["msg"]
    assert "INVALID_CONFIG" in topic(partitions=8, config={"retention.ms": -5}, check=True)["msg"]
    assert topic(partitions=8, config={"retention.ms": 60000})["topic"]["config"]["retention.ms"] == "60000"
    assert topic(partitions=8, config={"retention.ms": None})["topic"]["config"] == {"min.insync.replicas": "2"}


def test_a_round_trip_over_three_racks(cluster):
    result = run_module("kafka_round_trip", bootstrap_servers=cluster.bootstrap, min_racks=3)
    assert [each["racks"] for each in result["partitions"]] == [sorted(RACKS.values())] * 8
    assert "were" not in result["sentence"] and "8 partitions" in result["sentence"]
    assert "but 4 are wanted" in run_module("kafka_round_trip", bootstrap_servers=cluster.bootstrap, min_racks=4)["msg"]


def test_the_whole_cluster_is_verified_with_a_topic_of_its_own(cluster):
    brokers = [{"id": node, "name": "b%d" % node} for node in RACKS]

    def verify(**more):
        return run_module(
            "kafka_verify", bootstrap_servers=cluster.bootstrap, brokers=brokers, topic="verified", min_racks=3, **more
        )

    assert verify(check=True)["changed"] and "verified" not in info(cluster)["topics"]
    first, second = verify(visit_seconds=30), verify(visit_seconds=30)
    assert [(each["ready"], each["changed"]) for each in (first, second)] == [(True, True), (True, False)]
    assert "a compressed one, was read back from each of the 3 partitions" in second["proof"]["sentence"]
    assert run_module("kafka_topic", bootstrap_servers=cluster.bootstrap, name="verified", state="absent")["changed"]


def test_the_snapshot_is_the_same_from_each_broker(cluster):
    seen = [info(cluster, ask=str(node)) for node in RACKS]
    assert len({each["controller_id"] for each in seen}) == 1
    assert seen[0]["partitions"] == seen[1]["partitions"] == seen[2]["partitions"]
    assert {broker["id"]: broker["rack"] for broker in seen[0]["brokers"]} == RACKS
    assert seen[0]["metadata"] == cluster.mode and (seen[0]["quorum"] is None) == (cluster.mode == "zookeeper")
    assert seen[0]["counts"]["under_replicated"] == 0


def test_identity_is_written_once(cluster):
    storage = [run_module("kafka_storage_info", log_dirs=cluster.log_dirs(node)) for node in RACKS]
    assert [each["node_id"] for each in storage] == [1, 2, 3]
    assert host_storage.identity(storage) == info(cluster)["cluster_id"]
    assert host_storage.quorum_exists(storage) == (cluster.mode == "kraft")
    other = host_storage.encode(uuid.UUID(int=7))
    assert "log directory" in run_module("kafka_storage", cluster_id=other, **cluster.storage(1))["msg"]
    if cluster.mode == "kraft":
        assert not run_module("kafka_storage", cluster_id=cluster.cluster_id, **cluster.storage(1))["changed"]
        voters = {voter["id"]: voter["directory_id"] for voter in info(cluster)["quorum"]["voters"]}
        assert voters == {node: host_storage.directory_id(cluster.cluster_id, node) for node in RACKS}


def test_how_far_each_node_is_behind_in_the_metadata_is_known(cluster):
    seen = info(cluster)["quorum"]
    lags = [kraft.lag(seen, node) for node in RACKS]
    if cluster.mode == "zookeeper":
        assert lags == [None] * 3
    else:
        assert all(each["seconds"] < kraft.BEHIND_SECONDS for each in lags)
        assert [kraft.why_behind(seen, node) for node in RACKS] == [None] * 3
        assert kraft.why_behind(seen, 9) == "does not follow the cluster's metadata"


def test_a_lost_broker_is_seen_by_the_others_and_comes_back_with_a_new_disk(cluster):
    cluster.stop("broker-3")
    cluster.wait(
        "broker 3 to leave every ISR",
        lambda _, topics: all(3 not in each["isr"] for listed in topics.values() for each in listed),
        exclude=[3],
    )
    seen = info(cluster, exclude_brokers=[3])
    assert seen["counts"]["under_replicated"] == seen["counts"]["at_min_isr"] == 8 and seen["counts"]["offline"] == 0
    assert {broker["id"]: broker["fenced"] for broker in seen["brokers"]} == (
        {1: False, 2: False, 3: True} if cluster.mode == "kraft" else {1: False, 2: False}
    )
    assert (
        "broker 3"
        in run_module("kafka_cluster_info", bootstrap_servers=cluster.bootstrap, ask="3", request_timeout_seconds=5)[
            "msg"
        ].lower()
    )
    assert run_module("kafka_round_trip", bootstrap_servers=cluster.bootstrap)["marker"]
    if cluster.mode == "kraft":
        shutil.rmtree(cluster.log_dirs(3)[1])
        assert run_module("kafka_storage", cluster_id=cluster.cluster_id, **cluster.storage(3))["formatted"] == [
            cluster.log_dirs(3)[1]
        ]
    cluster.start(3)
    cluster.wait_in_sync()
    with cluster.admin() as admin:
        assert leader_election.elect(admin, leader_election.led(admin))["refused"] == []
    cluster.wait(
        "preferred leaders",
        lambda _, topics: all(each["leader"] == each["replicas"][0] for each in topics["rackaware-proof"]),
    )
    assert info(cluster)["counts"]["without_preferred_leader"] == 0


def test_zookeeper_says_how_it_is(cluster):
    result = run_module("zookeeper_info", servers=cluster.zookeepers, timeout_seconds=2)
    if cluster.mode == "kraft":
        assert not result["quorum"]["ok"] and "cannot be asked" in result["servers"][0]["error"]
        return
    assert result["quorum"]["ok"] and result["quorum"]["serving"] == 3
    assert {each["version"] for each in result["servers"]} == {"3.8.4"}
    cluster.stop("zookeeper-1")
    after = run_module("zookeeper_info", servers=cluster.zookeepers, timeout_seconds=2)
    assert not after["servers"][0]["ok"] and after["quorum"]["size"] == 3
