"""Building many nodes at once: the requests, and what happens when some of them fail."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.exceptions import ClientError

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client, launch
from ansible_collections.rackaware.kafka.plugins.module_utils._aws.client import AwsError
from ansible_collections.rackaware.kafka.plugins.modules import kafka_instances

SUBNETS, GROUPS = {"a": "subnet-a"}, {"demo-broker": "sg-b"}


def volume(number: int = 0, **more: Any) -> dict[str, Any]:
    plain = {
        "number": number,
        "volume_id": None,
        "device": "/dev/sd" + "fghi"[number],
        "attach": True,
        "keep": False,
        "change": {},
        "tags": {},
    }
    return {**plain, "type": "gp3", "size_gb": 500, "iops": 6000, "throughput": None, **more}


def node(number: int, *volumes: dict[str, Any], **more: Any) -> dict[str, Any]:
    name = "demo-broker-%d" % number
    return {
        "name": name,
        "instance_id": None,
        "predecessors": [],
        "zone": "a",
        "address": "198.18.1.%d" % (10 + number),
        "instance_type": "m6i.large",
        "image_id": "ami-1",
        "root_device": "/dev/xvda",
        "root_gb": 20,
        "groups": ["demo-broker"],
        "profile": "kafka-x-demo-broker",
        "tags": {"Name": name, "KafkaNode": str(number)},
        "volume_tags": {"KafkaNode": str(number), "KafkaFormat": "new"},
        "kms_key": "alias/kafka",
        "volumes": list(volumes),
        **more,
    }


class Ec2:
    """As much of EC2 as a launch sees: instances by token, volumes by id."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_args: None))
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.by_token: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, list[tuple[str, str]]] = {}
        self.ends: set[str] = set()

    def _count(self, action: str, request: dict[str, Any]) -> None:
        self.asked.append((action, request))

    def of(self, action: str) -> list[dict[str, Any]]:
        return [request for name, request in self.asked if name == action]

    def run_instances(self, **request: Any) -> dict[str, Any]:
        self._count("RunInstances", request)
        queue = self.refuse.get(request["PrivateIpAddress"], [])
        if queue:
            code, message = queue.pop(0)
            raise ClientError({"Error": {"Code": code, "Message": message}}, "RunInstances")
        if request["ClientToken"] not in self.by_token:
            number = request["PrivateIpAddress"].rsplit(".", 1)[1]
            id_ = "i-%s-%d" % (number, len(self.by_token))
            disks = [
                {"DeviceName": disk["DeviceName"], "Ebs": {"VolumeId": "vol-%s-%s" % (id_, disk["DeviceName"][-1])}}
                for disk in request["BlockDeviceMappings"]
            ]
            self.by_token[request["ClientToken"]] = {
                "InstanceId": id_,
                "State": {"Name": "pending"},
                "BlockDeviceMappings": disks,
            }
        return {"Instances": [copy.deepcopy(self.by_token[request["ClientToken"]])]}

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda Filters: [getattr(self, "_" + operation)(Filters[0]["Values"])])

    def _describe_instances(self, ids: list[str]) -> dict[str, Any]:
        self._count("DescribeInstances", {"ids": ids})
        found = []
        for instance in self.by_token.values():
            if instance["InstanceId"] in ids:
                answer = copy.deepcopy(instance)
                # Running only at the second look.
                state = instance["State"]
                if state["Name"] == "pending":
                    state["Name"] = "terminated" if instance["InstanceId"] in self.ends else "running"
                answer["StateReason"] = {"Message": "Client.InvalidKMSKey.InvalidState: The KMS key is disabled."}
                found.append(answer)
        return {"Reservations": [{"Instances": found}]}

    def _describe_volumes(self, ids: list[str]) -> dict[str, Any]:
        self._count("DescribeVolumes", {"ids": ids})
        return {"Volumes": [answer for id_, answer in self.volumes.items() if id_ in ids]}

    def create_volume(self, **request: Any) -> dict[str, Any]:
        self._count("CreateVolume", request)
        id_ = "vol-new%d" % len(self.volumes)
        self.volumes[id_] = {"VolumeId": id_, "State": "available", "Attachments": []}
        return {"VolumeId": id_}

    def attach_volume(self, **request: Any) -> None:
        self._count("AttachVolume", request)
        self.volumes.setdefault(request["VolumeId"], {"State": "in-use"})["Attachments"] = [{"State": "attached"}]

    def __getattr__(self, name: str) -> Any:
        action = "".join(part.capitalize() for part in name.split("_"))
        return lambda **request: self._count(action, request)


def build(ec2: Ec2, *nodes: dict[str, Any], wait_seconds: float = 5) -> dict[str, str]:
    builder = launch.Builder(ec2, wait_seconds=wait_seconds, poll_seconds=0)
    return builder.build(list(nodes), subnet_ids=SUBNETS, group_ids=GROUPS, key_name=None)


def test_a_launch_has_address_tags_and_disks_in_one_request() -> None:
    kept = volume(1, volume_id="vol-kept")
    request = launch.run_request(node(1, volume(), kept), subnet_id="subnet-a", group_ids=["sg-b"], key_name="login")
    assert (request["MinCount"], request["MaxCount"], request["PrivateIpAddress"], request["KeyName"]) == (
        1,
        1,
        "198.18.1.11",
        "login",
    )
    assert request["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    root, data = request["BlockDeviceMappings"]
    assert (root["DeviceName"], root["Ebs"]["DeleteOnTermination"], root["Ebs"]["Encrypted"]) == (
        "/dev/xvda",
        True,
        True,
    )
    assert data == {
        "DeviceName": "/dev/sdf",
        "Ebs": {
            "VolumeType": "gp3",
            "Encrypted": True,
            "Iops": 6000,
            "KmsKeyId": "alias/kafka",
            "VolumeSize": 500,
            "DeleteOnTermination": False,
        },
    }
    assert {
        spec["ResourceType"]: {tag["Key"]: tag["Value"] for tag in spec["Tags"]}
        for spec in request["TagSpecifications"]
    } == {
        "instance": {"Name": "demo-broker-1", "KafkaNode": "1"},
        "volume": {"KafkaNode": "1", "KafkaFormat": "new"},
    }


def test_kept_volumes_alone_never_say_that_they_are_new() -> None:
    request = launch.run_request(node(1, volume(volume_id="vol-kept")), subnet_id="s", group_ids=[], key_name=None)
    assert [spec["ResourceType"] for spec in request["TagSpecifications"]] == ["instance"]
    assert "FormatNew" not in str(request) and "'new'" not in str(request)


def test_a_token_is_the_same_for_the_same_launch_only() -> None:
    request = {"ImageId": "ami-1"}
    tokens = [
        launch.token(request, []),
        launch.token({"ImageId": "ami-2"}, []),
        launch.token(request, ["i-1"]),
        launch.token(request, [], 1),
    ]
    assert len(set(tokens)) == 4
    assert tokens[2] == launch.token(dict(request), iter(["i-1"]))
    assert all(len(token) <= 64 for token in tokens)


def test_what_is_equal_among_nodes_is_done_once() -> None:
    ec2 = Ec2()
    made = build(ec2, *(node(number, volume(0), volume(1)) for number in range(1, 101)))
    assert len(set(made.values())) == 100
    counted = {action: len(ec2.of(action)) for action in {action for action, _ in ec2.asked}}
    assert counted == {"RunInstances": 100, "DescribeInstances": 2, "CreateTags": 2, "DeleteTags": 1}
    numbered = {request["Tags"][0]["Value"]: request["Resources"] for request in ec2.of("CreateTags")}
    assert {value: {resource[-1] for resource in resources} for value, resources in numbered.items()} == {
        "0": {"f"},
        "1": {"g"},
    }
    assert {resource[-1] for resource in ec2.of("DeleteTags")[0]["Resources"]} == {"a"}


def test_a_launch_whose_answer_was_lost_is_not_made_twice() -> None:
    ec2 = Ec2()
    first = build(ec2, node(1, volume()))
    assert build(ec2, node(1, volume())) == first
    assert len(ec2.by_token) == 1


def test_the_answer_of_a_launch_that_is_gone_is_no_launch() -> None:
    ec2 = Ec2()
    first = build(ec2, node(1, volume()))
    for instance in ec2.by_token.values():
        instance["State"]["Name"] = "terminated"
    second = build(ec2, node(1, volume()))
    assert second != first
    assert len(ec2.by_token) == 2


def test_what_was_begun_is_finished_before_a_failure_is_told() -> None:
    ec2 = Ec2()
    ec2.refuse["198.18.1.12"] = [("InsufficientInstanceCapacity", "There is no capacity.")]
    with pytest.raises(AwsError) as caught:
        build(ec2, *(node(number, volume()) for number in (1, 2, 3)))
    assert str(caught.value) == (
        "AWS could not launch demo-broker-2: There is no capacity (InsufficientInstanceCapacity). What was begun is finished; run this again for the rest."
    )
    assert len(ec2.of("CreateTags")[0]["Resources"]) == 2


def test_after_a_refusal_that_holds_for_all_nothing_more_is_begun() -> None:
    ec2 = Ec2()
    for number in range(1, 101):
        ec2.refuse["198.18.1.%d" % (10 + number)] = [("UnauthorizedOperation", "You are not authorized.")]
    with pytest.raises(AwsError, match="allow RunInstances in the caller's policy"):
        build(ec2, *(node(number) for number in range(1, 101)))
    assert len(ec2.of("RunInstances")) <= 2 * launch.AT_ONCE


def test_a_profile_that_ec2_does_not_know_yet_is_waited_for() -> None:
    ec2 = Ec2()
    late = (
        "InvalidParameterValue",
        "Value (kafka-x-demo-broker) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
    )
    ec2.refuse["198.18.1.11"] = [late, late]
    assert len(build(ec2, node(1))) == 1
    ec2.refuse["198.18.1.12"] = [late]
    with pytest.raises(
        AwsError, match=r"could not find the instance profile kafka-x-demo-broker of demo-broker-2 within 0 s"
    ):
        launch.Builder(ec2, wait_seconds=0, poll_seconds=1).build(
            [node(2)], subnet_ids=SUBNETS, group_ids=GROUPS, key_name=None
        )


def test_an_address_in_use_says_so() -> None:
    ec2 = Ec2()
    ec2.refuse["198.18.1.11"] = [("InvalidIPAddress.InUse", "Address 198.18.1.11 is in use.")]
    with pytest.raises(
        AwsError, match=r"Node demo-broker-1 was not launched, because 198\.18\.1\.11 is in use; free that address"
    ):
        build(ec2, node(1))


def test_an_instance_that_ends_at_once_is_told_with_its_reason_and_the_others_are_numbered() -> None:
    ec2 = Ec2()
    ec2.ends = {"i-12-%d" % number for number in range(3)}
    with pytest.raises(
        AwsError,
        match=r"Node demo-broker-2 \(i-12-\d\) ended at its launch: Client\.InvalidKMSKey\.InvalidState: The KMS key is disabled\.",
    ):
        build(ec2, *(node(number, volume()) for number in (1, 2, 3)))
    assert len(ec2.of("CreateTags")[0]["Resources"]) == 2


def test_instances_that_do_not_come_are_told_in_one_sentence() -> None:
    with pytest.raises(AwsError, match=r"AWS could not start 1 instances within 0 s; run this again to go on\."):
        launch.Builder(Ec2(), wait_seconds=0, poll_seconds=1).build(
            [node(1, volume())], subnet_ids=SUBNETS, group_ids=GROUPS, key_name=None
        )


def test_a_node_without_a_subnet_is_refused_before_anything_is_made() -> None:
    ec2 = Ec2()
    with pytest.raises(AwsError, match="Node demo-broker-2 has no subnet in b; build the network first"):
        build(ec2, node(1), node(2, zone="b"))
    with pytest.raises(AwsError, match="Node demo-broker-2 has no security group demo-x; build the network first"):
        build(ec2, node(1), node(2, groups=["demo-broker", "demo-x"]))
    assert ec2.asked == []


def test_volumes_of_a_node_that_exists() -> None:
    ec2 = Ec2()
    there = [
        volume(0, volume_id="vol-0", attach=False, keep=True),
        volume(
            1,
            volume_id="vol-1",
            attach=False,
            change={"size_gb": 600, "type": "gp3", "iops": 80000, "throughput": 2000},
        ),
        volume(2, volume_id="vol-2", tags={"Team": "x"}),
        volume(3),
    ]
    assert build(
        ec2,
        node(1, *there, instance_id="i-1"),
        node(2, volume(volume_id="vol-9", attach=False, tags={"Team": "x"}), instance_id="i-2"),
    ) == {
        "demo-broker-1": "i-1",
        "demo-broker-2": "i-2",
    }
    assert ec2.of("RunInstances") == []
    made = ec2.of("CreateVolume")
    assert [request["AvailabilityZone"] for request in made] == ["a"]
    assert {"Key": "KafkaVolume", "Value": "3"} in made[0]["TagSpecifications"][0]["Tags"]
    assert {"Key": "KafkaFormat", "Value": "new"} in made[0]["TagSpecifications"][0]["Tags"]
    assert sorted((request["VolumeId"], request["Device"]) for request in ec2.of("AttachVolume")) == [
        ("vol-2", "/dev/sdh"),
        ("vol-new0", "/dev/sdi"),
    ]
    assert ec2.of("ModifyVolume") == [
        {"VolumeId": "vol-1", "Size": 600, "VolumeType": "gp3", "Iops": 80000, "Throughput": 2000}
    ]
    assert [
        request["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] for request in ec2.of("ModifyInstanceAttribute")
    ] == [False]
    assert ec2.of("CreateTags") == [{"Resources": ["vol-2", "vol-9"], "Tags": [{"Key": "Team", "Value": "x"}]}]


def test_what_is_done_is_a_line_each() -> None:
    lines = launch.actions(
        [
            node(1, volume()),
            node(
                2,
                volume(1, volume_id="vol-1", keep=True, change={"size_gb": 600}, tags={"Team": "x"}),
                instance_id="i-2",
            ),
        ]
    )
    assert lines == [
        "demo-broker-1 at 198.18.1.11: launch m6i.large in a",
        "demo-broker-1: volume 0: make it, gp3 of 500 GiB at /dev/sdf",
        "demo-broker-2: volume 1 (vol-1): attach it at /dev/sdg",
        "demo-broker-2: volume 1 (vol-1): keep it when the instance ends",
        "demo-broker-2: volume 1 (vol-1): set size_gb 600",
        "demo-broker-2: volume 1 (vol-1): tag Team x",
    ]


def run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, ec2: Any, nodes: list, **params: Any
) -> dict[str, Any]:
    asked: list[Any] = []
    monkeypatch.setattr(client, "client", lambda service, **options: asked.append(options) or ec2)
    given = {"nodes": nodes, "subnet_ids": SUBNETS, "group_ids": GROUPS, "region": "eu-west-1", **params}
    with patch_module_args(given), pytest.raises(SystemExit):
        kafka_instances.main()
    assert all(options["retries"] == "adaptive" for options in asked)
    return json.loads(capsys.readouterr().out)


def test_check_mode_asks_nothing_and_says_what_would_be_done(monkeypatch: Any, capsys: Any) -> None:
    result = run_module(monkeypatch, capsys, None, [node(1, volume())], subnet_ids={}, _ansible_check_mode=True)
    assert (result["changed"], len(result["actions"])) == (True, 2)
    assert result["diff"]["after"].startswith("demo-broker-1 at 198.18.1.11: launch m6i.large in a\n")


def test_nothing_to_build_is_no_change_and_no_question(monkeypatch: Any, capsys: Any) -> None:
    result = run_module(monkeypatch, capsys, None, [])
    assert (result["changed"], result["actions"], result["diff"]) == (False, [], {"before": "", "after": ""})


def test_the_module_builds_and_tells_the_ids(monkeypatch: Any, capsys: Any) -> None:
    result = run_module(monkeypatch, capsys, Ec2(), [node(1, volume())])
    assert result["changed"]
    assert result["instances"] == {"demo-broker-1": "i-11-0"}


def test_what_fails_is_one_sentence(monkeypatch: Any, capsys: Any) -> None:
    result = run_module(monkeypatch, capsys, Ec2(), [node(1, zone="b")])
    assert result["failed"]
    assert result["msg"] == "Node demo-broker-1 has no subnet in b; build the network first."
