# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The topology file: what a person writes about a cluster, as dataclasses, or refused with all reasons at once."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Iterable, Mapping

from .. import _address
from .._errors import RackawareError
from .._text import hosts_as_subject, some
from .nodes import page_of_gone
from .topology_spec import DATA_GB, EBS, INSTANCE_STORE, OPTIONS, VOLUME_SIZES, Refuse, read

BROKER, ZOOKEEPER, CONTROLLER = "broker", "zookeeper", "controller"
MINIMUM_ZONES = 3
# IAM role names end at 64 characters and carry the region, the role and the cluster's name.
# A volume, by its id or by the link to its disk.
_VOLUME_ID = re.compile(r"vol-?([0-9a-f]{8,17})")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CLUSTER_NAME = re.compile(r"[a-z][a-z0-9-]{0,22}[a-z0-9]|[a-z]")
# /dev/sdf to /dev/sdp is what EC2 recommends for EBS data volumes: docs.aws.amazon.com/ebs, "Device names for volumes".
DEVICES = tuple("/dev/sd" + letter for letter in "fghijklmnop")
OWN_TAGS = (
    "Name",
    "KafkaCluster",
    "KafkaRole",
    "KafkaNode",
    "KafkaVolume",
    "KafkaStores",
    "KafkaFormat",
    "KafkaMadeBy",
)
# From the EC2 API reference, "EbsBlockDevice": Iops, Throughput (gp3 as raised in 2025).
VOLUME_IOPS = {"gp3": (3000, 80000), "io1": (100, 64000), "io2": (100, 256000)}
# iops for each GiB, from docs.aws.amazon.com/ebs, "General Purpose SSD volumes" and "Provisioned IOPS SSD volumes"
# (io2 as Block Express).
# The smallest number of iops of gp3 is had at any size.
IOPS_PER_GIB = {"gp3": 500, "io1": 50, "io2": 1000}
# MiB/s of gp3: the range from "EbsBlockDevice", and how many iops one MiB/s needs (0.25 MiB/s an iops) from
# "General Purpose SSD volumes".
GP3_THROUGHPUT, GP3_IOPS_PER_MIB = (125, 2000), 4

# What each host must say of itself, and what to do where it does not.
LACKED = {
    # Reports, events and keys bear the name, so that two clusters without one would share them.
    "kafka_cluster": "give the cluster a name of its own in the inventory",
    "kafka_node_id": "tag the instance with KafkaNode, or set it in the inventory",
    "kafka_rack": "set it to its Availability Zone",
}


class TopologyError(RackawareError):
    """The topology cannot be built; findings holds one sentence for each reason."""

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = tuple(findings)
        super().__init__(" ".join(self.findings))


@dataclass(frozen=True)
class Zone:
    """An Availability Zone and its private subnet."""

    name: str
    cidr: str


@dataclass(frozen=True)
class Volumes:
    """The EBS data volumes of one node; size in GiB, throughput in MiB/s, None where the type's own default applies."""

    count: int
    type: str
    size_gb: int
    iops: int | None = None
    throughput: int | None = None


@dataclass(frozen=True)
class Node:
    """One instance; role is the tag KafkaRole, roles its parts; volumes is None on instance store."""

    name: str
    role: str
    id: int
    zone: str
    address: str
    instance_type: str
    image: str
    storage: str
    volumes: Volumes | None

    @property
    def roles(self) -> tuple[str, ...]:
        """broker and controller apart, for a combined node."""
        return tuple(self.role.split("+"))


@dataclass(frozen=True)
class Topology:
    """A cluster that can be built."""

    name: str
    region: str
    vpc_cidr: str
    zones: tuple[Zone, ...]
    client_cidrs: tuple[str, ...]
    admin_cidrs: tuple[str, ...]
    image_owners: tuple[str, ...]
    kms_key: str | None
    key_name: str | None
    root_volume_gb: int
    replication_factor: int
    min_insync_replicas: int
    nodes: tuple[Node, ...]
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that occur, in the order brokers, ZooKeeper, controllers."""
        return tuple(role for role in (BROKER, ZOOKEEPER, CONTROLLER) if any(role in node.roles for node in self.nodes))

    @property
    def metadata(self) -> str:
        """What keeps the cluster's metadata: zookeeper, kraft, or migrating with both."""
        kept = {role for role in self.roles if role != BROKER}
        return "migrating" if len(kept) == 2 else "zookeeper" if ZOOKEEPER in kept else "kraft"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for playbooks: the fields, and metadata and roles with them."""
        plain = asdict(self)
        plain["zones"] = [asdict(zone) for zone in self.zones]
        plain["nodes"] = [dict(asdict(node), roles=list(node.roles)) for node in self.nodes]
        for key in ("client_cidrs", "admin_cidrs", "image_owners"):
            plain[key] = list(plain[key])
        return dict(plain, roles=list(self.roles), metadata=self.metadata)


@dataclass(frozen=True)
class _Group:
    """What differs between brokers, ZooKeeper nodes and controllers."""

    key: str
    role: str
    title: str


_GROUPS = (
    _Group("brokers", BROKER, "broker"),
    _Group("zookeepers", ZOOKEEPER, "ZooKeeper node"),
    _Group("controllers", CONTROLLER, "controller"),
)


def parse(raw: Any) -> Topology:
    """Read a topology; raises TopologyError that carries one sentence for each thing that is wrong."""
    if not isinstance(raw, dict) or not raw:
        raise TopologyError(
            [
                "There is no topology: set kafka_topology to a mapping that describes the cluster,"
                " as in inventories/aws_ec2/group_vars/all.yml."
            ]
        )
    refused: list[str] = []
    refuse = refused.append
    where = "Topology %s" % raw.get("name", "(without a name)")
    # What its option refuses is None from here on, so that no rule below complains of it again.
    values = read(raw, OPTIONS, where, refuse)
    name, region, root_gb = values["name"], values["region"], values["root_volume_gb"]
    if name is not None and not CLUSTER_NAME.fullmatch(name):
        refuse(
            "%s: the name must be 1 to 24 small letters, digits and hyphens and begin with a letter,"
            " because AWS names are made of it." % where
        )
    vpc_cidr = _network(refuse, values["vpc_cidr"], "%s: vpc_cidr" % where)
    zones = _zones(refuse, values["zones"] or [], vpc_cidr, where, region)
    fewer = bool(values["allow_fewer_zones"])
    if not fewer and zones and len({zone.name for zone in zones}) < MINIMUM_ZONES:
        refuse(
            "%s names %d Availability Zone%s, but losing one must leave a majority: name at least three,"
            " or set allow_fewer_zones: true and live with that."
            % (where, len({zone.name for zone in zones}), "" if len(zones) == 1 else "s")
        )
    groups = {group.key: _nodes(refuse, raw, values, group, zones, where) for group in _GROUPS}
    nodes = _combine(refuse, raw, groups, where)
    named = {zone["name"] for zone in values["zones"] or [] if zone}
    _check_nodes(refuse, nodes, groups, where, fewer_zones=fewer or len(named) < MINIMUM_ZONES)
    # As many as were asked for, so that a node that was refused above does not bring a second complaint.
    brokers = len((values["brokers"] or {}).get("nodes") or groups["brokers"])
    _check_replication(refuse, values["replication_factor"], values["min_insync_replicas"], brokers, where)
    low, high = VOLUME_SIZES["gp3"]
    if root_gb is not None and not low <= root_gb <= high:
        refuse(
            "%s: root_volume_gb is %d, but a volume of type gp3 holds %d to %d GiB; correct it."
            % (where, root_gb, low, high)
        )
    networks = {key: _networks(refuse, values[key] or [], key, where) for key in ("client_cidrs", "admin_cidrs")}
    tags = _tags(refuse, values["tags"] or {}, where)
    if refused:
        raise TopologyError(refused)
    return Topology(
        name=name,
        region=region,
        vpc_cidr=str(vpc_cidr),
        zones=zones,
        image_owners=tuple(str(owner) for owner in values["image_owners"]),
        kms_key=values["kms_key"],
        key_name=values["key_name"],
        root_volume_gb=root_gb,
        replication_factor=values["replication_factor"],
        min_insync_replicas=values["min_insync_replicas"],
        nodes=nodes,
        tags=tags,
        **networks,
    )


def findings(raw: Any) -> list[str]:
    """What is wrong with a topology, one sentence each; an empty list when it can be built."""
    try:
        parse(raw)
    except TopologyError as error:
        return list(error.findings)
    return []


def _network(refuse: Refuse, value: Any, where: str) -> ipaddress.IPv4Network | None:
    if value is None:
        return None
    try:
        return ipaddress.IPv4Network(str(value))
    except ValueError as error:
        refuse("%s is not an IPv4 network: %s." % (where, error))
        return None


def _networks(refuse: Refuse, given: list, key: str, where: str) -> tuple[str, ...]:
    return tuple(str(_network(refuse, str(value), "%s: %s in %s" % (where, value, key))) for value in given)


def _zones(
    refuse: Refuse,
    given: list,
    vpc: ipaddress.IPv4Network | None,
    where: str,
    region: str | None,
) -> tuple[Zone, ...]:
    zones: list[Zone] = []
    seen: list[tuple[str, ipaddress.IPv4Network]] = []
    for position, item in enumerate(given, 1):
        if item is None:
            continue
        spot = "%s, zone %d" % (where, position)
        name, network = item["name"], _network(refuse, item["cidr"], "%s: cidr" % spot)
        if not name or not network:
            continue
        if region and not name.startswith(region):
            refuse("%s: %s does not lie in region %s; a cluster lives in one region." % (spot, name, region))
        if name in [zone.name for zone in zones]:
            refuse("%s: %s is named twice; give each zone one subnet." % (spot, name))
        if vpc and not network.subnet_of(vpc):
            refuse("%s: its subnet %s lies outside the VPC's %s; choose one within it." % (spot, network, vpc))
        for other, range_ in seen:
            if network.overlaps(range_):
                refuse("%s: its subnet %s overlaps %s of %s; give each zone its own." % (spot, network, range_, other))
        seen.append((name, network))
        zones.append(Zone(name, str(network)))
    return tuple(zones)


def _volumes(refuse: Refuse, given: Mapping[str, Any], default_gb: int, where: str) -> Volumes | None:
    """The volumes of a group's nodes; None where their type, on which all limits depend, was refused."""
    if given["type"] is None:
        return None
    low, high = VOLUME_SIZES[given["type"]]
    size_gb = max(default_gb, low) if given["size_gb"] is None else given["size_gb"]
    volumes = Volumes(**{**given, "size_gb": size_gb})
    if not low <= volumes.size_gb <= high:
        refuse(
            "%s: a volume of type %s holds %d to %d GiB, not %d; change size_gb or the type."
            % (where, volumes.type, low, high, volumes.size_gb)
        )
    if volumes.count is not None and not 1 <= volumes.count <= len(DEVICES):
        refuse("%s: %d data volumes cannot be attached; give each node 1 to %d." % (where, volumes.count, len(DEVICES)))
    _check_performance(refuse, volumes, where)
    return volumes


def _check_performance(refuse: Refuse, volumes: Volumes, where: str) -> None:
    """Iops and throughput as EC2 checks them, which it does only when the volume is made."""
    kind, iops = volumes.type, volumes.iops
    if iops is not None and kind not in VOLUME_IOPS:
        refuse("%s: iops cannot be chosen for %s; leave it out, or take gp3." % (where, kind))
    elif iops is None and kind in ("io1", "io2"):
        refuse("%s: a volume of type %s needs iops; add it, or take gp3." % (where, kind))
    elif iops is not None:
        low, high = VOLUME_IOPS[kind]
        ratio = IOPS_PER_GIB[kind]
        if not low <= iops <= high:
            refuse("%s: %s gives %d to %d iops, not %d; correct iops." % (where, kind, low, high, iops))
        elif iops > max(low if kind == "gp3" else 0, ratio * volumes.size_gb):
            refuse(
                "%s: %s gives at most %d iops for each GiB, so that %d GiB have at most %d, not %d; lower iops,"
                " or raise size_gb to %d."
                % (
                    where,
                    kind,
                    ratio,
                    volumes.size_gb,
                    max(low if kind == "gp3" else 0, ratio * volumes.size_gb),
                    iops,
                    -(-iops // ratio),
                )
            )
    if volumes.throughput is None:
        return
    low, high = GP3_THROUGHPUT
    if kind != "gp3" or not low <= volumes.throughput <= high:
        refuse(
            "%s: throughput can be chosen for gp3 only, from %d to %d MiB/s; correct it or leave it out."
            % (where, low, high)
        )
        return
    least = VOLUME_IOPS["gp3"][0]
    if volumes.throughput * GP3_IOPS_PER_MIB > (iops or least):
        refuse(
            "%s: gp3 gives 0.25 MiB/s for each iops, so that %d MiB/s need %d iops, but it has %d; raise iops,"
            " or lower throughput." % (where, volumes.throughput, volumes.throughput * GP3_IOPS_PER_MIB, iops or least)
        )


def _nodes(
    refuse: Refuse,
    raw: Mapping[str, Any],
    topology: Mapping[str, Any],
    group: _Group,
    zones: tuple[Zone, ...],
    where: str,
) -> list[Node]:
    values = topology[group.key]
    if values is None:
        return []
    given = raw[group.key]
    where = "%s, %s" % (where, group.key)
    image = topology["image"] if values["image"] is None else values["image"]
    # One that is no text was refused before.
    left_out = given.get("image") is None and raw.get("image") is None
    if (left_out or image is not None) and not re.fullmatch(r"ami-\w+|name:.+", image or ""):
        refuse(
            "%s: the image is %r; give an id (ami-…) or a name (name:debian-12-amd64-*),"
            " here or for the whole topology." % (where, image)
        )
    _check_storage(refuse, values["storage"], group, where)
    if values["storage"] == INSTANCE_STORE and given.get("volumes") is not None:
        refuse(
            "%s: data cannot be on the instance store and on EBS volumes; remove volumes, or storage: instance_store."
            % where
        )
    volumes = _volumes(refuse, values["volumes"], DATA_GB[group.key], where) if values["volumes"] else None
    nodes = []
    for place in _places(refuse, given, values, group, zones, where):
        storage = place.get("storage") or values["storage"] or EBS
        _check_storage(refuse, place.get("storage"), group, "%s, node id %d" % (where, place["id"]))
        nodes.append(
            Node(
                name="%s-%s-%d" % (topology["name"], group.role, place["id"]),
                role=group.role,
                id=place["id"],
                zone=place["zone"],
                address=place["address"],
                instance_type=place.get("instance_type") or values["instance_type"] or "",
                image=str(image),
                storage=storage,
                volumes=None if storage == INSTANCE_STORE else volumes,
            )
        )
    return nodes


def _check_storage(refuse: Refuse, storage: str | None, group: _Group, where: str) -> None:
    if storage == INSTANCE_STORE and group.role != BROKER:
        refuse(
            "%s: storage is %s, but must be ebs, because a %s must not lose its disk when it stops."
            % (where, storage, group.title)
        )


def _places(
    refuse: Refuse,
    given: Mapping[str, Any],
    values: Mapping[str, Any],
    group: _Group,
    zones: tuple[Zone, ...],
    where: str,
) -> list[dict[str, Any]]:
    """Id, zone and address of each node, as listed or counted out over the zones."""
    if (given.get("nodes") is None) == (given.get("count") is None):
        refuse("%s: say either nodes (a list) or count (a number)." % where)
        return []
    networks = {zone.name: ipaddress.IPv4Network(zone.cidr) for zone in zones}
    if values["nodes"] is not None:
        given_nodes = values["nodes"]
        if not given_nodes:
            refuse("%s: nodes lists no node; name at least one." % where)
    else:
        given_nodes = _counted(refuse, values, networks, where)
    places = []
    for position, place in enumerate(given_nodes, 1):
        if place is None:
            continue
        id_, zone, address = place["id"], place["zone"], place["address"]
        spot = "%s, node %d" % (where, position)
        if id_ is not None:
            spot = "%s, node id %d" % (where, id_)
            low, high = (1, 255) if group.role == ZOOKEEPER else (0, 2**31 - 1)
            if not low <= id_ <= high:
                refuse("%s: the id is out of range; a %s takes %d to %d." % (spot, group.title, low, high))
        if zone is not None and zone not in networks:
            refuse("%s: zone %s is not among the topology's zones %s." % (spot, zone, ", ".join(networks)))
        elif zone is not None and address is not None:
            _check_address(refuse, address, networks[zone], spot)
        if None not in (id_, zone, address):
            places.append(place)
    return places


def _counted(
    refuse: Refuse,
    values: Mapping[str, Any],
    networks: Mapping[str, ipaddress.IPv4Network],
    where: str,
) -> list[dict[str, Any]]:
    count, first_id, offset = values["count"], values["first_id"], values["offset"]
    if None in (count, first_id, offset) or not networks:
        return []
    if count < 1:
        refuse("%s: count is %d, but must be at least 1." % (where, count))
    places = []
    for index in range(count):
        zone, network = list(networks.items())[index % len(networks)]
        # Not by node id, so that ids may begin anywhere; by index, so that growing never moves a node.
        address = str(network.network_address + offset + index)
        places.append({"id": first_id + index, "zone": zone, "address": address})
    return places


def _check_address(refuse: Refuse, address: str, network: ipaddress.IPv4Network, where: str) -> None:
    try:
        value = ipaddress.IPv4Address(address)
    except ValueError as error:
        refuse("%s: the address is not IPv4: %s." % (where, error))
        return
    if value not in network:
        refuse("%s: the address %s lies outside its zone's subnet %s." % (where, address, network))
    # AWS keeps these: docs.aws.amazon.com/vpc, "Subnet CIDR blocks".
    elif int(value) - int(network.network_address) < 4 or value == network.broadcast_address:
        refuse(
            "%s: AWS keeps the address %s of subnet %s for itself (the first four and the last); choose another."
            % (where, address, network)
        )


def _combine(refuse: Refuse, raw: dict, groups: dict[str, list[Node]], where: str) -> tuple[Node, ...]:
    """All nodes; with brokers.combined, the first brokers, one a zone before a second in any, are controllers too."""
    brokers = raw.get("brokers")
    combined = brokers.get("combined", False) if isinstance(brokers, dict) else False
    count = 3 if combined is True else combined
    if not isinstance(count, int) or count not in (0, 1, 3, 5):
        refuse(
            "%s, brokers: combined is %r, but must be true (three), 1, 3 or 5 controllers among the brokers."
            % (where, combined)
        )
        count = 0
    nodes = groups["brokers"]
    if count and raw.get("controllers") is not None:
        refuse("%s has controllers of its own and brokers.combined; choose one of them." % where)
    if count and raw.get("zookeepers") is not None:
        refuse(
            "%s has ZooKeeper nodes and brokers.combined, but a migration needs controllers of its own;"
            " remove one of them." % where
        )
    lasting = [position for position, node in enumerate(nodes) if node.storage != INSTANCE_STORE]
    if count > len(nodes) and nodes:
        refuse(
            "%s, brokers: %d combined controllers need as many brokers, but there are %d;"
            " add brokers or set combined lower." % (where, count, len(nodes))
        )
    elif count > len(lasting) and nodes:
        refuse(
            "%s, brokers: %d combined controllers need as many brokers on ebs,"
            " because a controller must not lose its disk when it stops, but there are %d;"
            " add controllers instead." % (where, count, len(lasting))
        )
    if not count and raw.get("zookeepers") is None and raw.get("controllers") is None:
        refuse(
            "%s has nothing to keep its metadata: add zookeepers (Kafka 3.9), controllers (Kafka 4),"
            " or brokers.combined: true." % where
        )
    rank: dict[str, int] = {}
    order = []
    for position in lasting:
        zone = nodes[position].zone
        rank[zone] = rank.get(zone, 0) + 1
        order.append((rank[zone], position))
    chosen = {position for _, position in sorted(order)[: int(count)]}
    roles = ["%s+%s" % (BROKER, CONTROLLER) if position in chosen else BROKER for position in range(len(nodes))]
    groups["combined"] = [node for position, node in enumerate(nodes) if position in chosen]
    brokers_ = [Node(**{**vars(node), "role": role}) for node, role in zip(nodes, roles)]
    return tuple(brokers_ + groups["zookeepers"] + groups["controllers"])


def _repeated(values: Iterable[Any]) -> list[Any]:
    items = list(values)
    return sorted({value for value in items if items.count(value) > 1})


def _check_nodes(
    refuse: Refuse,
    nodes: tuple[Node, ...],
    groups: dict[str, list[Node]],
    where: str,
    *,
    fewer_zones: bool,
) -> None:
    kafka = [node.id for node in nodes if node.role != ZOOKEEPER]
    for id_ in _repeated(kafka):
        refuse(
            "%s gives node id %d to %d nodes; brokers and controllers share one range of ids, so give each its own."
            % (where, id_, kafka.count(id_))
        )
    for id_ in _repeated(node.id for node in groups["zookeepers"]):
        refuse("%s gives node id %d to several ZooKeeper nodes; give each its own." % (where, id_))
    for address in _repeated(node.address for node in nodes):
        refuse(
            "%s gives the address %s to several nodes (%s); give each its own."
            % (where, address, ", ".join(n.name for n in nodes if n.address == address))
        )
    for key, title in (("zookeepers", "ZooKeeper nodes"), ("controllers", "controllers")):
        members = groups[key]
        if members and len(members) % 2 == 0:
            refuse(
                "%s has %d %s, but an even number survives no more failures than one fewer; take %d."
                % (where, len(members), title, len(members) + 1)
            )
    if fewer_zones:
        return
    for key, title in (
        ("brokers", "brokers"),
        ("zookeepers", "ZooKeeper nodes"),
        ("controllers", "controllers"),
        ("combined", "combined controllers"),
    ):
        members = groups.get(key, [])
        used = sorted({node.zone for node in members})
        if members and len(used) < MINIMUM_ZONES:
            refuse(
                "%s: its %d %s lie in %s only, but losing a zone must leave a majority: use three zones,"
                " or set allow_fewer_zones: true and live with that." % (where, len(members), title, " and ".join(used))
            )


def _check_replication(refuse: Refuse, replication: int | None, minimum: int | None, brokers: int, where: str) -> None:
    if replication is None or minimum is None:
        return
    if replication < 1 or minimum < 1:
        refuse("%s: replication_factor and min_insync_replicas must be at least 1." % where)
    if brokers and replication > brokers:
        refuse(
            "%s: replication_factor %d needs as many brokers, but there are %d; add brokers or lower it."
            % (where, replication, brokers)
        )
    if replication < minimum:
        refuse(
            "%s: replication_factor %d is below min_insync_replicas %d, so that nothing could be written;"
            " raise one or lower the other." % (where, replication, minimum)
        )


def _tags(refuse: Refuse, given: Mapping[Any, Any], where: str) -> dict[str, str]:
    tags = {}
    for key, value in given.items():
        if str(key) in OWN_TAGS or str(key).startswith("aws:"):
            refuse("%s: the tag %s is not yours to set; choose another name." % (where, key))
        tags[str(key)] = str(value)
    return tags


def inventory_findings(
    hosts: dict[str, dict[str, Any]], groups: dict[str, list[str]], *, allow_fewer_zones: bool = False
) -> list[str]:
    """What is wrong with an inventory, one sentence each.

    hosts maps each host to its variables (kafka_cluster, kafka_node_id, kafka_rack); groups maps broker, zookeeper and
    controller to host names, whatever the inventory calls its groups.
    """
    brokers, zookeepers, controllers = (list(groups.get(role) or []) for role in (BROKER, ZOOKEEPER, CONTROLLER))
    if not brokers + zookeepers + controllers:
        return [
            "The inventory has no Kafka hosts in the groups kafka_brokers, kafka_zookeepers and kafka_controllers:"
            " provision the cluster first, or check KAFKA_CLUSTER, AWS_REGION and the inventory plugin's credentials."
        ]
    out = []
    if not brokers:
        out.append("The inventory has no brokers; add hosts to the group kafka_brokers.")
    if not zookeepers and not controllers:
        out.append(
            "The inventory has neither ZooKeeper nodes nor controllers, so that nothing would keep the cluster's"
            " metadata; add hosts to the group kafka_zookeepers or kafka_controllers."
        )
    every = list(dict.fromkeys(brokers + zookeepers + controllers))

    def of(host: str, key: str) -> Any:
        value = hosts.get(host, {}).get(key)
        return None if value is None or value == "" else value

    clusters = sorted({str(of(host, "kafka_cluster")) for host in every if of(host, "kafka_cluster") is not None})
    if len(clusters) > 1:
        out.append(
            "The inventory mixes the clusters %s, but one run works on one cluster; set KAFKA_CLUSTER."
            % ", ".join(clusters)
        )
    out += [
        "kafka_cluster is %r, but may have letters, digits, dots, hyphens and underscores only, and begins with a"
        " letter or digit, because files bear the name; correct it." % cluster
        for cluster in sorted({name for name in (of(host, "kafka_cluster") for host in every) if isinstance(name, str)})
        if not FILE_NAME.fullmatch(cluster)
    ]
    for key, what in LACKED.items():
        lacking = [host for host in every if of(host, key) is None]
        if lacking:
            out.append("%s no %s; %s." % (hosts_as_subject(lacking, "has", "have"), key, what))
    wrong: dict[str, list[str]] = {}
    for host in every:
        number = of(host, "kafka_node_id")
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            wrong.setdefault(repr(number), []).append(host)
    out += [
        "%s: kafka_node_id is %s, but must be a whole number." % (hosts_as_subject(names), number)
        for number, names in wrong.items()
    ]
    for title, members in (
        ("ZooKeeper nodes", zookeepers),
        ("brokers and controllers", list(dict.fromkeys(brokers + controllers))),
    ):
        ids = [of(host, "kafka_node_id") for host in members]
        for number in _repeated(id_ for id_ in ids if isinstance(id_, int)):
            same = ", ".join(host for host, id_ in zip(members, ids) if id_ == number)
            out.append("Node id %d is given to several %s (%s); give each its own." % (number, title, same))
    out += _shared_findings(hosts, every, (brokers, zookeepers, controllers))
    # _config.variables says so of another type.
    racks = {rack for rack in (of(host, "kafka_rack") for host in brokers) if isinstance(rack, (str, int))}
    # A broker without a rack has a sentence of its own, and may lie in another one.
    unknown = sum(of(host, "kafka_rack") is None for host in brokers)
    if brokers and not allow_fewer_zones and racks and len(racks) + unknown < MINIMUM_ZONES:
        out.append(
            "The brokers lie in %d rack%s, but losing one must leave a majority: use three,"
            " or set allow_fewer_zones: true in the topology." % (len(racks), "" if len(racks) == 1 else "s")
        )
    return out


def _shared_findings(
    hosts: Mapping[str, Mapping[str, Any]], every: Iterable[str], members: Iterable[Iterable[str]]
) -> list[str]:
    """What several hosts have and only one can: an address among nodes that listen to the same port, an EBS volume."""
    addresses = {host: str(hosts.get(host, {}).get("ansible_host") or host) for host in every}
    out = [
        "Host %s: ansible_host is %s, which ssh would take for a name; write the address without brackets."
        % (host, address)
        for host, address in addresses.items()
        if address.startswith("[")
    ]
    same: dict[tuple[str, ...], str] = {}
    for names in members:
        at: dict[str, list[str]] = {}
        for host in names:
            at.setdefault(_address.canonical(addresses[host]), []).append(host)
        same |= {tuple(sorted(shared)): address for address, shared in at.items()}
    out += [
        "The address %s is given to several hosts (%s); give each its own ansible_host." % (address, some(shared))
        for shared, address in same.items()
        if len(shared) > 1
    ]
    users: dict[str, dict[str, None]] = {}
    for host in every:
        volumes = hosts.get(host, {}).get("kafka_data_volumes")
        for found in map(_VOLUME_ID.search, map(str, volumes if isinstance(volumes, (list, tuple)) else ())):
            if found:
                users.setdefault("vol-" + found[1], {})[host] = None
    return out + [
        "The volume %s is given to several hosts (%s); give each its own in kafka_data_volumes."
        % (volume, some(list(names)))
        for volume, names in users.items()
        if len(names) > 1
    ]


def lacks_nodes(topology: Any, groups: dict[str, list[str]]) -> bool:
    """Whether an inventory has fewer hosts than the topology has nodes, so that their number says nothing."""
    try:
        planned = parse(topology).nodes
    except TopologyError:
        return False
    return len({host for role in (BROKER, ZOOKEEPER, CONTROLLER) for host in groups.get(role) or ()}) < len(planned)


def model_findings(
    topology: Any, hosts: dict[str, dict[str, Any]], groups: dict[str, list[str]], *, missing_ok: bool = False
) -> list[str]:
    """Where the nodes of a topology and those of an inventory are not the same, one sentence each.

    A topology without nodes says nothing of them. A dynamic inventory lists instances that run, so that one that is
    stopped or terminated is not in it, and the cluster would look smaller than it is.
    hosts and groups as in inventory_findings; missing_ok is for what is done about a host that is gone.
    """
    if not isinstance(topology, dict) or not topology:
        return []
    every = list(dict.fromkeys(host for role in (BROKER, ZOOKEEPER, CONTROLLER) for host in groups.get(role) or ()))
    name = topology.get("name")
    others = (
        sorted({str(hosts[host]["kafka_cluster"]) for host in every if hosts[host].get("kafka_cluster")} - {str(name)})
        if name
        else []
    )
    if others:
        return [
            "kafka_topology describes the cluster %s, but the inventory has nodes of %s (kafka_cluster);"
            " set name in the topology, or KAFKA_CLUSTER, so that both are one cluster." % (name, ", ".join(others))
        ]
    if not any(topology.get(group.key) for group in _GROUPS):
        refused: list[str] = []
        optional = {key: {**option, "required": False} for key, option in OPTIONS.items()}
        read(topology, optional, "Topology %s" % (name or "(without a name)"), refused.append)
        return refused
    # A host without an id has a sentence of its own, and could be any of them.
    if not all(isinstance(hosts[host].get("kafka_node_id"), int) for host in every):
        return []
    try:
        planned = parse(topology).nodes
    except TopologyError as error:
        return list(error.findings)
    known = {
        (role, hosts[host].get("kafka_node_id"))
        for role in (BROKER, ZOOKEEPER, CONTROLLER)
        for host in groups.get(role) or ()
    }
    gone = [node for node in planned if any((role, node.id) not in known for role in node.roles)]
    out = []
    if gone and not missing_ok:
        members = {
            role: [node.name for node in planned if role in node.roles] for role in (BROKER, ZOOKEEPER, CONTROLLER)
        }
        lacking = [
            "%s (%s %d)" % (node.name, " and ".join(_title(role) for role in node.roles), node.id) for node in gone
        ]
        out.append(
            "The topology %s has %s, which the inventory lacks, as it does an instance that is stopped or terminated;"
            " start the instance, rebuild it with provision, or take the node out of the topology. See %s."
            % (name, some(lacking, 5), page_of_gone({node.name: node.zone for node in gone}, members))
        )
    meant = {(role, node.id) for node in planned for role in node.roles}
    strange = [
        "%s (%s %s)" % (host, _title(role), hosts[host].get("kafka_node_id"))
        for role in (BROKER, ZOOKEEPER, CONTROLLER)
        for host in groups.get(role) or ()
        if (role, hosts[host].get("kafka_node_id")) not in meant
    ]
    if strange:
        out.append(
            "The inventory has %s, which the topology %s lacks; add the node to the topology, or remove the host."
            % (some(strange, 5), name)
        )
    return out


def _title(role: str) -> str:
    return next(group.title for group in _GROUPS if group.role == role)
