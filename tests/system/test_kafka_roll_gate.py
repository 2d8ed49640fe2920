"""The gate of a roll against real Kafka in both modes.

The cluster is healthy, lacks a broker, or has one that came back; and answers are old.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from kafka import KafkaProducer
from kafka_cluster import RACKS, Cluster, run_module

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client, log_dirs, metadata
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until

TOPIC = "orders"
PARTITIONS = 12
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Wait
      rackaware.kafka.kafka_roll_wait: %s
      vars:
        ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def cluster(request, tmp_path_factory):
    with Cluster(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.start_all()
        topic = {"name": TOPIC, "partitions": PARTITIONS, "replication_factor": 3, "config": {"min.insync.replicas": 2}}
        assert run_module("kafka_topic", bootstrap_servers=made.bootstrap, **topic)["changed"]
        made.wait(
            "the topic",
            lambda _, topics: (
                len(topics.get(TOPIC, ())) == PARTITIONS and all(each["leader"] > 0 for each in topics[TOPIC])
            ),
        )
        yield made


@pytest.fixture
def healthy(cluster):
    """Every test begins and ends with all brokers in sync."""
    cluster.wait_in_sync()
    yield cluster
    cluster.wait_in_sync()


def gate(cluster, question, nodes, timeout=5, **params):
    return run_module(
        "kafka_roll_gate",
        bootstrap_servers=cluster.bootstrap,
        request_timeout_seconds=timeout,
        question=question,
        nodes=nodes,
        **params,
    )


def answered(cluster, *question, **params):
    """The gate's answer once there is one: in ZooKeeper mode there is none until a lost controller is replaced."""
    return wait_until(
        lambda: gate(cluster, *question, **params),
        lambda answer: not answer.get("failed"),
        what="an answer",
        timeout=60,
        interval=0.2,
    )


def names(answer, node):
    """Whether the reason names the node; one that is a voter as well is held by the quorum's rule first."""
    return any("%s %d" % (noun, node) in answer["reason"].lower() for noun in ("broker", "node"))


def in_sync(cluster, node, *, ask):
    """In how many partitions of the topic one broker lists the node in sync.

    The broker is asked at its own address, so that no other broker answers.
    """
    with cluster.admin(ask=("127.0.0.1", cluster.clients[ask])) as admin:
        return sum(node in each["isr"] for each in metadata.partitions(admin, [TOPIC])[TOPIC])


def leader(cluster):
    return run_module("kafka_cluster_info", bootstrap_servers=cluster.bootstrap)["cluster"]["controller_id"]


def write(cluster, exclude):
    """Write a megabyte to each partition whose leader is not the excluded broker, acknowledged by the leader alone."""
    with cluster.admin(exclude=[exclude]) as admin:
        led = [
            each["partition"]
            for each in metadata.partitions(admin, [TOPIC])[TOPIC]
            if each["leader"] not in (exclude, -1)
        ]
    servers = ["127.0.0.1:%d" % port for node, port in cluster.clients.items() if node != exclude]
    producer = KafkaProducer(bootstrap_servers=servers, acks=1, enable_idempotence=False, linger_ms=5)
    try:
        futures = [
            producer.send(TOPIC, value=b"x" * 10_000, partition=partition) for partition in led for _ in range(100)
        ]
        for future in futures:
            future.get(timeout=30)
    finally:
        producer.close(timeout=5)
    assert led


def sizes(cluster, node):
    with cluster.admin() as admin:
        return {index: size for (name, index), size in log_dirs.sizes(admin, node).items() if name == TOPIC}


def test_open_on_a_healthy_cluster_and_held_for_what_is_in_flight(healthy):
    begun = time.monotonic()
    result = gate(healthy, "may_stop", [3])
    print("one question: %.2f s" % (time.monotonic() - begun))
    assert result["open"] and result["admitted"] == [3] and result["asked"] in (1, 2)
    assert result["counts"] == {"under_replicated": 0, "at_min_isr": 0, "under_min_isr": 0, "offline": 0}
    two = gate(healthy, "may_stop", [2, 3])
    # Which of them depends on who leads the quorum.
    assert len(two["admitted"]) == len(two["held"]) == 1
    # In ZooKeeper mode the controller is asked, also when it shall stop itself, but not while it is being restarted.
    flying = next(node for node in (3, 1) if node != leader(healthy))
    held = gate(healthy, "may_stop", [2], in_flight=[flying])
    assert not held["open"] and names(held, flying)
    assert gate(healthy, "back", [1, 2])["open"]
    assert "No broker is left to ask" in gate(healthy, "back", [1, 2, 3])["msg"]


def test_stopped_it_holds_the_others_and_started_it_is_waited_for(healthy, tmp_path):
    healthy.stop("broker-3")
    held = answered(healthy, "may_stop", [2], in_flight=[3])
    assert not held["open"] and names(held, 3)
    missing = gate(healthy, "back", [3], in_flight=[3])
    assert (missing["open"], missing["nodes"][0]["registered"]) == (False, False) and missing["counts"][
        "under_replicated"
    ] == PARTITIONS
    healthy.wait(
        "broker 3 to leave", lambda _, topics: all(3 not in each["isr"] for each in topics[TOPIC]), exclude=[3]
    )
    # Also without a record that we stopped it; and it may itself be restarted again.
    alone = gate(healthy, "may_stop", [2])
    assert not alone["open"] and any(
        text in alone["reason"] for text in ("broker 3 is stopped or behind", "voters only 1 would be left")
    )
    assert gate(healthy, "may_stop", [3], out=[3])["open"]

    events, play = tmp_path / "roll.jsonl", tmp_path / "play.yml"
    options = {
        "question": "back",
        "nodes": [3],
        "bootstrap_servers": healthy.bootstrap,
        "events": str(events),
        "stall_seconds": 120,
        "interval": 0.2,
    }
    play.write_text(PLAY % json.dumps(options))
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "localhost,", str(play)]
    # The same collection that this test imports.
    place = next(path for path in sys.path if os.path.isdir(os.path.join(path, "ansible_collections", "rackaware")))
    with open(tmp_path / "output", "w+") as output:
        waiting = subprocess.Popen(
            command, env=dict(os.environ, ANSIBLE_COLLECTIONS_PATH=place), stdout=output, stderr=output
        )
        try:
            # Ansible may need longer to begin than the broker to come back.
            wait_until(
                lambda: events.exists() or waiting.poll() is not None,
                bool,
                what="the first answer of the gate",
                timeout=60,
                interval=0.1,
            )
            healthy.start(3)
            code = waiting.wait(180)
        finally:
            waiting.kill()
        output.seek(0)
        said = output.read()
    assert code == 0, said
    assert "broker 3 not registered · 0 of 1 back" in said and "broker 3 back · 1 of 1 back" in said, said
    assert in_sync(healthy, 3, ask=3) == in_sync(healthy, 3, ask=1) == PARTITIONS
    seen = [json.loads(line)["event"] for line in events.read_text().splitlines()]
    assert [event for event in seen if event != "curve"] == ["registered", "back"] and seen.count("curve") >= 2

    found = run_module("kafka_leader_election", bootstrap_servers=healthy.bootstrap, check=True)
    assert found["elected"] == PARTITIONS // 3 == gate(healthy, "back", [3], elect_leaders=True)["election"]["elected"]
    healthy.wait(
        "preferred leaders", lambda _, topics: all(each["leader"] == each["replicas"][0] for each in topics[TOPIC])
    )
    assert not run_module("kafka_leader_election", bootstrap_servers=healthy.bootstrap)["changed"]


def test_killed_and_started_again_it_is_back_only_when_it_has_everything(healthy):
    victim = next(node for node in (3, 2, 1) if node != leader(healthy))
    other = next(node for node in RACKS if node != victim)
    healthy.kill("broker-%d" % victim)
    killed = time.monotonic()
    first = gate(healthy, "back", [victim], in_flight=[victim])
    # The trap: the others' metadata is old, and says that all is well.
    assert in_sync(healthy, victim, ask=other) == PARTITIONS
    assert not first["open"] and first["nodes"][0]["registered"], first
    unplanned = gate(healthy, "may_stop", [other])
    assert in_sync(healthy, victim, ask=other) == PARTITIONS and not unplanned["open"], unplanned
    write(healthy, victim)

    healthy.start(victim)
    reasons = []

    def look():
        if not healthy.runs("broker-%d" % victim):
            # Under ZooKeeper a broker cannot register while the session of the one before it has not ended.
            healthy.processes.pop("broker-%d" % victim)
            healthy.start(victim)
        answer = gate(healthy, "back", [victim], in_flight=[victim], timeout=3)
        reasons.append(answer.get("reason") or answer.get("msg") or "back")
        return answer

    wait_until(
        look, lambda answer: answer.get("open", False), what="the killed broker to be back", timeout=120, interval=0.1
    )
    assert in_sync(healthy, victim, ask=victim) == in_sync(healthy, victim, ask=other) == PARTITIONS
    assert sizes(healthy, victim) == sizes(healthy, other)
    assert len(reasons) > 1
    print("\n".join(["back %.1f s after the kill, after:" % (time.monotonic() - killed), *dict.fromkeys(reasons)]))


def test_paused_and_in_flight_it_counts_as_out_although_metadata_lists_it(healthy):
    boss = leader(healthy)
    paused, candidate = (node for node in RACKS if node != boss)
    healthy.signal("broker-%d" % paused, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        held = gate(healthy, "may_stop", [candidate], in_flight=[paused])
        took = time.monotonic() - begun
        listed = in_sync(healthy, paused, ask=boss)
        unknowing = gate(healthy, "may_stop", [candidate], timeout=2)
        back = gate(healthy, "back", [paused], in_flight=[paused], timeout=2)
    finally:
        healthy.signal("broker-%d" % paused, signal.SIGCONT)
    print(
        "asked beside a paused broker: %.2f s; without in_flight: %s"
        % (took, unknowing.get("reason") or unknowing.get("msg") or "open")
    )
    assert listed == PARTITIONS, "metadata had noticed already, so that this test shows nothing"
    assert not held["open"] and names(held, paused), held
    assert not back.get("open"), back
    # Also without a record that it is being restarted: it was asked, and did not answer.
    assert not unknowing.get("open"), unknowing


def test_members_of_the_quorum_go_one_at_a_time_and_the_leader_like_the_others(healthy):
    if healthy.mode == "kraft":
        boss = leader(healthy)
        follower = next(node for node in RACKS if node != boss)
        more = {"kind": "controller", "restart": list(RACKS)}
    else:
        servers = [{"id": node, "host": "127.0.0.1", "port": port} for node, port in healthy.zookeeper_ports.items()]
        more = {"kind": "zookeeper", "zookeeper_servers": servers, "restart": list(RACKS)}
        seen = run_module("zookeeper_info", servers=healthy.zookeepers)
        (boss,) = (node for node, each in zip(RACKS, seen["servers"]) if each["mode"] == "leader")
        follower = next(node for node in RACKS if node != boss)
    third = next(node for node in RACKS if node not in (boss, follower))
    assert gate(healthy, "may_stop", [follower], **more)["open"]
    leads = gate(healthy, "may_stop", [boss], **more)
    assert leads["open"] and "Node %d leads, and goes before" % boss in leads["note"]
    assert "one at a time" in gate(healthy, "may_stop", [follower], in_flight=[third], **more)["reason"]
    name = "%s-%d" % ("broker" if healthy.mode == "kraft" else "zookeeper", follower)
    healthy.kill(name)
    assert not gate(healthy, "back", [follower], in_flight=[follower], **more)["open"]
    assert "no majority" in gate(healthy, "may_stop", [third], **more)["reason"]
    (healthy.start if healthy.mode == "kraft" else healthy.start_zookeeper)(follower)
    wait_until(
        lambda: gate(healthy, "back", [follower], in_flight=[follower], **more),
        lambda answer: answer.get("open", False),
        what="the member to be back",
        timeout=60,
    )


def test_the_library_answers_as_the_module_asks(cluster):
    with cluster.admin(exclude=[1]) as admin:
        assert admin.asked in (2, 3)
    with cluster.admin() as admin:
        assert admin.asked is None and isinstance(admin, client.Admin)
