"""ZooKeeper's answers, recorded from 3.8.4 with Kafka 3.9.2."""

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import zookeeper

SRVR = """Zookeeper version: 3.8.4-9316c2a7a97e1666d8f4593f34dd6fc36ecc436c, built on 2024-02-12 22:16 UTC
Latency min/avg/max: 0/1.6389/54
Received: 229
Sent: 229
Connections: 2
Outstanding: 0
Zxid: 0x100000056
Mode: %s
Node count: 43
"""
MNTR = (
    "zk_version\t3.8.4-x, built on y\nzk_avg_latency\t1.5\nzk_synced_followers\t2\nzk_server_state\tleader\nnonsense\n"
)
REFUSED = "%s is not executed because it is not in the whitelist.\n"


def asker(answers):
    def ask(host, port, word, timeout, secure):
        answer = answers[word]
        if isinstance(answer, OSError):
            raise answer
        return answer

    return ask


def look(**answers):
    return zookeeper.look("zk:2181", 1, asker=asker(answers))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("zk", ("zk", 2181)),
        ("zk:2182", ("zk", 2182)),
        ("[::1]:2181", ("::1", 2181)),
        ("::1", ("::1", 2181)),
        ("198.18.1.1", ("198.18.1.1", 2181)),
    ],
)
def test_the_port_may_be_left_out(server, expected):
    assert zookeeper.address(server) == expected


@pytest.mark.parametrize("server", ["", "zk:", "zk:http", ":2181", "zk:0"])
def test_what_is_no_address_is_refused(server):
    with pytest.raises(RackawareError, match="is not an address of a ZooKeeper server"):
        zookeeper.address(server)


def test_a_leader_is_read():
    seen = look(srvr=SRVR % "leader", mntr=MNTR)
    assert (seen["ok"], seen["mode"], seen["version"], seen["znode_count"], seen["synced_followers"]) == (
        True,
        "leader",
        "3.8.4",
        43,
        2,
    )
    assert seen["monitor"]["avg_latency"] == 1.5


def test_mntr_may_be_forbidden():
    seen = look(srvr=SRVR % "follower", mntr=REFUSED % "mntr")
    assert (seen["ok"], seen["monitor"], seen["synced_followers"]) == (True, {}, None)


def test_mntr_may_fail():
    assert look(srvr=SRVR % "follower", mntr=OSError("reset"))["ok"] is True


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "zk:2181 cannot be asked: Connection refused"),
        (REFUSED % "srvr", "does not answer srvr; add it to 4lw.commands.whitelist"),
        ("This ZooKeeper instance is not currently serving requests\n", "sees no quorum"),
        ("SSH-2.0-OpenSSH\n", "What answers at zk:2181 is not ZooKeeper"),
        ("", "is not ZooKeeper"),
    ],
    ids=["down", "not allowed", "no quorum", "something else", "silence"],
)
def test_a_server_that_does_not_serve_says_why(answer, sentence):
    seen = look(srvr=answer)
    assert seen["ok"] is False
    assert sentence in seen["error"]


def servers(*modes, following=None):
    led = modes.count("follower") if following is None else following
    return [
        {"server": "zk%d" % number, "mode": mode, "synced_followers": led if mode == "leader" else None}
        for number, mode in enumerate(modes, 1)
    ]


@pytest.mark.parametrize(
    ("modes", "ok", "reason"),
    [
        (("leader", "follower", "follower"), True, None),
        (("leader", "follower", None), True, None),
        (("standalone",), True, None),
        (("leader", None, None), False, "Only 1 of 3"),
        (("leader", "follower", None, None), False, "Only 2 of 4"),
        (("follower", "follower", None), False, "None of the 3 ZooKeeper servers leads"),
        (("leader", "leader", "follower"), False, "2 ZooKeeper servers lead at once"),
        (("standalone", "standalone", "standalone"), False, "3 ZooKeeper servers lead at once"),
    ],
)
def test_a_quorum_is_one_leader_and_a_majority(modes, ok, reason):
    quorum = zookeeper.quorum(servers(*modes))
    assert quorum["ok"] is ok
    assert (reason is None) == (quorum["reason"] is None) and (reason or "") in (quorum["reason"] or "")


@pytest.mark.parametrize(("following", "ok"), [(0, False), (1, False), (2, True), (3, True)])
def test_followers_of_another_leader_are_no_part_of_this_ensemble(following, ok):
    """Two servers of a new list elect each other; the third still follows the leader of the old one."""
    quorum = zookeeper.quorum(servers("leader", "follower", "follower", following=following))
    assert quorum["ok"] is ok and (ok or "so they are not one ensemble" in quorum["reason"])


def test_a_leader_that_may_not_answer_mntr_can_be_rolled_so_that_it_may():
    seen = servers("leader", "follower", "follower")
    seen[0]["synced_followers"] = None
    assert zookeeper.quorum(seen)["ok"]


def test_a_real_socket_is_read_to_its_end():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        conversation, _ = listener.accept()
        assert conversation.recv(4) == b"srvr"
        for part in (SRVR % "leader").encode().splitlines(keepends=True):
            conversation.sendall(part)
        conversation.close()

    thread = threading.Thread(target=serve)
    thread.start()
    answer = zookeeper.ask("127.0.0.1", listener.getsockname()[1], "srvr", 5)
    thread.join()
    listener.close()
    assert answer == SRVR % "leader"
