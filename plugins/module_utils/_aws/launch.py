# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Builds many nodes of a cluster on EC2 at once.

The requests are pure data; a builder sends them, and waits once. A node is as in _aws.provision.nodes_to_build.
EC2 needs one RunInstances per node: an address can be given only to a request for one instance (API reference,
"RunInstances", PrivateIpAddress), and the tag KafkaNode, which differs between nodes, would hold for all instances of a
request. Data volumes come with the launch. Requests that are equal for several nodes are made once.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable

from .._wait import WaitTimeout, wait_until
from .client import AwsError, asking
from .provision import DEAD, FORMAT_NEW, FORMAT_TAG, METADATA_OPTIONS

# Requests at a time. EC2 allows two RunInstances per second in the long run (docs.aws.amazon.com/ec2, "Request
# throttling"); the client slows down by itself.
AT_ONCE = 8
# DescribeInstances and DescribeVolumes take 200 values in a filter; CreateTags takes 1000 resources, so 500 are safe.
FILTER_VALUES, TAGGED_AT_ONCE = 200, 500
# How many lives of one node EC2 may remember: a client token is valid for at least 24 hours after its instance is gone.
LIVES = 50
POLL_SECONDS = 3


def token(request: dict[str, Any], predecessors: Iterable[str], life: int = 0) -> str:
    """The client token of a launch.

    It is the same for the same request, so that a run that lost the answer gets it again. EC2 repeats that answer for
    at least 24 hours, also after the instance has ended (API reference, "Ensuring idempotency"). predecessors are the
    ids of ended instances that EC2 still lists (for an hour); life counts those that only its answers show.
    """
    text = json.dumps([request, sorted(predecessors), life], sort_keys=True)
    return "kafka-" + hashlib.sha256(text.encode()).hexdigest()[:50]


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _disk(volume: dict[str, Any], kms_key: str | None) -> dict[str, Any]:
    disk = {"VolumeType": volume["type"], "Encrypted": True}
    disk.update(
        (name, volume[key]) for name, key in (("Iops", "iops"), ("Throughput", "throughput")) if volume[key] is not None
    )
    return {**disk, **({"KmsKeyId": kms_key} if kms_key else {})}


def run_request(node: dict[str, Any], *, subnet_id: str, group_ids: list[str], key_name: str | None) -> dict[str, Any]:
    """The input of RunInstances for one node, without the token."""
    new = [volume for volume in node["volumes"] if volume["volume_id"] is None]
    root = {"Encrypted": True, "VolumeSize": node["root_gb"], "VolumeType": "gp3", "DeleteOnTermination": True}
    disks = [{"DeviceName": node["root_device"], "Ebs": root}]
    for volume in new:
        # Without SnapshotId: an empty volume, that outlives the instance.
        disks.append(
            {
                "DeviceName": volume["device"],
                "Ebs": {
                    **_disk(volume, node["kms_key"]),
                    "VolumeSize": volume["size_gb"],
                    "DeleteOnTermination": False,
                },
            }
        )
    specifications = [{"ResourceType": "instance", "Tags": _tags(node["tags"])}]
    if new:
        specifications.append({"ResourceType": "volume", "Tags": _tags(node["volume_tags"])})
    return {
        "ImageId": node["image_id"],
        "InstanceType": node["instance_type"],
        "MinCount": 1,
        "MaxCount": 1,
        # The preflight has seen that the subnet gives no public address.
        "SubnetId": subnet_id,
        "PrivateIpAddress": node["address"],
        "SecurityGroupIds": group_ids,
        "IamInstanceProfile": {"Name": node["profile"]},
        "MetadataOptions": {
            "HttpTokens": METADATA_OPTIONS["http_tokens"],
            "HttpPutResponseHopLimit": METADATA_OPTIONS["http_put_response_hop_limit"],
        },
        "BlockDeviceMappings": disks,
        "TagSpecifications": specifications,
        **({"KeyName": key_name} if key_name else {}),
    }


def volume_request(node: dict[str, Any], volume: dict[str, Any]) -> dict[str, Any]:
    """The input of CreateVolume for a new volume of an existing node, without the token."""
    return {
        "AvailabilityZone": node["zone"],
        "Size": volume["size_gb"],
        **_disk(volume, node["kms_key"]),
        "TagSpecifications": [
            {"ResourceType": "volume", "Tags": _tags({**node["volume_tags"], "KafkaVolume": str(volume["number"])})}
        ],
    }


def change_request(volume: dict[str, Any]) -> dict[str, Any]:
    """The input of ModifyVolume."""
    names = {"type": "VolumeType", "size_gb": "Size", "iops": "Iops", "throughput": "Throughput"}
    return {"VolumeId": volume["volume_id"], **{names[key]: value for key, value in volume["change"].items()}}


def actions(nodes: Iterable[dict[str, Any]]) -> list[str]:
    """What building the nodes does, a line each."""
    out = []
    for node in nodes:
        if node["instance_id"] is None:
            out.append(
                "%s at %s: launch %s in %s" % (node["name"], node["address"], node["instance_type"], node["zone"])
            )
        for volume in node["volumes"]:
            spot = "%s: volume %d" % (node["name"], volume["number"])
            if volume["volume_id"] is None:
                out.append(
                    "%s: make it, %s of %d GiB at %s" % (spot, volume["type"], volume["size_gb"], volume["device"])
                )
                continue
            spot = "%s (%s)" % (spot, volume["volume_id"])
            if volume["attach"]:
                out.append("%s: attach it at %s" % (spot, volume["device"]))
            if volume["keep"]:
                out.append("%s: keep it when the instance ends" % spot)
            for what in ("change", "tags"):
                if volume[what]:
                    changes = ", ".join("%s %s" % item for item in sorted(volume[what].items()))
                    out.append("%s: %s %s" % (spot, "set" if what == "change" else "tag", changes))
    return out


class Builder:
    """Builds nodes with an EC2 client that threads may share; calls counts what was asked, by API action."""

    def __init__(self, ec2: Any, *, wait_seconds: float, poll_seconds: float = POLL_SECONDS) -> None:
        self.ec2 = ec2
        self.wait_seconds = wait_seconds
        self.poll_seconds = poll_seconds
        self.calls: dict[str, int] = {}
        self._lock = threading.Lock()
        self.ec2.meta.events.register("before-call.ec2", self._count)

    def _count(self, model: Any, **_kwargs: Any) -> None:
        with self._lock:
            self.calls[model.name] = self.calls.get(model.name, 0) + 1

    def build(
        self,
        nodes: list[dict[str, Any]],
        *,
        subnet_ids: dict[str, str],
        group_ids: dict[str, str],
        key_name: str | None,
    ) -> dict[str, str]:
        """Launch, make, attach, change and tag; returns the instance id of each node by name.

        It finishes all nodes that it could begin, and then raises AwsError for the others. A later run finds all
        by their tags.
        """
        for node in nodes:
            if node["instance_id"] is None and node["zone"] not in subnet_ids:
                raise AwsError("Node %s has no subnet in %s; build the network first." % (node["name"], node["zone"]))
            missing = [name for name in node["groups"] if name not in group_ids] if node["instance_id"] is None else []
            if missing:
                raise AwsError(
                    "Node %s has no security group %s; build the network first." % (node["name"], ", ".join(missing))
                )
        instance_ids: dict[str, str] = {}
        fresh: list[tuple[dict[str, Any], dict[str, Any], str]] = []

        def begin(node: dict[str, Any]) -> None:
            if node["instance_id"] is not None:
                instance_ids[node["name"]] = node["instance_id"]
                for volume in node["volumes"]:
                    if volume["volume_id"] is None:
                        fresh.append((node, volume, self._make_volume(node, volume)))
                return
            ids = [group_ids[name] for name in node["groups"]]
            instance_ids[node["name"]] = self._launch(
                node, run_request(node, subnet_id=subnet_ids[node["zone"]], group_ids=ids, key_name=key_name)
            )

        failures = self._each(begin, nodes)
        launched = {
            instance_ids[node["name"]]: node
            for node in nodes
            if node["instance_id"] is None and node["name"] in instance_ids
        }
        for name, sentence in self._wait_instances(launched):
            failures.append(sentence)
            del instance_ids[name]
        self._wait_volumes(
            [volume_id for _node, _volume, volume_id in fresh],
            "be made",
            lambda answer: answer["State"] in ("available", "in-use"),
        )
        attach = [(instance_ids[node["name"]], volume, id_) for node, volume, id_ in fresh]
        built = [node for node in nodes if node["name"] in instance_ids]
        existing = [(node, volume) for node in built for volume in node["volumes"] if volume["volume_id"] is not None]
        attach += [
            (instance_ids[node["name"]], volume, volume["volume_id"]) for node, volume in existing if volume["attach"]
        ]
        failures += self._each(self._attach, attach)
        failures += self._each(
            self._keep, [(instance_ids[node["name"]], volume) for node, volume in existing if volume["keep"]]
        )
        failures += self._each(self._change, [volume for _node, volume in existing if volume["change"]])
        self._tag([(volume["volume_id"], volume["tags"]) for _node, volume in existing if volume["tags"]])
        if failures:
            more = " (and %d more of %d)" % (len(failures) - 1, len(nodes)) if len(failures) > 1 else ""
            raise AwsError("%s%s What was begun is finished; run this again for the rest." % (failures[0], more))
        self._wait_volumes([id_ for _instance, _volume, id_ in attach], "be attached", _is_attached)
        return instance_ids

    def _each(self, work: Callable[[Any], None], things: list[Any]) -> list[str]:
        """Do it for each, several at a time; returns the failures.

        After a refusal that holds for all it begins no more.
        """
        failures: list[str] = []
        stop = threading.Event()

        def one(thing: Any) -> None:
            if stop.is_set():
                return
            try:
                work(thing)
            except AwsError as error:
                failures.append(str(error))
                if re.search(
                    "Unauthorized|AccessDenied|Expired|AuthFailure|OptIn|VcpuLimit|VolumeLimit|InvalidAMI"
                    "|InvalidKeyPair",
                    error.code,
                ):
                    stop.set()

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(one, things))
        return failures

    def _launch(self, node: dict[str, Any], request: dict[str, Any]) -> str:
        for life in range(LIVES):
            instance = self._run(node, {**request, "ClientToken": token(request, node["predecessors"], life)})
            if instance["State"]["Name"] not in DEAD:
                return str(instance["InstanceId"])
        raise AwsError(
            "Node %s was launched and ended %d times within a day; wait, or change its request." % (node["name"], LIVES)
        )

    def _run(self, node: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        def ask() -> dict[str, Any] | None:
            try:
                with asking("launch %s" % node["name"]):
                    return self.ec2.run_instances(**request)["Instances"][0]
            except AwsError as error:
                # EC2 knows a new profile only some seconds after IAM has created it.
                if "Invalid IAM Instance Profile" in str(error):
                    return None
                if error.code == "InvalidIPAddress.InUse":
                    raise AwsError(
                        "Node %s was not launched, because %s is in use; free that address, or run this again if a"
                        " run that was cut has just launched it." % (node["name"], node["address"]),
                        error.code,
                    ) from None
                raise

        return self._until(
            ask,
            lambda instance: instance is not None,
            "find the instance profile %s of %s" % (node["profile"], node["name"]),
        )

    def _until(self, fetch: Callable[[], Any], predicate: Callable[[Any], bool], what: str) -> Any:
        try:
            return wait_until(fetch, predicate, what=what, timeout=self.wait_seconds, interval=self.poll_seconds)
        except WaitTimeout:
            raise AwsError(
                "AWS could not %s within %d s; run this again to go on." % (what, self.wait_seconds)
            ) from None

    def _describe(
        self, ids: list[str], operation: str, name: str, items: Callable[[dict[str, Any]], Iterable[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """By filter, because a list of ids fails as a whole while one of them is too new to be known."""
        items_: list[dict[str, Any]] = []
        for start in range(0, len(ids), FILTER_VALUES):
            with asking("describe what was made"):
                for page in self.ec2.get_paginator(operation).paginate(
                    Filters=[{"Name": name, "Values": ids[start : start + FILTER_VALUES]}]
                ):
                    items_.extend(items(page))
        return items_

    def _wait_instances(self, launched: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
        """Wait until all instances run and have their disks, and number the data volumes.

        Returns the nodes whose instances ended instead, each with a sentence.
        """
        running: dict[str, dict[str, str]] = {}
        ended: dict[str, tuple[str, str]] = {}

        def look() -> bool:
            for instance in self._instances(sorted(set(launched) - set(running) - set(ended))):
                id_, state = instance["InstanceId"], instance["State"]["Name"]
                node = launched[id_]
                if state in DEAD:
                    why = instance.get("StateReason", {}).get("Message") or "no reason was given"
                    ended[id_] = (
                        node["name"],
                        "Node %s (%s) ended at its launch: %s." % (node["name"], id_, why.rstrip(".")),
                    )
                disks = {
                    mapping["DeviceName"]: mapping["Ebs"]["VolumeId"]
                    for mapping in instance.get("BlockDeviceMappings", [])
                }
                if state == "running" and {
                    volume["device"] for volume in node["volumes"] if volume["volume_id"] is None
                } <= set(disks):
                    running[id_] = disks
            return len(running) + len(ended) == len(launched)

        try:
            self._until(look, bool, "start %d instances" % len(launched))
        finally:
            self._number([(launched[id_], disks) for id_, disks in sorted(running.items())])
        return [ended[id_] for id_ in sorted(ended)]

    def _instances(self, ids: list[str]) -> list[dict[str, Any]]:
        return self._describe(
            ids,
            "describe_instances",
            "instance-id",
            lambda page: [i for reservation in page["Reservations"] for i in reservation["Instances"]],
        )

    def _number(self, nodes: list[tuple[dict[str, Any], dict[str, str]]]) -> None:
        """Number the volumes: a launch gives all its volumes the same tags."""
        roots, numbered = [], []
        for node, disks in nodes:
            new = [volume for volume in node["volumes"] if volume["volume_id"] is None]
            numbered += [(disks[volume["device"]], {"KafkaVolume": str(volume["number"])}) for volume in new]
            roots += [disks[node["root_device"]]] if new and node["root_device"] in disks else []
        self._tag(numbered)
        for start in range(0, len(roots), TAGGED_AT_ONCE):
            with asking("untag root volumes"):
                self.ec2.delete_tags(
                    Resources=roots[start : start + TAGGED_AT_ONCE], Tags=[{"Key": FORMAT_TAG, "Value": FORMAT_NEW}]
                )

    def _tag(self, tagged: list[tuple[str, dict[str, str]]]) -> None:
        """One request for all that get the same tags."""
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for volume_id, tags in tagged:
            groups.setdefault(tuple(sorted(tags.items())), []).append(volume_id)
        for tags, ids in sorted(groups.items()):
            for start in range(0, len(ids), TAGGED_AT_ONCE):
                with asking("tag volumes"):
                    self.ec2.create_tags(Resources=ids[start : start + TAGGED_AT_ONCE], Tags=_tags(dict(tags)))

    def _make_volume(self, node: dict[str, Any], volume: dict[str, Any]) -> str:
        request = volume_request(node, volume)
        with asking("make volume %d of %s" % (volume["number"], node["name"])):
            return str(self.ec2.create_volume(**request)["VolumeId"])

    def _wait_volumes(self, ids: list[str], what: str, ready: Callable[[dict[str, Any]], bool]) -> None:
        def look() -> int:
            return sum(
                1
                for answer in self._describe(ids, "describe_volumes", "volume-id", lambda page: page["Volumes"])
                if ready(answer)
            )

        if ids:
            self._until(look, lambda count: count == len(ids), "let %d volumes %s" % (len(ids), what))

    def _attach(self, held: tuple[str, dict[str, Any], str]) -> None:
        instance_id, volume, volume_id = held
        with asking("attach %s to %s" % (volume_id, instance_id)):
            self.ec2.attach_volume(InstanceId=instance_id, VolumeId=volume_id, Device=volume["device"])

    def _keep(self, held: tuple[str, dict[str, Any]]) -> None:
        instance_id, volume = held
        mapping = {
            "DeviceName": volume["device"],
            "Ebs": {"DeleteOnTermination": False, "VolumeId": volume["volume_id"]},
        }
        with asking("keep %s when %s ends" % (volume["volume_id"], instance_id)):
            self.ec2.modify_instance_attribute(InstanceId=instance_id, BlockDeviceMappings=[mapping])

    def _change(self, volume: dict[str, Any]) -> None:
        with asking("change %s" % volume["volume_id"]):
            self.ec2.modify_volume(**change_request(volume))


def _is_attached(answer: dict[str, Any]) -> bool:
    return any(held.get("State") == "attached" for held in answer.get("Attachments", []))
