# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""All files and directories of a service on its host, whatever kind it is."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Sequence

from .._tls import identity
from . import kerberos, nodes, security, settings, start_guard, units

HEADER = "Written by rackaware.kafka; change the inventory, not this file."
USER = "kafka"
STORE_GUARD = "50-encrypted-store.conf"


def files(
    kind: str,
    node: Mapping[str, Any],
    cluster: Mapping[str, Any],
    sized: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, Any],
    *,
    is_store: Callable[[Any], Any],
    store_guard: Callable[..., str],
) -> dict[str, Any]:
    """{unit, directories, files, promoted} of a service: its unit's name, and the options of file_set.

    Raises RackawareError.

    kind: a key of units.SERVICES. sized: as from _config.sizing.size. Nodes are [{id, host, port}].
    node: {role, id, rack, address, kerberos_host, volumes}, of a ZooKeeper node role and volumes.
    cluster: {version, security, zookeepers}; with Kafka's settings also {cluster: its name, listeners, controllers,
    brokers (how many), replication_factor, min_insync_replicas, protocol, super_users, client_ca, kerberos_realm}; of a broker also
    {others: the other brokers, at the listener of the collection's modules, id: of the cluster, empty where it is not
    known, new_since: the time in seconds, when no broker of it has run, else None}.
    own: what users set, {config: settings, jvm_options: list, log_levels: logger to level, open_files: int}.
    is_store and store_guard are store_of and guard of _stores.stores, which lies above this.
    """
    this = units.service(kind)
    cluster = {**cluster, "listeners": _listeners(cluster)}
    volumes = node["volumes"] or []
    mounts = [volume["mount"] for volume in nodes.mounts(volumes, node["role"])]
    data_dirs = nodes.data_dirs(volumes, node["role"])
    guard: dict[str, list[dict[str, Any]]] = {"directories": [], "files": []}
    on_stores: list[str] = []
    if this.guarded:
        guard = _start_guard(node, cluster, data_dirs)
        on_stores = [path for volume, path in zip(volumes, data_dirs) if is_store(volume)]
    directories = [
        _directory(this.directory, owner="root"),
        _directory(units.LOG_DIR),
        *guard["directories"],
        # Without data volumes (kafka_data_on_root_disk) no other role creates it.
        *([] if mounts else [_directory(os.path.dirname(data_dirs[0]))]),
        *([_directory(this.path + ".d", owner="root", group="root", mode="0755")] if on_stores else []),
    ]
    certificates = _certificates(this, cluster)
    client_ca = _client_ca(certificates, cluster)
    tickets = this.guarded and cluster["security"] == security.TLS and kerberos.used(cluster["listeners"])
    krb5 = [_file(kerberos.CONFIG, kerberos.config(cluster["kerberos_realm"], HEADER))] if tickets else []
    # Not the keytab: a broker reads a new one while it runs.
    reads = [*certificates, *((kerberos.CONFIG,) if tickets else ())]
    if tickets:
        own = {**own, "jvm_options": [*own["jvm_options"], "-Djava.security.krb5.conf=" + kerberos.CONFIG]}
    texts = [
        *_own(kind, {**node, "data_dirs": data_dirs}, cluster, sized, own, mounts, reads),
        *client_ca,
        *krb5,
        *guard["files"],
        *(_store_files(this, cluster, on_stores, store_guard) if on_stores else []),
    ]
    # The role tls, and of a keytab the role broker, stage the others, as no key leaves its host.
    promoted = [path for path in certificates if path not in [file["dest"] for file in client_ca]]
    promoted += [kerberos.KEYTAB] if tickets else []
    directories += [_directory(kerberos.DIRECTORY, owner="root")] if tickets else []
    return {"unit": this.unit, "directories": directories, "files": texts, "promoted": promoted}


def _listeners(cluster: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(security.with_protocols(cluster.get("listeners") or [], cluster["security"]))


def _certificates(this: units.Service, cluster: Mapping[str, Any]) -> list[str]:
    """The files that the service's certificates are in."""
    if not security.encrypts(cluster["security"]):
        return []
    clients = this.guarded and security.shows_clients_certificates(cluster["listeners"])
    return security.reads(this.directory, clients=clients)


def _client_ca(certificates: Sequence[str], cluster: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = str(cluster.get("client_ca") or "").strip() + "\n"
    of_clients = identity.path(security.DIRECTORY, security.CLIENTS)
    return [_file(path, text) for path in certificates if path == of_clients]


def _own(
    kind: str,
    node: Mapping[str, Any],
    cluster: Mapping[str, Any],
    sized: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, Any],
    mounts: Sequence[str],
    certificates: Sequence[str],
) -> list[dict[str, Any]]:
    """What the service itself reads, and its unit."""
    this, version = units.service(kind), cluster["version"]
    options = units.jvm_options(
        kind,
        version=version,
        heap_mb=int(sized["heap_mb"]["value"]),
        flags=sized["jvm_flags"]["value"],
        extra=own.get("jvm_options") or (),
        comment=HEADER,
    )
    logging = units.logging(kind, version=version, levels=own.get("log_levels"), comment=HEADER)
    unit = units.unit(
        kind,
        version=version,
        open_files=int(own["open_files"]),
        writes=[os.path.dirname(path) for path in node["data_dirs"]],
        mounts=mounts,
        certificates=certificates,
        comment=HEADER,
    )
    text = SETTINGS[this.family](node, cluster, sized, own.get("config") or {})
    return [
        _file(this.config, "# %s\n%s" % (HEADER, text)),
        _file(this.options, options),
        _file(this.logging(version), logging),
        _file(this.path, unit, group="root", mode="0644"),
    ]


def _zookeeper(node: Mapping[str, Any], cluster: Mapping[str, Any], _sized: Any, own: Mapping[str, Any]) -> str:
    return settings.zookeeper(
        node["data_dirs"][0],
        cluster["zookeepers"],
        own,
        secured=cluster["security"],
        directory=units.service("zookeeper").directory,
    )


# The text of a service's settings by its family.
SETTINGS: dict[str, Callable[..., str]] = {"kafka": settings.kafka, "zookeeper": _zookeeper}


def _start_guard(
    node: Mapping[str, Any],
    cluster: Mapping[str, Any],
    data_dirs: Sequence[str],
) -> dict[str, list[dict[str, Any]]]:
    """What keeps it from starting on a new log directory; whom that asks is not among what the broker reads."""
    connection = nodes.operator_connection(cluster["listeners"], cluster["security"])
    broker = {"id": node["id"], "data_dirs": data_dirs}
    return start_guard.file_set(broker, node["volumes"] or [], cluster["others"], connection, cluster["new_since"])


def _store_files(
    this: units.Service,
    cluster: Mapping[str, Any],
    data_dirs: Sequence[str],
    store_guard: Callable[..., str],
) -> list[dict[str, Any]]:
    """What keeps it from starting without its encrypted stores, on which these data_dirs are."""
    drop_in = store_guard(
        data_dirs,
        cluster_id=units.CLUSTER_ID if cluster["controllers"] else None,
        libs=units.LIBS % cluster["version"],
        properties=this.config,
        java=units.DEFAULT_JAVA,
        user=USER,
        comment=HEADER,
    )
    out = [_file("%s.d/%s" % (this.path, STORE_GUARD), drop_in, group="root", mode="0644")]
    # Only site knows the id; it does not change, and the guard reads it whenever a store is blank.
    if cluster["id"]:
        out.append(_file(units.CLUSTER_ID, "%s\n" % cluster["id"]))
    return out


def _file(dest: str, content: str, *, group: str = USER, mode: str = "0640") -> dict[str, Any]:
    return {"dest": dest, "content": content, "owner": "root", "group": group, "mode": mode}


def _directory(path: str, *, owner: str = USER, group: str = USER, mode: str = "0750") -> dict[str, Any]:
    return {"path": path, "owner": owner, "group": group, "mode": mode}
