"""A secured cluster: what its nodes are told, who they are, and what is refused."""

from __future__ import annotations

import pytest
from unit._config.test_properties import CLUSTER, CONTROLLERS, NODE, SIZED, ZOOKEEPERS, parse
from unit._config.test_services import made

from ansible_collections.rackaware.kafka.plugins.module_utils._config import properties, security, settings

LISTENERS = [
    {"name": "CLIENT", "port": 9092},
    {"name": "REPLICATION", "port": 9091},
    {"name": "CONTROLLER", "port": 9093},
]
MTLS = {"name": "MTLS", "port": 9094, "protocol": "SSL"}
SECURED = {**CLUSTER, "security": "tls", "listeners": security.with_protocols(LISTENERS, "tls")}
KRAFT = {**SECURED, "controllers": CONTROLLERS, "zookeepers": []}
DN = "CN=kafka,OU=demo,O=rackaware"


def node(cluster=SECURED, role="broker", **own):
    return parse(settings.kafka({**NODE, "role": role}, cluster, SIZED, own))


def test_every_listener_is_encrypted_unless_it_says_otherwise():
    assert [item["protocol"] for item in SECURED["listeners"]] == ["SASL_SSL", "SSL", "SSL"]
    assert [item["protocol"] for item in security.with_protocols(LISTENERS, "none")] == ["PLAINTEXT"] * 3
    assert security.with_protocols([MTLS], "tls") == [MTLS]
    assert security.with_protocols("none at all", "tls") == "none at all"


@pytest.mark.parametrize(("cluster", "class_"), [(SECURED, "AclAuthorizer"), (KRAFT, "StandardAuthorizer")])
def test_a_broker_knows_nodes_by_certificates_clients_by_passwords_and_allows_what_an_acl_allows(cluster, class_):
    found = node(cluster)
    assert found["listener.security.protocol.map"] == "CLIENT:SASL_SSL,REPLICATION:SSL,CONTROLLER:SSL"
    assert found["listener.name.replication.ssl.client.auth"] == "required"
    assert found["listener.name.client.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"
    assert "listener.name.client.ssl.client.auth" not in found
    assert found["authorizer.class.name"].endswith("." + class_)
    assert found["super.users"] == "User:%s;User:%s" % (DN, DN.replace("kafka", "operator"))
    assert found["ssl.keystore.location"] == "/etc/kafka/tls/keystore.pem"
    assert found["ssl.enabled.protocols"] == "TLSv1.3,TLSv1.2"
    assert ("zookeeper.set.acl" in found) == (cluster is SECURED)


def test_a_controller_asks_each_node_for_its_certificate_and_has_no_clients():
    found = node(KRAFT, role="controller")
    assert found["listener.name.controller.ssl.client.auth"] == "required"
    assert found["authorizer.class.name"].endswith("StandardAuthorizer")
    assert not [key for key in found if key.startswith(("listener.name.client.", "listener.name.replication."))]


def test_clients_certificates_are_of_a_ca_of_their_own():
    cluster = {**KRAFT, "listeners": security.with_protocols([*LISTENERS, MTLS], "tls")}
    found = node(cluster)
    assert found["listener.name.mtls.ssl.client.auth"] == "required"
    assert found["listener.name.mtls.ssl.truststore.location"] == "/etc/kafka/tls/clients.pem"
    assert found["ssl.truststore.location"] == "/etc/kafka/tls/truststore.pem"


def test_an_insecure_cluster_is_told_nothing_of_this():
    plain = {**SECURED, "security": "none", "listeners": security.with_protocols(LISTENERS, "none")}
    assert not [key for key in node(plain) if "ssl" in key or "sasl" in key or "authorizer" in key]
    assert node(plain, **{"ssl.protocol": "TLSv1.3"})["ssl.protocol"] == "TLSv1.3"


def test_a_zookeeper_node_speaks_tls_only_to_clients_and_to_its_peers():
    text = settings.zookeeper("/d", ZOOKEEPERS, {}, secured="tls", directory="/etc/zookeeper")
    found = parse(text)
    assert found["secureClientPort"] == "2181" and "clientPort" not in found
    assert found["sslQuorum"] == "true" and found["ssl.clientAuth"] == found["ssl.quorum.clientAuth"] == "need"
    assert found["ssl.keyStore.location"] == found["ssl.quorum.keyStore.location"] == "/etc/zookeeper/tls/keystore.pem"
    assert "TLS_AES_256_GCM_SHA384" in found["ssl.ciphersuites"]


@pytest.mark.parametrize(
    "key",
    [
        "super.users",
        "authorizer.class.name",
        "allow.everyone.if.no.acl.found",
        "ssl.client.auth",
        "ssl.principal.mapping.rules",
        "ssl.endpoint.identification.algorithm",
        "listener.name.replication.ssl.client.auth",
        "listener.name.controller.ssl.truststore.location",
        "listener.name.mtls.ssl.client.auth",
        "listener.name.client.principal.builder.class",
        "zookeeper.set.acl",
        "zookeeper.ssl.client.enable",
    ],
)
def test_what_would_open_the_cluster_is_not_the_users_to_set(key):
    assert key in properties.broker_findings({key: "x"}, "broker_config", settings.reserved({key: "x"}, "tls"))[0]
    assert not properties.broker_findings({key: "x"}, "broker_config", settings.reserved({key: "x"}, "none"))
    with pytest.raises(properties.PropertiesError, match=key.replace(".", r"\.")):
        node(**{key: "x"})


@pytest.mark.parametrize(
    "key", ["ssl.cipher.suites", "listener.name.client.sasl.enabled.mechanisms", "sasl.server.max.receive.size"]
)
def test_what_opens_nothing_stays_the_users(key):
    assert node(**{key: "7"})[key] == "7"


def test_a_listener_with_passwords_may_ask_for_certificates_as_well():
    key = "listener.name.client.ssl.client.auth"
    assert node(**{key: "required"})[key] == "required"
    with pytest.raises(properties.PropertiesError):
        node(**{key: "requested"})


@pytest.mark.parametrize(
    "key",
    [
        "ssl.clientAuth",
        "sslQuorum",
        "secureClientPort",
        "authProvider.sasl",
        "serverCnxnFactory",
        "skipACL",
        "X509AuthenticationProvider.superUser",
        "DigestAuthenticationProvider.superDigest",
        "dynamicConfigFile",
    ],
)
def test_what_would_open_zookeeper_is_not_the_users_to_set(key):
    assert key in settings.zookeeper_findings({key: 1}, "tls")[0]
    assert not settings.zookeeper_findings({key: 1}, "none")
    # ZooKeeper takes what its file does not have from the JVM's properties.
    option = "-Dzookeeper.%s=x" % key
    assert option.partition("=")[0] in security.option_findings("zookeeper_jvm_options", ["-Da=b", option])[0]
    assert security.option_findings("zookeeper_jvm_options", ["-Dzookeeper.snapCount=7", "-Da.zookeeper.ssl=1"]) == []


def test_the_certificate_of_a_client_never_makes_it_a_node():
    own = {"listener.name.mtls.ssl.principal.mapping.rules": "RULE:^CN=(.*?),.*$/$1/"}
    cluster = {**KRAFT, "listeners": security.with_protocols([*LISTENERS, MTLS], "tls")}
    key, others = next(iter(own)), "RULE:^(CN=(kafka|operator),OU=demo,O=rackaware)$/client:$1/,"
    assert node(cluster)[key] == others + "DEFAULT"
    assert node(cluster, **own)[key] == others + own[key]


@pytest.mark.parametrize(
    ("kind", "directory"), [("broker", "kafka"), ("controller", "kafka"), ("zookeeper", "zookeeper")]
)
def test_a_service_reads_its_certificates_and_a_restart_puts_new_ones_in_place(kind, directory):
    secured = made(kind, kraft=kind != "zookeeper", security="tls", listeners=LISTENERS)
    paths = ["/etc/%s/tls/%s.pem" % (directory, name) for name in ("keystore", "truststore")]
    assert secured["promoted"] == paths
    unit = next(file["content"] for file in secured["files"] if file["dest"].endswith(".service"))
    assert "%s %s > " % tuple(paths) in unit
    assert not made(kind, kraft=kind != "zookeeper")["promoted"]


def test_the_ca_of_clients_is_a_file_of_the_service():
    secured = made("broker", security="tls", listeners=[*LISTENERS, MTLS], client_ca="PEM")
    clients = next(file for file in secured["files"] if file["dest"] == "/etc/kafka/tls/clients.pem")
    assert clients["content"] == "PEM\n" and clients["dest"] not in secured["promoted"]
    unit = next(file["content"] for file in secured["files"] if file["dest"].endswith(".service"))
    assert clients["dest"] in unit


def test_what_keeps_a_broker_from_a_blank_directory_asks_as_the_operator():
    files = made("broker", security="tls", listeners=LISTENERS)["files"]
    text = next(file["content"] for file in files if file["dest"].endswith("start-guard.json"))
    assert '"ssl_certfile": "/etc/kafka/tls/operator.pem"' in text and '"security_protocol": "SSL"' in text


FINDINGS = [
    ("what is neither", {"security": "yes"}, "kafka_security is 'yes', but must be tls or none"),
    (
        "a listener in plain text",
        {"listeners": [*LISTENERS[1:], {"name": "CLIENT", "port": 9092, "protocol": "PLAINTEXT"}]},
        "The listener CLIENT has the protocol PLAINTEXT",
    ),
    (
        "passwords between nodes",
        {"listeners": [LISTENERS[0], {"name": "REPLICATION", "port": 9091, "protocol": "SASL_SSL"}]},
        "The listener REPLICATION has the protocol SASL_SSL",
    ),
    ("no listener between brokers", {"listeners": LISTENERS[:1]}, "kafka_listeners has no listener REPLICATION"),
    ("no CA of clients", {"listeners": [*LISTENERS, MTLS]}, "kafka_client_ca_certificates has no certificate"),
    (
        "the key of the CA of clients",
        {"ca": "-----BEGIN PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----"},
        "kafka_client_ca_certificates has a private key",
    ),
    ("a super user without its kind", {"users": ["alice"]}, "kafka_super_users has 'alice'"),
    ("everyone as a super user", {"users": ["User:ANONYMOUS"]}, "kafka_super_users has User:ANONYMOUS"),
    ("two super users in one", {"users": ["User:a;User:b"]}, "kafka_super_users has 'User:a;User:b'"),
]


@pytest.mark.parametrize(("given", "sentence"), [item[1:] for item in FINDINGS], ids=[item[0] for item in FINDINGS])
def test_what_cannot_work_or_would_open_the_cluster_is_refused(given, sentence):
    found = security.findings(
        given.get("security", "tls"), given.get("listeners", LISTENERS), given.get("users"), given.get("ca")
    )
    assert len(found) == 1 and found[0].startswith(sentence)


def test_a_cluster_that_can_work_is_not_refused():
    assert security.findings("tls", LISTENERS, ["User:alice"], "") == []
    assert security.findings("tls", [*LISTENERS, MTLS], [], "-----BEGIN CERTIFICATE-----") == []
    assert security.findings("none", [{"name": "CLIENT", "port": 9092, "protocol": "PLAINTEXT"}], [], "") == []
