"""The topology file: what is accepted, what is filled in, and each refusal as one sentence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import variables

from ansible_collections.rackaware.kafka.plugins.module_utils._config import topology as config_topology
from ansible_collections.rackaware.kafka.plugins.module_utils._config import topology_spec

BASE: dict[str, Any] = {
    "name": "demo",
    "region": "eu-west-1",
    "vpc_cidr": "198.18.0.0/20",
    "zones": [
        {"name": "eu-west-1" + letter, "cidr": "198.18.%d.0/24" % number} for number, letter in enumerate("abc", 1)
    ],
    "image": "ami-12345678",
    "brokers": {"instance_type": "r6i.xlarge", "count": 3},
    "zookeepers": {"instance_type": "m6i.large", "count": 3},
}


def changed(**paths: Any) -> dict[str, Any]:
    """BASE with values set; brokers__count is brokers.count, and None removes."""
    raw = copy.deepcopy(BASE)
    for path, value in paths.items():
        *parents, last = path.split("__")
        place = raw
        for parent in parents:
            place = place[parent]
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return raw


def kraft(**paths: Any) -> dict[str, Any]:
    """BASE with controllers in place of ZooKeeper."""
    return {**changed(zookeepers=None), "controllers": {"instance_type": "m6i.large", "count": 3}, **paths}


def nodes(*places: tuple[int, str, str]) -> list[dict[str, Any]]:
    return [{"id": id_, "zone": "eu-west-1" + zone, "address": address} for id_, zone, address in places]


def test_counted_nodes_go_round_the_zones_and_each_group_has_its_own_addresses() -> None:
    found = [(node.name, node.zone, node.address) for node in config_topology.parse(changed(brokers__count=4)).nodes]
    assert found == [
        ("demo-broker-1", "eu-west-1a", "198.18.1.11"),
        ("demo-broker-2", "eu-west-1b", "198.18.2.12"),
        ("demo-broker-3", "eu-west-1c", "198.18.3.13"),
        ("demo-broker-4", "eu-west-1a", "198.18.1.14"),
        ("demo-zookeeper-1", "eu-west-1a", "198.18.1.201"),
        ("demo-zookeeper-2", "eu-west-1b", "198.18.2.202"),
        ("demo-zookeeper-3", "eu-west-1c", "198.18.3.203"),
    ]


def test_growing_never_moves_a_node() -> None:
    three, nine = (config_topology.parse(changed(brokers__count=count)).nodes[:3] for count in (3, 9))
    assert three == nine


def test_defaults_are_safe() -> None:
    topology = config_topology.parse(BASE)
    assert (topology.replication_factor, topology.min_insync_replicas, topology.metadata) == (3, 2, "zookeeper")
    assert topology.nodes[0].volumes == config_topology.Volumes(1, "st1", 500)
    assert topology.nodes[-1].volumes == config_topology.Volumes(1, "gp3", 20)
    assert (topology.client_cidrs, topology.admin_cidrs, topology.image_owners) == ((), (), ("self",))


def test_listed_nodes_are_taken_as_they_are() -> None:
    listed = nodes((7, "a", "198.18.1.50"), (8, "b", "198.18.2.50"), (9, "c", "198.18.3.50"))
    found = config_topology.parse(changed(brokers__count=None, brokers__nodes=listed)).nodes[:3]
    assert [(node.id, node.zone, node.address) for node in found] == [
        (n["id"], n["zone"], n["address"]) for n in listed
    ]


def test_controllers_count_from_101() -> None:
    topology = config_topology.parse(kraft())
    assert topology.metadata == "kraft"
    assert [node.id for node in topology.nodes if node.role == "controller"] == [101, 102, 103]


def test_combined_controllers_are_spread_over_zones() -> None:
    raw = changed(zookeepers=None)
    places = nodes((1, "a", "198.18.1.11"), (2, "a", "198.18.1.12"), (3, "b", "198.18.2.13"), (4, "c", "198.18.3.14"))
    raw["brokers"] = {"instance_type": "r6i.xlarge", "nodes": places, "combined": True}
    topology = config_topology.parse(raw)
    assert [node.id for node in topology.nodes if node.role == "broker+controller"] == [1, 3, 4]
    assert topology.roles == ("broker", "controller")


def test_instance_store_has_no_data_volumes() -> None:
    assert config_topology.parse(changed(brokers__storage="instance_store")).nodes[0].volumes is None


@pytest.mark.parametrize(
    "volumes",
    [
        {"type": "gp3", "size_gb": 65536, "iops": 80000, "throughput": 2000},
        {"type": "gp3", "size_gb": 160, "iops": 80000},
        # Its least iops are had at any size.
        {"type": "gp3", "size_gb": 1, "iops": 3000, "throughput": 750},
        {"type": "io1", "size_gb": 4, "iops": 200},
        {"type": "io2", "size_gb": 256, "iops": 256000},
    ],
    ids=lambda volumes: "%(type)s of %(size_gb)d GiB" % volumes,
)
def test_what_ebs_just_allows_is_accepted(volumes: dict[str, Any]) -> None:
    assert config_topology.findings(changed(brokers__volumes=volumes)) == []


def test_fewer_zones_are_accepted_when_asked_for() -> None:
    topology = config_topology.parse(changed(zones=BASE["zones"][:1], allow_fewer_zones=True))
    assert {node.zone for node in topology.nodes} == {"eu-west-1a"}


def test_as_dict_is_plain_data() -> None:
    plain = config_topology.parse(BASE).as_dict()
    assert plain["nodes"][0]["roles"] == ["broker"]
    assert plain["zones"][0] == {"name": "eu-west-1a", "cidr": "198.18.1.0/24"}
    assert (plain["metadata"], plain["roles"]) == ("zookeeper", ["broker", "zookeeper"])


THREE = nodes((1, "a", "198.18.1.11"), (2, "b", "198.18.2.12"), (3, "c", "198.18.3.13"))


def listed(*places: dict[str, Any]) -> dict[str, Any]:
    return changed(brokers__count=None, brokers__nodes=list(places))


REFUSED = {
    "no topology at all": (None, "There is no topology: set kafka_topology"),
    "no name": (changed(name=None), "lacks name; add it"),
    "a name AWS cannot take": (changed(name="Demo_1"), "the name must be 1 to 24 small letters"),
    "two zones": (changed(zones=BASE["zones"][:2]), "names 2 Availability Zones, but losing one must leave a majority"),
    "one zone": (changed(zones=BASE["zones"][:1]), "names 1 Availability Zone, but losing one"),
    "nodes in two of three zones": (
        listed(*THREE[:2], {**THREE[0], "id": 3, "address": "198.18.1.13"}),
        "its 3 brokers lie in eu-west-1a and eu-west-1b only",
    ),
    "a zone named twice": (
        changed(zones=[*BASE["zones"], {"name": "eu-west-1a", "cidr": "198.18.4.0/24"}]),
        "eu-west-1a is named twice",
    ),
    "a zone elsewhere": (
        changed(zones=[*BASE["zones"][:2], {"name": "us-east-1a", "cidr": "198.18.3.0/24"}]),
        "us-east-1a does not lie in region eu-west-1",
    ),
    "a zone that is text": (changed(zones=["eu-west-1a"]), "zone 1 must be a mapping with name and cidr"),
    "a subnet outside the VPC": (
        changed(vpc_cidr="198.18.0.0/23"),
        "its subnet 198.18.2.0/24 lies outside the VPC's 198.18.0.0/23",
    ),
    "overlapping subnets": (
        changed(zones=[*BASE["zones"][:2], {"name": "eu-west-1c", "cidr": "198.18.2.128/25"}]),
        "its subnet 198.18.2.128/25 overlaps 198.18.2.0/24 of eu-west-1b",
    ),
    "a range that is none": (
        changed(vpc_cidr="198.18.0.1/20"),
        "vpc_cidr is not an IPv4 network: 198.18.0.1/20 has host bits set.",
    ),
    "a client range that is none": (
        changed(client_cidrs=["everyone"]),
        "everyone in client_cidrs is not an IPv4 network",
    ),
    "a duplicate node id": (listed(*THREE[:2], {**THREE[2], "id": 2}), "gives node id 2 to 2 nodes"),
    "one id for a broker and a controller": (
        kraft(controllers={"instance_type": "m6i.large", "count": 3, "first_id": 3}),
        "gives node id 3 to 2 nodes",
    ),
    "a duplicate ZooKeeper id": (
        changed(
            zookeepers__count=None,
            zookeepers__nodes=[{**place, "id": 1, "address": place["address"] + "0"} for place in THREE],
        ),
        "gives node id 1 to several ZooKeeper nodes",
    ),
    "a missing node id": (
        listed(*THREE[:2], {"zone": "eu-west-1c", "address": "198.18.3.13"}),
        "brokers, node 3 lacks id",
    ),
    "an id that is text": (listed(*THREE[:2], {**THREE[2], "id": "3"}), "id is '3', but must be a whole number"),
    "a ZooKeeper id above 255": (
        changed(zookeepers__first_id=254),
        "node id 256: the id is out of range; a ZooKeeper node takes 1 to 255",
    ),
    "an address used twice": (
        changed(zookeepers__offset=11),
        "gives the address 198.18.1.11 to several nodes (demo-broker-1, demo-zookeeper-1)",
    ),
    "an address outside its zone": (
        listed(*THREE[:2], {**THREE[2], "address": "198.18.1.13"}),
        "198.18.1.13 lies outside its zone's subnet 198.18.3.0/24",
    ),
    "an address that AWS keeps": (
        listed(*THREE[:2], {**THREE[2], "address": "198.18.3.3"}),
        "AWS keeps the address 198.18.3.3",
    ),
    "an address that is none": (listed(*THREE[:2], {**THREE[2], "address": "198.18.3"}), "the address is not IPv4"),
    "an unknown zone": (
        listed(*THREE[:2], {**THREE[2], "zone": "eu-west-1d"}),
        "zone eu-west-1d is not among the topology's zones",
    ),
    "replication above brokers": (
        changed(replication_factor=4),
        "replication_factor 4 needs as many brokers, but there are 3",
    ),
    "replication below min ISR": (changed(replication_factor=1), "replication_factor 1 is below min_insync_replicas 2"),
    "replication of nothing": (changed(replication_factor=0, min_insync_replicas=0), "must be at least 1"),
    "a typo": (
        changed(min_insync_replica=2),
        "has the unknown key min_insync_replica; did you mean min_insync_replicas?",
    ),
    "a typo within": (changed(brokers__volumes={"size": 500}), "volumes has the unknown key size"),
    "nothing for the metadata": (changed(zookeepers=None), "has nothing to keep its metadata"),
    "combined and controllers": (
        kraft(brokers={"instance_type": "x", "count": 3, "combined": True}),
        "has controllers of its own and brokers.combined",
    ),
    "combined and ZooKeeper": (changed(brokers__combined=True), "has ZooKeeper nodes and brokers.combined"),
    "more combined than brokers": (
        {**kraft(), "controllers": None, "brokers": {"instance_type": "x", "count": 3, "combined": 5}},
        "5 combined controllers need as many brokers",
    ),
    "a strange combined": (changed(brokers__combined=2), "combined is 2, but must be true (three), 1, 3 or 5"),
    "an even number of ZooKeeper nodes": (
        changed(zookeepers__count=4),
        "has 4 ZooKeeper nodes, but an even number survives no more failures",
    ),
    "no image": (changed(image=None), "brokers: the image is None; give an id"),
    "count and nodes": (changed(brokers__nodes=THREE), "say either nodes (a list) or count"),
    "no nodes": (listed(), "nodes lists no node"),
    "a count below one": (changed(brokers__count=0), "count is 0, but must be at least 1"),
    "a small st1": (changed(brokers__volumes={"size_gb": 100}), "a volume of type st1 holds 125 to 16384 GiB, not 100"),
    "an unknown volume type": (changed(brokers__volumes={"type": "gp9"}), "type is 'gp9', but must be one of st1"),
    "iops on st1": (changed(brokers__volumes={"iops": 3000}), "iops cannot be chosen for st1"),
    "io2 without iops": (changed(brokers__volumes={"type": "io2"}), "a volume of type io2 needs iops"),
    "throughput on st1": (changed(brokers__volumes={"throughput": 250}), "throughput can be chosen for gp3 only"),
    "too few iops": (changed(brokers__volumes={"type": "gp3", "iops": 100}), "gp3 gives 3000 to 80000 iops, not 100"),
    "too many iops": (
        changed(brokers__volumes={"type": "io1", "size_gb": 16000, "iops": 64001}),
        "io1 gives 100 to 64000 iops, not 64001",
    ),
    "too many iops for the size, gp3": (
        changed(brokers__volumes={"type": "gp3", "size_gb": 10, "iops": 16000}),
        "gp3 gives at most 500 iops for each GiB, so that 10 GiB have at most 5000, not 16000; lower iops, or raise size_gb to 32.",
    ),
    "too many iops for the size, io1": (
        changed(brokers__volumes={"type": "io1", "size_gb": 100, "iops": 60000}),
        "io1 gives at most 50 iops for each GiB, so that 100 GiB have at most 5000, not 60000; lower iops, or raise size_gb to 1200.",
    ),
    "too many iops for the size, io2": (
        changed(brokers__volumes={"type": "io2", "size_gb": 200, "iops": 200001}),
        "200 GiB have at most 200000, not 200001",
    ),
    "too much throughput for the default iops": (
        changed(brokers__volumes={"type": "gp3", "throughput": 1000}),
        "gp3 gives 0.25 MiB/s for each iops, so that 1000 MiB/s need 4000 iops, but it has 3000; raise iops, or lower throughput.",
    ),
    "too much throughput for its iops": (
        changed(brokers__volumes={"type": "gp3", "iops": 7999, "throughput": 2000}),
        "2000 MiB/s need 8000 iops, but it has 7999",
    ),
    "too much throughput": (
        changed(brokers__volumes={"type": "gp3", "iops": 80000, "throughput": 2001}),
        "throughput can be chosen for gp3 only, from 125 to 2000",
    ),
    "a root volume of nothing": (
        changed(root_volume_gb=0),
        "root_volume_gb is 0, but a volume of type gp3 holds 1 to 65536 GiB",
    ),
    "another tag of ours": (changed(tags={"KafkaMadeBy": "x"}), "the tag KafkaMadeBy is not yours to set"),
    "too many volumes": (
        changed(brokers__volumes={"count": 12}),
        "12 data volumes cannot be attached; give each node 1 to 11",
    ),
    "instance store and volumes": (
        changed(brokers__storage="instance_store", brokers__volumes={"count": 1}),
        "cannot be on the instance store and on EBS",
    ),
    "ZooKeeper on instance store": (
        changed(zookeepers__storage="instance_store"),
        "a ZooKeeper node must not lose its disk",
    ),
    "a tag of ours": (changed(tags={"KafkaRole": "x"}), "the tag KafkaRole is not yours to set"),
    "a list where a mapping belongs": (changed(brokers=[1]), "brokers is [1], but must be a mapping"),
    "a text where a list belongs": (changed(zones="eu-west-1a"), "zones is 'eu-west-1a', but must be a list"),
    "a name of a zone that is a list": (
        changed(zones=[*BASE["zones"][:2], {"name": [], "cidr": "198.18.3.0/24"}]),
        "zone 3: name is [], but must be a text",
    ),
    "a storage that is none": (changed(brokers__storage="disk"), "storage is 'disk', but must be one of ebs"),
    "a typo in a node": (listed(*THREE[:2], {**THREE[2], "addres": "x"}), "has the unknown key addres; did you mean"),
    "a size that is text": (changed(brokers__volumes={"size_gb": "500"}), "volumes: size_gb is '500', but must be"),
    "true where a number belongs": (
        changed(replication_factor=True),
        "replication_factor is True, but must be a whole number",
    ),
}


@pytest.mark.parametrize(("raw", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused_in_one_sentence(raw: Any, sentence: str) -> None:
    hits = [finding for finding in config_topology.findings(raw) if sentence in finding]
    assert len(hits) == 1, config_topology.findings(raw)
    assert hits[0].endswith((".", "?"))


def test_every_finding_is_told_at_once() -> None:
    with pytest.raises(config_topology.TopologyError) as caught:
        config_topology.parse(changed(replication_factor=9, name="X", regoin="eu"))
    assert len(caught.value.findings) == 3
    assert all(finding in str(caught.value) for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("raw", "sentences"),
    [
        (changed(image=5), ["Topology demo: image is 5, but must be a text."]),
        (changed(brokers__image=5), ["Topology demo, brokers: image is 5, but must be a text."]),
        ({**changed(), "brokers": 5}, ["Topology demo: brokers is 5, but must be a mapping."]),
        (changed(replication_factor="3"), ["Topology demo: replication_factor is '3', but must be a whole number."]),
        (changed(brokers__count="3"), ["Topology demo, brokers: count is '3', but must be a whole number."]),
        (
            changed(brokers__volumes={"size_gb": "2"}),
            ["Topology demo, brokers, volumes: size_gb is '2', but must be a whole number."],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_no_rule_complains_again_of_what_has_the_wrong_type(raw: dict, sentences: list[str]) -> None:
    assert config_topology.findings(raw) == sentences


def test_null_counts_as_left_out() -> None:
    nothing = dict.fromkeys(("allow_fewer_zones", "client_cidrs", "kms_key", "root_volume_gb", "tags", "controllers"))
    raw = changed(brokers__volumes={"type": None, "size_gb": None}, brokers__nodes=[], brokers__storage="ebs")
    raw["brokers"].update(nodes=None, storage=None)
    assert config_topology.parse({**raw, **nothing}) == config_topology.parse(BASE)


def test_values_are_plain_whatever_type_of_text_was_handed_over() -> None:
    class Tagged(str):
        """As Ansible's own, which remember where they come from."""

    topology = config_topology.parse(changed(name=Tagged("demo"), image_owners=[Tagged("self"), 136693071363]))
    assert [type(text) for text in (topology.name, *topology.image_owners)] == [str] * 3
    assert topology.image_owners == ("self", "136693071363")


def test_a_refused_node_brings_no_second_complaint() -> None:
    assert len(config_topology.findings(listed(*THREE[:2], {"zone": "eu-west-1c", "address": "198.18.3.13"}))) <= 2


HOSTS = {
    "%s%d" % (role, number): {"kafka_cluster": "demo", "kafka_node_id": number, "kafka_rack": "eu-west-1" + letter}
    for role in ("b", "z")
    for number, letter in enumerate("abc", 1)
}
GROUPS = {"broker": ["b1", "b2", "b3"], "zookeeper": ["z1", "z2", "z3"], "controller": []}


def test_a_good_inventory_has_no_findings() -> None:
    assert config_topology.inventory_findings(HOSTS, GROUPS) == []


def test_a_machine_may_have_a_broker_and_a_zookeeper_node_and_hosts_call_their_disks_alike() -> None:
    shared = {"ansible_host": "198.18.1.1", "kafka_data_volumes": ["/dev/mapper/kafka-d0"]}
    hosts = {**HOSTS, **{host: {**HOSTS[host], **shared} for host in ("b1", "z1")}}
    assert config_topology.inventory_findings(hosts, GROUPS) == []


INVENTORIES = {
    "empty": (
        {},
        {},
        "no Kafka hosts in the groups kafka_brokers, kafka_zookeepers and kafka_controllers: provision the cluster first",
    ),
    "no brokers": (
        HOSTS,
        {**GROUPS, "broker": []},
        "The inventory has no brokers; add hosts to the group kafka_brokers.",
    ),
    "nothing for the metadata": (
        HOSTS,
        {**GROUPS, "zookeeper": []},
        "add hosts to the group kafka_zookeepers or kafka_controllers.",
    ),
    "two clusters": (
        {**HOSTS, "b1": {**HOSTS["b1"], "kafka_cluster": "other"}},
        GROUPS,
        "mixes the clusters demo, other",
    ),
    "a missing id": ({**HOSTS, "b1": {**HOSTS["b1"], "kafka_node_id": None}}, GROUPS, "Host b1 has no kafka_node_id"),
    "an id that is text": (
        {**HOSTS, "b1": {**HOSTS["b1"], "kafka_node_id": "1"}},
        GROUPS,
        "kafka_node_id is '1', but must be a whole number",
    ),
    "a duplicate id": (
        {**HOSTS, "b1": {**HOSTS["b1"], "kafka_node_id": 2}},
        GROUPS,
        "Node id 2 is given to several brokers and controllers (b1, b2)",
    ),
    "an address of two brokers": (
        {**HOSTS, **{host: {**HOSTS[host], "ansible_host": "198.18.1.1"} for host in ("b1", "b3")}},
        GROUPS,
        "The address 198.18.1.1 is given to several hosts (b1, b3); give each its own ansible_host.",
    ),
    "an address of two combined nodes, in two spellings": (
        {
            **HOSTS,
            "b1": {**HOSTS["b1"], "ansible_host": "2001:db8::1"},
            "b2": {**HOSTS["b2"], "ansible_host": "2001:db8:0::1"},
        },
        {"broker": ["b1", "b2", "b3"], "controller": ["b2", "b1", "b3"]},
        "The address 2001:db8::1 is given to several hosts (b1, b2)",
    ),
    "an address that is another host's name": (
        {**HOSTS, "b1": {**HOSTS["b1"], "ansible_host": "b2"}},
        GROUPS,
        "The address b2 is given to several hosts (b1, b2)",
    ),
    "an address in brackets": (
        {**HOSTS, "z2": {**HOSTS["z2"], "ansible_host": "[2001:db8::1]"}},
        GROUPS,
        "Host z2: ansible_host is [2001:db8::1], which ssh would take for a name; write the address without brackets.",
    ),
    "a volume of two hosts": (
        {
            **HOSTS,
            "b1": {**HOSTS["b1"], "kafka_data_volumes": ["vol-0123456789abcdef0", "vol-0123456789abcdef1"]},
            "z2": {
                **HOSTS["z2"],
                "kafka_data_volumes": ["/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef1"],
            },
        },
        GROUPS,
        "The volume vol-0123456789abcdef1 is given to several hosts (b1, z2); give each its own in kafka_data_volumes.",
    ),
    "a missing rack": ({**HOSTS, "z1": {**HOSTS["z1"], "kafka_rack": ""}}, GROUPS, "Host z1 has no kafka_rack"),
    "two racks": ({**HOSTS, "b1": {**HOSTS["b1"], "kafka_rack": "eu-west-1b"}}, GROUPS, "The brokers lie in 2 racks"),
}


@pytest.mark.parametrize(("hosts", "groups", "sentence"), INVENTORIES.values(), ids=INVENTORIES.keys())
def test_an_inventory_is_refused_in_one_sentence(hosts: dict, groups: dict, sentence: str) -> None:
    found = config_topology.inventory_findings(hosts, groups)
    assert len(found) == 1, found
    assert sentence in found[0]


def model(hosts: dict | None = None, groups: dict | None = None, topology: Any = None, **more: Any) -> list[str]:
    return config_topology.model_findings(
        changed() if topology is None else topology, HOSTS if hosts is None else hosts, groups or GROUPS, **more
    )


def test_an_inventory_that_is_the_topology_has_no_findings() -> None:
    assert model() == []


def test_a_missing_rack_is_not_said_to_be_one_too_few() -> None:
    hosts = {**HOSTS, "b1": {**HOSTS["b1"], "kafka_rack": None}}
    said = config_topology.inventory_findings(hosts, GROUPS)
    assert len(said) == 1 and said[0].startswith("Host b1 has no kafka_rack"), said


def test_nodes_that_the_inventory_lacks_are_named_with_what_to_do() -> None:
    """5 ZooKeeper nodes, 2 of them stopped: what is left looks like a good ensemble of 3."""
    five = changed(zookeepers__count=5)
    found = model(topology=five)
    assert found == [
        "The topology demo has demo-zookeeper-4 (ZooKeeper node 4), demo-zookeeper-5 (ZooKeeper node 5), which the inventory lacks, as it does an instance that"
        " is stopped or terminated; start the instance, rebuild it with provision, or take the node out of the topology."
        " See docs/runbooks/quorum_node_down.md."
    ]
    assert model(topology=five, missing_ok=True) == []


def test_many_that_are_missing_are_counted() -> None:
    assert "demo-broker-8 (broker 8) and 4 more, which" in model(topology=changed(brokers__count=12))[0]


def test_hosts_that_the_topology_lacks_are_named() -> None:
    more = {**HOSTS, "b4": {**HOSTS["b1"], "kafka_node_id": 4}}
    found = model(more, {**GROUPS, "broker": ["b1", "b2", "b3", "b4"]}, missing_ok=True)
    assert found == [
        "The inventory has b4 (broker 4), which the topology demo lacks; add the node to the topology, or remove the host."
    ]


def test_a_node_with_another_role_or_id_is_missing_and_strange() -> None:
    found = model({**HOSTS, "z3": {**HOSTS["z3"], "kafka_node_id": 9}})
    assert len(found) == 2 and "demo-zookeeper-3 (ZooKeeper node 3)" in found[0] and "z3 (ZooKeeper node 9)" in found[1]


def test_a_combined_node_is_in_both_groups() -> None:
    topology = changed(brokers__combined=True, zookeepers=None)
    both = {"broker": ["b1", "b2", "b3"], "zookeeper": [], "controller": ["b1", "b2", "b3"]}
    assert model(groups=both, topology=topology) == []
    found = model(groups={**both, "controller": ["b1", "b2"]}, topology=topology)
    assert "demo-broker-3 (broker and controller 3)" in found[0]


@pytest.mark.parametrize(
    "topology",
    [None, {}, {"allow_fewer_zones": True}, {"name": "demo", "region": "eu-west-1", "replication_factor": 3}],
    ids=str,
)
def test_a_topology_without_nodes_says_nothing_of_them(topology: Any) -> None:
    assert config_topology.model_findings(topology, HOSTS, GROUPS) == []


@pytest.mark.parametrize(
    ("topology", "sentence"),
    [
        (
            {"alow_fewer_zones": True},
            "Topology (without a name) has the unknown key alow_fewer_zones; did you mean allow_fewer_zones?",
        ),
        (
            {"name": "demo", "min_insync": 1},
            "Topology demo has the unknown key min_insync; did you mean min_insync_replicas?",
        ),
        (
            {"replication_factor": "3"},
            "Topology (without a name): replication_factor is '3', but must be a whole number.",
        ),
    ],
)
def test_a_topology_without_nodes_has_keys_that_are_known(topology: Any, sentence: str) -> None:
    assert config_topology.model_findings(topology, HOSTS, GROUPS) == [sentence]


def test_a_host_without_an_id_could_be_any_of_them() -> None:
    assert model({**HOSTS, "z3": {**HOSTS["z3"], "kafka_node_id": None}}) == []


def test_a_topology_of_another_cluster_is_refused() -> None:
    assert model(topology={"name": "orders"}) == [
        "kafka_topology describes the cluster orders, but the inventory has nodes of demo (kafka_cluster); set name in the topology, or KAFKA_CLUSTER, so that"
        " both are one cluster."
    ]


def test_a_topology_that_cannot_be_read_is_no_answer() -> None:
    assert any("unknown key" in sentence for sentence in model(topology=changed(colour="red")))


def test_a_combined_node_has_one_id() -> None:
    assert (
        config_topology.inventory_findings(HOSTS, {"broker": ["b1", "b2", "b3"], "controller": ["b1", "b2", "b3"]})
        == []
    )


def test_fewer_racks_are_accepted_when_asked_for() -> None:
    hosts = {name: {**facts, "kafka_rack": "eu-west-1a"} for name, facts in HOSTS.items()}
    assert config_topology.inventory_findings(hosts, GROUPS, allow_fewer_zones=True) == []


def test_one_node_may_be_of_another_type_and_keep_its_data_on_instance_stores() -> None:
    places = nodes((1, "a", "198.18.1.11"), (2, "b", "198.18.2.12"), (3, "c", "198.18.3.13"))
    places[2].update(instance_type="i3.large", storage="instance_store")
    raw = kraft(brokers={"instance_type": "m6i.large", "volumes": {"type": "st1", "size_gb": 125}, "nodes": places})
    found = {
        node.id: (node.instance_type, node.storage, node.volumes is None)
        for node in config_topology.parse(raw).nodes
        if node.role == "broker"
    }
    assert found == {
        1: ("m6i.large", "ebs", False),
        2: ("m6i.large", "ebs", False),
        3: ("i3.large", "instance_store", True),
    }


def test_a_controller_is_never_on_an_instance_store() -> None:
    places = nodes((1, "a", "198.18.1.11"), (2, "b", "198.18.2.12"), (3, "c", "198.18.3.13"))
    places[0].update(instance_type="i3.large", storage="instance_store")
    raw = changed(
        zookeepers=None, brokers={"instance_type": "m6i.large", "nodes": places, "combined": 1}, allow_fewer_zones=True
    )
    assert [node.id for node in config_topology.parse(raw).nodes if node.role == "broker+controller"] == [2]
    raw["brokers"]["combined"] = True
    assert [sentence for sentence in config_topology.findings(raw) if "need as many brokers on ebs" in sentence]


KEYS = dict(variables.keys(topology_spec.OPTIONS))


def test_the_page_of_variables_is_what_the_specification_says() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/variables.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("| `kafka_topology.")] == variables.topology_rows()


@pytest.mark.parametrize("path", [path for path in KEYS if not path.startswith(variables.LIKE_BROKERS)])
def test_the_page_has_every_key_or_the_brokers_key_that_is_the_same(path: str) -> None:
    assert [line for line in variables.topology_rows() if line.startswith("| `kafka_topology.%s` |" % path)]


@pytest.mark.parametrize("path", KEYS)
def test_a_key_is_described_and_its_default_is_one_that_it_takes(path: str) -> None:
    option = KEYS[path]
    assert option["description"].endswith(".")
    refused: list[str] = []
    default = option.get("default")
    values = topology_spec.read({"key": default}, {"key": {**option, "required": False}}, "It", refused.append)
    assert not refused and (values["key"] == default or "options" in option)
