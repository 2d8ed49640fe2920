"""Properties files: what is written, what the user may override, what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._config import properties, settings, sizing
from ansible_collections.rackaware.kafka.plugins.module_utils._config.properties import PropertiesError

LISTENERS = [
    {"name": "CLIENT", "port": 9092, "protocol": "PLAINTEXT"},
    {"name": "REPLICATION", "port": 9091, "protocol": "PLAINTEXT"},
    {"name": "CONTROLLER", "port": 9093, "protocol": "PLAINTEXT"},
]
NODE = {
    "role": "broker",
    "id": 2,
    "rack": "eu-west-1b",
    "address": "198.18.2.12",
    "data_dirs": ["/var/lib/kafka/data0/logs", "/var/lib/kafka/data1/logs"],
}
ZOOKEEPERS = [{"id": number, "host": "198.18.%d.201" % number, "port": 2181} for number in (1, 2, 3)]
CONTROLLERS = [{"id": 100 + number, "host": "198.18.%d.221" % number, "port": 9093} for number in (1, 2, 3)]
CLUSTER = {
    "security": "none",
    "cluster": "demo",
    "listeners": LISTENERS,
    "controllers": [],
    "zookeepers": ZOOKEEPERS,
    "brokers": 3,
    "replication_factor": 3,
    "min_insync_replicas": 2,
}
INSECURE = {"secured": "none", "directory": "/etc/zookeeper"}
KRAFT = dict(CLUSTER, controllers=CONTROLLERS, zookeepers=[])
SIZED = sizing.size(
    {"vcpus": 4, "memory_mb": 16384, "network_gbps": 10},
    {"data_disks": 2, "replication_factor": 3, "producers": 1, "consumers": 1, "cross_az_rtt_ms": 1},
)


def parse(text):
    return dict(line.split("=", 1) for line in text.splitlines())


def broker(**own):
    return parse(settings.kafka(NODE, CLUSTER, SIZED, own))


def test_a_broker_of_zookeeper_mode_has_its_identity_and_its_zookeepers():
    found = broker()
    assert found["broker.id"] == "2"
    assert found["broker.rack"] == "eu-west-1b"
    assert found["zookeeper.connect"] == "198.18.1.201:2181,198.18.2.201:2181,198.18.3.201:2181"
    assert found["log.dirs"] == "/var/lib/kafka/data0/logs,/var/lib/kafka/data1/logs"
    assert not {"node.id", "process.roles", "metadata.log.dir"} & set(found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("default.replication.factor", "3"),
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "false"),
        ("auto.create.topics.enable", "false"),
        ("offsets.topic.replication.factor", "3"),
        ("transaction.state.log.replication.factor", "3"),
        ("transaction.state.log.min.isr", "2"),
        ("controlled.shutdown.enable", "true"),
        ("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"),
    ],
)
def test_the_defaults_are_safe(key, value):
    assert broker()[key] == value


def test_while_an_upgrade_is_open_the_protocol_is_the_old_one_and_a_user_may_still_say_another():
    assert "inter.broker.protocol.version" not in parse(settings.kafka(NODE, CLUSTER, SIZED, {}))
    held = dict(CLUSTER, protocol="3.8")
    assert parse(settings.kafka(NODE, held, SIZED, {}))["inter.broker.protocol.version"] == "3.8"
    assert (
        parse(settings.kafka(NODE, held, SIZED, {"inter.broker.protocol.version": "3.7"}))[
            "inter.broker.protocol.version"
        ]
        == "3.7"
    )
    assert "inter.broker.protocol.version" not in parse(settings.kafka(NODE, dict(KRAFT, protocol="3.8"), SIZED, {}))


def test_a_kraft_broker_asks_the_controllers():
    found = parse(settings.kafka(NODE, KRAFT, SIZED, {}))
    assert found["process.roles"] == "broker"
    assert found["node.id"] == "2"
    assert found["controller.quorum.bootstrap.servers"] == "198.18.1.221:9093,198.18.2.221:9093,198.18.3.221:9093"
    assert found["metadata.log.dir"] == "/var/lib/kafka/data0/logs"
    assert "CONTROLLER" not in found["listeners"]
    assert "CONTROLLER:PLAINTEXT" in found["listener.security.protocol.map"]
    assert "share.coordinator.state.topic.min.isr" in found
    assert not {"broker.id", "zookeeper.connect"} & set(found)


def test_a_combined_node_is_both_and_does_not_advertise_the_controller():
    found = parse(settings.kafka(dict(NODE, role="combined"), KRAFT, SIZED, {}))
    assert found["process.roles"] == "broker,controller"
    assert "CONTROLLER://198.18.2.12:9093" in found["listeners"]
    assert "CONTROLLER" not in found["advertised.listeners"]


def test_a_controller_makes_topics_so_it_knows_their_defaults():
    found = parse(
        settings.kafka({"role": "controller", "id": 101, "address": "198.18.1.221", "data_dirs": ["/m"]}, KRAFT, {}, {})
    )
    assert found["listeners"] == "CONTROLLER://198.18.1.221:9093"
    assert found["default.replication.factor"] == "3"
    assert found["unclean.leader.election.enable"] == "false"
    assert not {"broker.rack", "inter.broker.listener.name", "offsets.topic.replication.factor"} & set(found)


def test_the_sized_threads_and_buffers_are_in_the_file_and_nothing_else_that_was_sized():
    found = broker()
    assert found["num.io.threads"] == "8"
    assert found["replica.socket.receive.buffer.bytes"] == str(SIZED["replica.socket.receive.buffer.bytes"]["value"])
    assert not {"heap_mb", "net.core.rmem_max"} & set(found)


def test_the_users_settings_win():
    assert (
        broker(**{"min.insync.replicas": 1, "log.retention.hours": 24, "auto.create.topics.enable": True})[
            "auto.create.topics.enable"
        ]
        == "true"
    )


@pytest.mark.parametrize(
    "key", ["broker.id", "node.id", "broker.rack", "listeners", "log.dirs", "zookeeper.connect", "process.roles"]
)
def test_identity_is_not_the_users_to_set(key):
    with pytest.raises(PropertiesError, match="sets %s, which the inventory decides" % key):
        broker(**{key: "1"})


def test_a_setting_that_is_nearly_one_of_kafkas_is_a_typo():
    assert "did you mean log.retention.hours?" in properties.broker_findings({"log.retention.hour": 24})[0]


def test_a_setting_of_a_plug_in_is_let_through():
    assert (
        properties.broker_findings(
            {"confluent.tier.feature.enable": True, "listener.name.client.ssl.keystore.location": "/x"}
        )
        == []
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (["a", "b"], "a,b"),
        ("C:\\x", "C:\\\\x"),
        (" x", "\\ x"),
        ("#x", "\\#x"),
        ("a=b:c", "a=b:c"),
        ("", ""),
    ],
    ids=str,
)
def test_a_value_is_written_as_java_reads_it(value, written):
    assert properties.render({"key": value}) == "key=%s\n" % written


def test_a_key_is_escaped_too():
    assert properties.render({"a b=c:d": 1}) == "a\\ b\\=c\\:d=1\n"


@pytest.mark.parametrize("value", [None, {"a": 1}, "a\nb"], ids=str)
def test_what_has_no_form_is_refused(value):
    with pytest.raises(PropertiesError, match="key"):
        properties.render({"key": value})
    assert "key" in properties.findings({"key": value})[0]


@pytest.mark.parametrize("before", ["\t", "\f", " ", "x\r", "x\n", "\u2028"], ids=repr)
def test_a_name_with_a_blank_is_none_that_java_would_read_as_another(before):
    key = before + "super.users"
    assert "remove it" in properties.findings({key: "User:a"})[-1]
    with pytest.raises(PropertiesError):
        properties.merge({}, {key: "User:a"})


def test_settings_that_are_no_mapping_are_refused():
    assert "must be a mapping" in properties.broker_findings(["a"])[0]


def test_zoo_cfg_lists_every_member_and_opens_little():
    found = parse(settings.zookeeper("/var/lib/zookeeper/data", ZOOKEEPERS, {"tickTime": 3000}, **INSECURE))
    assert found["server.2"] == "198.18.2.201:2888:3888"
    assert found["4lw.commands.whitelist"] == "srvr,ruok,mntr"
    assert found["admin.enableServer"] == "false"
    assert int(found["autopurge.purgeInterval"]) > 0
    assert found["tickTime"] == "3000"


@pytest.mark.parametrize(
    ("value", "refused"),
    [(True, True), ("true", True), ("FALSE", True), ("False", True), ("", True), (False, False), ("false", False)],
)
def test_zookeepers_admin_server_stays_off(value, refused):
    """ZooKeeper starts it for whatever is not the text false."""
    found = settings.zookeeper_findings({"admin.enableServer": value}, "none")
    assert ["admin.enableServer" in sentence for sentence in found] == [True] * refused


@pytest.mark.parametrize("key", ["dataDir", "clientPort", "server.9"])
def test_zookeepers_identity_is_not_the_users_to_set(key):
    assert key in settings.zookeeper_findings({key: 1}, "none")[0]
    with pytest.raises(PropertiesError, match=key):
        settings.zookeeper("/d", ZOOKEEPERS, {key: 1}, **INSECURE)
