"""GSSAPI on listeners for clients: the settings, who a principal is, the files of a broker, and what is refused."""

from __future__ import annotations

import re

import pytest

from ansible_collections.rackaware.kafka.plugins.filter import inventory
from ansible_collections.rackaware.kafka.plugins.module_utils._config import kerberos, security

CLIENT = {"name": "CLIENT", "port": 9092, "protocol": "SASL_SSL"}
TICKETS = {"name": "KRB", "port": 9095, "protocol": "SASL_SSL", "mechanisms": ["GSSAPI"]}
BOTH = {"name": "BOTH", "port": 9096, "protocol": "SASL_SSL", "mechanisms": ["SCRAM-SHA-512", "GSSAPI"]}
INSIDE = [{"name": "REPLICATION", "port": 9091}, {"name": "CONTROLLER", "port": 9093}]


def settings(*listeners, broker=True):
    cluster = {
        "security": "tls",
        "cluster": "demo",
        "controllers": [1],
        "listeners": listeners,
        "kerberos_realm": "EXAMPLE.COM",
    }
    return security.kafka(cluster, broker=broker, host="b1.example.com")


def test_each_listener_has_its_own_mechanisms():
    made = settings(CLIENT, TICKETS, BOTH)
    of = {name: made["listener.name.%s.sasl.enabled.mechanisms" % name] for name in ("client", "krb", "both")}
    assert of == {"client": ["SCRAM-SHA-512"], "krb": ["GSSAPI"], "both": ["SCRAM-SHA-512", "GSSAPI"]}
    login = made["listener.name.krb.gssapi.sasl.jaas.config"]
    assert 'principal="kafka/b1.example.com@EXAMPLE.COM"' in login and "isInitiator=false" in login
    assert "listener.name.krb.scram-sha-512.sasl.jaas.config" not in made
    assert "listener.name.both.scram-sha-512.sasl.jaas.config" in made


def test_without_tickets_and_on_controllers_there_is_nothing_of_it():
    for made in (settings(CLIENT), settings(TICKETS, broker=False)):
        assert not [name for name in made if "kerberos" in name or "gssapi" in name]


def name(principal, realm="EXAMPLE.COM"):
    """Who a principal is, as KerberosShortNamer and KerberosRule of Kafka say: the first rule that fits, None without one."""
    first, _slash, rest = principal.partition("@")[0].partition("/")
    parts, theirs = [first, *([rest] if rest else [])], principal.rpartition("@")[2]
    for rule in kerberos.rules(realm):
        count, shape, pattern, old, new = re.fullmatch(
            r"RULE:\[(\d):([^\]]*)\]\(([^)]*)\)s/([^/]*)/([^/]*)/", rule
        ).groups()
        text = (
            re.sub(r"\$(\d)", lambda found: ([theirs, *parts])[int(found[1])], shape)
            if int(count) == len(parts)
            else ""
        )
        if text and re.fullmatch(pattern, text):
            return re.sub(old, new, text)
    return None


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ("alice@EXAMPLE.COM", "alice"),
        ("orders-app@EXAMPLE.COM", "orders-app"),
        ("kafka/b1.example.com@EXAMPLE.COM", "kafka:b1.example.com"),
        ("app/host@EXAMPLE.COM", "app:host"),
        ("alice@OTHER.ORG", None),
        ("alice@EXAMPLEXCOM", None),
        ("alice@SUB.EXAMPLE.COM", None),
        ("kafka/b1.example.com@OTHER.ORG", None),
        ("CN=kafka,OU=demo,O=rackaware@EXAMPLE.COM", None),
        ("client:CN=kafka@EXAMPLE.COM", None),
        ("kafka:b1.example.com@EXAMPLE.COM", None),
    ],
)
def test_who_a_principal_is(principal, who):
    assert name(principal) == who
    assert "User:%s" % who not in security.super_users("demo")


def test_a_broker_is_told_nothing_of_a_kdc():
    text = kerberos.config("EXAMPLE.COM", "ours")
    assert "default_realm = EXAMPLE.COM" in text and " kdc =" not in text
    assert all(line in text for line in ("dns_lookup_kdc = false", "rdns = false", "dns_canonicalize_hostname = false"))


@pytest.mark.parametrize(
    ("listener", "secured", "realm", "sentence"),
    [
        (
            {"mechanisms": ["PLAIN"]},
            "tls",
            "EXAMPLE.COM",
            "has mechanisms: ['PLAIN'], but it must be a list of one or both",
        ),
        ({"mechanisms": "GSSAPI"}, "tls", "EXAMPLE.COM", "has mechanisms: GSSAPI, but it must be a list"),
        ({"mechanisms": []}, "tls", "EXAMPLE.COM", "has mechanisms: [], but it must be a list"),
        (
            {"name": "REPLICATION"},
            "tls",
            "EXAMPLE.COM",
            "The listener REPLICATION has mechanisms, but nodes know each other",
        ),
        (
            {"name": "CONTROLLER"},
            "tls",
            "EXAMPLE.COM",
            "The listener CONTROLLER has mechanisms, but nodes know each other",
        ),
        ({"protocol": "SSL"}, "tls", "EXAMPLE.COM", "has mechanisms and the protocol SSL, by which no client logs in"),
        (
            {"protocol": "PLAINTEXT"},
            "none",
            "EXAMPLE.COM",
            "has mechanisms, but with kafka_security: none no client logs in",
        ),
        ({}, "tls", "", "kafka_kerberos_realm is '', but a listener has the mechanism GSSAPI"),
        ({}, "tls", "example.com", "kafka_kerberos_realm is 'example.com', but"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(listener, secured, realm, sentence):
    one = {"name": "KRB", "port": 9095, "mechanisms": ["GSSAPI"], **listener}
    listed = [CLIENT, one, *(each for each in INSIDE if each["name"] != one["name"])]
    found = security.findings(secured, listed, [], "BEGIN CERTIFICATE", realm)
    assert [each for each in found if sentence in each], found


def test_what_can_be_has_no_findings():
    assert security.findings("tls", [CLIENT, TICKETS, BOTH, *INSIDE], [], "", "EXAMPLE.COM") == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "kafka_keytab must say where the key of this broker is"),
        ({"secret": "a", "file": "/b"}, "kafka_keytab must say where"),
        ({"secret": "a", "host": "B1/x"}, "kafka_keytab has the host 'B1/x'; write what clients call this broker"),
        ({"secret": "a", "host": "b1.example.com"}, ""),
        ({"file": "/root/kafka.keytab"}, ""),
    ],
)
def test_where_the_key_of_a_broker_is(given, sentence):
    found = kerberos.keytab_finding(given)
    assert sentence in found and bool(found) == bool(sentence)


@pytest.mark.parametrize("setting", ["sasl.kerberos.principal.to.local.rules", "sasl.kerberos.service.name"])
def test_who_a_principal_is_no_user_decides(setting):
    assert security.reserved({setting: "DEFAULT", "listener.name.krb." + setting: "DEFAULT"}) == {
        setting,
        "listener.name.krb." + setting,
    }


def test_passwords_are_compared_where_clients_log_in_by_password():
    host = {"ansible_host": "10.0.0.1", "kafka_node_id": 1, "kafka_listeners": [TICKETS, CLIENT, *INSIDE]}
    groups = {"kafka_brokers": ["b1"]}
    assert inventory.kafka_login_servers(["b1"], {"b1": host}, groups) == ["10.0.0.1:9092"]
