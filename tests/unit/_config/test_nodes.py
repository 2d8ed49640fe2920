"""Roles, addresses, disks and listeners of nodes, and what is wrong with an inventory."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.filter import inventory
from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_site_findings
from ansible_collections.rackaware.kafka.plugins.module_utils._config import nodes
from ansible_collections.rackaware.kafka.plugins.module_utils._config.nodes import NodesError

JMX = "-Dcom.sun.management.jmxremote."
GROUPS = {"broker": ["b1", "b2", "b3"], "zookeeper": ["z1", "z2", "z3"], "controller": []}
TYPES = {"m6i.large": {"vcpus": 2, "memory_mb": 8192, "network_gbps": 12.5}}
LISTENERS = [
    {"name": "CLIENT", "port": 9092},
    {"name": "REPLICATION", "port": 9091},
    {"name": "CONTROLLER", "port": 9093},
]


def hosts():
    return {
        "%s%d" % (letter, number): {
            "ansible_host": "198.18.%d.%d" % (number, 11 if letter == "b" else 201),
            "kafka_cluster": "demo",
            "kafka_node_id": number,
            "kafka_rack": "eu-west-1%s" % "abc"[number - 1],
            "kafka_instance_type": "m6i.large",
            "kafka_data_volumes": ["vol-0000000%s%d" % ("b" if letter == "b" else "a", number)],
        }
        for letter in "bz"
        for number in (1, 2, 3)
    }


def findings(changes=None, groups=GROUPS, everywhere=None, **cluster):
    found = hosts()
    for host, values in (changes or {}).items():
        found[host].update(values)
    for values in found.values():
        values.update(everywhere or {})
    wanted = dict({"groups": groups, "version": "3.9.2", "replication_factor": 3, "min_insync_replicas": 2}, **cluster)
    return kafka_site_findings(found, wanted, TYPES)


def test_a_good_inventory_has_no_findings():
    assert findings() == []


def kraft(**more):
    groups = {"broker": ["b1", "b2", "b3"], "zookeeper": [], "controller": ["b1", "b2", "b3"]}
    return findings(groups=groups, **dict({"version": "4.3.1"}, **more))


def test_combined_nodes_are_good_too():
    assert kraft() == []


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ({"version": "4.3.1"}, "Kafka 4.3.1 cannot run with ZooKeeper nodes"),
        ({"version": "3.9"}, "must be a full version"),
        ({"replication_factor": 4}, "The replication factor is 4, but there are 3 brokers"),
        ({"replication_factor": 1}, "below min.insync.replicas 2"),
        ({"min_insync_replicas": 3}, "writes stop when one broker is away"),
        ({"replication_factor": "three"}, "must be a whole number"),
        ({"changes": {"b2": {"kafka_node_id": 1}}}, "Node id 1 is given to several"),
        ({"changes": {"b2": {"kafka_node_id": None}}}, "Host b2 has no kafka_node_id"),
        ({"changes": {"b3": {"kafka_rack": "eu-west-1b"}}}, "The brokers lie in 2 racks"),
        ({"everywhere": {"kafka_cluster": None}}, "Hosts b1, b2, b3 and 3 more have no kafka_cluster; give the"),
        (
            {"changes": {"z2": {"kafka_cluster": ""}}},
            "Host z2 has no kafka_cluster; give the cluster a name of its own",
        ),
        ({"everywhere": {"kafka_rack": ""}}, "Hosts b1, b2, b3 and 3 more have no kafka_rack; set it"),
        ({"changes": {"b1": {"kafka_data_volumes": []}}}, "Host b1 has no data volumes"),
        ({"everywhere": {"kafka_data_volumes": []}}, "Hosts b1, b2, b3 and 3 more have no data volumes; attach one"),
        (
            {"changes": {"b1": {"kafka_data_volumes": []}}, "everywhere": {"kafka_data_on_root_disk": "false"}},
            "Host b1 has no data volumes",
        ),
        (
            {"changes": {"b1": {"kafka_data_volumes": ["/dev/sdb"]}}},
            "Host b1: /dev/sdb is not a lasting name of a disk",
        ),
        ({"changes": {"z1": {"kafka_data_volumes": ["data"]}}}, "Host z1: 'data' is no EBS volume id; it must look"),
        (
            {"changes": {"z1": {"kafka_data_volumes": [{"id": 1}]}}},
            "kafka_data_volumes is a list, but must be a list in",
        ),
        ({"changes": {"z1": {"kafka_data_volumes": ["vol-00000001", "vol-00000002"]}}}, "keeps its data on one volume"),
        (
            {"changes": {"b1": {"broker_heap_mb": 4096}}},
            "Host b1: The heap is set to 4096 MB, but must stay below 4096 MB",
        ),
        ({"changes": {"z1": {"zookeeper_heap_mb": 5000}}}, "Host z1: The heap is set to 5000 MB"),
        ({"everywhere": {"broker_hap_mb": 512}}, "The variable broker_hap_mb is unknown; did you mean broker_heap_mb?"),
        ({"everywhere": {"kafka_verison": "3.9.2"}}, "did you mean kafka_version?"),
        ({"everywhere": {"zookeeper_colour": "red"}}, "The variable zookeeper_colour is unknown"),
        ({"everywhere": {"kafka_open_files": "many"}}, "kafka_open_files"),
        ({"everywhere": {"broker_config": {"broker.id": 7}}}, "which the inventory decides"),
        ({"everywhere": {"broker_config": {"num.io.threads": 1}}}, "more than the 1 data disks"),
        (
            {"everywhere": {"broker_config": {"log.retention.hour": 7}}},
            "Hosts b1, b2, b3: broker_config sets log.retention.hour, which Kafka does not know; did you mean",
        ),
        ({"everywhere": {"zookeeper_config": {"dataDir": "/tmp"}}}, "which the inventory decides"),
        (
            {"everywhere": {"zookeeper_config": {"admin.enableServer": True}}},
            "zookeeper_config sets admin.enableServer",
        ),
        ({"everywhere": {"kafka_listeners": [{"name": "CLIENT", "port": 0}]}}, "the entry"),
        (
            {"everywhere": {"broker_jvm_options": "-Da=b"}},
            "broker_jvm_options is a text, but must be a list, as in [a, b]; correct it. (all hosts)",
        ),
        ({"everywhere": {"kafka_data_volumes": "a,b"}}, "kafka_data_volumes is a text, but must be a list"),
        (
            {"everywhere": {"zookeeper_jvm_options": ["-Xmx31g"]}},
            "zookeeper_jvm_options has -Xmx31g, but the heap is zookeeper_heap_mb's",
        ),
        (
            # A port in one list, and in the other that it asks for no password.
            {
                "everywhere": {
                    "broker_jvm_flags": [JMX + "port=9999"],
                    "broker_jvm_options": [JMX + "authenticate=false"],
                }
            },
            "Hosts b1, b2, b3: broker_jvm_options opens JMX on port 9999 with authenticate=false",
        ),
        ({"everywhere": {"broker_heap_mb": 31000}}, "Hosts b1, b2, b3: The heap is set to 31000 MB"),
        ({"listeners": [{"name": "CLIENT", "port": 70000}]}, "from 1 to 65535"),
        ({"findings": ["b1 and b2 disagree."]}, "b1 and b2 disagree."),
        ({"everywhere": {"kafka_cluster": "../etc"}}, "kafka_cluster is '../etc', but may have letters, digits, dots"),
        ({"topology": {"name": "orders"}}, "kafka_topology describes the cluster orders"),
        ({"groups": dict(GROUPS, zookeeper=["z1", "z2"])}, "There are 2 ZooKeeper nodes, but an even number"),
        ({"groups": dict(GROUPS, zookeeper=["z1"])}, "only one of the ZooKeeper nodes"),
        ({"groups": dict(GROUPS, zookeeper=["z1", "z2", "b3"])}, "Host b3 is a ZooKeeper node and a broker at once"),
        ({"groups": dict(GROUPS, zookeeper=[])}, "neither ZooKeeper nodes nor controllers"),
        ({"groups": {"broker": [], "zookeeper": [], "controller": []}}, "The inventory has no Kafka hosts"),
        (
            {"groups": dict(GROUPS, controller=["b1"]), "version": "4.3.1"},
            "a migration between them is not done by site",
        ),
        (
            {"groups": dict(GROUPS, controller=["b1"]), "listeners": [{"name": "CLIENT", "port": 9092}]},
            "kafka_listeners has no listener CONTROLLER",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_in_a_sentence(case, sentence):
    assert any(sentence in found for found in findings(**case)), findings(**case)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [("3.9.2", "Kafka 3.9.2 with controllers is not supported"), ("3.8.1", "cannot grow its controllers' quorum")],
)
def test_3_x_with_controllers_is_refused(version, sentence):
    assert any(sentence in found for found in kraft(version=version))


TOPOLOGY = {
    "name": "demo",
    "region": "eu-west-1",
    "vpc_cidr": "198.18.0.0/20",
    "zones": [
        {"name": "eu-west-1" + letter, "cidr": "198.18.%d.0/24" % number} for number, letter in enumerate("abc", 1)
    ],
    "client_cidrs": ["198.18.0.0/20"],
    "admin_cidrs": ["198.18.0.0/20"],
    "image": "name:debian",
    "brokers": {"instance_type": "m6i.large", "count": 3},
    "zookeepers": {"instance_type": "m6i.large", "count": 3},
}


@pytest.mark.parametrize("gone", [["b3"], ["z3"], ["z2", "z3"], ["b3", "z3"]], ids=",".join)
def test_a_cluster_that_lacks_a_terminated_node_is_not_taken_for_a_smaller_one(gone):
    """No one is advised at night to lower the replication factor or to live with two zones."""
    left = {role: [name for name in names if name not in gone] for role, names in GROUPS.items()}
    (found,) = findings(groups=left, topology=TOPOLOGY)
    assert "which the inventory lacks" in found
    assert findings(groups=left, topology=TOPOLOGY, missing_ok=True) == []


def test_an_id_that_is_given_twice_is_no_terminated_node():
    found = findings({"b2": {"kafka_node_id": 1}}, topology=TOPOLOGY, replication_factor=4)
    assert any("The replication factor is 4, but there are 3 brokers" in sentence for sentence in found), found


def test_fewer_zones_are_allowed_when_asked_for():
    assert findings({"b3": {"kafka_rack": "eu-west-1b"}}, allow_fewer_zones=True) == []


def test_data_on_the_root_disk_is_allowed_when_asked_for():
    assert findings({"b1": {"kafka_data_volumes": []}}, everywhere={"kafka_data_on_root_disk": True}) == []


def test_a_mistake_on_all_hosts_is_said_once():
    assert findings(everywhere={"kafka_open_files": "many", "ansible_user": "admin", "network_mask": 24}) == [
        found for found in findings(everywhere={"kafka_open_files": "many"}) if "(all hosts)" in found
    ]
    assert len(findings(everywhere={"kafka_open_files": "many"})) == 1


def test_a_heap_is_bounded_without_the_api_too():
    found = hosts()
    found["b1"].update(broker_heap_mb=4200, kafka_instance_type="metal")
    cluster = {"groups": GROUPS, "version": "3.9.2", "replication_factor": 3, "min_insync_replicas": 2}
    assert "below 4096 MB" in kafka_site_findings(found, cluster)[0]


@pytest.mark.parametrize(
    "everywhere",
    [
        {"broker_heap_mb": 31000},
        {"broker_heap_mb": "6g"},
        {"broker_jvm_options": ["-Xmx31g"]},
        {"broker_jvm_options": "-Xmx31g"},
        {"broker_config": "a=b"},
        {"zookeeper_config": [1]},
        {"broker_config": {"broker.id": 1}},
        {"kafka_data_volumes": "vol-1,vol-2"},
        {"kafka_data_volumes": 5},
        {"kafka_data_volumes": []},
        {"kafka_data_volumes": ["/dev/sdb"]},
        {"kafka_cluster": None},
        {"kafka_node_id": None},
        {"kafka_rack": None},
        {"kafka_rack": ["a"]},
        {"kafka_cluster": ["demo"]},
        {"kafka_instance_type": {"a": 1}},
        {"kafka_node_id": "1"},
        {"kafka_ui_port": 1},
        {"kafka_open_files": True},
        {"kafka_own_variables": "kafka_ui_port"},
    ],
    ids=str,
)
def test_a_mistake_of_a_group_is_one_sentence(everywhere):
    assert len(findings(everywhere=everywhere)) == 1, findings(everywhere=everywhere)


@pytest.mark.parametrize("name", ["kafka_replication_factor", "kafka_min_insync_replicas", "kafka_node_id"])
def test_a_number_that_is_none_is_one_sentence_also_where_the_roles_know_it(name):
    cluster = {name.removeprefix("kafka_"): "three"} if name != "kafka_node_id" else {}
    found = findings({"b1": {name: "three"}}, **cluster)
    assert len(found) == 1 and "is 'three', but must be a whole number" in found[0], found


def test_disks_may_be_named_by_id_and_be_encrypted_stores():
    for name in ("vol-0123456789abcdef0", "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data1", "/dev/mapper/kafka-d0"):
        assert findings({"b1": {"kafka_data_volumes": [name]}}) == []
    assert len(findings({"b1": {"kafka_data_volumes": ["/dev/mapper/other"]}})) == 1


def test_names_of_their_own_are_let_through_by_whole_name_or_beginning():
    own = {"kafka_ui_port": 1, "kafka_exporter_url": "x", "broker_notes": "y", "kafka_verison": "z"}
    allowed = {"kafka_own_variables": ["kafka_ui_port", "kafka_exporter_", "broker_notes", "kafka_verison"]}
    assert len(findings(everywhere=own)) == 4
    assert findings(everywhere={**own, **allowed}) == []
    assert findings({"b1": own}, everywhere=allowed) == []
    # What one host allows is not allowed on another.
    assert findings({"b1": allowed}, everywhere={"kafka_ui_port": 1})[0].endswith("(b2, b3, z1 and 2 more)")


@pytest.mark.parametrize(
    ("own", "name", "sentence"),
    [
        (["kafka_ui_"], "kafka_ui", "The variable kafka_ui is unknown"),
        (
            ["kafka_instanc_"],
            "kafka_instanc_type",
            "did you mean kafka_instance_type? If it is your own, put the whole name into",
        ),
        (
            ["kafka_"],
            "kafka_x",
            "kafka_own_variables has kafka_, but kafka_accept_loss is a variable of this collection;",
        ),
        (
            ["kafka_version"],
            "kafka_ui",
            "kafka_own_variables has kafka_version, but kafka_version is a variable of this",
        ),
        (
            ["kafka_proof_topic"],
            "kafka_proof_topic",
            "kafka_proof_topic has a new name; write kafka_check_topic instead.",
        ),
    ],
)
def test_names_of_their_own_never_hide_ours(own, name, sentence):
    found = findings(everywhere={"kafka_own_variables": own, name: 1})
    assert any(sentence in item for item in found), found


def test_a_list_that_a_survey_gives_is_a_text():
    assert findings(everywhere={"roll_only": "b1,b2", "roll_allow_topics": "t"}) == []


@pytest.mark.parametrize(
    ("version", "refused"),
    [("2.18.6", True), ("2.19.0", False), ("2.19.14rc1", False), ("2.21.1", False), ("3.0", False)],
)
def test_an_ansible_that_is_too_old_is_refused_with_nothing_else(monkeypatch, version, refused):
    monkeypatch.setattr(inventory, "__version__", version)
    found = findings(version="3.9")
    assert (
        len(found) == 1
        and ("This is ansible-core %s, but the collection needs 2.19 or later" % version in found[0]) == refused
    )


def test_a_host_has_one_role():
    groups = {"broker": ["b1", "n1"], "controller": ["c1", "n1"], "zookeeper": ["z1"]}
    assert [nodes.role(name, groups) for name in ("b1", "c1", "n1", "z1")] == [
        "broker",
        "controller",
        "combined",
        "zookeeper",
    ]
    with pytest.raises(NodesError, match="Host x is neither"):
        nodes.role("x", groups)


def test_nodes_are_listed_by_id_whatever_their_order():
    assert nodes.nodes(hosts(), ["z3", "z1", "z2"], 2181)[0] == {"id": 1, "host": "198.18.1.201", "port": 2181}


def test_a_node_without_an_id_is_named():
    with pytest.raises(NodesError, match="Host x has no kafka_node_id"):
        nodes.nodes({"x": {}}, ["x"], 2181)


def test_disks_are_mounted_in_their_order():
    assert nodes.mounts(["vol-1", "/dev/disk/by-id/x"], "broker") == [
        {"id": "vol-1", "mount": "/var/lib/kafka/data0"},
        {"path": "/dev/disk/by-id/x", "mount": "/var/lib/kafka/data1"},
    ]


@pytest.mark.parametrize(
    ("role", "volumes", "dirs"),
    [
        ("broker", ["vol-00000001", "vol-00000002"], ["/var/lib/kafka/data0/logs", "/var/lib/kafka/data1/logs"]),
        ("combined", ["vol-1"], ["/var/lib/kafka/data0/logs"]),
        ("controller", ["vol-1"], ["/var/lib/kafka/metadata/logs"]),
        ("zookeeper", ["vol-1"], ["/var/lib/zookeeper/data"]),
        ("broker", [], ["/var/lib/kafka/data0/logs"]),
        ("zookeeper", None, ["/var/lib/zookeeper/data"]),
    ],
)
def test_data_lies_below_the_mount_points(role, volumes, dirs):
    assert nodes.data_dirs(volumes, role) == dirs


def test_ports_are_those_of_the_role():
    assert nodes.ports(LISTENERS, "broker") == [9092, 9091]
    assert nodes.ports(LISTENERS, "controller") == [9093]
    assert nodes.ports(LISTENERS, "combined") == [9092, 9091, 9093]
    assert nodes.ports(LISTENERS, "zookeeper") == [2181, 2888, 3888]


def test_brokers_without_a_listener_of_their_own_use_the_clients():
    found = nodes.listeners([{"name": "CLIENT", "port": 9092, "protocol": "SSL"}], "broker", "h")
    assert found["inter.broker.listener.name"] == "CLIENT"
    assert found["listener.security.protocol.map"] == "CLIENT:SSL"


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ([], "must be a list"),
        ("CLIENT", "must be a list"),
        ([{"port": 1}], "must have a name and a port"),
        ([{"name": "A", "port": 70000}], "from 1 to 65535"),
        ([{"name": "A", "port": "x"}], "from 1 to 65535"),
        ([{"name": "A", "port": 1, "protocol": "TLS"}], "which Kafka does not know"),
        ([{"name": "A", "port": 1}, {"name": "A", "port": 2}], "declared twice"),
        ([{"name": "CLIENT", "port": 1}, {"name": "Client", "port": 2}], "declared twice"),
        ([{"name": "CLIENT", "port": 1}, {"name": "replication", "port": 2}], "is REPLICATION for Kafka"),
        ([{"name": "Controller", "port": 1}], "is CONTROLLER for Kafka"),
        ([{"name": "A:PLAINTEXT,B", "port": 1}], "use letters, digits"),
        ([{"name": "REPLICATION.SSL", "port": 1}], "use letters, digits"),
        ([{"name": "REPLICATION\n", "port": 1}], "use letters, digits"),
        ([{"name": "A", "port": 1}, {"name": "B", "port": 1}], "share port 1"),
        ([{"name": "REPLICATION", "port": 1}], "no listener for clients"),
    ],
    ids=str,
)
def test_listeners_that_cannot_work_are_refused(declared, sentence):
    assert sentence in nodes.listener_findings(declared)[0]
    with pytest.raises(NodesError, match=sentence.replace("(", "\\(")):
        nodes.listeners(declared, "broker", "h")


def test_hosts_that_did_not_answer_are_named_with_the_reason():
    said = {
        "b1": {"unit_state": "active"},
        "b2": {"unreachable": True, "msg": "Failed to connect.\nNo route to host."},
        "b3": {"failed": True, "msg": "MODULE FAILURE"},
    }
    assert nodes.unanswered(
        {**{name: {"__kafka_service": told} for name, told in said.items()}, "b4": {}},
        ["b1", "b2", "b3", "b4"],
        {"broker": ["b1", "b2", "b3", "b4"]},
    ) == [
        "b2 cannot be reached (No route to host); bring it back, or replace it, then run the same command again."
        " See docs/runbooks/broker_down.md.",
        "b3 did not say how its service is: MODULE FAILURE. See docs/runbooks/broker_down.md.",
        "b4 did not say how its service is: no reason was given. See docs/runbooks/broker_down.md.",
    ]


@pytest.mark.parametrize(
    ("gone", "page"),
    [
        ("b1", "broker_down"),
        ("c1", "quorum_node_down"),
        ("b1 c2", "broker_down"),
        ("c1 c2", "quorum_node_down"),
        ("b1 c1", "az_down"),
        ("b1 b2", "broker_down"),
        ("m1", "broker_down"),
        ("b2 m1", "broker_down"),
        ("b1 m1", "az_down"),
        # A majority of the quorum, with brokers in it, or with brokers beside it.
        ("c1 m1", "quorum_node_down"),
        ("c2 m1", "quorum_node_down"),
        ("b1 c1 c2", "quorum_node_down"),
        ("c1 c2 m1", "quorum_node_down"),
    ],
)
def test_the_page_depends_on_what_is_gone(gone, page):
    """b: brokers, c: controllers, m: both; 1: those of the first zone."""
    members = {"broker": ["b1", "b2", "m1"], "controller": ["c1", "c2", "m1"], "zookeeper": []}
    assert nodes.page_of_gone({name: name[1:] for name in gone.split()}, members) == "docs/runbooks/%s.md" % page


def test_of_an_even_quorum_half_is_no_majority():
    quorum = {"broker": [], "zookeeper": ["z1", "z2", "z3", "z4"]}
    assert nodes.page_of_gone(dict.fromkeys(("z1", "z2"), "a"), quorum) == "docs/runbooks/quorum_node_down.md"
    assert nodes.page_of_gone({"z1": "a"}, quorum) == "docs/runbooks/quorum_node_down.md"


def test_hosts_without_a_zone_are_not_taken_for_one():
    silent = {name: {"__kafka_service": {"unreachable": True}} for name in ("b1", "b2")}
    members = {"broker": ["b1"], "controller": ["b2", "b3", "b4"]}
    assert nodes.unanswered(silent, ["b1", "b2"], members)[-1].endswith(" See docs/runbooks/broker_down.md.")
    both = {name: {**said, "kafka_rack": "a"} for name, said in silent.items()}
    assert nodes.unanswered(both, ["b1", "b2"], members)[-1].endswith(" See docs/runbooks/az_down.md.")
