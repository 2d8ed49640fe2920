"""provision, the inventory and deprovision, in the order in which a cluster lives: each test finds what the one before left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CHECK_INVENTORY = Path(__file__).parent / "check_inventory.yml"


def test_mistakes_in_the_topology_are_told_at_once(account: Any, topology: dict) -> None:
    topology["zones"].pop()
    topology["min_insync_replica"] = 2
    topology["replication_factor"] = 4
    topology["brokers"]["volumes"] = {"type": "gp3", "size_gb": 10, "iops": 16000}
    run = account.play("provision", topology)
    run.refused("gp3 gives at most 500 iops for each GiB, so that 10 GiB have at most 5000, not 16000")
    run.refused("names 2 Availability Zones, but losing one must leave a majority")
    run.refused("has the unknown key min_insync_replica; did you mean min_insync_replicas?")
    run.refused("replication_factor 4 needs as many brokers, but there are 3")


def test_a_missing_topology_is_refused(account: Any) -> None:
    account.play("provision").refused("There is no topology: set kafka_topology to a mapping")


def test_an_unknown_instance_type_is_refused(account: Any, topology: dict) -> None:
    topology["brokers"]["instance_type"] = "r99.huge"
    account.play("provision", topology).refused("EC2 in eu-west-1 does not know the instance type r99.huge")


def test_another_name_than_the_inventorys_is_refused(account: Any, topology: dict) -> None:
    run = account.play("provision", topology, KAFKA_CLUSTER="orders")
    run.refused(
        "KAFKA_CLUSTER is orders, but kafka_topology.name is demo, so that the inventory would not show what is built; set both to the same name."
    )


def test_a_type_whose_volumes_have_no_serial_is_refused(account: Any, topology: dict) -> None:
    topology["brokers"]["instance_type"] = "m4.large"
    account.play("provision", topology).refused(
        "Instance type m4.large runs on Xen, where an EBS volume has no serial number"
    )


def test_a_vpc_that_somebody_else_made_is_neither_adopted_nor_tagged(account: Any, topology: dict) -> None:
    vpc = account.ec2.create_vpc(
        CidrBlock=topology["vpc_cidr"],
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "demo"}]}],
    )["Vpc"]
    account.play("provision", topology).refused(
        "The VPC %s has the name demo and the range 198.18.0.0/20, but was not made by provision" % vpc["VpcId"]
    )
    assert account.ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"][0]["Tags"] == [{"Key": "Name", "Value": "demo"}]
    account.ec2.delete_vpc(VpcId=vpc["VpcId"])


def test_a_role_that_somebody_else_made_is_neither_given_to_nodes_nor_tagged(account: Any, topology: dict) -> None:
    name = "kafka-eu-west-1-demo-broker"
    account.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    account.play("provision", topology).refused("The IAM role %s was not made by provision" % name)
    assert account.iam.list_role_tags(RoleName=name)["Tags"] == []
    account.iam.delete_role(RoleName=name)


def test_an_empty_inventory_is_refused(account: Any) -> None:
    run = account.playbook(CHECK_INVENTORY, "-i", "inventories/aws_ec2")
    run.refused("provision the cluster first, or check KAFKA_CLUSTER")
    assert "Could not match supplied host pattern" not in run.text


def test_check_mode_works_on_an_empty_account(account: Any, topology: dict) -> None:
    run = account.play("provision", topology, "--check")
    assert run.code == 0, run.text
    assert run.changed > 0
    assert "demo-broker-1 at 198.18.1.11" in run.text
    assert account.instances() == {}
    assert account.volumes() == {}
    assert account.ec2.describe_vpcs(Filters=[{"Name": "tag:KafkaCluster", "Values": ["demo"]}])["Vpcs"] == []
    assert account.iam.list_roles()["Roles"] == []


def test_the_cluster_is_built(account: Any, topology: dict) -> None:
    run = account.play("provision", topology)
    assert run.code == 0, run.text
    expected = {
        "demo-broker-1": ("eu-west-1a", "198.18.1.11"),
        "demo-broker-2": ("eu-west-1b", "198.18.2.12"),
        "demo-broker-3": ("eu-west-1c", "198.18.3.13"),
        "demo-zookeeper-1": ("eu-west-1a", "198.18.1.201"),
        "demo-zookeeper-2": ("eu-west-1b", "198.18.2.202"),
        "demo-zookeeper-3": ("eu-west-1c", "198.18.3.203"),
    }
    assert {
        name: (i["Placement"]["AvailabilityZone"], i["PrivateIpAddress"]) for name, i in account.instances().items()
    } == expected


def test_instances_are_tagged_and_take_only_imdsv2_from_themselves(account: Any) -> None:
    for name, instance in account.instances().items():
        _, role, number = name.split("-")
        assert instance["tags"] == {
            "Name": name,
            "KafkaCluster": "demo",
            "KafkaRole": role,
            "KafkaNode": number,
            "Team": "streaming",
        }
        assert (instance["MetadataOptions"]["HttpTokens"], instance["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
            "required",
            1,
        )
        assert instance["IamInstanceProfile"]["Arn"].endswith("/kafka-eu-west-1-demo-" + role)
        assert [group["GroupName"] for group in instance["SecurityGroups"]] == ["demo-" + role]
        image = account.ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"][0]
        assert image["Name"] == "rackaware-debian-13"


def test_every_disk_is_encrypted_and_data_outlives_its_instance(account: Any) -> None:
    volumes = account.volumes()
    assert sorted(volumes) == sorted("%s-data0" % name for name in account.instances())
    for instance in account.instances().values():
        mappings = {m["Ebs"]["VolumeId"]: m for m in instance["BlockDeviceMappings"]}
        for volume in account.ec2.describe_volumes(VolumeIds=list(mappings))["Volumes"]:
            assert volume["Encrypted"], volume
        data = volumes[instance["tags"]["Name"] + "-data0"]
        assert mappings[data["VolumeId"]]["DeviceName"] == "/dev/sdf"
        assert not mappings[data["VolumeId"]]["Ebs"]["DeleteOnTermination"]
        assert (data["tags"]["KafkaVolume"], data["tags"]["KafkaFormat"]) == ("0", "new")
        root = account.ec2.describe_volumes(VolumeIds=[id_ for id_ in mappings if id_ != data["VolumeId"]])["Volumes"][
            0
        ]
        assert not {"KafkaVolume", "KafkaFormat"} & {tag["Key"] for tag in root["Tags"]}
        assert (data["VolumeType"], data["Size"]) == (
            ("st1", 125) if instance["tags"]["KafkaRole"] == "broker" else ("gp3", 20)
        )


def test_subnets_are_private_and_lie_in_three_zones(account: Any) -> None:
    subnets = account.ec2.describe_subnets(Filters=[{"Name": "tag:KafkaCluster", "Values": ["demo"]}])["Subnets"]
    assert {(s["AvailabilityZone"], s["CidrBlock"], s["MapPublicIpOnLaunch"]) for s in subnets} == {
        ("eu-west-1a", "198.18.1.0/24", False),
        ("eu-west-1b", "198.18.2.0/24", False),
        ("eu-west-1c", "198.18.3.0/24", False),
    }


def test_security_groups_open_exactly_what_each_role_needs(account: Any) -> None:
    groups = account.ec2.describe_security_groups(Filters=[{"Name": "tag:KafkaCluster", "Values": ["demo"]}])[
        "SecurityGroups"
    ]
    names = {group["GroupId"]: group["GroupName"] for group in groups}
    opened = set()
    for group in groups:
        for rule in group["IpPermissions"]:
            assert rule["IpProtocol"] == "tcp"
            assert rule["FromPort"] == rule["ToPort"]
            opened.update((group["GroupName"], rule["FromPort"], source["CidrIp"]) for source in rule["IpRanges"])
            opened.update(
                (group["GroupName"], rule["FromPort"], names[source["GroupId"]]) for source in rule["UserIdGroupPairs"]
            )
    assert opened == {
        ("demo-broker", 22, "198.18.0.1/32"),
        ("demo-broker", 9092, "198.18.0.0/20"),
        ("demo-broker", 9092, "demo-broker"),
        ("demo-broker", 9091, "demo-broker"),
        ("demo-zookeeper", 22, "198.18.0.1/32"),
        ("demo-zookeeper", 2181, "demo-broker"),
        ("demo-zookeeper", 2181, "demo-zookeeper"),
        ("demo-zookeeper", 2888, "demo-zookeeper"),
        ("demo-zookeeper", 3888, "demo-zookeeper"),
    }


def test_the_iam_roles_allow_nothing_yet_and_ec2_alone_takes_them(account: Any) -> None:
    roles = {role["RoleName"]: role for role in account.iam.list_roles()["Roles"]}
    assert sorted(roles) == ["kafka-eu-west-1-demo-broker", "kafka-eu-west-1-demo-zookeeper"]
    for name, role in roles.items():
        assert [s["Principal"] for s in role["AssumeRolePolicyDocument"]["Statement"]] == [
            {"Service": "ec2.amazonaws.com"}
        ]
        assert account.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        assert account.iam.list_role_policies(RoleName=name)["PolicyNames"] == []


def test_the_dynamic_inventory_is_the_model(account: Any) -> None:
    listed = account.inventory("inventories/aws_ec2")
    names = {key: sorted(value.get("hosts", [])) for key, value in listed.items() if key != "_meta"}
    assert names["kafka_brokers"] == ["demo-broker-1", "demo-broker-2", "demo-broker-3"]
    assert names["kafka_zookeepers"] == [name.replace("broker", "zookeeper") for name in names["kafka_brokers"]]
    assert sorted(names["kafka_cluster_demo"]) == sorted(names["kafka_brokers"] + names["kafka_zookeepers"])
    assert names["rack_eu_west_1b"] == ["demo-broker-2", "demo-zookeeper-2"]
    facts = listed["_meta"]["hostvars"]["demo-broker-2"]
    kept = ("ansible_host", "kafka_cluster", "kafka_node_id", "kafka_rack", "kafka_instance_type", "kafka_data_volumes")
    assert {key: facts[key] for key in kept} == {
        "ansible_host": "198.18.2.12",
        "kafka_cluster": "demo",
        "kafka_node_id": 2,
        "kafka_rack": "eu-west-1b",
        "kafka_instance_type": "m6i.large",
        "kafka_data_volumes": [account.volumes()["demo-broker-2-data0"]["VolumeId"]],
    }
    assert (facts["ansible_user"], facts["ansible_become"]) == ("admin", True)
    run = account.playbook(CHECK_INVENTORY, "-i", "inventories/aws_ec2")
    assert run.code == 0, run.text


def test_the_inventory_shows_one_cluster_only(account: Any) -> None:
    assert account.inventory("inventories/aws_ec2", KAFKA_CLUSTER="other")["_meta"]["hostvars"] == {}


def test_a_second_run_changes_nothing_and_never_doubles_a_stopped_node(account: Any, topology: dict) -> None:
    before = account.instances()
    account.ec2.stop_instances(InstanceIds=[before["demo-broker-3"]["InstanceId"]])
    run = account.play("provision", topology)
    assert run.code == 0, run.text
    assert run.changed == 0, run.text
    assert "demo-broker-3 (%s) is stopped; it was left so." % before["demo-broker-3"]["InstanceId"] in " ".join(
        run.text.split()
    )
    after = account.instances()
    assert {name: i["InstanceId"] for name, i in after.items()} == {name: i["InstanceId"] for name, i in before.items()}
    account.ec2.start_instances(InstanceIds=[before["demo-broker-3"]["InstanceId"]])


def test_a_moved_node_is_refused(account: Any, topology: dict) -> None:
    topology["brokers"]["instance_type"] = "m6i.xlarge"
    topology["zookeepers"] = {
        "instance_type": "m6i.large",
        "nodes": [
            {"id": number, "zone": "eu-west-1" + zone, "address": "198.18.%d.%d" % (subnet, 200 + number)}
            for number, zone, subnet in ((1, "b", 2), (2, "a", 1), (3, "c", 3))
        ],
    }
    run = account.play("provision", topology)
    run.refused("has the instance type m6i.large, but the topology says m6i.xlarge; provision never moves a node")
    run.refused("has the zone eu-west-1a, but the topology says eu-west-1b; provision never moves a node")
    run.refused("lies in eu-west-1a, but the node in eu-west-1b")
    assert len(account.instances()) == 6


def test_what_somebody_changed_by_hand_is_put_back(account: Any, topology: dict) -> None:
    broker = account.instances()["demo-broker-1"]
    # All options, as EC2 itself would describe them: the stand-in describes only what it was told.
    others = {"HttpEndpoint": "enabled", "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "disabled"}
    account.ec2.modify_instance_metadata_options(
        InstanceId=broker["InstanceId"], HttpTokens="optional", HttpPutResponseHopLimit=2, **others
    )
    account.ec2.delete_tags(Resources=[broker["InstanceId"]], Tags=[{"Key": "Team"}])
    account.ec2.create_tags(Resources=[broker["InstanceId"]], Tags=[{"Key": "Owner", "Value": "somebody"}])
    group = broker["SecurityGroups"][0]["GroupId"]
    account.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=9999, ToPort=9999, CidrIp="198.18.15.0/24"
    )
    # As a run leaves them that was cut between a launch and the tags that follow it; by then the first disk may be in use.
    first, second = (account.volumes()["demo-broker-%d-data0" % number]["VolumeId"] for number in (1, 2))
    account.ec2.delete_tags(Resources=[first, second], Tags=[{"Key": "KafkaVolume"}])
    account.ec2.delete_tags(Resources=[first], Tags=[{"Key": "KafkaFormat"}])
    run = account.play("provision", topology)
    assert run.code == 0, run.text
    assert run.changed == 3, run.text
    volumes = account.volumes()
    assert [volumes["demo-broker-%d-data0" % number]["VolumeId"] for number in (1, 2)] == [first, second]
    assert [volumes["demo-broker-%d-data0" % number]["tags"].get("KafkaFormat") for number in (1, 2)] == [None, "new"]
    broker = account.instances()["demo-broker-1"]
    assert (broker["MetadataOptions"]["HttpTokens"], broker["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
        "required",
        1,
    )
    assert (broker["tags"]["Team"], broker["tags"]["Owner"]) == ("streaming", "somebody")
    ports = {
        rule["FromPort"]
        for rule in account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    }
    assert ports == {22, 9091, 9092}


def observe(account: Any) -> str:
    """An instance that somebody counts among the cluster's costs, which is no node."""
    tags = [{"Key": key, "Value": value} for key, value in (("Name", "observer"), ("KafkaCluster", "demo"))]
    made = account.ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    return str(made["Instances"][0]["InstanceId"])


def test_an_instance_that_is_no_node_is_named_and_never_touched(account: Any, topology: dict) -> None:
    observer = observe(account)
    account.play("provision", topology).refused(
        "Instance %s carries the tag KafkaCluster=demo, but lacks KafkaRole or KafkaNode" % observer
    )


@pytest.mark.parametrize("confirmation", [(), ("-e", "kafka_confirm=dem")], ids=["none", "another name"])
def test_deprovision_wants_the_clusters_name(account: Any, topology: dict, confirmation: tuple) -> None:
    account.play("deprovision", topology, *confirmation).refused("to confirm, add -e kafka_confirm=demo.")
    assert len(account.instances()) == 7


def test_deprovision_keeps_the_data(account: Any, topology: dict) -> None:
    before = account.volumes()
    run = account.play("deprovision", topology, "-e", "kafka_confirm=demo")
    assert run.code == 0, run.text
    assert "6 data volumes were kept" in run.text
    assert list(account.instances()) == ["observer"]
    account.ec2.terminate_instances(InstanceIds=[account.instances()["observer"]["InstanceId"]])
    after = account.volumes()
    assert {v["VolumeId"]: v["State"] for v in after.values()} == {v["VolumeId"]: "available" for v in before.values()}
    assert account.iam.list_roles()["Roles"] == []
    assert account.ec2.describe_vpcs(Filters=[{"Name": "tag:KafkaCluster", "Values": ["demo"]}])["Vpcs"] == []


def test_a_later_provision_attaches_the_kept_data_again(account: Any, topology: dict) -> None:
    kept = {name: volume["VolumeId"] for name, volume in account.volumes().items()}
    account.ec2.delete_tags(Resources=list(kept.values()), Tags=[{"Key": "KafkaFormat"}])
    run = account.play("provision", topology)
    assert run.code == 0, run.text
    instances = account.instances()
    volumes = account.volumes()
    assert {name: volume["VolumeId"] for name, volume in volumes.items()} == kept
    for name, volume in volumes.items():
        assert [a["InstanceId"] for a in volume["Attachments"]] == [instances[name.rsplit("-", 1)[0]]["InstanceId"]]
        assert "KafkaFormat" not in volume["tags"]


def test_deprovision_deletes_the_data_when_told_to_and_leaves_what_provision_did_not_make(
    account: Any, topology: dict
) -> None:
    vpc = account.ec2.describe_vpcs(Filters=[{"Name": "tag:KafkaCluster", "Values": ["demo"]}])["Vpcs"][0]
    account.ec2.delete_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "KafkaMadeBy"}])
    account.iam.untag_role(RoleName="kafka-eu-west-1-demo-broker", TagKeys=["KafkaMadeBy"])
    run = account.play("deprovision", topology, "-e", "kafka_confirm=demo", "-e", "instances_delete_volumes=true")
    assert run.code == 0, run.text
    assert account.volumes() == {}
    assert account.instances() == {}
    text = " ".join(run.text.split())
    assert "%s were left, because they lack the tag KafkaMadeBy=rackaware.kafka" % vpc["VpcId"] in text, run.text
    assert "IAM role kafka-eu-west-1-demo-broker were left" in text, run.text
    assert [role["RoleName"] for role in account.iam.list_roles()["Roles"]] == ["kafka-eu-west-1-demo-broker"]
    assert account.ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"]
    assert account.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"] == []


@pytest.mark.parametrize("metadata", ["zookeeper", "kraft", "combined", "roll"])
def test_the_labs_topologies_can_be_built(account: Any, metadata: str) -> None:
    listed = account.inventory("inventories/lab", KAFKA_METADATA=metadata, KAFKA_CLUSTER="")
    run = account.playbook(
        Path(__file__).parent / "show_topology.yml", "-i", "inventories/lab", KAFKA_METADATA=metadata, KAFKA_CLUSTER=""
    )
    assert run.code == 0, run.text
    nodes = {
        "zookeeper": "demo zookeeper 6",
        "kraft": "kraft kraft 6",
        "combined": "combined kraft 3",
        "roll": "roll kraft 12",
    }[metadata]
    assert "TOPOLOGY %s END" % nodes in run.text
    assert {"kafka_brokers", "kafka_zookeepers", "kafka_controllers"} <= set(listed["kafka"]["children"])


def test_the_static_inventory_is_the_same_model(account: Any) -> None:
    run = account.playbook(CHECK_INVENTORY, "-i", "inventories/static")
    assert run.code == 0, run.text
    listed = account.inventory("inventories/static")
    assert sorted(listed["kafka_brokers"]["hosts"]) == ["demo-broker-1", "demo-broker-2", "demo-broker-3"]
