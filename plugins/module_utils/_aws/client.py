# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Requests to AWS that amazon.aws and community.aws lack, with one client factory and one error handler."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Sequence

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    BOTO3_ERROR = None
except ImportError:
    BOTO3_ERROR = traceback.format_exc()

from .._errors import RackawareError

# Everything else (keys, endpoint, assumed roles) comes from the environment and the profile, as for every AWS SDK.
CONNECTION_SPEC = {"region": {"type": "str"}, "profile": {"type": "str"}}
# DescribeInstanceTypes and DescribeInstanceTypeOfferings take so many values in a filter.
FILTER_VALUES = 200
# DeleteTags takes up to 1000 resources at once.
TAGGED = 1000


class AwsError(RackawareError):
    """AWS did not answer the question; code is its own error code, or empty when it was not reached."""

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn boto3's errors into one AwsError; what completes the sentence "AWS could not …"."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        code = answer.get("Code", "")
        hint = ""
        if re.search("Unauthorized|AccessDenied", code):
            hint = "; allow %s in the caller's policy" % error.operation_name
        elif re.search("Expired|InvalidClientTokenId|InvalidAccessKeyId|AuthFailure|SignatureDoesNotMatch", code):
            hint = "; renew the credentials, and check the clock"
        raise AwsError(
            "AWS could not %s: %s (%s)%s." % (what, str(answer.get("Message", "")).rstrip("."), code, hint), code
        ) from None
    except BotoCoreError as error:
        raise AwsError(
            "AWS could not be asked to %s: %s; check the region, the credentials and the network."
            % (what, str(error).rstrip("."))
        ) from None


def client(
    service: str,
    *,
    region: str | None = None,
    profile: str | None = None,
    retries: str = "standard",
    connections: int = 10,
) -> Any:
    """A boto3 client that retries throttled calls; with retries="adaptive" it slows down by itself. Raises AwsError."""
    with asking("make a client for %s" % service):
        session = boto3.session.Session(region_name=region, profile_name=profile)
        return session.client(
            service, config=Config(retries={"mode": retries, "max_attempts": 8}, max_pool_connections=connections)
        )


def instance_types(ec2: Any, names: Iterable[str], *, zones: bool = False) -> dict[str, dict[str, Any]]:
    """Each instance type as data (see describe_type); with zones also where it is offered.

    Raises AwsError, also for a type that EC2 does not know.
    """
    unique = sorted(set(names))
    types: dict[str, dict[str, Any]] = {}
    for start in range(0, len(unique), FILTER_VALUES):
        # By filter, because a list of names fails as a whole when one of them is unknown.
        filters = [{"Name": "instance-type", "Values": unique[start : start + FILTER_VALUES]}]
        with asking("describe instance types"):
            for page in ec2.get_paginator("describe_instance_types").paginate(Filters=filters):
                types.update((answer["InstanceType"], describe_type(answer)) for answer in page["InstanceTypes"])
        if zones:
            with asking("say where instance types are offered"):
                for page in ec2.get_paginator("describe_instance_type_offerings").paginate(
                    LocationType="availability-zone", Filters=filters
                ):
                    for offer in page["InstanceTypeOfferings"]:
                        types.get(offer["InstanceType"], {}).setdefault("zones", []).append(offer["Location"])
    unknown = [name for name in unique if name not in types]
    if unknown:
        raise AwsError(
            "EC2 in %s does not know the instance type%s %s; correct the name, or choose a type that this region"
            " offers." % (ec2.meta.region_name, "" if len(unknown) == 1 else "s", ", ".join(unknown))
        )
    for facts in types.values():
        if zones:
            facts["zones"] = sorted(facts.get("zones", []))
    return {name: types[name] for name in unique}


def describe_type(answer: dict[str, Any]) -> dict[str, Any]:
    """One entry of DescribeInstanceTypes.

    Memory is in MiB, bandwidths are baselines (None where EC2 states none), disks are in GB.
    """
    network = answer.get("NetworkInfo", {})
    stated = [
        card["BaselineBandwidthInGbps"] for card in network.get("NetworkCards", []) if "BaselineBandwidthInGbps" in card
    ]
    performance = str(network.get("NetworkPerformance", ""))
    ebs = answer.get("EbsInfo", {})
    # "Up to 10 Gigabit" is a burst, so that only the plain form may stand in for a baseline.
    plain = re.fullmatch(r"(?:(\d+)x )?(\d+(?:\.\d+)?) Gigabit", performance)
    return {
        "vcpus": answer.get("VCpuInfo", {}).get("DefaultVCpus"),
        "memory_mb": answer.get("MemoryInfo", {}).get("SizeInMiB"),
        "network_gbps": float(sum(stated)) if stated else float(plain[2]) * int(plain[1] or 1) if plain else None,
        "network_performance": performance or None,
        "ebs_mbps": ebs.get("EbsOptimizedInfo", {}).get("BaselineBandwidthInMbps"),
        "ebs_attachments": ebs.get("MaximumEbsAttachments") or _attachments(answer),
        "hypervisor": answer.get("Hypervisor"),
        "architectures": list(answer.get("ProcessorInfo", {}).get("SupportedArchitectures", [])),
        "instance_store": _instance_store(answer),
    }


def _attachments(answer: dict[str, Any]) -> int | None:
    """How many EBS volumes fit where EC2 does not say so, None where this rule does not hold.

    On Nitro there are 28 devices, and network cards and local disks count among them (docs.aws.amazon.com/ec2, "Amazon
    EBS volume limits for Amazon EC2 instances").
    """
    if answer.get("Hypervisor") != "nitro":
        return None
    return 28 - 1 - sum(disk.get("Count", 0) for disk in answer.get("InstanceStorageInfo", {}).get("Disks", []))


def _instance_store(answer: dict[str, Any]) -> dict[str, Any] | None:
    store = answer.get("InstanceStorageInfo")
    if not store:
        return None
    disks = store.get("Disks", [])
    return {
        "count": sum(disk.get("Count", 0) for disk in disks),
        "size_gb": max((disk.get("SizeInGB", 0) for disk in disks), default=0),
        "total_gb": store.get("TotalSizeInGB"),
        "nvme": store.get("NvmeSupport") in ("required", "supported"),
        # "required" means that the hardware always encrypts; the older types cannot: that is what LUKS is for.
        "encrypted": store.get("EncryptionSupport") == "required",
    }


def volumes(ec2: Any, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The EBS volumes that match filters of DescribeVolumes, ordered by id (see describe_volume). Raises AwsError."""
    requested = [{"Name": name, "Values": values} for name, values in filters.items()]
    volumes_: list[dict[str, Any]] = []
    with asking("describe EBS volumes"):
        for page in ec2.get_paginator("describe_volumes").paginate(Filters=requested):
            volumes_.extend(describe_volume(answer) for answer in page["Volumes"])
    return sorted(volumes_, key=lambda volume: volume["id"])


def volumes_of(ec2: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Those of these EBS volumes that exist, as volumes does. Raises AwsError."""
    # By filter, because a list of ids fails as a whole when one of them is unknown.
    return [
        volume
        for start in range(0, len(ids), FILTER_VALUES)
        for volume in volumes(ec2, {"volume-id": list(ids[start : start + FILTER_VALUES])})
    ]


def delete_tags(ec2: Any, ids: Sequence[str], key: str) -> None:
    """Remove a tag, whatever its value, from many resources; raises AwsError."""
    for start in range(0, len(ids), TAGGED):
        with asking("remove the tag %s" % key):
            ec2.delete_tags(Resources=list(ids[start : start + TAGGED]), Tags=[{"Key": key}])


def describe_volume(answer: dict[str, Any]) -> dict[str, Any]:
    """One entry of DescribeVolumes: size in GiB, throughput in MiB/s, None where the type has none."""
    return {
        "id": answer["VolumeId"],
        "zone": answer.get("AvailabilityZone"),
        "state": answer.get("State"),
        "type": answer.get("VolumeType"),
        "size_gb": answer.get("Size"),
        "iops": answer.get("Iops"),
        "throughput": answer.get("Throughput"),
        "encrypted": bool(answer.get("Encrypted")),
        "snapshot_id": answer.get("SnapshotId") or None,
        "create_time": answer["CreateTime"].isoformat() if "CreateTime" in answer else None,
        "tags": {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])},
        "attachments": [
            {
                "instance_id": held.get("InstanceId"),
                "device": held.get("Device"),
                "delete_on_termination": bool(held.get("DeleteOnTermination")),
            }
            for held in answer.get("Attachments", [])
            if held.get("State") != "detached"
        ],
    }
