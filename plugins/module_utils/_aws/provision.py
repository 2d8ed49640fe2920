# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From a topology and from the account's current resources to the work of provision: pure data in, pure data out.

The resources are as the amazon.aws *_info modules and rackaware.kafka.ebs_volume_info return them.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from typing import Any, Iterable

from .._config import security
from .._config.topology import BROKER, CONTROLLER, DEVICES, INSTANCE_STORE, ZOOKEEPER, Node, Topology
from .._errors import RackawareError

ZOOKEEPER_CLIENT_PORT = 2181
# Followers to the leader, and the election: zookeeper.apache.org, "server.x=[hostname]:nnnnn:nnnnn".
ZOOKEEPER_QUORUM_PORTS = (2888, 3888)
SSH_PORT = 22
CLIENTS, BROKERS, CONTROLLERS = "clients", "brokers", "controllers"
# The audience of a listener that names none.
_AUDIENCES = {**dict.fromkeys(security.OF_BROKERS, BROKERS), **dict.fromkeys(security.OF_CONTROLLERS, CONTROLLERS)}
METADATA_OPTIONS = {"http_tokens": "required", "http_put_response_hop_limit": 1}
# On shared resources that provision created. Nothing without this tag is deleted, and no existing resource gets it.
MADE_BY = {"KafkaMadeBy": "rackaware.kafka"}
# A volume gets this tag when provision creates it, without a snapshot. The tag is removed before the volume is
# formatted.
FORMAT_TAG, FORMAT_NEW = "KafkaFormat", "new"
DEAD = ("shutting-down", "terminated")


class ListenerError(RackawareError):
    """A listener cannot be turned into a firewall rule."""


def resource_tags(topology: Topology) -> dict[str, str]:
    """The tags of everything that belongs to the cluster as a whole."""
    return {**topology.tags, "KafkaCluster": topology.name}


def node_tags(topology: Topology, node: Node, types: dict[str, dict[str, Any]] | None = None) -> dict[str, str]:
    """The tags of an instance, from which the inventory is read.

    types are those of instance_type_info, for nodes whose data are on instance stores.
    """
    tags = {**resource_tags(topology), "Name": node.name, "KafkaRole": node.role, "KafkaNode": str(node.id)}
    if node.storage == INSTANCE_STORE and types:
        tags["KafkaStores"] = str((types[node.instance_type]["instance_store"] or {}).get("count", 0))
    return tags


def group_name(topology: Topology, role: str) -> str:
    """The name of a role's security group."""
    return "%s-%s" % (topology.name, role)


def profile_name(topology: Topology, role: str) -> str:
    """The name of a role's IAM role and instance profile; with the Region, because IAM names are account-wide."""
    return "kafka-%s-%s-%s" % (topology.region, topology.name, role)


def audience(listener: dict[str, Any]) -> str:
    """Who may reach a listener: clients (and brokers), brokers, or controllers (and brokers). Raises ListenerError."""
    name, port = listener.get("name"), listener.get("port")
    if not name or isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise ListenerError(
            "Listener %s has the port %r; give it a name and a port from 1 to 65535 in kafka_listeners."
            % (name or "(without a name)", port)
        )
    value = listener.get("audience", _AUDIENCES.get(str(name).upper(), CLIENTS))
    if value not in (CLIENTS, BROKERS, CONTROLLERS):
        raise ListenerError(
            "Listener %s is for %s, but an audience is clients, brokers or controllers; correct kafka_listeners."
            % (name, value)
        )
    return str(value)


def security_groups(
    topology: Topology, listeners: Iterable[dict[str, Any]], ids: dict[str, str]
) -> list[dict[str, Any]]:
    """One group per role as {role, name, description, rules}, the rules in the form of amazon.aws.ec2_security_group.

    ids maps group names to ids; a source group without an id (check mode, before it exists) is left out. Raises
    ListenerError.
    """
    rules: dict[str, list[dict[str, Any]]] = {role: [] for role in topology.roles}

    def open_(role: str, port: int, why: str, *, roles: Iterable[str] = (), cidrs: Iterable[str] = ()) -> None:
        groups = [
            ids[group_name(topology, source)]
            for source in roles
            if source in rules and group_name(topology, source) in ids
        ]
        targets = {"group_id": groups, "cidr_ip": list(cidrs)}
        if role in rules and any(targets.values()):
            rules[role].append(
                {
                    "proto": "tcp",
                    "from_port": port,
                    "to_port": port,
                    "rule_desc": why,
                    **{k: v for k, v in targets.items() if v},
                }
            )

    migrating = topology.metadata == "migrating"
    for listener in listeners:
        who, port, name = audience(listener), listener["port"], listener["name"]
        if who == CLIENTS:
            open_(BROKER, port, "%s: clients and brokers" % name, roles=(BROKER,), cidrs=topology.client_cidrs)
        elif who == BROKERS:
            # During a migration the KRaft controller also steers brokers that still run in ZooKeeper mode: KIP-866.
            open_(BROKER, port, "%s: brokers" % name, roles=(BROKER, CONTROLLER) if migrating else (BROKER,))
        else:
            open_(CONTROLLER, port, "%s: brokers and controllers" % name, roles=(BROKER, CONTROLLER))
    clients = (BROKER, ZOOKEEPER, CONTROLLER) if migrating else (BROKER, ZOOKEEPER)
    open_(ZOOKEEPER, ZOOKEEPER_CLIENT_PORT, "ZooKeeper clients", roles=clients)
    for port in ZOOKEEPER_QUORUM_PORTS:
        open_(ZOOKEEPER, port, "ZooKeeper quorum", roles=(ZOOKEEPER,))
    for role in rules:
        open_(role, SSH_PORT, "ssh", cidrs=topology.admin_cidrs)
    return [
        {
            "role": role,
            "name": group_name(topology, role),
            "description": "Kafka %s nodes of cluster %s" % (role, topology.name),
            "rules": rules[role],
        }
        for role in topology.roles
    ]


def network_findings(
    topology: Topology,
    vpcs: list[dict[str, Any]],
    subnets: list[dict[str, Any]],
    others: dict[str, list[dict[str, Any]]] | None = None,
) -> list[str]:
    """Where the topology contradicts the network with the cluster's tag, or other resources, one sentence each.

    others holds vpcs, subnets and groups of the cluster's names and ranges, whatever their tags.
    """
    if len(vpcs) > 1:
        return [
            "%d VPCs carry the tag KafkaCluster=%s (%s); untag those that are not its own."
            % (len(vpcs), topology.name, _listed(v["vpc_id"] for v in vpcs))
        ]
    out = []
    for vpc in vpcs:
        if vpc["cidr_block"] != topology.vpc_cidr:
            out.append(
                "The VPC %s of cluster %s has the range %s, not %s, and a VPC cannot be moved; put vpc_cidr back, or"
                " deprovision first." % (vpc["vpc_id"], topology.name, vpc["cidr_block"], topology.vpc_cidr)
            )
    cidrs = {zone.name: zone.cidr for zone in topology.zones}
    for subnet in subnets:
        zone, cidr = subnet["availability_zone"], subnet["cidr_block"]
        if cidrs.get(zone, cidr) != cidr or (cidr in cidrs.values() and cidrs.get(zone) != cidr):
            out.append(
                "The subnet %s of cluster %s is %s in %s, but not so in the topology; a subnet cannot be moved, so"
                " put zones back, or deprovision first." % (subnet["subnet_id"], topology.name, cidr, zone)
            )
        elif subnet.get("map_public_ip_on_launch"):
            out.append(
                "The subnet %s of cluster %s gives its instances public addresses; turn that off"
                " (map_public_ip_on_launch)." % (subnet["subnet_id"], topology.name)
            )
        elif vpcs and subnet.get("vpc_id", vpcs[0]["vpc_id"]) != vpcs[0]["vpc_id"]:
            out.append(
                "The subnet %s carries the tag KafkaCluster=%s, but lies in the VPC %s, not in %s; untag it there."
                % (subnet["subnet_id"], topology.name, subnet["vpc_id"], vpcs[0]["vpc_id"])
            )
    return out + _foreign(topology, vpcs, subnets, others or {})


def _is_clusters(topology: Topology, thing: dict[str, Any]) -> bool:
    return (thing.get("tags") or {}).get("KafkaCluster") == topology.name


def _foreign(
    topology: Topology,
    vpcs: list[dict[str, Any]],
    subnets: list[dict[str, Any]],
    others: dict[str, list[dict[str, Any]]],
) -> list[str]:
    """Resources without the cluster's tag that amazon.aws would adopt by their name or range, one sentence each."""
    out = []
    for vpc in others.get("vpcs", []) if not vpcs else []:
        if not _is_clusters(topology, vpc) and vpc["cidr_block"] == topology.vpc_cidr:
            out.append(
                "The VPC %s has the name %s and the range %s, but was not made by provision; rename one, or tag that"
                " VPC KafkaCluster=%s to build in it."
                % (vpc["vpc_id"], topology.name, topology.vpc_cidr, topology.name)
            )
    mine = {subnet["subnet_id"] for subnet in subnets}
    for subnet in others.get("subnets", []):
        if subnet["subnet_id"] in mine:
            continue
        taken = [
            zone
            for zone in topology.zones
            if ipaddress.IPv4Network(zone.cidr).overlaps(ipaddress.IPv4Network(subnet["cidr_block"]))
        ]
        if taken:
            out.append(
                "The subnet %s (%s) lies where the topology wants %s, but was not made by provision; choose another"
                " range for %s, or tag that subnet KafkaCluster=%s if range and zone are the same."
                % (subnet["subnet_id"], subnet["cidr_block"], taken[0].cidr, taken[0].name, topology.name)
            )
    names = {group_name(topology, role) for role in topology.roles}
    for group in others.get("groups", []):
        if group["group_name"] in names and not _is_clusters(topology, group):
            out.append(
                "The security group %s (%s) was not made by provision, which would replace its rules; rename it, or"
                " tag it KafkaCluster=%s." % (group["group_name"], group["group_id"], topology.name)
            )
    return out


def iam_findings(topology: Topology, roles: list[dict[str, Any]], profiles: list[dict[str, Any]]) -> list[str]:
    """IAM roles and instance profiles of the cluster's names that are not the cluster's, one sentence each."""
    out = []
    for what, key, things in (
        ("IAM role", "role_name", roles),
        ("instance profile", "instance_profile_name", profiles),
    ):
        for thing in things:
            if not _is_clusters(topology, thing):
                out.append(
                    "The %s %s was not made by provision, and the nodes would get its rights; delete it, or tag it"
                    " KafkaCluster=%s." % (what, thing[key], topology.name)
                )
    return out


def missing_subnets(topology: Topology, subnets: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The zones whose subnet is still to be made, as {name, cidr}."""
    there = {subnet["cidr_block"] for subnet in subnets}
    return [{"name": zone.name, "cidr": zone.cidr} for zone in topology.zones if zone.cidr not in there]


def image_queries(topology: Topology) -> list[dict[str, Any]]:
    """What to ask amazon.aws.ec2_ami_info, as {filters, owners}: at most one question for ids and one for names.

    A name is only looked for among image_owners, because any account may publish an image under any name.
    """
    images = sorted({node.image for node in topology.nodes})
    ids = [image for image in images if not image.startswith("name:")]
    names = [image[len("name:") :] for image in images if image.startswith("name:")]
    queries: list[dict[str, Any]] = [{"filters": {"image-id": ids}, "owners": []}] if ids else []
    return queries + ([{"filters": {"name": names}, "owners": list(topology.image_owners)}] if names else [])


def resolve_image(image: str, images: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The image with that id, or the newest one with that name; None when there is none."""
    if not image.startswith("name:"):
        return next((candidate for candidate in images if candidate["image_id"] == image), None)
    named = [
        candidate for candidate in images if fnmatch.fnmatchcase(str(candidate.get("name", "")), image[len("name:") :])
    ]
    return max(
        named, key=lambda candidate: (str(candidate.get("creation_date", "")), candidate["image_id"]), default=None
    )


class Account:
    """A cluster's live instances and volumes in the account, by node, and those that belong to no node."""

    def __init__(self, instances: list[dict[str, Any]], volumes: list[dict[str, Any]]) -> None:
        self.instances: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.dead: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.volumes: dict[tuple[str, str], dict[int, list[dict[str, Any]]]] = {}
        self.nameless: list[str] = []
        self.numberless: list[str] = []
        for instance in instances:
            key, dead = _key(instance["tags"]), instance["state"]["name"] in DEAD
            if all(key):
                (self.dead if dead else self.instances).setdefault(key, []).append(instance)
            elif not dead:
                self.nameless.append(instance["instance_id"])
        for volume in volumes:
            number = self._number(volume)
            if number is not None:
                self.volumes.setdefault(_key(volume["tags"]), {}).setdefault(number, []).append(volume)

    def _number(self, volume: dict[str, Any]) -> int | None:
        """The number of a volume in its node.

        A volume that an interrupted run left without its tag has the number of its device.
        """
        number = str(volume["tags"].get("KafkaVolume", ""))
        if number.isdigit():
            return int(number)
        holders = {i["instance_id"] for i in self.instances.get(_key(volume["tags"]), [])}
        for held in volume["attachments"]:
            if held["instance_id"] in holders and held["device"] in DEVICES:
                return DEVICES.index(held["device"])
        if not volume["attachments"]:
            self.numberless.append(volume["id"])
        return None

    def instance(self, node: Node) -> dict[str, Any] | None:
        """The instance of a node, or None."""
        return next(iter(self.instances.get((node.roles[0], str(node.id)), [])), None)

    def volume(self, node: Node, number: int) -> dict[str, Any] | None:
        """A data volume of a node, or None."""
        return next(iter(self.volumes.get((node.roles[0], str(node.id)), {}).get(number, [])), None)


def _key(tags: dict[str, str]) -> tuple[str, str]:
    # The first part of the role, so that a broker that becomes a combined node stays the same node.
    return str(tags.get("KafkaRole", "")).split("+")[0], str(tags.get("KafkaNode", ""))


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(str(name) for name in names)


def instance_findings(
    topology: Topology, account: Account, types: dict[str, dict[str, Any]], images: list[dict[str, Any]]
) -> list[str]:
    """Why the nodes cannot be built as the topology says, one sentence each.

    EC2 does not offer it, or the change would alter a node's identity.
    """
    out = []
    for kind in sorted({node.instance_type for node in topology.nodes}):
        offered = types[kind].get("zones", [])
        for zone in sorted({node.zone for node in topology.nodes if node.instance_type == kind} - set(offered)):
            out.append(
                "Instance type %s is not offered in %s; choose another type or zone (it is offered in %s)."
                % (kind, zone, _listed(offered) or "no zone")
            )
        out.extend(
            _type_findings(
                kind,
                types[kind],
                max((n.volumes.count for n in topology.nodes if n.instance_type == kind and n.volumes), default=0),
            )
        )
        store = types[kind]["instance_store"]
        if any(node.storage == INSTANCE_STORE and node.instance_type == kind for node in topology.nodes):
            if store is None:
                out.append(
                    "Instance type %s has no instance store; choose a type that has one (i3, i4i, d3 …), or storage:"
                    " ebs with volumes." % kind
                )
            elif not store["nvme"]:
                # Their disks have no name that outlives a boot.
                out.append(
                    "The instance stores of type %s are no NVMe disks; choose a type whose are (i3, i4i, d3 …), or"
                    " storage: ebs with volumes." % kind
                )
    # An image matters only for new nodes: owners withdraw old images, and a running node does not need them.
    for image in sorted({node.image for node in topology.nodes if account.instance(node) is None}):
        image_facts = resolve_image(image, images)
        if image_facts is None:
            among = (
                " among those of %s; correct the name, or set image_owners" % _listed(topology.image_owners)
                if image.startswith("name:")
                else "; correct the id"
            )
            out.append("EC2 in %s has no image %s%s." % (topology.region, image, among))
            continue
        for kind in sorted({node.instance_type for node in topology.nodes if node.image == image}):
            able = types[kind]["architectures"]
            if able and image_facts.get("architecture") and image_facts["architecture"] not in able:
                out.append(
                    "Image %s is built for %s, but instance type %s runs %s; choose one to fit the other."
                    % (image, image_facts["architecture"], kind, _listed(able))
                )
        out.extend(
            _image_findings(
                image,
                image_facts,
                max((n.volumes.count for n in topology.nodes if n.image == image and n.volumes), default=0),
            )
        )
    for instance_id in account.nameless:
        out.append(
            "Instance %s carries the tag KafkaCluster=%s, but lacks KafkaRole or KafkaNode, so that it is unknown"
            " which node it is; give it back its tags, or take KafkaCluster away." % (instance_id, topology.name)
        )
    for volume_id in account.numberless:
        out.append(
            "Volume %s carries the tags of cluster %s, but lacks KafkaVolume and is attached to nothing; tag it with"
            " its number, or delete it." % (volume_id, topology.name)
        )
    for node in topology.nodes:
        out.extend(_identity_findings(node, account))
    return out


def _type_findings(kind: str, facts: dict[str, Any], volumes: int) -> list[str]:
    """Why an instance type cannot hold that many EBS data volumes."""
    if not volumes:
        return []
    # docs.aws.amazon.com/ebs, "Amazon EBS volumes and NVMe": only on Nitro is an EBS volume an NVMe disk, with the
    # volume's id as its serial.
    if facts.get("hypervisor") == "xen":
        return [
            "Instance type %s runs on Xen, where an EBS volume has no serial number, so that no host could tell its"
            " data volumes apart; choose a type of the Nitro generation, or storage: instance_store." % kind
        ]
    most = facts.get("ebs_attachments")
    if most is not None and volumes + 1 > most:
        return [
            "Instance type %s takes %d EBS volumes, the root volume among them, so that %d data volumes cannot be"
            " attached; lower count, or take another type." % (kind, most, volumes)
        ]
    return []


def _image_findings(image: str, image_facts: dict[str, Any], volumes: int) -> list[str]:
    """An image with a disk of its own at a data volume's device: the volume would be made from the image's snapshot."""
    own = {str(mapping.get("device_name")) for mapping in image_facts.get("block_device_mappings") or []} & set(
        DEVICES[:volumes]
    )
    if not own:
        return []
    return [
        "Image %s brings a disk of its own at %s, where a data volume belongs; choose an image without."
        % (image, _listed(sorted(own)))
    ]


def _identity_findings(node: Node, account: Account) -> list[str]:
    key = (node.roles[0], str(node.id))
    live = account.instances.get(key, [])
    if len(live) > 1:
        return [
            "Node %s exists %d times (%s); terminate those that are not in use."
            % (node.name, len(live), _listed(i["instance_id"] for i in live))
        ]
    out = []
    for instance in account.dead.get(key, []):
        if instance["state"]["name"] == "shutting-down":
            out.append(
                "Node %s (%s) is shutting down; run this again when it is gone." % (node.name, instance["instance_id"])
            )
    for instance in live:
        has = {
            "zone": instance["placement"]["availability_zone"],
            "address": instance["private_ip_address"],
            "instance type": instance["instance_type"],
        }
        expected = {
            "zone": (node.zone, "docs/runbooks/az_down.md"),
            "address": (node.address, "docs/runbooks/broker_down.md"),
            "instance type": (node.instance_type, "docs/runbooks/change_instance_type.md"),
        }
        for what, value in has.items():
            if value != expected[what][0]:
                out.append(
                    "Node %s (%s) has the %s %s, but the topology says %s; provision never moves a node, so put the"
                    " topology back, or replace the node. See %s."
                    % (node.name, instance["instance_id"], what, value, *expected[what])
                )
    for number in range(node.volumes.count if node.volumes else 0):
        out.extend(_volume_findings(node, number, account, live))
    return out


def _volume_findings(node: Node, number: int, account: Account, live: list[dict[str, Any]]) -> list[str]:
    name = "Data volume %d of node %s" % (number, node.name)
    volumes = account.volumes.get((node.roles[0], str(node.id)), {}).get(number, [])
    if len(volumes) > 1:
        return [
            "%s exists %d times (%s); delete or untag those that are not in use."
            % (name, len(volumes), _listed(v["id"] for v in volumes))
        ]
    mine = [instance["instance_id"] for instance in live]
    out = []
    for volume in volumes:
        if volume["zone"] != node.zone:
            out.append(
                "%s (%s) lies in %s, but the node in %s; put the node's zone back, or move the data first."
                " See docs/runbooks/az_down.md." % (name, volume["id"], volume["zone"], node.zone)
            )
        if not volume["encrypted"]:
            out.append(
                "%s (%s) is not encrypted; copy it through an encrypted snapshot, or delete it if its data may go."
                % (name, volume["id"])
            )
        if node.volumes and volume["size_gb"] > node.volumes.size_gb:
            out.append(
                "%s (%s) has %d GiB, and EBS cannot shrink it to %d; put size_gb back."
                " See docs/runbooks/change_disk_size.md."
                % (name, volume["id"], volume["size_gb"], node.volumes.size_gb)
            )
        others = [a["instance_id"] for a in volume["attachments"] if a["instance_id"] not in mine]
        if others:
            out.append(
                "%s (%s) is attached to the foreign instance %s; detach it there first."
                % (name, volume["id"], _listed(others))
            )
    for instance in live:
        taken = {
            mapping["device_name"]: mapping["ebs"]["volume_id"] for mapping in instance.get("block_device_mappings", [])
        }
        foreign = taken.get(DEVICES[number])
        if foreign and not {volume["id"] for volume in volumes} & set(taken.values()):
            out.append(
                "%s belongs at %s of %s, where the volume %s is; detach that first."
                % (name, DEVICES[number], instance["instance_id"], foreign)
            )
    return out


def notes(topology: Topology, account: Account, types: dict[str, dict[str, Any]] | None = None) -> list[str]:
    """What provision leaves alone and the operator should know."""
    out = _bandwidth_notes(topology, types or {})
    nodes = {(node.roles[0], str(node.id)): node for node in topology.nodes}
    for key, instances in sorted(account.instances.items()):
        for instance in instances:
            name = instance["tags"].get("Name", instance["instance_id"])
            if key not in nodes:
                out.append("%s (%s) is not in the topology; it was left alone." % (name, instance["instance_id"]))
            elif instance["state"]["name"] != "running":
                out.append(
                    "%s (%s) is %s; it was left so." % (name, instance["instance_id"], instance["state"]["name"])
                )
    for key, numbered in sorted(account.volumes.items()):
        node = nodes.get(key)
        for number, volumes in sorted(numbered.items()):
            if node is None or node.volumes is None or number >= node.volumes.count:
                out.extend(
                    "Volume %s (%s) is not in the topology; it was left alone." % (v["tags"].get("Name"), v["id"])
                    for v in volumes
                )
    return out


def _bandwidth_notes(topology: Topology, types: dict[str, dict[str, Any]]) -> list[str]:
    """Where volumes have more throughput than their instance can use in the long run."""
    out = set()
    for node in topology.nodes:
        baseline = types.get(node.instance_type, {}).get("ebs_mbps")
        if baseline and node.volumes and node.volumes.throughput:
            needed = node.volumes.count * node.volumes.throughput
            # Mbit/s to MiB/s.
            limit = int(baseline * 1e6 / 8 / 2**20)
            if needed > limit:
                out.add(
                    "Instance type %s moves %d MiB/s to and from EBS in the long run, less than the %d MiB/s of its"
                    " data volumes." % (node.instance_type, limit, needed)
                )
    return sorted(out)


def instances_to_change(
    topology: Topology, account: Account, types: dict[str, dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The existing nodes whose tags, groups, profile or metadata options differ, for amazon.aws.ec2_instance."""
    out = []
    for node in topology.nodes:
        groups = [group_name(topology, role) for role in node.roles]
        profile, tags = profile_name(topology, node.roles[0]), node_tags(topology, node, types)
        instance = account.instance(node)
        if instance and not _as_wanted(instance, tags, groups, profile):
            out.append(
                {
                    "name": node.name,
                    "zone": node.zone,
                    "instance_id": instance["instance_id"],
                    "groups": groups,
                    "profile": profile,
                    "tags": tags,
                }
            )
    return out


def nodes_to_build(
    topology: Topology, account: Account, images: list[dict[str, Any]], types: dict[str, dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The nodes that are missing, or whose volumes are missing, detached or different, as input of kafka_instances.

    instance_id is None for a node to launch; volumes are those to change, with volume_id None for a new one.
    """
    out = []
    for node in topology.nodes:
        instance = account.instance(node)
        volumes = [
            volume
            for volume in (
                _volume_to_build(topology, account, node, number)
                for number in range(node.volumes.count if node.volumes else 0)
            )
            if volume
        ]
        if instance and not volumes:
            continue
        image = resolve_image(node.image, images) or {}
        out.append(
            {
                "name": node.name,
                "instance_id": instance["instance_id"] if instance else None,
                # AWS may still repeat the answer to their launch; see _aws.launch.token.
                "predecessors": sorted(i["instance_id"] for i in account.dead.get((node.roles[0], str(node.id)), [])),
                "zone": node.zone,
                "address": node.address,
                "instance_type": node.instance_type,
                "image_id": image.get("image_id"),
                "root_device": image.get("root_device_name"),
                "root_gb": max(topology.root_volume_gb, _root_size(image)),
                "groups": [group_name(topology, role) for role in node.roles],
                "profile": profile_name(topology, node.roles[0]),
                "tags": node_tags(topology, node, types),
                "volume_tags": {**node_tags(topology, node), FORMAT_TAG: FORMAT_NEW},
                "kms_key": topology.kms_key,
                "volumes": volumes,
            }
        )
    return out


def _volume_to_build(topology: Topology, account: Account, node: Node, number: int) -> dict[str, Any] | None:
    """What a volume needs: to be made, attached, changed, tagged, or kept when its instance ends; None for nothing."""
    if node.volumes is None:
        return None
    settings = {
        "type": node.volumes.type,
        "size_gb": node.volumes.size_gb,
        "iops": node.volumes.iops,
        "throughput": node.volumes.throughput,
    }
    volume = account.volume(node, number)
    out: dict[str, Any] = {
        "number": number,
        "volume_id": None,
        "device": DEVICES[number],
        "attach": True,
        "keep": False,
        "change": {},
        "tags": {},
        **settings,
    }
    if volume is None:
        return out
    # Not the Name: it is set once, and operators may change it.
    tags = {key: value for key, value in node_tags(topology, node).items() if key != "Name"}
    tags["KafkaVolume"] = str(number)
    attached = next(iter(volume["attachments"]), None)
    out.update(
        volume_id=volume["id"],
        device=attached["device"] if attached else DEVICES[number],
        attach=attached is None,
        keep=bool(attached and attached.get("delete_on_termination")),
        change={key: value for key, value in settings.items() if value is not None and volume[key] != value},
        tags={key: value for key, value in tags.items() if volume["tags"].get(key) != value},
    )
    return out if any(out[key] for key in ("attach", "keep", "change", "tags")) else None


def _root_size(image: dict[str, Any]) -> int:
    """The size in GiB of the image's own root disk, below which EC2 refuses to start it."""
    mappings = image.get("block_device_mappings") or []
    sizes = [
        (m.get("ebs") or {}).get("volume_size") or 0
        for m in mappings
        if m.get("device_name") == image.get("root_device_name")
    ]
    return max(sizes, default=0)


def _as_wanted(instance: dict[str, Any], tags: dict[str, str], groups: list[str], profile: str) -> bool:
    options = instance.get("metadata_options") or {}
    return (
        all(instance["tags"].get(key) == value for key, value in tags.items())
        and {group["group_name"] for group in instance["security_groups"]} == set(groups)
        and str((instance.get("iam_instance_profile") or {}).get("arn", "")).endswith("/" + profile)
        and all(options.get(key) == value for key, value in METADATA_OPTIONS.items())
    )
