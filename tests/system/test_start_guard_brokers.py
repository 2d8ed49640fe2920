"""A broker that is the last in-sync replica and whose disk is blank, with real Kafka in both modes.

With the guard it stays down and nothing is lost.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka_cluster import RACKS, Cluster, run_module

from ansible_collections.rackaware.kafka.plugins.module_utils._start_guard import program
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until

TOPIC = "orders"
RECORDS = 50
WAIT = 25


class Host:
    """The files of a broker's host, and the guard as its unit runs it."""

    def __init__(self, cluster: Cluster, node: int, home: Path) -> None:
        self.node, self.home = node, home
        home.mkdir()
        directories = {path: "vol-%d" % number for number, path in enumerate(cluster.log_dirs(node))}
        others = {other: "127.0.0.1:%d" % port for other, port in cluster.clients.items() if other != node}
        config = {"node": node, "directories": directories, "servers": others, "connection": {}}
        (home / "start-guard.json").write_text(json.dumps(config))

    def guard(self, *arguments: str) -> tuple[int, str]:
        world = (str(self.home / "start-guard.json"), str(self.home / "state"), sys.executable, WAIT)
        code = "import sys; from %s import World, main; sys.exit(main(%r, World(*%r)))" % (
            program.__name__,
            list(arguments) or ["check"],
            world,
        )
        command = [
            sys.executable,
            "-c",
            "import sys; sys.path[:0] = %r; %s" % ([entry for entry in sys.path if entry], code),
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        print(run.stdout + run.stderr)
        return run.returncode, run.stdout + run.stderr


class Setting:
    """A cluster with a topic, and the host of each broker, on which the guard ran once."""

    def __init__(self, cluster: Cluster, home: Path, assignment: list[int]) -> None:
        self.cluster = cluster
        cluster.start_all()
        topic = {"name": TOPIC, "replica_assignment": [assignment], "config": {"min.insync.replicas": 1}}
        assert run_module("kafka_topic", bootstrap_servers=cluster.bootstrap, **topic)["changed"]
        cluster.wait(
            "the topic", lambda _, topics: bool(topics.get(TOPIC)) and len(topics[TOPIC][0]["isr"]) == len(assignment)
        )
        self.hosts = {node: Host(cluster, node, home / ("host-%d" % node)) for node in RACKS}
        for host in self.hosts.values():
            assert host.guard() == (0, "")


def stored(cluster: Cluster, node: int) -> int:
    """How many bytes of the topic's log lie on a node's disks."""
    return sum(path.stat().st_size for place in cluster.log_dirs(node) for path in Path(place).glob(TOPIC + "-0/*.log"))


def produce(cluster: Cluster, node: int) -> None:
    producer = KafkaProducer(
        bootstrap_servers=["127.0.0.1:%d" % cluster.clients[node]], acks="all", enable_idempotence=False
    )
    try:
        for number in range(RECORDS):
            producer.send(TOPIC, value=b"%d" % number * 100, partition=0).get(60)
    finally:
        producer.close(timeout=5)


def readable(cluster: Cluster) -> int:
    """The end of the partition, by its leader."""
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id=None)
    try:
        return consumer.end_offsets([TopicPartition(TOPIC, 0)])[TopicPartition(TOPIC, 0)]
    finally:
        consumer.close()


def last_one_out(cluster: Cluster) -> None:
    """Every broker has the records; then 1 and 2 leave, 3 stays alone in the in-sync set and leaves, too."""
    produce(cluster, 1)
    cluster.wait_in_sync()
    sizes = [stored(cluster, node) for node in RACKS]
    assert len(set(sizes)) == 1 and sizes[0] > 0
    for node in (1, 2):
        cluster.stop("broker-%d" % node)
    cluster.wait(
        "broker 3 to be alone", lambda _, topics: topics[TOPIC][0]["isr"] == [3] and topics[TOPIC][0]["leader"] == 3
    )
    cluster.stop("broker-3")
    for place in cluster.log_dirs(3):
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def zookeeper(tmp_path_factory):
    with Cluster("zookeeper", tmp_path_factory.mktemp("zookeeper")) as cluster:
        made = Setting(cluster, tmp_path_factory.mktemp("hosts"), [1, 2, 3])
        last_one_out(cluster)
        yield made


def begin(cluster: Cluster, *nodes: int) -> None:
    for node in nodes:
        cluster.start(node)
    cluster.wait(
        "brokers %s" % (nodes,), lambda seen, _: {each["id"] for each in seen["brokers"]} >= set(nodes), exclude=[3]
    )


def test_the_guard_keeps_the_last_in_sync_replica_down_and_its_followers_keep_their_records(zookeeper):
    cluster, host = zookeeper.cluster, zookeeper.hosts[3]
    begun = time.monotonic()
    code, said = host.guard()
    assert code == 1 and "is blank and the log directory" in said and "no other broker answers" in said
    assert time.monotonic() - begun < WAIT + 10
    # A broker on known disks asks no other.
    for node in (1, 2):
        assert zookeeper.hosts[node].guard() == (0, "")
    begin(cluster, 1, 2)
    code, said = host.guard()
    assert (
        code == 1
        and "it is the last in-sync replica of 1 partition (%s-0); started now it would be elected" % TOPIC in said
    )
    assert stored(cluster, 1) == stored(cluster, 2) > 0
    assert host.guard("accept", "3", "2")[0] == 0
    code, said = host.guard()
    assert code == 1 and "what was accepted, 3 2, is something else" in said


def test_without_the_guard_it_is_elected_and_its_followers_are_emptied(zookeeper):
    """What the guard is for. It also shows that the question above was asked of a cluster in which this happens."""
    cluster, host = zookeeper.cluster, zookeeper.hosts[3]
    assert stored(cluster, 1) == stored(cluster, 2) > 0
    assert host.guard("accept", "3", "1")[0] == 0
    code, said = host.guard()
    assert code == 0 and "this was accepted: it is the last in-sync replica of 1 partition" in said
    cluster.start(3)
    cluster.wait_in_sync()
    wait_until(
        lambda: [stored(cluster, node) for node in RACKS], lambda sizes: not any(sizes), what="empty logs", timeout=60
    )
    assert readable(cluster) == 0
    # Kafka has run on the new disks, which are known from now on.
    assert host.guard() == (0, "")


def test_a_blank_broker_that_nobody_needs_starts_and_gets_everything_back(zookeeper):
    cluster, host = zookeeper.cluster, zookeeper.hosts[3]
    produce(cluster, 1)
    cluster.wait_in_sync()
    # Not stopped but killed: it stays in the in-sync set until its session ends.
    cluster.kill("broker-3")
    shutil.rmtree(cluster.log_dirs(3)[0])
    code, said = host.guard()
    assert code == 0 and "no broker needs what it had" in said and "data1" not in said
    cluster.start(3)
    cluster.wait_in_sync()
    assert stored(cluster, 3) == stored(cluster, 1) > 0 and readable(cluster) == RECORDS


def test_in_kraft_mode_it_stays_down_as_well_also_once_the_disk_is_formatted(tmp_path_factory):
    with Cluster("kraft", tmp_path_factory.mktemp("kraft")) as cluster:
        setting = Setting(cluster, tmp_path_factory.mktemp("hosts"), [1, 3])
        produce(cluster, 1)
        cluster.wait_in_sync()
        cluster.stop("broker-1")
        cluster.wait("broker 3 to be alone", lambda _, topics: topics[TOPIC][0]["isr"] == [3], exclude=[1])
        cluster.kill("broker-3")
        for place in cluster.log_dirs(3):
            shutil.rmtree(place)
        assert setting.hosts[1].guard() == setting.hosts[2].guard() == (0, "")
        begin(cluster, 1)
        # The two of them elect a leader of the quorum first, which then notices that 3 is down; systemd runs the guard
        # again and again.
        last = "it is the last in-sync replica of 1 partition (%s-0)" % TOPIC
        code, said = wait_until(
            setting.hosts[3].guard, lambda seen: seen[0] == 0 or last in seen[1], what="an answer", timeout=180
        )
        assert code == 1
        assert run_module("kafka_storage", cluster_id=cluster.cluster_id, quorum_exists=True, **cluster.storage(3))[
            "changed"
        ]
        code, said = setting.hosts[3].guard()
        assert code == 1 and last in said
        assert stored(cluster, 1) > 0
        # As the runbook says: the follower leads, with what it has, and the blank disk is not needed any more.
        command = [
            "java",
            "-Xmx128m",
            "-cp",
            "%s/*" % cluster.libs,
            "org.apache.kafka.tools.LeaderElectionCommand",
            "--election-type",
            "unclean",
        ]
        command += ["--bootstrap-server", cluster.bootstrap[0], "--topic", TOPIC, "--partition", "0"]
        subprocess.run(command, check=True, timeout=120)
        assert setting.hosts[3].guard()[0] == 0 and readable(cluster) == RECORDS
