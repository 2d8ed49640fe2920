# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The keys of a topology as an argument spec, which docs/variables.md shows, and a mapping read by such a spec."""

from __future__ import annotations

import difflib
from typing import Any, Callable, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import ArgumentTypeError, RequiredError

from . import security

EBS, INSTANCE_STORE = "ebs", "instance_store"
# GiB, from the EC2 API reference, "EbsBlockDevice": VolumeSize (gp3 as raised in 2025).
VOLUME_SIZES = {
    "st1": (125, 16384),
    "sc1": (125, 16384),
    "gp2": (1, 16384),
    "gp3": (1, 65536),
    "io1": (4, 16384),
    "io2": (4, 65536),
}
# GiB of a data volume that says nothing of its size, unless its type begins above that.
DATA_GB = {"brokers": 500, "zookeepers": 20, "controllers": 20}

_IMAGE = "An AMI id (C(ami-…)), or C(name:…) with wildcards for the newest image of that name from O(image_owners)."
_STORAGE = {
    "description": "Where the data are: on EBS volumes, or on the instance type's own disks, for brokers only.",
    "type": "str",
    "choices": [EBS, INSTANCE_STORE],
    "default": EBS,
}
_ZONE = {
    "name": {"description": "The Availability Zone, in O(region).", "type": "str", "required": True},
    "cidr": {
        "description": "The range of its private subnet, within O(vpc_cidr).",
        "type": "str",
        "required": True,
    },
}
_NODE = {
    "id": {
        "description": "C(broker.id), C(node.id) or C(myid), kept for life. Brokers and controllers share one range.",
        "type": "int",
        "required": True,
    },
    "zone": {"description": "Its Availability Zone, one of O(zones).", "type": "str", "required": True},
    "address": {
        "description": "The fixed private IPv4 address, within the zone's subnet.",
        "type": "str",
        "required": True,
    },
    "instance_type": {"description": "By default the group's.", "type": "str"},
    "storage": {
        **{key: value for key, value in _STORAGE.items() if key != "default"},
        "description": "By default the group's.",
    },
}


def _volumes(kind: str, size_gb: int) -> dict[str, Any]:
    return {
        "description": "The EBS data volumes of each node; with V(instance_store) there are none.",
        "type": "dict",
        "default": {},
        "options": {
            "count": {"description": "How many each node has, V(1) to V(11).", "type": "int", "default": 1},
            "type": {
                "description": "The EBS volume type.",
                "type": "str",
                "choices": list(VOLUME_SIZES),
                "default": kind,
            },
            "size_gb": {
                "description": "GiB of each; by default V(%d), or the least of the type where that is more." % size_gb,
                "type": "int",
            },
            "iops": {
                "description": "For V(gp3), V(io1) and V(io2), the last two of which need it; by default EC2's.",
                "type": "int",
            },
            "throughput": {"description": "MiB/s, for V(gp3) only; by default EC2's.", "type": "int"},
        },
    }


def _group(
    key: str, description: str, *, first_id: int, offset: int, volume_type: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "description": description,
        "type": "dict",
        "options": {
            "instance_type": {"description": "The EC2 instance type.", "type": "str", "required": True},
            "image": {"description": "By default the topology's. " + _IMAGE, "type": "str"},
            "storage": _STORAGE,
            "volumes": _volumes(volume_type, DATA_GB[key]),
            "nodes": {
                "description": "The nodes one by one. This or C(count).",
                "type": "list",
                "elements": "dict",
                "options": _NODE,
            },
            "count": {
                "description": "How many nodes, spread over the zones in their order. This or C(nodes).",
                "type": "int",
            },
            "first_id": {"description": "With C(count), the id of the first node.", "type": "int", "default": first_id},
            "offset": {
                "description": "With C(count), the first node's address within its subnet; the next ones follow.",
                "type": "int",
                "default": offset,
            },
            **more,
        },
    }


# Each group has its own stretch of every subnet, so that growing one never collides with another.
OPTIONS: dict[str, dict[str, Any]] = {
    "name": {
        "description": "The cluster's name: 1 to 24 small letters, digits and hyphens, a letter first.",
        "type": "str",
        "required": True,
    },
    "region": {"description": "The AWS region.", "type": "str", "required": True},
    "vpc_cidr": {"description": "The range of the VPC.", "type": "str", "required": True},
    "zones": {
        "description": "The Availability Zones, each with one private subnet; at least three.",
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _ZONE,
    },
    "allow_fewer_zones": {
        "description": "Whether the loss of a zone may stop the cluster, so that fewer than three zones do.",
        "type": "bool",
        "default": False,
    },
    "client_cidrs": {
        "description": "The ranges that may reach the listeners for clients.",
        "type": "list",
        "elements": "str",
        "default": [],
    },
    "admin_cidrs": {
        "description": "The ranges that may use ssh.",
        "type": "list",
        "elements": "str",
        "default": [],
    },
    "image": {
        "description": _IMAGE + " Each group has one, here or of its own.",
        "type": "str",
    },
    "image_owners": {
        "description": "The accounts whose images a name is looked for among; any account may publish any name.",
        "type": "list",
        "elements": "str",
        "default": ["self"],
    },
    "kms_key": {
        "description": "The KMS key of the EBS volumes; by default the account's key for EBS.",
        "type": "str",
    },
    "key_name": {"description": "An EC2 key pair for the first login; by default none.", "type": "str"},
    "root_volume_gb": {
        "description": "GiB of each node's root disk, which is encrypted V(gp3).",
        "type": "int",
        "default": 20,
    },
    "security": {
        "description": "V(tls): encrypted, each known by certificate or password, and allowed by ACL. V(none): every"
        " client that reaches the cluster may do anything.",
        "type": "str",
        "choices": list(security.CHOICES),
        "default": security.TLS,
    },
    "replication_factor": {
        "description": "How many replicas a partition has by default; at most as many as there are brokers.",
        "type": "int",
        "default": 3,
    },
    "min_insync_replicas": {
        "description": "How many replicas must have a record before C(acks=all) is answered.",
        "type": "int",
        "default": 2,
    },
    "tags": {
        "description": "Tags for all that is made, beside the collection's own, which cannot be set here.",
        "type": "dict",
        "default": {},
    },
    "brokers": {
        **_group(
            "brokers",
            "The brokers.",
            first_id=1,
            offset=11,
            volume_type="st1",
            more={
                "combined": {
                    "description": "How many brokers are controllers, too: V(true) for three, or V(1), V(3) or V(5).",
                    "type": "raw",
                    "default": False,
                }
            },
        ),
        "required": True,
    },
    "zookeepers": _group(
        "zookeepers",
        "The ZooKeeper nodes, an odd number, for Kafka 3.9.",
        first_id=1,
        offset=201,
        volume_type="gp3",
        more={},
    ),
    "controllers": _group(
        "controllers",
        "The controllers, an odd number, for Kafka 4; beside O(zookeepers) for a migration.",
        first_id=101,
        offset=221,
        volume_type="gp3",
        more={},
    ),
}


# A function that takes one sentence for each thing that is wrong, so that all of them are said at once.
Refuse = Callable[[str], None]

_KINDS = {
    "int": (int, "a whole number"),
    "str": (str, "a text"),
    "list": (list, "a list"),
    "dict": (dict, "a mapping"),
    "bool": (bool, "true or false"),
}


def _exactly(kind: type) -> Callable[[Any], Any]:
    """A type that converts nothing: the library's own take "3" and true for whole numbers, and 3 for a text."""

    def check(value: Any) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise TypeError(value)
        # A plain str, int … also when Ansible hands over its tagged subclasses.
        return kind(value) if kind in (str, int) else value

    return check


def read(
    given: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    where: str,
    refuse: Refuse,
) -> dict[str, Any]:
    """A value for each option: what was given (null counts as left out), else its default; None where it was refused.

    Mappings and lists of mappings with options of their own are read, too; an element that is no mapping becomes None.
    refuse is called with one sentence for each thing that is wrong; where begins it, as in "Topology demo, brokers".
    """
    for key in given:
        if key not in options:
            near = difflib.get_close_matches(str(key), list(options), n=1)
            hint = "did you mean %s?" % near[0] if near else "known are %s." % ", ".join(options)
            refuse("%s has the unknown key %s; %s" % (where, key, hint))
    return {key: _value(given.get(key), key, option, where, refuse) for key, option in options.items()}


def _value(given: Any, key: str, option: Mapping[str, Any], where: str, refuse: Refuse) -> Any:
    flat = {part: option[part] for part in ("required", "default", "choices") if part in option}
    flat["type"] = _exactly(_KINDS[option["type"]][0]) if option["type"] in _KINDS else option["type"]
    # One key at a time: the library's errors say by their class what is wrong, but name the key only in their text.
    result = ArgumentSpecValidator({key: flat}).validate({} if given is None else {key: given})
    if result.errors.errors:
        refuse(_sentence(result.errors.errors[0], given, key, option, where))
        return None
    value = result.validated_parameters[key]
    if value is None or "options" not in option:
        return value
    if option["type"] == "dict":
        return read(value, option["options"], "%s, %s" % (where, key), refuse)
    singular = key[:-1]
    return [
        _element(element, option["options"], "%s, %s %d" % (where, singular, position), refuse)
        for position, element in enumerate(value, 1)
    ]


def _element(given: Any, options: Mapping[str, Any], where: str, refuse: Refuse) -> dict[str, Any] | None:
    if isinstance(given, dict):
        return read(given, options, where, refuse)
    *some, last = (key for key, option in options.items() if option.get("required"))
    refuse("%s must be a mapping with %s and %s." % (where, ", ".join(some), last))
    return None


def _sentence(error: Exception, given: Any, key: str, option: Mapping[str, Any], where: str) -> str:
    if isinstance(error, RequiredError):
        return "%s lacks %s; add it to the topology." % (where, key)
    if isinstance(error, ArgumentTypeError):
        return "%s: %s is %r, but must be %s." % (where, key, given, _KINDS[option["type"]][1])
    return "%s: %s is %r, but must be one of %s." % (where, key, given, ", ".join(option["choices"]))
