"""Whose disks and whose process a host has, and what the inventory says."""

from __future__ import annotations

from types import SimpleNamespace as Made

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_services_findings
from ansible_collections.rackaware.kafka.plugins.module_utils._config import units
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._host import identity

MEMBERS = {"broker": ["b1", "b2", "b3"], "zookeeper": ["z1", "z2", "z3"], "controller": []}
COMBINED = {"broker": ["b1", "b2", "b3"], "zookeeper": [], "controller": ["b1", "b2", "b3"]}


def hosts(**ids):
    names = [name for listed in MEMBERS.values() for name in listed]
    return {
        name: {"kafka_node_id": ids.get(name, int(name[1])), "ansible_host": "10.0.0.%s" % name[1]} for name in names
    }


def disk(number, cluster="abc"):
    return {"path": "/data0/logs", "state": "formatted", "cluster_id": cluster, "node_id": number}


def told(*numbers, process=None, quorum=(), cluster="abc"):
    running = {"path": "/etc/kafka/broker.properties", "node_id": process} if process else None
    return [{"directories": [disk(number, cluster) for number in numbers], "process": running, "quorum": list(quorum)}]


def servers(*ids):
    return [{"id": number, "address": "10.0.0.%d" % number} for number in ids]


def controllers(*hosts):
    return [{"id": None, "address": "10.0.0.%d:9093" % number} for number in hosts]


GOOD = {name: told(int(name[1]), process=int(name[1]) if name[0] == "b" else None) for name in hosts()}


def test_hosts_that_are_what_the_inventory_says_are_no_finding():
    assert identity.findings(hosts(), MEMBERS, GOOD) == []
    assert identity.findings(hosts(), MEMBERS, {}) == []
    assert identity.findings(hosts(b1="1"), MEMBERS, GOOD) == []


def test_two_that_are_swapped_are_one_sentence():
    found = identity.findings(hosts(b1=2, b2=1), MEMBERS, GOOD)
    assert found == [
        "b1 and b2 are swapped: the inventory gives them the node ids 2 and 1, but /data0/logs says 1 and /data0/logs says 2; swap kafka_node_id of the two,"
        " or their disks."
    ]


def test_a_running_service_says_whose_it_is_where_no_disk_does():
    found = identity.findings(hosts(), MEMBERS, {**GOOD, "b1": told(process=2), "b2": told(process=1)})
    assert (
        "b1 and b2 are swapped" in found[0]
        and "its running service, started with /etc/kafka/broker.properties says 2" in found[0]
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"b1": told(9)},
            "b1 is node 1 in the inventory, but /data0/logs belongs to node 9; correct kafka_node_id, or attach the right disk.",
        ),
        ({"b1": told(1, 9)}, "b1 is node 1 in the inventory, but /data0/logs belongs to node 9;"),
        (
            {"b1": told(1, process=3)},
            "b1 is node 1 in the inventory, but its running service, started with /etc/kafka/broker.properties, belongs to node 3,",
        ),
        (
            {"z1": told(3)},
            "z1 is node 1 in the inventory, but /data0/logs belongs to node 3, which the inventory calls z3",
        ),
        (
            {"b2": told(2, cluster="def")},
            "The nodes carry disks of 2 clusters: abc has /data0/logs on b1, /data0/logs on b3; def has /data0/logs on b2",
        ),
    ],
)
def test_what_is_not_as_the_inventory_says_is_named(changes, sentence):
    found = identity.findings(hosts(), MEMBERS, {**GOOD, **changes})
    assert len(found) == 1 and sentence in found[0], found


def test_three_that_went_round_are_three_sentences():
    found = identity.findings(hosts(b1=2, b2=3, b3=1), MEMBERS, GOOD)
    assert len(found) == 3 and all("which the inventory calls" in sentence for sentence in found)


def test_a_quorum_that_would_shrink_is_named_unless_a_person_says_so():
    answers = {**GOOD, "z2": told(2, quorum=servers(1, 2, 3, 4, 5))}
    found = identity.findings(hosts(), MEMBERS, answers)
    assert (
        len(found) == 1
        and "The inventory has 3 ZooKeeper nodes, but the nodes know 5, with 4 (10.0.0.4), 5 (10.0.0.5);" in found[0]
    )
    assert """-e '{"kafka_quorum_removed": ["4", "5"]}'""" in found[0]
    assert (
        identity.findings(hosts(), MEMBERS, answers, [4, 5])
        == identity.findings(hosts(), MEMBERS, answers, ["4", "5"])
        == []
    )
    assert "with 5" in identity.findings(hosts(), {**MEMBERS, "zookeeper": ["z1", "z2"]}, answers, [4])[0].replace(
        "3 (10.0.0.3), ", ""
    )


def test_every_zookeeper_node_that_is_known_is_missed_also_where_another_takes_its_place():
    answers = {**GOOD, "z1": told(1, quorum=servers(1, 2, 9))}
    assert (
        "the nodes know 3, with 9 (10.0.0.9); start what is stopped" in identity.findings(hosts(), MEMBERS, answers)[0]
    )
    assert identity.findings(hosts(), MEMBERS, answers, [9]) == []
    others = {name: told(number, quorum=servers(7, 8, 9)) for name, number in (("z1", 1), ("z2", 2), ("z3", 3))}
    assert (
        "with 7 (10.0.0.7), 8 (10.0.0.8), 9 (10.0.0.9);" in identity.findings(hosts(), MEMBERS, {**GOOD, **others})[0]
    )


BLANK = [
    {
        "directories": [{"path": "/data", "state": "absent", "node_id": None}],
        "mounted": True,
        "process": None,
        "quorum": [],
    }
]
NUMBERED = [{"directories": [{"path": "/data", "state": "absent", "node_id": 2}]}]
UNKNOWN = [{**BLANK[0], "mounted": False}]
RUNNING = [{**BLANK[0], "running": True}]


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({"z2": BLANK, "z3": BLANK}, "2 of the 3 ZooKeeper nodes (z2, z3) have no data, and b1, b2, b3, z1 have some"),
        ({"z2": UNKNOWN + NUMBERED, "z3": BLANK}, "2 of the 3 ZooKeeper nodes (z2, z3) have no data"),
        (
            {"z1": BLANK, "z2": BLANK, "z3": BLANK},
            "3 of the 3 ZooKeeper nodes (z1, z2, z3) have no data, and b1, b2, b3 have some",
        ),
        ({"z1": BLANK, "z2": RUNNING, "z3": RUNNING}, "3 of the 3 ZooKeeper nodes (z1, z2, z3) have no data"),
        ({"z1": RUNNING, "z2": RUNNING, "z3": RUNNING}, None),
        ({"z3": BLANK}, None),
        ({"z2": UNKNOWN, "z3": BLANK}, None),
        ({name: BLANK for name in hosts()}, None),
        (
            {
                "z2": [{"directories": [{"path": "/data", "state": "unreadable", "node_id": None}], "mounted": True}],
                "z3": BLANK,
            },
            None,
        ),
    ],
    ids=[
        "two of three",
        "a number alone is no data",
        "all of them",
        "all of them, and one is still to be started",
        "a new ensemble whose first broker has just connected",
        "one of three",
        "a disk that is not mounted",
        "a new cluster",
        "a disk that failed",
    ],
)
def test_blank_zookeeper_nodes_are_no_majority_beside_data(changes, who):
    found = identity.findings(hosts(), MEMBERS, {**GOOD, **changes})
    assert [who in sentence for sentence in found] == ([True] if who else []), found
    assert not who or "fewer than half" in found[0]


def test_a_node_that_is_replaced_or_added_shrinks_nothing():
    assert identity.findings(hosts(), MEMBERS, {**GOOD, "z1": told(1, quorum=servers(1))}) == []
    half = {"b1": told(1, quorum=controllers(1, 2, 9)), "b2": told(2, quorum=controllers(1, 2, 3))}
    assert identity.findings(hosts(), COMBINED, half) == []


def test_controllers_are_known_by_their_addresses():
    found = identity.findings(hosts(), COMBINED, {"b1": told(1, quorum=controllers(1, 2, 3, 4, 5))})
    assert "The inventory has 3 controllers, but the nodes know 5, with 10.0.0.4:9093, 10.0.0.5:9093;" in found[0]
    assert (
        identity.findings(
            hosts(), COMBINED, {"b1": told(1, quorum=controllers(1, 2, 3, 4, 5))}, ["10.0.0.4:9093", "10.0.0.5:9093"]
        )
        == []
    )


def test_an_ipv6_address_is_the_same_in_each_spelling():
    six = {
        name: {**values, "ansible_host": "fd00:0:0::%d" % number}
        for number, (name, values) in enumerate(hosts().items(), 1)
    }
    known = [{"id": None, "address": "[fd00::%d]:9093" % number} for number in (1, 2, 3, 4)]
    (found,) = identity.findings(six, COMBINED, {"b1": told(1, quorum=known)})
    assert "know 4, with [fd00::4]:9093;" in found


def test_hosts_that_answered_are_compared_and_those_that_did_not_are_named_first():
    groups = {"kafka_brokers": ["b1", "b2"]}
    answered = {
        name: {
            "kafka_node_id": 3 - int(name[1]),
            "__kafka_service": {"unit_state": "active", "identity": GOOD[name][0]},
        }
        for name in ("b1", "b2")
    }
    assert "b1 and b2 are swapped" in kafka_services_findings(answered, ["b1", "b2"], groups)[0]
    assert kafka_services_findings(answered, ["b1", "b2"]) == []
    removed = {
        **answered,
        "b1": {**answered["b1"], "kafka_quorum_removed": [9]},
        "b2": {**answered["b2"], "kafka_quorum_removed": [9]},
    }
    assert len(kafka_services_findings(removed, ["b1", "b2"], groups)) == 1
    silent = {**answered, "b2": {"kafka_node_id": 1, "__kafka_service": {}}}
    assert kafka_services_findings(silent, ["b1", "b2"], groups) == [
        "b2 did not say how its service is: no reason was given. See docs/runbooks/broker_down.md."
    ]


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host whose configuration and disk are in a directory."""
    config = tmp_path / "config"
    monkeypatch.setattr(units, "service", lambda name: Made(config=str(config)))
    (tmp_path / "logs").mkdir()
    return tmp_path


def look(host, service="broker", **more):
    return identity.look(service, [str(host / "logs")], **{"runs": True, **more})


def test_a_broker_is_read_from_its_disk_and_from_the_file_that_it_runs_with(host):
    (host / "logs" / "meta.properties").write_text("version=0\nbroker.id=3\ncluster.id=abc\n")
    (host / "config").write_text("# broker.id=9\nbroker.id=4\nlog.dirs=/x\n")
    (host / "config.staged").write_text("broker.id=5\n")
    found = look(host)
    assert [(item["node_id"], item["cluster_id"]) for item in found["directories"]] == [(3, "abc")]
    assert (
        found["process"] == {"path": str(host / "config"), "node_id": 4} and found["mounted"] and found["quorum"] == []
    )
    assert look(host, runs=False)["process"] is None


def test_a_controller_knows_its_quorum(host):
    (host / "config").write_text("node.id=101\ncontroller.quorum.bootstrap.servers=a:9093,[2001:db8::1]:9093\n")
    found = look(host, "controller")
    assert found["process"]["node_id"] == 101
    assert found["quorum"] == [{"id": None, "address": "a:9093"}, {"id": None, "address": "[2001:db8::1]:9093"}]


def test_a_zookeeper_node_is_its_myid(host):
    (host / "logs" / "myid").write_text("2\n")
    (host / "config").write_text("server.1=a:2888:3888\nserver.2=[2001:db8::1]:2888:3888\nserver.x=b\n")
    found = look(host, "zookeeper", runs=False)
    assert found["directories"][0]["node_id"] == 2 and found["process"] is None
    assert found["quorum"] == [{"id": 1, "address": "a"}, {"id": 2, "address": "[2001:db8::1]"}]


@pytest.mark.parametrize(
    "names, state",
    [
        ([], "absent"),
        # A first start without the others (3.9.2 of Kafka, ZooKeeper 3.8): a first run of site that broke off goes on.
        (["acceptedEpoch", "currentEpoch", "snapshot.0"], "absent"),
        (["snapshot.0.gz"], "absent"),
        (["snapshot.0", "log.100000001"], "formatted"),
        (["snapshot.100000000"], "formatted"),
    ],
)
def test_a_zookeeper_node_has_data_when_it_has_been_in_an_ensemble(host, names, state):
    (host / "logs" / "myid").write_text("2\n")
    assert look(host, "zookeeper", runs=False)["directories"][0]["state"] == "absent"
    (host / "logs" / "version-2").mkdir()
    for name in names:
        (host / "logs" / "version-2" / name).write_text("")
    assert look(host, "zookeeper", runs=False)["directories"][0]["state"] == state


def test_a_host_that_is_new_says_nothing(host):
    (host / "config").write_text("server.1=a:2888:3888\n")
    found = look(host, "zookeeper", runs=False)
    assert found["quorum"] == [] and found["directories"][0]["node_id"] is None


def test_what_is_not_mounted_is_not_known(host):
    assert look(host, mounts=["/"])["mounted"] and not look(host, mounts=["/", str(host)])["mounted"]


@pytest.mark.parametrize(("service", "name"), [("broker", "meta.properties"), ("zookeeper", "myid")])
def test_a_disk_that_cannot_be_read_does_not_hide_the_others_when_tolerant(host, service, name):
    (host / "logs" / name).mkdir()
    assert look(host, service, tolerant=True)["directories"][0]["state"] == "unreadable"
    with pytest.raises(RackawareError, match="cannot be read"):
        look(host, service)


WANTED = identity.wanted_protocols(
    [{"name": "CLIENT", "protocol": "SASL_SSL"}, {"name": "REPLICATION", "protocol": "SSL"}]
)


def running(protocols):
    listeners = [{"name": "CLIENT", "port": 9091, "protocol": "PLAINTEXT"}]
    return [{**told(1)[0], "protocols": protocols, "listeners": listeners}]


def test_a_listener_that_would_speak_otherwise_after_a_restart_is_refused_once_for_all_its_nodes():
    plain = {"CLIENT": "PLAINTEXT", "REPLICATION": "PLAINTEXT", "OLD": "PLAINTEXT"}
    found = identity._changed_protocols({name: running(plain) for name in ("b1", "b2")}, WANTED)
    assert len(found) == 1 and found[0].startswith(
        "CLIENT, REPLICATION speak PLAINTEXT on b1, b2, and the inventory asks for SASL_SSL and SSL, which nodes"
    )
    assert (
        "new names and ports, as in [{name: CLIENT_TLS, port: 9092}, {name: REPLICATION_TLS, port: 9093}]" in found[0]
    )
    assert found[0].endswith("and run secure_cluster. See docs/runbooks/secure_cluster.md.")
    (back,) = identity._changed_protocols({"b1": running({"CLIENT": "SASL_SSL"})}, {"CLIENT": "PLAINTEXT"})
    assert "secure_cluster," not in back and "to what runs. See" in back
    assert identity.findings(hosts(), MEMBERS, {**GOOD, "b1": running(plain)}, (), WANTED) == [
        sentence.replace("b1, b2", "b1") for sentence in found
    ]


def test_listeners_that_stay_as_they_are_are_no_finding():
    same = {"CLIENT": "SASL_SSL", "REPLICATION": "SSL", "ANOTHER": "PLAINTEXT"}
    assert identity._changed_protocols({"b1": running(same), "z1": running({}), "b2": told(2)}, WANTED) == []


def test_what_runs_says_what_it_speaks():
    text = "a=b\nlistener.security.protocol.map=CLIENT:SASL_SSL,REPLICATION:SSL\n"
    assert identity._protocols(text) == {"CLIENT": "SASL_SSL", "REPLICATION": "SSL"}
    assert identity._protocols("clientPort=2181\n") == {}


@pytest.mark.parametrize("runs", ["none", "opened", "moved"])
def test_a_node_that_serves_plaintext_is_refused_a_secured_inventory(runs):
    found = {"z1": [{"running": True, "security": runs}], "b1": [{"running": True, "security": "tls"}]}
    (said,) = identity._other_security(found, "tls")
    assert said.startswith("Host z1 serves clients and nodes in plaintext") and "run secure_cluster" in said
    assert said.endswith("See docs/runbooks/secure_cluster.md.")
    assert identity.findings(hosts(), MEMBERS, {**GOOD, **found}, wanted="tls") == [said]
    # secure_cluster itself may.
    assert identity.findings(hosts(), MEMBERS, {**GOOD, **found}) == []


def test_a_secured_node_is_refused_an_inventory_without_security():
    (said,) = identity._other_security({"b1": [{"running": True, "security": "tls"}]}, "none")
    assert said.startswith("Host b1 serves clients with TLS") and "set it to tls" in said


@pytest.mark.parametrize(
    "reply",
    [{"running": False, "security": "none"}, {"running": True, "security": None}, {"running": True, "security": "tls"}],
    ids=["a node that is stopped", "one without a configuration", "one that is secured"],
)
def test_a_node_that_would_cut_off_no_one_is_no_finding(reply):
    assert identity._other_security({"b1": [reply]}, "tls") == []
