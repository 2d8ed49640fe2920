"""The AWS helpers: what EC2 answers becomes data or one sentence."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client as aws_client

I3 = {
    "InstanceType": "i3.large",
    "Hypervisor": "xen",
    "VCpuInfo": {"DefaultVCpus": 2},
    "MemoryInfo": {"SizeInMiB": 15616},
    "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
    "EbsInfo": {"EbsOptimizedInfo": {"BaselineBandwidthInMbps": 425}},
    "NetworkInfo": {"NetworkPerformance": "Up to 10 Gigabit", "NetworkCards": [{"BaselineBandwidthInGbps": 0.75}]},
    "InstanceStorageInfo": {
        "TotalSizeInGB": 475,
        "Disks": [{"SizeInGB": 475, "Count": 1}],
        "NvmeSupport": "required",
        "EncryptionSupport": "required",
    },
}


@pytest.fixture()
def ec2() -> Any:
    client = boto3.client("ec2", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def test_a_type_becomes_data(ec2: Any) -> None:
    client, stub = ec2
    stub.add_response(
        "describe_instance_types",
        {"InstanceTypes": [I3]},
        {"Filters": [{"Name": "instance-type", "Values": ["i3.large"]}]},
    )
    assert aws_client.instance_types(client, ["i3.large", "i3.large"]) == {
        "i3.large": {
            "vcpus": 2,
            "memory_mb": 15616,
            "network_gbps": 0.75,
            "network_performance": "Up to 10 Gigabit",
            "ebs_mbps": 425,
            "ebs_attachments": None,
            "hypervisor": "xen",
            "architectures": ["x86_64"],
            "instance_store": {"count": 1, "size_gb": 475, "total_gb": 475, "nvme": True, "encrypted": True},
        }
    }


def test_zones_are_those_that_offer_the_type(ec2: Any) -> None:
    client, stub = ec2
    stub.add_response("describe_instance_types", {"InstanceTypes": [I3]}, {"Filters": ANY})
    offers = [{"InstanceType": "i3.large", "Location": "eu-west-1" + letter} for letter in "ba"]
    stub.add_response(
        "describe_instance_type_offerings",
        {"InstanceTypeOfferings": offers},
        {"Filters": ANY, "LocationType": "availability-zone"},
    )
    assert aws_client.instance_types(client, ["i3.large"], zones=True)["i3.large"]["zones"] == [
        "eu-west-1a",
        "eu-west-1b",
    ]


def test_unknown_types_are_named_in_one_sentence(ec2: Any) -> None:
    client, stub = ec2
    stub.add_response("describe_instance_types", {"InstanceTypes": [I3]}, {"Filters": ANY})
    with pytest.raises(aws_client.AwsError) as caught:
        aws_client.instance_types(client, ["i3.large", "r99.huge", "x.y"])
    assert str(caught.value).startswith(
        "EC2 in eu-west-1 does not know the instance types r99.huge, x.y; correct the name"
    )


@pytest.mark.parametrize(
    ("network", "gbps"),
    [
        ({"NetworkPerformance": "10 Gigabit"}, 10.0),
        ({"NetworkPerformance": "4x 100 Gigabit"}, 400.0),
        ({"NetworkPerformance": "12.5 Gigabit"}, 12.5),
        ({"NetworkPerformance": "Up to 25 Gigabit"}, None),
        ({"NetworkPerformance": "Moderate"}, None),
        (
            {
                "NetworkPerformance": "Up to 10 Gigabit",
                "NetworkCards": [{"BaselineBandwidthInGbps": 5.0}, {"BaselineBandwidthInGbps": 5.0}],
            },
            10.0,
        ),
    ],
)
def test_a_burst_is_no_baseline(network: dict, gbps: float) -> None:
    assert aws_client.describe_type({"NetworkInfo": network})["network_gbps"] == gbps


def test_a_type_without_a_store_and_an_old_one_without_encryption() -> None:
    assert aws_client.describe_type({})["instance_store"] is None
    old = {
        "InstanceStorageInfo": {
            "TotalSizeInGB": 48000,
            "Disks": [{"SizeInGB": 2000, "Count": 24}],
            "NvmeSupport": "unsupported",
        }
    }
    assert aws_client.describe_type(old)["instance_store"] == {
        "count": 24,
        "size_gb": 2000,
        "total_gb": 48000,
        "nvme": False,
        "encrypted": False,
    }


@pytest.mark.parametrize(
    ("answer", "most"),
    [
        ({"Hypervisor": "nitro", "EbsInfo": {"MaximumEbsAttachments": 128}}, 128),
        ({"Hypervisor": "nitro"}, 27),
        ({"Hypervisor": "nitro", "InstanceStorageInfo": {"Disks": [{"Count": 24}]}}, 3),
        ({}, None),
    ],
    ids=["as EC2 says", "Nitro's 28 devices", "Nitro's 28 devices with local disks", "bare metal"],
)
def test_how_many_volumes_a_type_takes(answer: dict, most: int) -> None:
    assert aws_client.describe_type(answer)["ebs_attachments"] == most


@pytest.mark.parametrize("code", ["RequestExpired", "ExpiredToken", "AuthFailure", "InvalidClientTokenId"])
def test_credentials_that_are_no_longer_good_are_the_reason(ec2: Any, code: str) -> None:
    client, stub = ec2
    stub.add_client_error("describe_instance_types", code, "Request has expired.")
    with pytest.raises(aws_client.AwsError) as caught:
        aws_client.instance_types(client, ["i3.large"])
    assert (
        str(caught.value)
        == "AWS could not describe instance types: Request has expired (%s); renew the credentials, and check the clock."
        % code
    )


def test_volumes_become_data_also_without_a_snapshot(ec2: Any) -> None:
    client, stub = ec2
    attachments = [
        {"InstanceId": "i-1", "Device": "/dev/sdf", "State": "attached", "DeleteOnTermination": False},
        {"InstanceId": "i-0", "Device": "/dev/sdf", "State": "detached"},
    ]
    answer = {
        "VolumeId": "vol-2",
        "AvailabilityZone": "eu-west-1a",
        "State": "in-use",
        "VolumeType": "st1",
        "Size": 500,
        "Encrypted": True,
        "SnapshotId": "",
    }
    answer["CreateTime"] = datetime(2026, 11, 30, tzinfo=timezone.utc)
    volumes = [
        {**answer, "Tags": [{"Key": "KafkaVolume", "Value": "0"}], "Attachments": attachments},
        {"VolumeId": "vol-1"},
    ]
    stub.add_response(
        "describe_volumes", {"Volumes": volumes}, {"Filters": [{"Name": "tag-key", "Values": ["KafkaVolume"]}]}
    )
    found = aws_client.volumes(client, {"tag-key": ["KafkaVolume"]})
    assert [volume["id"] for volume in found] == ["vol-1", "vol-2"]
    assert found[1] == {
        "id": "vol-2",
        "zone": "eu-west-1a",
        "state": "in-use",
        "type": "st1",
        "size_gb": 500,
        "iops": None,
        "throughput": None,
        "encrypted": True,
        "snapshot_id": None,
        "create_time": "2026-11-30T00:00:00+00:00",
        "tags": {"KafkaVolume": "0"},
        "attachments": [{"instance_id": "i-1", "device": "/dev/sdf", "delete_on_termination": False}],
    }


def test_a_denied_call_says_what_to_allow(ec2: Any) -> None:
    client, stub = ec2
    stub.add_client_error("describe_volumes", "UnauthorizedOperation", "You are not authorized.")
    with pytest.raises(aws_client.AwsError) as caught:
        aws_client.volumes(client, {})
    assert str(caught.value) == (
        "AWS could not describe EBS volumes: You are not authorized (UnauthorizedOperation); allow DescribeVolumes in the caller's policy."
    )
    assert (caught.value.code, caught.value.__cause__) == ("UnauthorizedOperation", None)


def test_an_endpoint_that_does_not_answer_is_one_sentence() -> None:
    said = "AWS could not be asked to look: .*; check the region, the credentials and the network\\.$"
    with pytest.raises(aws_client.AwsError, match=said), aws_client.asking("look"):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_a_missing_region_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(
        aws_client.AwsError, match="could not be asked to make a client for ec2: You must specify a region"
    ):
        aws_client.client("ec2")


def test_many_volumes_are_asked_about_in_parts(ec2: Any) -> None:
    client, stub = ec2
    ids = ["vol-%03d" % number for number in range(250)]
    for part in (ids[:200], ids[200:]):
        stub.add_response(
            "describe_volumes",
            {"Volumes": [{"VolumeId": part[0]}]},
            {"Filters": [{"Name": "volume-id", "Values": part}]},
        )
    assert [volume["id"] for volume in aws_client.volumes_of(client, ids)] == ["vol-000", "vol-200"]


def test_a_tag_is_removed_from_a_thousand_at_once(ec2: Any) -> None:
    client, stub = ec2
    ids = ["vol-%04d" % number for number in range(1001)]
    for part in (ids[:1000], ids[1000:]):
        stub.add_response("delete_tags", {}, {"Resources": part, "Tags": [{"Key": "KafkaFormat"}]})
    aws_client.delete_tags(client, ids, "KafkaFormat")
