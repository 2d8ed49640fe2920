"""Addresses with a port: IPv6 has brackets wherever one is written, and is read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_bootstrap_servers
from ansible_collections.rackaware.kafka.plugins.module_utils import _address
from ansible_collections.rackaware.kafka.plugins.module_utils._config import nodes, settings
from ansible_collections.rackaware.kafka.plugins.module_utils._host import identity, storage
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client, zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._report import cluster, verify
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import poll

ROOT = Path(__file__).resolve().parents[2]
SIX = "2001:db8::%d"
FILES = dict.fromkeys(("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"))
MEMBERS = [{"id": number, "host": SIX % number, "port": 9093} for number in (1, 2, 3)]
LISTENERS = [
    {"name": "CLIENT", "port": 9092, "protocol": "PLAINTEXT"},
    {"name": "CONTROLLER", "port": "9093", "protocol": "PLAINTEXT"},
]
CLUSTER = {
    "security": "none",
    "cluster": "demo",
    "listeners": LISTENERS,
    "brokers": 3,
    "replication_factor": 3,
    "min_insync_replicas": 2,
    "controllers": [],
    "zookeepers": [],
}


@pytest.mark.parametrize("host", ["b1", "198.18.1.11", "2001:db8::1", "fe80::1%eth0", "::1"])
def test_what_is_joined_is_read_back(host):
    text = _address.join(host, 9092)
    assert _address.split(text, "x") == (host, 9092) == _address.split(text, "x", port=1)
    assert client.address(text) == zookeeper.address(text) == (host, 9092)


@pytest.mark.parametrize("text", ["2001:db8::1:9092", "[::1]", "[::1]:", "[b1:9092", "a:b:9092", "::1", "[[::1]]:1"])
def test_what_could_be_read_in_two_ways_is_refused(text):
    with pytest.raises(_address.AddressError, match=r"of a broker; write it as host:port, or as \[address\]:port"):
        client.address(text)


def kafka(role, **more):
    text = settings.kafka(
        {"role": role, "id": 1, "rack": "a", "address": SIX % 1, "data_dirs": ["/d0"]}, {**CLUSTER, **more}, {}, {}
    )
    return dict(line.split("=", 1) for line in text.splitlines())


def test_a_broker_listens_and_is_reached_at_ipv6():
    found = kafka("broker", zookeepers=[{**item, "port": 2181} for item in MEMBERS])
    assert found["listeners"] == found["advertised.listeners"] == "CLIENT://[2001:db8::1]:9092"
    assert found["zookeeper.connect"] == "[2001:db8::1]:2181,[2001:db8::2]:2181,[2001:db8::3]:2181"
    assert verify.ports("listeners=%s\n" % found["listeners"]) == {9092}


def test_a_quorum_of_controllers_is_reached_at_ipv6():
    found = kafka("combined", controllers=MEMBERS)
    assert found["listeners"] == "CLIENT://[2001:db8::1]:9092,CONTROLLER://[2001:db8::1]:9093"
    quorum = found["controller.quorum.bootstrap.servers"]
    assert quorum == "[2001:db8::1]:9093,[2001:db8::2]:9093,[2001:db8::3]:9093"
    # Read back from the file, a member of the quorum is the inventory's.
    hosts = {"n%d" % item["id"]: {"kafka_node_id": item["id"], "ansible_host": item["host"]} for item in MEMBERS}
    answer = {"quorum": identity._quorum("controller", "controller.quorum.bootstrap.servers=%s\n" % quorum)}
    names = {"broker": ["n1", "n2"], "controller": ["n1", "n2"]}
    (lost,) = identity._lost(hosts, names, {"n1": [answer]}, set())
    assert "with [2001:db8::3]:9093; start" in lost


def test_the_first_voters_are_named_with_brackets():
    plan = storage.plan(
        [storage.Directory("/d0", storage.EMPTY)],
        cluster_id="4L6g3nShT-eMCtK--X86sw",
        node_id=1,
        is_controller=True,
        metadata_log_dir="/d0",
        initial_controllers=MEMBERS,
        quorum_exists=False,
    )
    assert [voter.split("@")[1][:19] for voter in plan.quorum[1].split(",")] == [
        _address.join(item["host"], 9093) + ":" for item in MEMBERS
    ]


def test_zookeepers_name_each_other_with_brackets():
    text = settings.zookeeper("/d", MEMBERS, {}, secured="none", directory="/etc/zookeeper")
    assert "server.2=[2001:db8::2]:2888:3888\n" in text
    assert identity._quorum("zookeeper", text)[1] == {"id": 2, "address": "[2001:db8::2]"}


def test_brokers_are_asked_with_brackets():
    hosts = {"n%d" % item["id"]: {"kafka_node_id": item["id"], "ansible_host": item["host"]} for item in MEMBERS}
    servers = kafka_bootstrap_servers(list(hosts), hosts, 9092)
    assert servers == ["[2001:db8::1]:9092", "[2001:db8::2]:9092", "[2001:db8::3]:9092"]
    assert nodes.servers(MEMBERS)[0] == "[2001:db8::1]:9093"


def test_zookeepers_are_asked_with_brackets():
    asked = []

    def look(server, timeout, secure):
        asked.append(server)
        return {"ok": False, "mode": None, "error": "x", "synced_followers": None, "server": server, "monitor": {}}

    params = {**FILES, "zookeeper_servers": MEMBERS, "nodes": [1], "request_timeout_seconds": 1, "question": "is_back"}
    poll.zookeepers(params, look)
    assert sorted(asked) == ["[2001:db8::%d]:9093" % number for number in (1, 2, 3)]
    host = {"name": "z1", "address": SIX % 1}
    assert cluster._zookeeper_mode(host, {"servers": [{"server": asked[0], "mode": "leader"}]}) == "leader"


JOINS = re.compile(r"%s:%[ds]|\}:\{|'\s*:\s*'\s*~|\}\}:(?:\d|\{\{)")
# A user and its group, ARNs, a listener's protocol, a voter's directory, the second port of a ZooKeeper node,
# actions of AWS, names in certificates, and examples.
OTHER = re.compile(
    r"owner|group|_user|belong to|arn:|self\.account|\"protocol\"|may not do|IP.*DNS|AWS says|HEADERS|ZOOKEEPER_ELECTION|%d@%s|\{ ansible_host \}\}:9092"
)


def joins(folder, suffix):
    return [
        "%s: %s" % (path.name, line.strip())
        for path in sorted((ROOT / folder).rglob("*" + suffix))
        if path.name != "_address.py"
        for line in path.read_text().splitlines()
        if JOINS.search(line) and not OTHER.search(line)
    ]


def test_a_host_and_a_port_are_joined_in_one_place():
    assert joins("plugins", ".py") + joins("roles", ".yml") + joins("playbooks", ".yml") == []


@pytest.mark.parametrize(
    "line", ['"%s:%d" % (a, b)', 'f"{a}:{b}"', "{{ a ~ ':' ~ b }}", "{{ a }}:9092", "{{ a }}:{{ b }}"]
)
def test_the_search_sees_a_join(line):
    assert JOINS.search(line) and not OTHER.search(line)
