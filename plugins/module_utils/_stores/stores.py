# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The encrypted stores of Kafka's nodes: their data volumes, the names of their keys, and their configuration."""

from __future__ import annotations

import re
import uuid
from typing import Any, Mapping, Sequence

from .._aws.names import KEY_NAME
from .._config import nodes
from .._errors import RackawareError

# In the inventory an instance store is a data volume with the name of its mapping.
VOLUME = re.compile(r"/dev/mapper/kafka-(d\d+)")
DEVICES = "/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*"
# Ours: the UUID of a store is a name in it, so that it is the same wherever it is computed.
NAMESPACE = uuid.UUID("5b0d0f3e-52c5-5d3c-8a0f-8a6d1ef1d4c1")
APP = "kafka"
MAPPING = "kafka-%s"


class StoresError(RackawareError):
    """The stores of a host cannot be described."""


def volumes(count: int) -> list[str]:
    """The data volumes of a node whose data are on count instance stores."""
    return ["/dev/mapper/kafka-d%d" % number for number in range(count)]


def store_of(volume: Any) -> str:
    """The name of the store that a data volume is, empty for an EBS volume."""
    match = VOLUME.fullmatch(str(volume))
    return match[1] if match else ""


def identity(cluster: str, node_id: Any, store: str, app: str = APP) -> dict[str, Any]:
    """{object_key, encryption_context} of a store's wrapped key."""
    context = {"app": app, "cluster_id": cluster, "node_id": str(node_id), "volume": store, "purpose": "luks"}
    return {"object_key": "%s/%s/%s-%s" % (cluster, node_id, KEY_NAME, store), "encryption_context": context}


def keys_of(app: str, names: Sequence[str], store: str) -> list[dict[str, Any]]:
    """{host, store, object_key, encryption_context} for an application that has one store on each of these hosts."""
    return [{"host": str(name), "store": store, **identity(app, name, store, app)} for name in names]


def uuid_of(cluster: str, node_id: Any, store: str) -> str:
    """The UUID of a store's volume, which is thus known before there is one."""
    return str(uuid.uuid5(NAMESPACE, "%s/%s/%s" % (cluster, node_id, store)))


def subsystem_of(cluster: str, node_id: Any) -> str:
    """The subsystem in the header, which says whose volume it is."""
    return "kafka-%s-%s" % (cluster, node_id)


def keys(hosts: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """{host, store, mount, uuid, subsystem, object_key, encryption_context} of every encrypted store of these hosts."""
    out = []
    for name in names:
        for number, volume in enumerate(hosts[name].get("kafka_data_volumes") or ()):
            store = store_of(volume)
            if store:
                who = _who(hosts[name], name)
                place = {"host": name, "store": store, "mount": nodes.DATA % number}
                out.append(
                    {**place, "uuid": uuid_of(*who, store), "subsystem": subsystem_of(*who), **identity(*who, store)}
                )
    return out


def _who(variables: Mapping[str, Any], name: str) -> tuple[str, int]:
    try:
        return str(variables["kafka_cluster"]), int(variables["kafka_node_id"])
    except (KeyError, TypeError, ValueError):
        raise StoresError(
            "Host %s has encrypted stores, but no kafka_cluster or no kafka_node_id, to which their keys are bound;"
            " set both." % name
        ) from None


def stores(
    data_volumes: Sequence[str] | None, cluster: str, node_id: int, wrapped: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """A broker's encrypted stores as the role encrypted_store takes them.

    wrapped maps object_key to the versions of its key, the newest last.
    """
    mounts = [(store_of(volume), nodes.DATA % number) for number, volume in enumerate(data_volumes or ())]
    ours = [(store, mount) for store, mount in mounts if store]
    out = []
    for slot, (store, mount) in enumerate(ours):
        object_key = identity(cluster, node_id, store)["object_key"]
        if not wrapped.get(object_key):
            raise StoresError(
                "There is no wrapped key %s for node %d; run key_custody, and look at the bucket."
                % (object_key, node_id)
            )
        out.append(
            {
                "store": store,
                "name": MAPPING % store,
                "mount": mount,
                "uuid": uuid_of(cluster, node_id, store),
                "subsystem": subsystem_of(cluster, node_id),
                "device": DEVICES,
                "slot": slot,
                "slots": len(ours),
                "allow_format": "blank_only",
                "keys": [dict(version) for version in wrapped[object_key]],
            }
        )
    return out


def disks(stores: Sequence[Mapping[str, Any]], seen: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """{store, device, name, uuid, subsystem, open} of those of these stores that have a disk.

    seen is the list of instance_store_info. The host's record of a disk counts only where the disk has no header.
    """
    out = []
    for store in stores:
        match = next((disk for disk in seen if (disk["uuid"] or disk["remembered"]) == store["uuid"]), None)
        if match is not None:
            place = {
                "store": store["store"],
                "device": match["by_id"] or match["device"],
                "open": bool(match["holders"]),
            }
            out.append(
                {**place, "name": MAPPING % store["store"], "uuid": store["uuid"], "subsystem": store["subsystem"]}
            )
    return out


def guard(
    data_dirs: Sequence[str], *, cluster_id: str | None, libs: str, properties: str, java: str, user: str, comment: str
) -> str:
    """The drop-in that keeps a broker from starting without its encrypted stores; data_dirs are those on them.

    A store may be blank at any boot. In KRaft mode its directory is then formatted with the id in the file cluster_id;
    without that file nothing is formatted.
    """
    # It imports boto3, which takes a tenth of a second; workers that only need a store's name must not wait for it.
    from .._luks import units

    mounts = [path.rsplit("/", 1)[0] for path in data_dirs]
    prepare = []
    if cluster_id:
        blank = " -a ".join('-n "$$(ls -A %s)"' % path for path in data_dirs)
        tool = (
            '%s -Xmx128m -cp "%s/*" kafka.tools.StorageTool format --ignore-formatted --cluster-id "$$id" --config %s'
            % (java, libs, properties)
        )
        prepare = ["/bin/sh -c 'test %s || { read -r id <%s && exec %s; }'" % (blank, cluster_id, tool)]
    directories = [path for pair in zip(mounts, data_dirs) for path in pair]
    return units.guard_text(mounts, directories=directories, user=user, prepare=prepare, comment=comment)


def layers(volume: Any, *, luks: bool, instance_type: Mapping[str, Any] | None, ebs_encrypted: bool) -> list[str]:
    """What encrypts a data volume, the layer next to the disk first; instance_type as instance_type_info gives it."""
    if store_of(volume):
        hardware = bool(((instance_type or {}).get("instance_store") or {}).get("encrypted"))
        return (["instance store hardware"] if hardware else []) + (["LUKS"] if luks else [])
    return (["EBS with KMS"] if ebs_encrypted else []) + (["LUKS"] if luks else [])


def with_layers(
    rows: Sequence[Mapping[str, Any]],
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Sequence[str]],
    types: Mapping[str, Mapping[str, Any]],
    ebs: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The rows of _config.nodes.summary_hosts, whose disks say in encryption which layers are known to be active."""
    encrypted = {ebs_volume["id"] for ebs_volume in ebs if ebs_volume.get("encrypted")}
    out = []
    for row in rows:
        variables = hosts[row["name"]]
        volumes_ = variables.get("kafka_data_volumes") or ()
        mounts = nodes.mounts(volumes_, nodes.role(row["name"], groups))
        by_mount = {entry["mount"]: volume for entry, volume in zip(mounts, volumes_)}
        disks = []
        for disk in row.get("disks") or ():
            volume = by_mount.get(disk["mount"], "")
            kind = types.get(str(variables.get("kafka_instance_type")))
            active = layers(volume, luks=bool(disk.get("luks")), instance_type=kind, ebs_encrypted=volume in encrypted)
            disks.append({**disk, "encryption": " + ".join(active) or None})
        out.append({**row, "disks": disks})
    return out
