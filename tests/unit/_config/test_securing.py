"""From plaintext to TLS: what nodes run, which step comes next, with which listeners, and who would be cut off."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._config import nodes, securing, security, settings
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError

PLAIN = [
    {"name": name, "port": port, "protocol": "PLAINTEXT"}
    for name, port in (("CLIENT", 9092), ("REPLICATION", 9091), ("CONTROLLER", 9093))
]
NEW = security.with_protocols(
    [
        {"name": name + "_TLS", "port": port}
        for name, port in (("CLIENT", 9094), ("REPLICATION", 9095), ("CONTROLLER", 9096))
    ],
    "tls",
)
BOTH = [*PLAIN, *NEW]
LISTENERS = {"none": PLAIN, "opened": BOTH, "moved": BOTH, "tls": NEW}
AIM = {"security": "tls", "cluster": "demo", "listeners": NEW}
MEMBERS = [{"id": 1, "host": "10.0.0.1", "port": 1}]


def text(step, role="broker", mode="kraft"):
    if role == "zookeeper":
        return settings.zookeeper("/data", MEMBERS, {}, secured=step, directory="/etc/zookeeper")
    node = {"role": role, "id": 1, "rack": "a", "address": "10.0.0.1", "data_dirs": ["/d"]}
    cluster = {
        **{"security": step, "cluster": "demo", "listeners": LISTENERS[step], "brokers": 3},
        **{"replication_factor": 3, "min_insync_replicas": 2},
        **{"controllers": MEMBERS if mode == "kraft" else [], "zookeepers": [] if mode == "kraft" else MEMBERS},
    }
    return settings.kafka(node, cluster, {}, {})


def lines(*given, **more):
    return dict(line.split("=", 1) for line in text(*given, **more).splitlines())


def found(step, role="broker"):
    return securing.read(role if role == "zookeeper" else "broker", text(step, role))


def plan(runs, aim=AIM, connections=None, own=(), confirmed=False):
    return securing.plan(
        {name: found(step, "zookeeper" if name[0] == "z" else "broker") for name, step in runs.items()},
        aim,
        connections or {},
        own,
        confirmed=confirmed,
    )


@pytest.mark.parametrize("role", ["broker", "controller", "combined", "zookeeper"])
@pytest.mark.parametrize("step", security.STEPS)
def test_what_a_node_was_given_is_read_from_its_file(step, role):
    assert securing.read("zookeeper" if role == "zookeeper" else "broker", text(step, role))["security"] == step


def test_what_a_node_listens_to_is_read_from_its_file():
    assert found("none")["listeners"] == PLAIN[:2]
    assert found("tls", "zookeeper")["listeners"] == []
    assert found("moved", "zookeeper")["listeners"] == [{"name": "ZooKeeper", "port": 2181, "protocol": "PLAINTEXT"}]
    assert securing.read("broker", "") == {"security": None, "listeners": []}
    assert securing.read("broker", "listeners=PLAINTEXT://[::1]:9092\n") == {
        "security": "none",
        "listeners": [{"name": "PLAINTEXT", "port": 9092, "protocol": "PLAINTEXT"}],
    }


def test_a_listener_with_tls_for_clients_alone_is_no_step():
    own = "listeners=A://h:1,B://h:2\nlistener.security.protocol.map=A:PLAINTEXT,B:SSL\n"
    assert securing.read("broker", own)["security"] == "none"


# The settings of the steps.


@pytest.mark.parametrize(
    ("step", "between", "controllers", "anonymous"),
    [
        ("none", "REPLICATION", "CONTROLLER", False),
        ("opened", "REPLICATION", "CONTROLLER,CONTROLLER_TLS", True),
        ("moved", "REPLICATION_TLS", "CONTROLLER_TLS,CONTROLLER", True),
        ("tls", "REPLICATION_TLS", "CONTROLLER_TLS", False),
    ],
)
def test_nodes_look_for_each_other_where_all_of_them_are(step, between, controllers, anonymous):
    broker = lines(step)
    assert broker["inter.broker.listener.name"] == between
    assert broker["controller.listener.names"] == lines(step, "controller")["controller.listener.names"] == controllers
    assert ("User:ANONYMOUS" in broker.get("super.users", "")) is anonymous
    assert ("authorizer.class.name" in broker) is (step != "none")
    assert nodes.controller_listeners(LISTENERS[step], step)[0]["port"] == (9096 if "TLS" in between else 9093)
    operator = nodes.operator_listener(LISTENERS[step], step)["name"]
    assert operator == ("REPLICATION_TLS" if step in ("moved", "tls") else "CLIENT")


def test_doors_in_plaintext_have_no_settings_of_tls():
    opened = lines("opened")
    assert opened["listener.name.replication_tls.ssl.client.auth"] == "required"
    assert opened["listener.name.client_tls.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"
    assert not [name for name in opened if name.startswith(("listener.name.client.", "listener.name.replication."))]


def test_brokers_come_to_zookeeper_by_tls_once_it_speaks_both_and_protect_it_last():
    kept = {step: lines(step, mode="zookeeper") for step in security.STEPS}
    assert "zookeeper.ssl.client.enable" not in {**kept["none"], **kept["opened"]}
    assert kept["moved"]["zookeeper.ssl.client.enable"] == "true" and "zookeeper.set.acl" not in kept["moved"]
    assert kept["tls"]["zookeeper.set.acl"] == "true"


@pytest.mark.parametrize(
    ("step", "port", "quorum", "both"),
    [
        ("none", "clientPort", None, None),
        ("opened", "clientPort", "false", "true"),
        ("moved", "clientPort", "true", "true"),
        ("tls", "secureClientPort", "true", None),
    ],
)
def test_zookeeper_speaks_both_on_its_ports_on_the_way(step, port, quorum, both):
    zoo = lines(step, "zookeeper")
    assert zoo[port] == "2181" and len([name for name in zoo if name.lower().endswith("clientport")]) == 1
    assert zoo.get("sslQuorum") == quorum
    assert zoo.get("portUnification") == zoo.get("client.portUnification") == both


@pytest.mark.parametrize("step", ["opened", "moved"])
def test_users_decide_as_little_on_the_way_as_at_its_end(step):
    with pytest.raises(RackawareError, match="super.users"):
        settings.kafka(
            {"role": "broker", "id": 1, "rack": "a", "address": "h", "data_dirs": ["/d"]},
            {
                "security": step,
                "cluster": "demo",
                "listeners": BOTH,
                "brokers": 3,
                "replication_factor": 3,
                "min_insync_replicas": 2,
                "controllers": MEMBERS,
                "zookeepers": [],
            },
            {},
            {"super.users": "User:x"},
        )


# What comes next.


@pytest.mark.parametrize(
    ("runs", "confirmed", "step"),
    [
        ("none", False, "opened"),
        ("none opened", True, "opened"),
        ("opened", True, "moved"),
        ("opened moved", True, "moved"),
        ("moved", False, "moved"),
        ("moved", True, "tls"),
        ("moved tls", True, "tls"),
        ("moved tls", False, None),
        ("tls", False, "tls"),
    ],
)
def test_the_node_that_is_least_far_decides_the_step(runs, confirmed, step):
    assert securing.next_step(set(runs.split()), confirmed=confirmed) == step


def test_both_doors_are_those_that_run_and_the_aim():
    made = plan({"b1": "none", "z1": "none"})
    assert made["step"] == made["security"] == "opened" and made["findings"] == []
    assert made["listeners"] == [*PLAIN[:2], *NEW]
    assert plan({"b1": "moved"}, confirmed=True)["listeners"] == NEW


def test_a_node_that_was_never_started_does_not_hold_up_the_others():
    made = securing.plan({"b1": found("moved"), "b2": securing.read("broker", "")}, AIM, {}, (), confirmed=True)
    assert made["step"] == "tls"


CLIENT = {"port": 9092, "address": "10.9.9.9"}
NODE = {"port": 9092, "address": "10.0.0.2"}
SECURE = {"port": 9094, "address": "10.9.9.8"}


def test_who_is_on_plaintext_is_named_and_not_cut_off():
    made = plan({"b1": "moved", "b2": "moved"}, connections={"b1": [CLIENT, SECURE], "b2": [CLIENT]}, confirmed=True)
    assert made["findings"] == [
        "1 client is on plaintext, and would be cut off: 10.9.9.9 at CLIENT (9092) of b1, b2; move them to a listener"
        " with TLS, then run the same command again. See docs/runbooks/secure_cluster.md."
    ]
    shown = plan({"b1": "moved", "b2": "moved"}, connections={"b1": [CLIENT]})
    assert shown["findings"] == [] and "On plaintext now: 10.9.9.9 at CLIENT (9092) of b1." in shown["lines"]


def test_nodes_are_no_clients_until_they_have_moved():
    """A client may run on a node's host; at ZooKeeper it cannot be told from the broker there."""
    here = {"b1": [NODE], "z1": [{"port": 2181, "address": "10.0.0.2"}]}
    before = plan({"b1": "opened", "z1": "opened"}, connections=here, own={"10.0.0.2"})
    assert "No client is on plaintext now." in before["lines"]
    after = plan({"b1": "moved", "z1": "moved"}, connections=here, own={"10.0.0.2"}, confirmed=True)
    assert "10.0.0.2 at CLIENT (9092) of b1;" in after["findings"][0] and "ZooKeeper" not in after["findings"][0]


def test_a_stranger_at_zookeeper_is_named():
    made = plan(
        {"b1": "moved", "z1": "moved"}, connections={"z1": [{"port": 2181, "address": "10.9.9.9"}]}, confirmed=True
    )
    assert "10.9.9.9 at ZooKeeper (2181) of z1" in made["findings"][0]


def test_what_began_to_close_waits_for_its_confirmation():
    made = plan({"b1": "moved", "b2": "tls"})
    assert made["step"] is None and "add -e kafka_confirm=demo" in made["findings"][0]


# The aim.


@pytest.mark.parametrize(
    ("aim", "said"),
    [
        ({**AIM, "security": "none"}, "kafka_security is none, but this playbook takes a cluster to tls"),
        (
            {**AIM, "listeners": [{"name": "CLIENT", "port": 9094, "protocol": "SASL_SSL"}]},
            "gives its name to a listener",
        ),
        (
            {**AIM, "listeners": [{"name": "NEW", "port": 9092, "protocol": "SASL_SSL"}]},
            "gives its port 9092 to a listener",
        ),
    ],
    ids=["none", "a name that runs", "a port that runs"],
)
def test_an_aim_that_cannot_work_is_refused_with_listeners_that_do(aim, said):
    made = plan({"b1": "none"}, aim=aim)
    assert made["step"] is None and len(made["findings"]) == 1 and said in made["findings"][0]
    assert "[{name: CLIENT_TLS, port: 9093}, {name: REPLICATION_TLS, port: 9094}]" in made["findings"][0]


def test_what_is_suggested_works():
    names = {"b1": found("none"), "c1": securing.read("controller", text("none", "controller"))}
    assert securing.suggested(names) == (
        "[{name: CLIENT_TLS, port: 9094}, {name: REPLICATION_TLS, port: 9095}, {name: CONTROLLER_TLS, port: 9096}]"
    )


def test_a_cluster_that_was_never_started_is_for_site():
    made = securing.plan({"b1": securing.read("broker", "")}, AIM, {}, (), confirmed=False)
    assert made["findings"] == [
        "No node has been started yet, so that there is nothing to secure; run site, which starts them secured."
    ]


def test_two_names_for_one_listener_are_one_too_many():
    (said,) = security.findings("none", [*PLAIN, {"name": "REPLICATION_TLS", "port": 9095}], (), "")
    assert said.startswith("kafka_listeners has REPLICATION and REPLICATION_TLS")
    assert security.findings("tls", NEW, (), "") == []
