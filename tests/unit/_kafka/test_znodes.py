"""Who owns Kafka's znodes, with a session that is a dict; tests/system/test_secure_steps.py has the real one."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import znodes
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.znodes import Rule

OWNER = "CN=kafka,OU=demo,O=rackaware"
OPEN, OURS, READ = Rule(31, "world", "anyone"), Rule(31, "x509", OWNER), Rule(1, "world", "anyone")


class Tree:
    """The ACLs of some znodes; name is the session's, refused a code for what is set there, vanishing is gone when it is asked for."""

    def __init__(self, rules, name=OWNER, refused=None, vanishing=()):
        self.all, self.name, self.refused, self.vanishing, self.writes = rules, name, refused or {}, vanishing, []

    def rules(self, path):
        if path not in self.all or path in self.vanishing:
            raise znodes._Refused(znodes.NO_NODE)
        return self.all[path]

    def children(self, path):
        return [other[len(path) + 1 :] for other in self.all if other.rpartition("/")[0] == path]

    def set(self, path, rules):
        if path in self.refused:
            raise znodes._Refused(self.refused[path])
        self.writes.append(path)
        self.all[path] = [Rule(31, "x509", self.name) if rule.scheme == "auth" else rule for rule in rules]


def tree(**more):
    paths = ("/brokers", "/brokers/ids", "/config", "/config/users", "/config/users/app", "/consumers", "/other")
    return Tree({path: [OPEN] for path in paths}, **more)


def test_what_kafka_has_becomes_its_own_and_the_rest_stays():
    made = tree()
    assert znodes._protect(made, OWNER, False) == {
        "znodes": 5,
        "changed": ["/brokers", "/brokers/ids", "/config", "/config/users", "/config/users/app"],
    }
    assert made.all["/brokers/ids"] == [OURS, READ]
    # Credentials are no one else's to read.
    assert made.all["/config/users"] == made.all["/config/users/app"] == [OURS]
    assert made.all["/consumers"] == made.all["/other"] == [OPEN]
    assert znodes._protect(made, OWNER, False)["changed"] == []


def test_what_is_protected_is_left_and_what_differs_is_not():
    made = Tree({"/brokers": [READ, OURS], "/config": [OURS], "/admin": [OURS, OPEN]})
    assert znodes._protect(made, OWNER, False)["changed"] == ["/admin", "/config"]


def test_check_changes_nothing():
    made = tree()
    assert len(znodes._protect(made, OWNER, True)["changed"]) == 5 and made.writes == []


def test_what_vanishes_meanwhile_is_left_out():
    made = tree(vanishing=("/brokers/ids",), refused={"/config": znodes.NO_NODE})
    assert znodes._protect(made, OWNER, False)["changed"] == ["/brokers", "/config/users", "/config/users/app"]


def test_no_certificate_of_another_name_takes_the_znodes():
    made = tree(name="CN=other")
    with pytest.raises(znodes.ZnodesError, match="belongs to CN=other now, and not to " + OWNER):
        znodes._protect(made, OWNER, False)
    assert len(made.writes) == 1


@pytest.mark.parametrize(("code", "said"), [(-102, "belongs to another name than this"), (-4, "with code -4")])
def test_a_znode_that_may_not_be_changed_is_named(code, said):
    with pytest.raises(znodes.ZnodesError, match="/config .*" + said):
        znodes._protect(tree(refused={"/config": code}), OWNER, False)


@pytest.mark.parametrize("answer", [b"", struct.pack(">i", 3), b"HTTP/1.1"], ids=["nothing", "short", "another"])
def test_a_server_that_is_none_is_an_error(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            peer = server.accept()[0]
            with peer:
                peer.recv(100)
                peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(znodes.ZnodesError):
            znodes.protect(["127.0.0.1:%d" % server.getsockname()[1]], None, OWNER, 5, check=True)
        thread.join()
