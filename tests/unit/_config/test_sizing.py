"""Every sized value, its reason, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._config.sizing import (
    ROLES,
    SizingError,
    bandwidth,
    size,
    table,
    tables,
)

XLARGE = {"vcpus": 4, "memory_mb": 32768, "network_gbps": 12.5}
CLUSTER = {"data_disks": 2, "replication_factor": 3, "producers": 20, "consumers": 20, "cross_az_rtt_ms": 1}


def value(sized, name):
    return sized[name]["value"]


def test_every_value_carries_a_reason_and_none_is_overridden_by_itself():
    for role in ROLES:
        sized = size(XLARGE, dict(CLUSTER, role=role))
        assert all(item["reason"] and item["overridden"] is False for item in sized.values())


@pytest.mark.parametrize("memory", [2048, 8192, 16384, 32768, 1048576])
@pytest.mark.parametrize("role", ROLES)
def test_the_heap_stays_below_4_gb_and_below_half_of_the_memory(role, memory):
    heap = value(size(dict(XLARGE, memory_mb=memory), dict(CLUSTER, role=role)), "heap_mb")
    assert heap < 4096
    assert heap <= memory / 2


def test_a_broker_leaves_three_quarters_of_its_memory_to_the_page_cache():
    assert value(size(dict(XLARGE, memory_mb=8192), CLUSTER), "heap_mb") == 2048


def test_g1_has_large_regions_only_for_large_heaps():
    assert "-XX:G1HeapRegionSize=16M" in value(size(XLARGE, CLUSTER), "jvm_flags")
    small = value(size(XLARGE, CLUSTER, {"heap_mb": 512}), "jvm_flags")
    assert "-XX:+UseG1GC" in small
    assert "-XX:G1HeapRegionSize=16M" not in small


@pytest.mark.parametrize("disks", [1, 2, 7, 8, 9, 24])
@pytest.mark.parametrize("vcpus", [1, 2, 96])
def test_there_are_more_io_threads_than_disks(disks, vcpus):
    assert value(size(dict(XLARGE, vcpus=vcpus), dict(CLUSTER, data_disks=disks)), "num.io.threads") > disks


def test_network_threads_grow_with_producers_consumers_and_replication_factor():
    base = value(size(dict(XLARGE, vcpus=32), CLUSTER), "num.network.threads")
    for more in ({"producers": 500}, {"consumers": 500}, {"replication_factor": 5}):
        assert value(size(dict(XLARGE, vcpus=32), dict(CLUSTER, **more)), "num.network.threads") > base


def test_network_threads_stay_in_proportion_to_the_processors():
    assert value(size(XLARGE, dict(CLUSTER, producers=10000)), "num.network.threads") == 8
    assert (
        value(size(XLARGE, dict(CLUSTER, producers=0, consumers=0, replication_factor=1)), "num.network.threads") == 3
    )


@pytest.mark.parametrize(("vcpus", "factor", "fetchers"), [(2, 3, 2), (16, 3, 4), (96, 3, 8), (96, 1, 1)])
def test_fetchers_follow_the_processors_when_there_is_something_to_fetch(vcpus, factor, fetchers):
    assert (
        value(size(dict(XLARGE, vcpus=vcpus), dict(CLUSTER, replication_factor=factor)), "num.replica.fetchers")
        == fetchers
    )


def test_socket_buffers_hold_what_is_in_flight_between_zones():
    sized = size(XLARGE, dict(CLUSTER, cross_az_rtt_ms=2))
    # 5 Gbit/s of one flow over 2 ms are 1.25 MB.
    assert value(sized, "replica.socket.receive.buffer.bytes") == 2 * 1024 * 1024
    assert value(sized, "net.core.rmem_max") == 4 * 1024 * 1024
    assert value(sized, "net.ipv4.tcp_rmem") == "4096 131072 6291456"


def test_the_kernel_always_has_room_for_kafkas_buffers():
    for network in (0.1, 1, 25, 100):
        for rtt in (0.1, 1, 10, 100):
            sized = size(dict(XLARGE, network_gbps=network), dict(CLUSTER, cross_az_rtt_ms=rtt))
            assert value(sized, "socket.send.buffer.bytes") <= value(sized, "net.core.wmem_max")


def test_quorum_nodes_get_a_heap_and_nothing_of_a_broker():
    assert set(size(XLARGE, {"role": "zookeeper"})) == {"heap_mb", "jvm_flags"}


def test_an_override_wins_and_says_what_would_have_been():
    sized = size(XLARGE, CLUSTER, {"num.io.threads": "16", "log.retention.hours": 4})
    assert sized["num.io.threads"] == {"value": 16, "reason": "set by you; derived would be 8", "overridden": True}
    assert "log.retention.hours" not in sized


def test_an_unset_override_is_none():
    assert size(XLARGE, CLUSTER, {"heap_mb": None})["heap_mb"]["overridden"] is False


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ({"heap_mb": 4096}, "below 4096 MB"),
        ({"heap_mb": 8000}, "below 4096 MB"),
        ({"heap_mb": 32}, "64 MB"),
        ({"heap_mb": "much"}, "whole number"),
        ({"heap_mb": True}, "whole number"),
        ({"num.io.threads": 2}, "more than the 2 data disks"),
        ({"num.network.threads": 0}, "1 or more"),
        ({"socket.send.buffer.bytes": 100}, "4096 and more"),
        ({"jvm_flags": "-XX:+UseG1GC"}, "list of flags"),
    ],
    ids=str,
)
def test_an_override_that_cannot_work_is_refused(override, sentence):
    with pytest.raises(SizingError, match=sentence):
        size(XLARGE, CLUSTER, override)


def test_a_heap_of_more_than_half_the_memory_is_refused():
    with pytest.raises(SizingError, match="half of the 4096 MB"):
        size(dict(XLARGE, memory_mb=4096), CLUSTER, {"heap_mb": 3000})


def test_the_kernels_own_choice_of_a_socket_buffer_is_allowed():
    assert value(size(XLARGE, CLUSTER, {"socket.send.buffer.bytes": -1}), "socket.send.buffer.bytes") == -1


@pytest.mark.parametrize("key", ["vcpus", "memory_mb", "network_gbps"])
@pytest.mark.parametrize("bad", [0, -1, "four", float("nan"), True])
def test_a_machine_that_is_not_known_is_refused(key, bad):
    with pytest.raises(SizingError, match=key):
        size(dict(XLARGE, **{key: bad}), CLUSTER)


@pytest.mark.parametrize("key", ["producers", "consumers"])
@pytest.mark.parametrize("bad", [-1, "many", True])
def test_clients_are_counted(key, bad):
    with pytest.raises(SizingError, match=key):
        size(XLARGE, dict(CLUSTER, **{key: bad}))


def test_an_unknown_role_is_refused():
    with pytest.raises(SizingError, match="no role mirror"):
        size(XLARGE, {"role": "mirror"})


def test_the_table_has_a_line_for_each_value_and_marks_what_was_set():
    lines = table(size(XLARGE, CLUSTER, {"heap_mb": 1024}), "demo-broker-1")
    assert lines[0] == "demo-broker-1"
    assert any(line.startswith("* heap_mb") and "1024" in line for line in lines)
    assert any(line.startswith("  num.io.threads") and "data disks" in line for line in lines)
    assert any("-XX:+UseG1GC" in line for line in lines)


def test_what_linux_gives_sockets_by_itself_is_never_made_less():
    sized = size(dict(XLARGE, network_gbps=0.1), CLUSTER)
    assert value(sized, "net.ipv4.tcp_rmem").endswith(" 6291456")
    assert value(sized, "net.ipv4.tcp_wmem").endswith(" 4194304")


def test_hosts_that_are_the_same_share_a_table():
    same, other = size(XLARGE, CLUSTER), size(XLARGE, {"role": "zookeeper"})
    lines = tables({"b2": same, "b1": same, "z1": other}, {"b1": "r6i.xlarge", "b2": "r6i.xlarge"})
    assert [line for line in lines if line.startswith(("b", "z"))] == ["b1, b2 (r6i.xlarge)", "z1"]


@pytest.mark.parametrize(
    ("instance", "gbps"),
    [
        ({"network_gbps": 0.78, "network_performance": "Up to 12.5 Gigabit"}, 12.5),
        ({"network_gbps": 25.0, "network_performance": "25 Gigabit"}, 25.0),
        ({"network_gbps": 100.0, "network_performance": "4x 25 Gigabit"}, 100.0),
        ({"network_gbps": None, "network_performance": "Moderate"}, 10.0),
        ({}, 10.0),
    ],
    ids=str,
)
def test_the_burst_of_the_network_counts(instance, gbps):
    assert bandwidth(instance) == gbps
