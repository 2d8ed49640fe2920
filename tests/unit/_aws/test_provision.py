"""From a topology and what the account holds to what provision does."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import provision
from ansible_collections.rackaware.kafka.plugins.module_utils._config import topology as config_topology

LISTENERS = [
    {"name": "CLIENT", "port": 9092},
    {"name": "REPLICATION", "port": 9091},
    {"name": "CONTROLLER", "port": 9093},
]
RAW: dict[str, Any] = {
    "name": "demo",
    "region": "eu-west-1",
    "vpc_cidr": "198.18.0.0/20",
    "zones": [
        {"name": "eu-west-1" + letter, "cidr": "198.18.%d.0/24" % number} for number, letter in enumerate("abc", 1)
    ],
    "client_cidrs": ["198.18.8.0/24"],
    "admin_cidrs": ["198.18.9.1/32"],
    "image": "ami-12345678",
    "brokers": {"instance_type": "i4i.large", "count": 3, "volumes": {"count": 2}},
}
ZOOKEEPER = {**RAW, "zookeepers": {"instance_type": "i4i.large", "count": 3}}
KRAFT = {**RAW, "controllers": {"instance_type": "i4i.large", "count": 3}}
COMBINED = {**RAW, "brokers": {**RAW["brokers"], "combined": True}}
TYPES = {
    "i4i.large": {
        "zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        "architectures": ["x86_64"],
        "instance_store": {"count": 1, "nvme": True},
        "hypervisor": "nitro",
        "ebs_attachments": 26,
        "ebs_mbps": 625,
    }
}
IMAGES = [
    {
        "image_id": "ami-12345678",
        "name": "debian",
        "architecture": "x86_64",
        "creation_date": "2026-01-01",
        "root_device_name": "/dev/xvda",
    }
]


def opened(raw: dict, listeners: list = LISTENERS) -> set[tuple[str, int, str]]:
    """What the rules open, as (role, port, source role or range)."""
    topology = config_topology.parse(raw)
    ids = {provision.group_name(topology, role): role for role in topology.roles}
    out = set()
    for group in provision.security_groups(topology, listeners, ids):
        for rule in group["rules"]:
            assert rule["from_port"] == rule["to_port"]
            out.update(
                (group["role"], rule["from_port"], source)
                for source in rule.get("group_id", []) + rule.get("cidr_ip", [])
            )
    return out


def test_zookeeper_mode_opens_no_controller_listener() -> None:
    assert opened(ZOOKEEPER) == {
        ("broker", 9092, "198.18.8.0/24"),
        ("broker", 9092, "broker"),
        ("broker", 9091, "broker"),
        ("broker", 22, "198.18.9.1/32"),
        ("zookeeper", 2181, "broker"),
        ("zookeeper", 2181, "zookeeper"),
        ("zookeeper", 2888, "zookeeper"),
        ("zookeeper", 3888, "zookeeper"),
        ("zookeeper", 22, "198.18.9.1/32"),
    }


@pytest.mark.parametrize("raw", [KRAFT, COMBINED], ids=["dedicated", "combined"])
def test_kraft_opens_the_controller_listener_to_brokers_and_controllers(raw: dict) -> None:
    assert opened(raw) == {
        ("broker", 9092, "198.18.8.0/24"),
        ("broker", 9092, "broker"),
        ("broker", 9091, "broker"),
        ("broker", 22, "198.18.9.1/32"),
        ("controller", 9093, "broker"),
        ("controller", 9093, "controller"),
        ("controller", 22, "198.18.9.1/32"),
    }


def test_a_migrating_cluster_lets_controllers_reach_brokers_and_zookeeper() -> None:
    more = opened({**ZOOKEEPER, "controllers": KRAFT["controllers"]}) - opened(ZOOKEEPER) - opened(KRAFT)
    assert more == {("broker", 9091, "controller"), ("zookeeper", 2181, "controller")}


def test_rules_follow_the_listeners() -> None:
    listeners = [{"name": "TLS", "port": 9094}, {"name": "INNER", "port": 9095, "audience": "brokers"}]
    assert {port for role, port, _ in opened(KRAFT, listeners)} == {22, 9094, 9095}
    assert ("broker", 9095, "198.18.8.0/24") not in opened(KRAFT, listeners)


def test_without_ids_only_ranges_are_opened() -> None:
    for group in provision.security_groups(config_topology.parse(KRAFT), LISTENERS, {}):
        assert all("group_id" not in rule for rule in group["rules"])


@pytest.mark.parametrize(
    ("listener", "sentence"),
    [
        ({"name": "CLIENT"}, "Listener CLIENT has the port None"),
        ({"port": 9092}, "Listener (without a name) has the port 9092; give it a name"),
        ({"name": "CLIENT", "port": True}, "has the port True"),
        ({"name": "CLIENT", "port": 70000}, "has the port 70000"),
        ({"name": "CLIENT", "port": 9092, "audience": "everyone"}, "Listener CLIENT is for everyone"),
    ],
)
def test_a_strange_listener_is_refused(listener: dict, sentence: str) -> None:
    with pytest.raises(provision.ListenerError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        provision.security_groups(config_topology.parse(KRAFT), [listener], {})


def test_names_fit_iam() -> None:
    topology = config_topology.parse(
        {
            **ZOOKEEPER,
            "name": "a" * 24,
            "region": "ap-southeast-7",
            "zones": [{**z, "name": "ap-southeast-7" + z["name"][-1]} for z in RAW["zones"]],
        }
    )
    assert all(len(provision.profile_name(topology, role)) <= 64 for role in topology.roles)


def account(raw: dict = ZOOKEEPER) -> tuple[list[dict], list[dict]]:
    """Instances and volumes exactly as the topology wants them."""
    topology = config_topology.parse(raw)
    instances, volumes = [], []
    for number, node in enumerate(topology.nodes):
        id_ = "i-%d" % number
        mappings = [{"device_name": "/dev/xvda", "ebs": {"volume_id": "vol-root%d" % number}}]
        for index in range(node.volumes.count if node.volumes else 0):
            volume = "vol-%d-%d" % (number, index)
            device = config_topology.DEVICES[index]
            mappings.append({"device_name": device, "ebs": {"volume_id": volume}})
            volumes.append(
                {
                    "id": volume,
                    "zone": node.zone,
                    "type": node.volumes.type,
                    "size_gb": node.volumes.size_gb,
                    "iops": None,
                    "throughput": None,
                    "encrypted": True,
                    "tags": {
                        **provision.node_tags(topology, node),
                        "Name": "%s-data%d" % (node.name, index),
                        "KafkaVolume": str(index),
                    },
                    "attachments": [{"instance_id": id_, "device": device, "delete_on_termination": False}],
                }
            )
        instances.append(
            {
                "instance_id": id_,
                "placement": {"availability_zone": node.zone},
                "private_ip_address": node.address,
                "instance_type": node.instance_type,
                "state": {"name": "running"},
                "metadata_options": {
                    "http_tokens": "required",
                    "http_put_response_hop_limit": 1,
                    "http_endpoint": "enabled",
                },
                "security_groups": [{"group_name": provision.group_name(topology, role)} for role in node.roles],
                "iam_instance_profile": {
                    "arn": "arn:aws:iam::123456789012:instance-profile/"
                    + provision.profile_name(topology, node.roles[0])
                },
                "tags": provision.node_tags(topology, node),
                "block_device_mappings": mappings,
            }
        )
    return instances, volumes


def plan(
    instances: list, volumes: list, raw: dict = ZOOKEEPER, types: dict = TYPES, images: list = IMAGES
) -> dict[str, Any]:
    topology = config_topology.parse(raw)
    held = provision.Account(instances, volumes)
    return {
        "findings": provision.instance_findings(topology, held, types, images),
        "notes": provision.notes(topology, held, types),
        "nodes": provision.nodes_to_build(topology, held, images),
        "instances": provision.instances_to_change(topology, held),
    }


NOTHING: dict[str, list] = {"findings": [], "notes": [], "nodes": [], "instances": []}


@pytest.mark.parametrize("raw", [ZOOKEEPER, KRAFT, COMBINED], ids=["zookeeper", "kraft", "combined"])
def test_what_is_as_wanted_needs_nothing(raw: dict) -> None:
    assert plan(*account(raw), raw=raw) == NOTHING


def test_an_empty_account_needs_everything() -> None:
    wanted = plan([], [])
    assert (wanted["findings"], wanted["instances"]) == ([], [])
    assert [(node["name"], node["instance_id"], len(node["volumes"])) for node in wanted["nodes"]][2:4] == [
        ("demo-broker-3", None, 2),
        ("demo-zookeeper-1", None, 1),
    ]
    volumes = [volume for node in wanted["nodes"] for volume in node["volumes"]]
    assert [(volume["volume_id"], volume["device"]) for volume in volumes[:3]] == [
        (None, "/dev/sdf"),
        (None, "/dev/sdg"),
        (None, "/dev/sdf"),
    ]
    assert wanted["nodes"][0]["volume_tags"] == {
        "Name": "demo-broker-1",
        "KafkaCluster": "demo",
        "KafkaRole": "broker",
        "KafkaNode": "1",
        "KafkaFormat": "new",
    }


def test_a_combined_node_gets_both_groups_and_the_brokers_profile() -> None:
    node = plan([], [], raw=COMBINED)["nodes"][0]
    assert node["groups"] == ["demo-broker", "demo-controller"]
    assert (node["profile"], node["tags"]["KafkaRole"]) == ("kafka-eu-west-1-demo-broker", "broker+controller")


def test_a_broker_that_becomes_combined_stays_the_same_node() -> None:
    wanted = plan(
        *account({**COMBINED, "brokers": RAW["brokers"], "zookeepers": ZOOKEEPER["zookeepers"]}), raw=COMBINED
    )
    assert wanted["findings"] == []
    assert {node["instance_id"] for node in wanted["instances"]} == {"i-0", "i-1", "i-2"}
    changed = [
        (node["instance_id"], volume["volume_id"], volume["tags"])
        for node in wanted["nodes"]
        for volume in node["volumes"]
    ]
    assert changed[:2] == [
        ("i-0", "vol-0-0", {"KafkaRole": "broker+controller"}),
        ("i-0", "vol-0-1", {"KafkaRole": "broker+controller"}),
    ]


CHANGES = {
    "a tag": lambda i: i["tags"].update(Name="other"),
    "IMDSv1": lambda i: i["metadata_options"].update(http_tokens="optional"),
    "more hops": lambda i: i["metadata_options"].update(http_put_response_hop_limit=2),
    "another group": lambda i: i["security_groups"].append({"group_name": "open"}),
    "no profile": lambda i: i.pop("iam_instance_profile"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_instance_that_differs_is_adjusted_not_made_again(change: Any) -> None:
    instances, volumes = account()
    change(instances[0])
    wanted = plan(instances, volumes)
    assert [node["instance_id"] for node in wanted["instances"]] == ["i-0"]
    assert wanted["nodes"] == []


def test_foreign_tags_and_a_stopped_node_are_left_alone() -> None:
    instances, volumes = account()
    instances[0]["tags"]["Owner"] = "somebody"
    instances[1]["state"]["name"] = "stopped"
    wanted = plan(instances, volumes)
    assert wanted["instances"] == []
    assert wanted["notes"] == ["demo-broker-2 (i-1) is stopped; it was left so."]


def test_what_left_the_topology_is_named_and_left_alone() -> None:
    four = {**ZOOKEEPER, "brokers": {**RAW["brokers"], "count": 4}}
    wanted = plan(*account(four))
    assert wanted["instances"] == wanted["nodes"] == []
    assert wanted["notes"][0] == "demo-broker-4 (i-3) is not in the topology; it was left alone."
    assert len(wanted["notes"]) == 3


VOLUME_CHANGES = {
    "detached": (lambda v: v.update(attachments=[]), {"attach": True}),
    "grown": (lambda v: v.update(size_gb=400), {"change": {"size_gb": 500}}),
    "another type": (lambda v: v.update(type="gp3"), {"change": {"type": "st1"}}),
    "a lost tag": (
        lambda v: v["tags"].pop("KafkaRole") and v["tags"].update(KafkaRole="broker+controller"),
        {"tags": {"KafkaRole": "broker"}},
    ),
    "no number": (lambda v: v["tags"].pop("KafkaVolume"), {"tags": {"KafkaVolume": "1"}}),
    "delete on termination": (lambda v: v["attachments"][0].update(delete_on_termination=True), {"keep": True}),
}


@pytest.mark.parametrize(("change", "needs"), VOLUME_CHANGES.values(), ids=VOLUME_CHANGES.keys())
def test_a_volume_that_differs_is_adjusted_by_its_id(change: Any, needs: dict) -> None:
    instances, volumes = account()
    change(volumes[1])
    wanted = plan(instances, volumes)
    assert wanted["findings"] == []
    assert [(node["instance_id"], len(node["volumes"])) for node in wanted["nodes"]] == [("i-0", 1)]
    volume = wanted["nodes"][0]["volumes"][0]
    assert (volume["volume_id"], volume["device"]) == ("vol-0-1", "/dev/sdg")
    assert {key: volume[key] for key in ("attach", "keep", "change", "tags")} == {
        "attach": False,
        "keep": False,
        "change": {},
        "tags": {},
        **needs,
    }


def test_the_name_of_a_volume_and_the_tag_of_its_format_are_not_ours_to_put_back() -> None:
    instances, volumes = account()
    volumes[0]["tags"].update(Name="somebody's")
    volumes[1]["tags"].update(KafkaFormat="new")
    assert plan(instances, volumes) == NOTHING


def test_kept_volumes_are_attached_to_new_instances_and_are_not_new() -> None:
    _, volumes = account()
    for volume in volumes:
        volume["attachments"] = []
    wanted = plan([], volumes)
    assert wanted["findings"] == []
    found = [volume for node in wanted["nodes"] for volume in node["volumes"]]
    assert [volume["volume_id"] for volume in found] == [volume["id"] for volume in volumes]
    assert all(volume["attach"] and volume["tags"] == {} for volume in found)


def test_an_instance_that_is_gone_is_no_node_but_a_predecessor() -> None:
    instances, volumes = account()
    instances[0]["state"]["name"] = "terminated"
    for volume in volumes[:2]:
        volume["attachments"] = []
    wanted = plan(instances, volumes)
    assert wanted["findings"] == []
    assert [(node["name"], node["instance_id"], node["predecessors"]) for node in wanted["nodes"]] == [
        ("demo-broker-1", None, ["i-0"])
    ]


REFUSED = {
    "another zone": (
        lambda i, v: i[0]["placement"].update(availability_zone="eu-west-1b"),
        "has the zone eu-west-1b, but the topology says eu-west-1a; provision never moves a node, so put the topology back,"
        " or replace the node. See docs/runbooks/az_down.md.",
    ),
    "another type": (
        lambda i, v: i[0].update(instance_type="m5.large"),
        "has the instance type m5.large, but the topology says i4i.large; provision never moves a node, so put the topology"
        " back, or replace the node. See docs/runbooks/change_instance_type.md.",
    ),
    "another address": (
        lambda i, v: i[0].update(private_ip_address="198.18.1.99"),
        "has the address 198.18.1.99, but the topology says 198.18.1.11",
    ),
    "the same node twice": (
        lambda i, v: i.append({**i[0], "instance_id": "i-9"}),
        "Node demo-broker-1 exists 2 times (i-0, i-9)",
    ),
    "the same volume twice": (
        lambda i, v: v.append({**v[0], "id": "vol-9"}),
        "Data volume 0 of node demo-broker-1 exists 2 times (vol-0-0, vol-9)",
    ),
    "an instance that ends": (
        lambda i, v: (
            i[0]["state"].update(name="shutting-down"),
            v[0].update(attachments=[]),
            v[1].update(attachments=[]),
        ),
        "Node demo-broker-1 (i-0) is shutting down",
    ),
    "an instance without a node": (
        lambda i, v: i.append(
            {**i[0], "instance_id": "i-9", "tags": {"Name": "demo-broker-1", "KafkaCluster": "demo"}}
        ),
        "Instance i-9 carries the tag KafkaCluster=demo, but lacks KafkaRole or KafkaNode",
    ),
    "a volume without a number": (
        lambda i, v: v.append({**v[0], "id": "vol-9", "attachments": [], "tags": {**v[0]["tags"], "KafkaVolume": ""}}),
        "Volume vol-9 carries the tags of cluster demo, but lacks KafkaVolume",
    ),
    "a volume elsewhere": (
        lambda i, v: v[0].update(zone="eu-west-1b"),
        "lies in eu-west-1b, but the node in eu-west-1a",
    ),
    "a plain volume": (
        lambda i, v: v[0].update(encrypted=False),
        "Data volume 0 of node demo-broker-1 (vol-0-0) is not encrypted",
    ),
    "a larger volume": (lambda i, v: v[0].update(size_gb=900), "has 900 GiB, and EBS cannot shrink it to 500"),
    "a volume at a foreign instance": (
        lambda i, v: v[0]["attachments"][0].update(instance_id="i-77"),
        "is attached to the foreign instance i-77",
    ),
    "a device taken": (
        lambda i, v: (i[0]["block_device_mappings"][1]["ebs"].update(volume_id="vol-x"), v[0].update(attachments=[])),
        "Data volume 0 of node demo-broker-1 belongs at /dev/sdf of i-0, where the volume vol-x is",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_change_an_identity_is_refused_in_one_sentence(change: Any, sentence: str) -> None:
    instances, volumes = account()
    change(instances, volumes)
    found = plan(instances, volumes)["findings"]
    assert len(found) == 1, found
    assert sentence in found[0]


OFFERS = {
    "a zone without the type": (
        {"i4i.large": {**TYPES["i4i.large"], "zones": ["eu-west-1a", "eu-west-1b"]}},
        IMAGES,
        "Instance type i4i.large is not offered in eu-west-1c",
    ),
    "an unknown image": (TYPES, [], "EC2 in eu-west-1 has no image ami-12345678; correct the id."),
    "Xen": (
        {"i4i.large": {**TYPES["i4i.large"], "hypervisor": "xen"}},
        IMAGES,
        "Instance type i4i.large runs on Xen, where an EBS volume has no serial number",
    ),
    "too few attachments": (
        {"i4i.large": {**TYPES["i4i.large"], "ebs_attachments": 2}},
        IMAGES,
        "Instance type i4i.large takes 2 EBS volumes, the root volume among them, so that 2 data volumes cannot be attached",
    ),
    "an image with a disk of its own": (
        TYPES,
        [{**IMAGES[0], "block_device_mappings": [{"device_name": "/dev/sdg", "ebs": {"volume_size": 8}}]}],
        "Image ami-12345678 brings a disk of its own at /dev/sdg",
    ),
    "another architecture": (
        TYPES,
        [{**IMAGES[0], "architecture": "arm64"}],
        "Image ami-12345678 is built for arm64, but instance type i4i.large runs x86_64",
    ),
}


@pytest.mark.parametrize(("types", "images", "sentence"), OFFERS.values(), ids=OFFERS.keys())
def test_what_ec2_does_not_offer_is_refused_in_one_sentence(types: dict, images: list, sentence: str) -> None:
    found = plan([], [], types=types, images=images)["findings"]
    assert len(found) == 1, found
    assert sentence in found[0]


def test_a_withdrawn_image_does_not_trouble_a_cluster_that_runs() -> None:
    assert plan(*account(), images=[]) == NOTHING


def test_instance_store_needs_a_type_that_has_one() -> None:
    raw = copy.deepcopy(ZOOKEEPER)
    raw["brokers"] = {"instance_type": "i4i.large", "count": 3, "storage": "instance_store"}
    assert plan([], [], raw=raw)["findings"] == []
    assert not [node for node in plan([], [], raw=raw)["nodes"] if "broker" in node["name"] and node["volumes"]]
    found = plan([], [], raw=raw, types={"i4i.large": {**TYPES["i4i.large"], "instance_store": None}})["findings"]
    assert [f.split(";")[0] for f in found] == ["Instance type i4i.large has no instance store"]


def test_a_name_means_the_newest_image_of_the_owners() -> None:
    images = [
        {"image_id": "ami-1", "name": "debian-12-1", "creation_date": "2026-01-01T00:00:00Z"},
        {"image_id": "ami-2", "name": "debian-12-2", "creation_date": "2026-03-01T00:00:00Z"},
        {"image_id": "ami-3", "name": "debian-13-1", "creation_date": "2026-06-01T00:00:00Z"},
    ]
    assert provision.resolve_image("name:debian-12-*", images)["image_id"] == "ami-2"
    assert provision.resolve_image("name:ubuntu-*", images) is None
    topology = config_topology.parse({**ZOOKEEPER, "image": "name:debian-12-*", "image_owners": [136693071363]})
    assert provision.image_queries(topology) == [{"filters": {"name": ["debian-12-*"]}, "owners": ["136693071363"]}]


def test_the_root_disk_is_never_smaller_than_the_image() -> None:
    image = {
        **IMAGES[0],
        "block_device_mappings": [
            {"device_name": "/dev/xvda", "ebs": {"volume_size": 32}},
            {"device_name": "/dev/xvdb"},
        ],
    }
    assert plan([], [], images=[image])["nodes"][0]["root_gb"] == 32
    assert plan([], [])["nodes"][0]["root_gb"] == 20


def test_xen_does_not_matter_to_a_node_without_ebs_volumes() -> None:
    raw = copy.deepcopy(ZOOKEEPER)
    raw["brokers"] = {"instance_type": "i3.large", "count": 3, "storage": "instance_store"}
    types = {**TYPES, "i3.large": {**TYPES["i4i.large"], "hypervisor": "xen", "ebs_attachments": 1}}
    assert plan([], [], raw=raw, types=types)["findings"] == []


def test_throughput_beyond_the_instances_is_a_note_only() -> None:
    raw = {
        **ZOOKEEPER,
        "brokers": {**RAW["brokers"], "volumes": {"count": 2, "type": "gp3", "size_gb": 500, "throughput": 125}},
    }
    instances, volumes = account(raw)
    for volume in volumes:
        volume["throughput"] = 125
    wanted = plan(instances, volumes, raw=raw)
    assert wanted.pop("notes") == [
        "Instance type i4i.large moves 74 MiB/s to and from EBS in the long run, less than the 250 MiB/s of its data volumes."
    ]
    assert not any(wanted.values())


VPC = {"vpc_id": "vpc-1", "cidr_block": "198.18.0.0/20"}
SUBNET = {"subnet_id": "subnet-1", "availability_zone": "eu-west-1a", "cidr_block": "198.18.1.0/24"}
NETWORKS = {
    "another range": ([{**VPC, "cidr_block": "198.19.0.0/20"}], [], "has the range 198.19.0.0/20, not 198.18.0.0/20"),
    "two VPCs": ([VPC, {**VPC, "vpc_id": "vpc-2"}], [], "2 VPCs carry the tag KafkaCluster=demo (vpc-1, vpc-2)"),
    "a subnet in another zone": (
        [VPC],
        [{**SUBNET, "availability_zone": "eu-west-1b"}],
        "The subnet subnet-1 of cluster demo is 198.18.1.0/24 in eu-west-1b",
    ),
    "a subnet with public addresses": (
        [VPC],
        [{**SUBNET, "map_public_ip_on_launch": True}],
        "The subnet subnet-1 of cluster demo gives its instances public",
    ),
    "a subnet in another VPC": (
        [VPC],
        [{**SUBNET, "vpc_id": "vpc-7"}],
        "carries the tag KafkaCluster=demo, but lies in the VPC vpc-7, not in vpc-1",
    ),
    "a zone with another subnet": (
        [VPC],
        [{**SUBNET, "cidr_block": "198.18.7.0/24"}],
        "The subnet subnet-1 of cluster demo is 198.18.7.0/24 in eu-west-1a",
    ),
}


OTHERS = {
    "a VPC of the same name and range": (
        [],
        {"vpcs": [{**VPC, "tags": {"Name": "demo"}}]},
        "The VPC vpc-1 has the name demo and the range 198.18.0.0/20, but",
    ),
    "a subnet where ours belongs": (
        [VPC],
        {"subnets": [{**SUBNET, "cidr_block": "198.18.1.128/25"}]},
        "The subnet subnet-1 (198.18.1.128/25) lies where the topology wants 198.18.1.0/24",
    ),
    "a security group of our name": (
        [VPC],
        {"groups": [{"group_id": "sg-1", "group_name": "demo-broker", "tags": {}}]},
        "The security group demo-broker (sg-1) was not made by provision",
    ),
}


@pytest.mark.parametrize(("vpcs", "others", "sentence"), OTHERS.values(), ids=OTHERS.keys())
def test_what_is_not_ours_is_never_taken_over(vpcs: list, others: dict, sentence: str) -> None:
    found = provision.network_findings(config_topology.parse(ZOOKEEPER), vpcs, [], others)
    assert len(found) == 1, found
    assert sentence in found[0]


def test_foreign_resources_beside_the_cluster_are_no_finding() -> None:
    others = {
        "vpcs": [
            {**VPC, "cidr_block": "198.19.0.0/20", "tags": {}},
            {**VPC, "vpc_id": "vpc-2", "tags": {"KafkaCluster": "demo"}},
        ],
        "subnets": [SUBNET, {**SUBNET, "subnet_id": "subnet-9", "cidr_block": "198.18.9.0/24"}],
        "groups": [{"group_id": "sg-1", "group_name": "default", "tags": {}}],
    }
    assert provision.network_findings(config_topology.parse(ZOOKEEPER), [VPC], [SUBNET], others) == []


def test_foreign_roles_and_profiles_are_refused_by_name() -> None:
    topology = config_topology.parse(ZOOKEEPER)
    name = provision.profile_name(topology, "broker")
    foreign = provision.iam_findings(topology, [{"role_name": name, "tags": {}}], [{"instance_profile_name": name}])
    assert [sentence.split(" was")[0] for sentence in foreign] == [
        "The IAM role " + name,
        "The instance profile " + name,
    ]
    assert provision.iam_findings(topology, [{"role_name": name, "tags": {"KafkaCluster": "demo"}}], []) == []


@pytest.mark.parametrize(("vpcs", "subnets", "sentence"), NETWORKS.values(), ids=NETWORKS.keys())
def test_a_network_that_contradicts_is_refused_in_one_sentence(vpcs: list, subnets: list, sentence: str) -> None:
    found = provision.network_findings(config_topology.parse(ZOOKEEPER), vpcs, subnets)
    assert len(found) == 1, found
    assert sentence in found[0]


def test_only_missing_subnets_are_made() -> None:
    topology = config_topology.parse(ZOOKEEPER)
    assert provision.network_findings(topology, [VPC], [SUBNET]) == []
    assert [zone["name"] for zone in provision.missing_subnets(topology, [SUBNET])] == ["eu-west-1b", "eu-west-1c"]
