"""What holds for a whole cluster, read from its nodes."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_cluster_settings
from ansible_collections.rackaware.kafka.plugins.module_utils._config import cluster_settings

GROUPS = {"kafka_brokers": ["b1", "b2"], "kafka_zookeepers": ["z1"]}
PORTS = [{"name": "REPLICATION", "port": 19091}, {"name": "CLIENT", "port": "19092"}]


def read(everywhere=None, groups=GROUPS, local=None, play=None, **changes):
    hosts = {name: {**(everywhere or {}), **changes.get(name, {})} for name in ("b1", "b2", "z1")}
    return kafka_cluster_settings({**hosts, "localhost": local or {}}, groups, play)


def test_defaults_are_the_roles_own():
    found = read()
    assert (found["version"], found["replication_factor"], found["min_insync_replicas"]) == ("3.9.2", 3, 2)
    assert [item["port"] for item in found["listeners"]] == [9092, 9091, 9093]
    assert (found["cluster"], found["topology"], found["region"], found["check_topic"], found["findings"]) == (
        "",
        {},
        None,
        "rackaware-proof",
        [],
    )
    assert read(groups={"kafka_brokers": ["b1"], "kafka_controllers": ["b1"]})["version"] == "4.3.1"


def test_what_the_nodes_have_counts_and_what_localhost_has_does_not():
    found = read(
        {"kafka_listeners": PORTS, "kafka_replication_factor": 5, "kafka_cluster": "demo"},
        local={"kafka_replication_factor": 1},
    )
    assert (
        [item["port"] for item in found["listeners"]],
        found["replication_factor"],
        found["cluster"],
        found["findings"],
    ) == (
        [19091, "19092"],
        5,
        "demo",
        [],
    )


def test_the_topology_gives_what_no_variable_does():
    topology = {
        "name": "demo",
        "region": "eu-west-1",
        "replication_factor": 4,
        "min_insync_replicas": 3,
        "allow_fewer_zones": True,
    }
    found = read({"kafka_topology": topology, "kafka_min_insync_replicas": 1})
    assert (found["replication_factor"], found["min_insync_replicas"], found["region"], found["allow_fewer_zones"]) == (
        4,
        1,
        "eu-west-1",
        True,
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"b2": {"kafka_version": "3.8.1"}}, "kafka_version is 3.9.2 on b1, z1 but 3.8.1 on b2"),
        ({"z1": {"kafka_version": "3.8.1"}}, "kafka_version is 3.9.2 on b1, b2 but 3.8.1 on z1"),
        ({"b1": {"kafka_min_insync_replicas": 1}}, "kafka_min_insync_replicas is 1 on b1 but 2 on b2"),
        ({"b1": {"kafka_listeners": PORTS}}, 'kafka_listeners is [{"name": "REPLICATION", "port": 19091}'),
        (
            {"b1": {"kafka_topology": {"name": "x", "region": "r"}}, "b2": {"kafka_topology": {"name": "y"}}},
            "that of x in r on b1 but that of y in no Region on b2",
        ),
        (
            {"b1": {"kafka_check_topic": "x"}, "b2": {"kafka_check_topic": "y"}},
            "kafka_check_topic is x on b1 but y on b2",
        ),
    ],
)
def test_nodes_that_disagree_are_named_with_their_values(changes, sentence):
    found = read(**changes)["findings"]
    assert (
        len(found) == 1 and sentence in found[0] and "set it once, in a group that all of its nodes share." in found[0]
    )


def test_zookeeper_nodes_need_not_have_what_they_do_not_read():
    assert read(b1={"kafka_replication_factor": 2}, b2={"kafka_replication_factor": 2})["findings"] == []


@pytest.mark.parametrize(
    ("value", "ids"), [([4, 5], ["4", "5"]), ("4, 5", ["4", "5"]), (4, ["4"]), ("", []), (None, [])]
)
def test_what_is_taken_out_of_a_quorum_is_a_list_however_it_is_given(value, ids):
    assert read({"kafka_quorum_removed": value})["quorum_removed"] == ids


def test_a_long_list_of_nodes_is_cut():
    hosts = {"b%d" % number: {"kafka_version": "3.9.%d" % number} for number in range(6)}
    found = cluster_settings.read(hosts, {"broker": list(hosts), "zookeeper": ["b0"]})["findings"]
    assert "3.9.2 on b2 and has 3 more values" in found[0]


def test_what_the_preflight_kept_is_not_read_again():
    kept = {"version": "9"}
    assert read(local={"__kafka_cluster": kept}) == kept
    assert read(local={"__kafka_cluster": kept}, play={})["version"] == "3.9.2"


def test_what_the_play_itself_sets_is_stronger_than_the_nodes():
    found = read(
        {"kafka_version": "3.8.1"},
        local={"kafka_replication_factor": 1},
        play={"kafka_version": "3.9.1", "kafka_replication_factor": 1},
    )
    assert (found["version"], found["replication_factor"], found["findings"]) == ("3.9.1", 3, [])


def test_without_nodes_localhost_is_asked():
    assert read(groups={}, local={"kafka_topology": {"name": "demo"}}, play={})["topology"] == {"name": "demo"}
