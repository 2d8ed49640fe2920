"""A secured cluster lets in who may come in, as far as they may go, and no one else. Each refusal has its control beside it."""

from __future__ import annotations

import ssl
from dataclasses import replace

import client_file
import pytest
from certificates import Authority
from hosts import until
from intruder import handshake, password

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import acls, round_trip, topic, topic_admin, users
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection, KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection_check import failure
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.snapshot import take

CLIENT, REPLICATION = 9092, 9091
TOPICS = ("alice-orders", "alice", "alicesecrets", "bob-orders")


@pytest.fixture(scope="module")
def alice(cluster, broker):
    """A user who may write and read what begins with alice-, and that alone."""
    secret = password()
    rules = [
        acls.Acl("topic", "alice-", "prefixed", "User:alice", "*", operation, "allow")
        for operation in ("write", "read", "describe")
    ]
    with cluster.admin() as admin:
        users.upsert(admin, [users.Credential("alice", "SCRAM-SHA-512", 4096, secret)])
        acls.create(admin, rules)
        wanted = [topic.Wanted(name, partitions=1, replication_factor=3) for name in TOPICS]
        topic_admin.create_topics(admin, wanted, validate_only=False)
    login = client_file.connection_options(cluster.client_file)
    where = Connection(("%s:%d" % (broker, CLIENT),), **{**login, "sasl_username": "alice", "sasl_password": secret})
    where = replace(where, request_timeout_seconds=10)
    until(lambda: failure(where, where.bootstrap_servers[0], 10) is None, "alice to be known", 30)
    yield where
    with cluster.admin() as admin:
        topic_admin.delete_topics(admin, list(TOPICS))
        acls.delete(admin, rules)
        users.delete(admin, [("alice", "SCRAM-SHA-512")])


def at(broker, port, **options):
    server = "%s:%d" % (broker, port)
    return failure(Connection((server,), **options), server, 10)


def certified(keystore, trust):
    return {"security_protocol": "SSL", "ssl_cafile": trust, "ssl_certfile": keystore, "ssl_keyfile": keystore}


def test_a_client_without_tls_gets_no_answer(broker, alice):
    assert failure(alice, alice.bootstrap_servers[0], 10) is None
    for port in (CLIENT, REPLICATION):
        assert "speaks TLS" in at(broker, port)


def test_a_wrong_password_and_an_unknown_user_are_refused(alice):
    server = alice.bootstrap_servers[0]
    assert "refuses the password of the user alice" in failure(
        replace(alice, sasl_password="x" + password()), server, 10
    )
    assert "knows no user mallory" in failure(replace(alice, sasl_username="mallory"), server, 10)


def test_a_client_without_a_login_may_ask_nothing(broker, trust):
    assert "asks for a login" in at(broker, CLIENT, security_protocol="SSL", ssl_cafile=trust)


def test_a_client_takes_only_brokers_that_its_ca_has_signed(alice, tmp_path):
    stranger = Authority(tmp_path, "stranger").file
    assert "is not trusted" in failure(replace(alice, ssl_cafile=str(stranger)), alice.bootstrap_servers[0], 10)


@pytest.mark.parametrize("port", [CLIENT, REPLICATION])
def test_nothing_older_than_tls_1_2_is_spoken(broker, trust, signer, port):
    own = signer.issue("operator")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert handshake(broker, port, trust, version, own)
    with pytest.raises(OSError):
        handshake(broker, port, trust, ssl.TLSVersion.TLSv1_1, own)


def test_nodes_take_only_certificates_of_their_ca_that_are_valid_now(broker, trust, signer, tmp_path):
    assert at(broker, REPLICATION, **certified(signer.issue("operator"), trust)) is None
    foreign = Authority(tmp_path, "foreign").sign("kafka", address="198.18.0.1")
    for keystore in (foreign, signer.issue("operator", days=5, ago=10), signer.issue("operator", days=5, ago=-2)):
        assert "does not take this client's certificate" in at(broker, REPLICATION, **certified(keystore, trust))
    assert at(broker, REPLICATION, security_protocol="SSL", ssl_cafile=trust)


def test_a_certificate_of_another_name_is_let_in_and_may_nothing(broker, trust, signer):
    server = "%s:%d" % (broker, REPLICATION)
    with Admin(Connection((server,), **certified(signer.issue("operator"), trust))) as admin:
        assert take(admin).partitions
    other = Connection((server,), **certified(signer.issue("stranger"), trust))
    with Admin(other) as admin, pytest.raises(KafkaError, match="connect as a super user"):
        take(admin)


def test_a_user_reaches_its_prefix_and_nothing_beside_it(alice):
    written = round_trip.produce(alice, "alice-orders", {0: b"mine"}, key=b"alice")
    assert round_trip.consume(alice, "alice-orders", written)[0] == (b"alice", b"mine")
    for name in TOPICS[1:]:
        with pytest.raises(KafkaError, match="(?i)authoriz"):
            round_trip.produce(alice, name, {0: b"not mine"}, key=b"alice")
    with Admin(alice) as admin, pytest.raises(KafkaError, match="connect as a super user"):
        take(admin)


def test_no_user_is_an_operator_by_its_name(cluster, alice):
    """What looks like the name of a node is a user like any other at the clients' listener."""
    secret = password()
    with cluster.admin() as admin:
        users.upsert(admin, [users.Credential(name, "SCRAM-SHA-512", 4096, secret) for name in ("kafka", "operator")])
    try:
        for name in ("kafka", "operator"):
            where = replace(alice, sasl_username=name, sasl_password=secret)
            until(lambda where=where: failure(where, where.bootstrap_servers[0], 10) is None, name, 30)
            with Admin(where) as admin, pytest.raises(KafkaError, match="connect as a super user"):
                take(admin)
    finally:
        with cluster.admin() as admin:
            users.delete(admin, [(name, "SCRAM-SHA-512") for name in ("kafka", "operator")])


def test_private_keys_are_where_they_belong_and_nowhere_else(cluster):
    """The first line of each key's text is looked for in journals, command lines and files that others may read."""
    look = (
        "for file in /etc/kafka/tls /etc/zookeeper/tls; do [ -d $file ] || continue;"
        " sed -n '/BEGIN PRIVATE/{n;p}' $file/*.pem; done | sort -u > /run/keys; [ -s /run/keys ];"
        " ! journalctl --no-pager | grep -F -f /run/keys; ! ps axww -o args | grep -F -f /run/keys;"
        " ! grep -r -l -F -f /run/keys /etc /var/log /var/lib/kafka-admin /tmp /root 2>/dev/null | grep -v /tls/;"
        " stat -c '%a %U %G %n' /etc/*/tls/*.pem; rm -f /run/keys"
    )
    for name, listed in cluster.each(cluster.nodes, look).items():
        modes = {line.rpartition("/")[2]: line.split()[:3] for line in listed.splitlines() if "/tls/" in line}
        assert modes["keystore.pem"] == ["640", "root", "kafka"], name
        assert modes.get("operator.pem", ["400", "root", "root"]) == ["400", "root", "root"], name
        assert set(listed.splitlines()) == {line for line in listed.splitlines() if "/tls/" in line}, name
