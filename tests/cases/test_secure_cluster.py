"""A plaintext cluster is secured while it serves: no acknowledged record is lost, and plaintext ends when no client is on it."""

from __future__ import annotations

import json
import socket

import client_file
import pytest
from cluster import ZOOKEEPER
from hosts import until
from ports import LISTENING, opened

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection_check import failure

NAMES = ("CLIENT", "REPLICATION", "CONTROLLER")
PLAIN = [{"name": name, "port": port} for name, port in zip(NAMES, (9092, 9091, 9093))]
NEW = [{"name": name + "_TLS", "port": port} for name, port in zip(NAMES, (9094, 9095, 9096))]
AIM = {"kafka_security": "tls", "kafka_listeners": NEW}


@pytest.fixture(scope="module")
def aim(cluster):
    """From now on the inventory asks for it. With -e it would outrank the steps."""
    cluster.more = cluster.scratch / "aim.json"
    cluster.more.write_text(json.dumps({"all": {"vars": AIM}}))


def page(cluster):
    return (cluster.scratch / (cluster.name + ".html")).read_text()


def listening(cluster):
    return {name: opened(said) for name, said in cluster.each(cluster.nodes, LISTENING).items()}


def test_what_would_cut_off_nodes_and_clients_is_refused(cluster):
    before = {**cluster.processes(), **cluster.quorum_processes()}
    cluster.play("secure_cluster").refused("kafka_security is none, but this playbook takes a cluster to tls")
    cluster.play("secure_cluster", kafka_security="tls").refused(
        "speak PLAINTEXT on", "new names and ports, as in [{name: CLIENT_TLS, port:", "run secure_cluster."
    )
    cluster.play("secure_cluster", **AIM).refused("is given with -e, which outranks what each step needs")
    cluster.play("site", **AIM).refused("in plaintext, and a restart with this inventory would cut them off")
    assert {**cluster.processes(), **cluster.quorum_processes()} == before
    assert cluster.staged() == []


def test_both_doors_open_under_load_also_after_a_run_that_was_broken_off(cluster, aim):
    cluster.play("provision", network_listeners=PLAIN + NEW).succeeded()
    with cluster.load("opening"):
        cluster.play("secure_cluster", "--check").succeeded("in plaintext only", "Step 1 of 3")
        assert cluster.staged() == []
        cluster.break_off("secure_cluster", stopped=1)
        said = cluster.play("secure_cluster", roll_break_lock=True).succeeded(
            "talking to each other by TLS", "On plaintext now:", "at CLIENT (9092) of", "kafka_confirm="
        )
        assert "Step 2 of 3" in said.said
    for name, ports in listening(cluster).items():
        declared = {9092, 9091, 9094, 9095} if name in cluster.brokers else set()
        assert declared <= ports, name
    assert "Listeners in plaintext are open beside those with TLS" in page(cluster)


def test_the_door_stays_open_while_a_client_is_there(cluster, aim):
    before = cluster.processes()
    name, address = next(iter(cluster.brokers.items()))
    with socket.create_connection((address, 9092), timeout=10):
        cluster.play("secure_cluster", kafka_confirm=cluster.name).refused(
            "1 client is on plaintext, and would be cut off", "at CLIENT (9092) of %s;" % name
        )
    assert cluster.processes() == before and cluster.staged() == []


@pytest.fixture(scope="module")
def moved(cluster, aim):
    """The clients get a name."""
    cluster.play("../molecule/shared/let_in").succeeded()
    cluster.move_clients(9094, cluster.scratch / (cluster.name + "-client.properties"))
    return client_file.connection_options(cluster.client_file)


def test_plaintext_ends_under_the_load_of_clients_that_have_moved(cluster, moved):
    with cluster.load("closing"):
        cluster.play("secure_cluster", kafka_confirm=cluster.name).succeeded("No client is on plaintext now.")
    assert "Insecure" not in page(cluster)


def test_no_node_takes_plaintext_any_more(cluster, moved):
    for address in cluster.brokers.values():
        assert failure(Connection(("%s:9094" % address,), **moved), "%s:9094" % address, 10) is None
        assert "speaks TLS" in failure(Connection(("%s:9094" % address,)), "%s:9094" % address, 10)
    for name, ports in listening(cluster).items():
        assert not ports & {9092, 9091, 9093}, name
    if ZOOKEEPER:
        for name, address in cluster.quorum_nodes.items():
            plain = "timeout 8 bash -c 'exec 3<>/dev/tcp/%s/2181; echo srvr >&3; cat <&3' || true" % address
            assert "Mode:" not in cluster.on(name, plain)


def test_nothing_is_left_to_do(cluster, moved):
    before = {**cluster.processes(), **cluster.quorum_processes()}
    cluster.play("site").succeeded("No node needs a restart.")
    said = cluster.play("secure_cluster", "-v").succeeded("by TLS only")
    assert not ZOOKEEPER or '"protected": 0' in said.said
    cluster.play("provision").succeeded()
    assert {**cluster.processes(), **cluster.quorum_processes()} == before
    assert cluster.staged() == []
    until(cluster.healthy, "the cluster to be healthy", 120)
