"""Who is connected, from what the kernel lists."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._host import connections

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROWS = {
    "/proc/net/tcp": HEAD
    + "   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"
    + "   1: 0B00000A:2384 0901000A:D431 01 00000000:00000000 00:00000000 00000000     0        0 2\n"
    + "   2: 0B00000A:2386 0801000A:D431 01 00000000:00000000 00:00000000 00000000     0        0 3\n"
    + "   3: 0B00000A:2384 0701000A:D431 06 00000000:00000000 00:00000000 00000000     0        0 4\n",
    "/proc/net/tcp6": HEAD
    + "   0: 0000000000000000FFFF00000B00000A:2384 0000000000000000FFFF00000601000A:D431 01 0:0 00:0 0 0 0 5\n"
    + "   1: B80D0120000000000000000001000000:2384 B80D0120000000000000000002000000:D431 01 0:0 00:0 0 0 0 6\n",
}
FOUND = ["10.0.1.6", "10.0.1.9", "2001:db8::2"]


def test_only_open_connections_to_these_ports_count():
    seen = connections.watch([9092], 0, reader=ROWS.get)
    assert seen == [{"port": 9092, "address": address} for address in FOUND]
    assert connections.watch([], 0, reader=ROWS.get) == []


def test_a_client_that_comes_for_a_moment_is_seen_while_it_is_watched():
    now = iter(range(100))
    looks = []

    def reader(file):
        looks.append(file)
        return ROWS[file] if len(looks) == 3 else HEAD

    seen = connections.watch([9092], 3, reader=reader, clock=lambda: next(now), sleep=lambda _: None)
    assert [item["address"] for item in seen] == ["10.0.1.9"]


def test_a_real_connection_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert {"port": port, "address": "127.0.0.1"} in connections.watch([port], 0)


def test_a_list_that_cannot_be_read_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(connections, "FILES", (str(tmp_path),))
    with pytest.raises(connections.ConnectionsError, match="cannot be read"):
        connections.watch([1], 0)
    monkeypatch.setattr(connections, "FILES", (str(tmp_path / "missing"),))
    assert connections.watch([1], 0) == []
