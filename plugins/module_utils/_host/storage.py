# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Identity of Kafka's log directories: read from meta.properties, decided, and written once with Kafka's own tool."""

from __future__ import annotations

import base64
import os
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence

from .. import _regular_file, _secret_mask
from .._address import join
from .._errors import RackawareError

ABSENT, EMPTY, FORMATTED, FOREIGN = "absent", "empty", "formatted", "foreign"
META = "meta.properties"
# Made at a node's first start, not by formatting: org.apache.kafka.raft.FileQuorumStateStore.
QUORUM_STATE = os.path.join("__cluster_metadata-0", "quorum-state")
# Ours: directory ids are names in it, so that every node derives the same ones.
NAMESPACE = uuid.UUID("0f6ef3a4-1a44-5f0e-9d0c-6f1c0b6d3a51")


class StorageError(RackawareError):
    """A log directory is not what it must be, or the cluster's identity is in doubt."""


@dataclass(frozen=True)
class Directory:
    """One log directory; version 0 is ZooKeeper's, 1 is KRaft's; started is whether a KRaft node has run on it."""

    path: str
    state: str
    cluster_id: str | None = None
    node_id: int | None = None
    directory_id: str | None = None
    version: int | None = None
    started: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return asdict(self)


def parse_meta(text: str) -> dict[str, str]:
    """The keys of a Java properties file as Kafka writes meta.properties."""
    out = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not key.lstrip().startswith(("#", "!")):
            out[key.strip()] = value.strip()
    return out


def read(path: str) -> Directory:
    """What lies at a path; raises StorageError when it cannot be read, because unreadable is not empty."""
    try:
        meta = parse_meta(_regular_file.read(os.path.join(path, META)))
    except FileNotFoundError:
        return Directory(path, _without_meta(path))
    except (OSError, ValueError) as error:
        raise StorageError(
            "%s/%s cannot be read: %s; look at that disk." % (path, META, getattr(error, "strerror", None) or error)
        ) from None
    node = meta.get("node.id", meta.get("broker.id"))
    return Directory(
        path=path,
        state=FORMATTED,
        cluster_id=meta.get("cluster.id"),
        node_id=int(node) if node is not None and node.isdigit() else None,
        directory_id=meta.get("directory.id"),
        version=int(meta["version"]) if meta.get("version", "").isdigit() else None,
        started=os.path.exists(os.path.join(path, QUORUM_STATE)),
    )


def _without_meta(path: str) -> str:
    try:
        # mkfs.ext4 leaves lost+found behind.
        return FOREIGN if set(os.listdir(path)) - {"lost+found"} else EMPTY
    except FileNotFoundError:
        return ABSENT
    except OSError as error:
        raise StorageError(
            "The log directory %s cannot be read: %s; look at that disk." % (path, error.strerror)
        ) from None


def directory_id(cluster_id: str, node_id: int) -> str:
    """The directory id of a controller's metadata: Kafka's base64 of a name-based UUID, the same on all hosts."""
    attempt = 0
    while True:
        encoded = encode(uuid.uuid5(NAMESPACE, "%s/%d/%d" % (cluster_id, node_id, attempt)))
        if not encoded.startswith("-"):
            return encoded
        attempt += 1


def new_cluster_id(source: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """A random cluster id; like Kafka's own never with a hyphen first, as commands would take that for an option."""
    while True:
        encoded = encode(source())
        if not encoded.startswith("-"):
            return encoded


def encode(value: uuid.UUID) -> str:
    """A UUID as Kafka writes it: 22 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(value.bytes).decode().rstrip("=")


def check_cluster_id(cluster_id: str) -> None:
    """Raise StorageError unless KRaft takes it: base64 of 16 bytes."""
    try:
        size = len(base64.b64decode(cluster_id + "=" * (-len(cluster_id) % 4), altchars=b"-_", validate=True))
    except ValueError:
        size = 0
    if size != 16:
        raise StorageError(
            "%s is no cluster id for KRaft, which is the base64 of 16 bytes in 22 characters; leave it to"
            " kafka_cluster_identity." % (cluster_id or "''")
        )


@dataclass(frozen=True)
class Plan:
    """Directories to format, and how; paths is empty when there is nothing to do."""

    paths: tuple[str, ...]
    ignore_formatted: bool = False
    quorum: tuple[str, ...] = ()


def plan(
    directories: Sequence[Directory],
    *,
    cluster_id: str,
    node_id: int,
    initial_controllers: Sequence[dict[str, Any]],
    metadata_log_dir: str,
    is_controller: bool,
    quorum_exists: bool,
) -> Plan:
    """The directories to format.

    Raises StorageError for one of another node or cluster, or with data of unknown origin.

    initial_controllers: [{id, host, port}], the first voters of the cluster. Any other controller, and one whose
    metadata is lost while the quorum exists, begins as an observer with a directory id of its own: a voter that forgot
    what it acknowledged would break the quorum's promise (KIP-853).
    """
    check_cluster_id(cluster_id)
    for directory in directories:
        _refuse(directory, cluster_id, node_id)
    missing = tuple(directory.path for directory in directories if directory.state in (EMPTY, ABSENT))
    if not missing:
        return Plan(())
    partly = len(missing) < len(directories)
    quorum: tuple[str, ...] = ()
    if is_controller:
        lost = partly and metadata_log_dir in missing
        begins = (
            not quorum_exists and not lost and node_id in [int(controller["id"]) for controller in initial_controllers]
        )
        if begins or (partly and not lost):
            # Kafka reads it for the metadata directory only; for a new data directory of a voter it has no effect.
            voters = [
                "%d@%s:%s"
                % (
                    controller["id"],
                    join(controller["host"], controller["port"]),
                    directory_id(cluster_id, int(controller["id"])),
                )
                for controller in initial_controllers
            ]
            quorum = ("--initial-controllers", ",".join(voters)) if begins else ("--no-initial-controllers",)
        else:
            quorum = ("--no-initial-controllers",)
    return Plan(missing, ignore_formatted=partly, quorum=quorum)


def _refuse(directory: Directory, cluster_id: str, node_id: int) -> None:
    if directory.state == FOREIGN:
        raise StorageError(
            "The log directory %s holds files, but no %s, so that it is unknown whose they are; it is never"
            " formatted: empty it, or put the file back." % (directory.path, META)
        )
    if directory.state != FORMATTED:
        return
    if directory.version != 1:
        raise StorageError(
            "The log directory %s has %s of version %s, but KRaft needs version 1; a directory from ZooKeeper mode is"
            " migrated, not formatted." % (directory.path, META, directory.version)
        )
    if directory.cluster_id != cluster_id:
        raise StorageError(
            "The log directory %s belongs to cluster %s, but this node shall join %s; attach the right disk, or empty"
            " this one." % (directory.path, directory.cluster_id, cluster_id)
        )
    if directory.node_id != node_id:
        raise StorageError(
            "The log directory %s belongs to node %s, but this is node %d; attach the right disk, or correct"
            " kafka_node_id." % (directory.path, directory.node_id, node_id)
        )


def command(what: Plan, *, java: str, libs: str, cluster_id: str, properties: str, user: str | None) -> list[str]:
    """The argv that formats; user is the user that runs it and owns the files, None for the caller."""
    argv = ["runuser", "-u", user, "--"] if user else []
    argv += [
        java,
        "-Xmx128m",
        "-cp",
        os.path.join(libs, "*"),
        "kafka.tools.StorageTool",
        "format",
        "--cluster-id",
        cluster_id,
        "--config",
        properties,
    ]
    argv += list(what.quorum)
    return argv + (["--ignore-formatted"] if what.ignore_formatted else [])


def verify(after: Sequence[Directory], what: Plan, *, cluster_id: str, node_id: int, code: int, output: str) -> None:
    """Raise StorageError unless formatting did what was planned; code and output are the command's."""
    # It reads the properties, and may quote one.
    lines = [
        line.strip()
        for line in _secret_mask.masked(output).splitlines()
        if line.strip() and not line.startswith("SLF4J")
    ]
    if code != 0:
        raise StorageError(
            "Formatting %s failed with code %d: %s; nothing that was formatted before has changed."
            % (", ".join(what.paths), code, " ".join(lines)[-600:] or "it said nothing")
        )
    for directory in after:
        _refuse(directory, cluster_id, node_id)
        if directory.state != FORMATTED:
            raise StorageError(
                "%s is still not formatted, although Kafka's tool reported no error; check that log.dirs in the"
                " properties names it." % directory.path
            )


def identity(nodes: Iterable[dict[str, Any]]) -> str | None:
    """The one cluster id that the nodes carry, None when none does; each {host, directories: [Directory.as_dict()]}.

    Raises StorageError when there are two, as disks of different clusters are mixed then.
    """
    clusters: dict[str, list[str]] = {}
    for node in nodes:
        for directory in node["directories"]:
            if directory["state"] == FORMATTED:
                clusters.setdefault(str(directory["cluster_id"]), []).append(
                    "%s on %s" % (directory["path"], node["host"])
                )
    if len(clusters) > 1:
        listing = "; ".join("%s has %s" % (cluster, ", ".join(places)) for cluster, places in sorted(clusters.items()))
        raise StorageError(
            "The nodes carry disks of %d clusters: %s; attach the right disks, or empty those that are not this"
            " cluster's." % (len(clusters), listing)
        )
    return next(iter(clusters), None)


def brokers_have_run(hosts: Iterable[Mapping[str, Any]], unit: str = "kafka.service") -> bool:
    """Whether a broker runs or has run on any of these hosts.

    It reads __kafka_host, the answer of host_preflight, and __kafka_storage, the answer of kafka_storage_info for disks
    that were mounted later. In KRaft mode a directory is formatted before the first start, so only the files of a start
    count there.
    """
    for host in hosts:
        before, after = host.get("__kafka_host") or {}, host.get("__kafka_storage") or {}
        if unit in (before.get("running") or ()):
            return True
        directories = [*((before.get("identity") or {}).get("directories") or ()), *(after.get("directories") or ())]
        if any(
            directory["started"] or (directory["state"] == FORMATTED and directory["version"] != 1)
            for directory in directories
        ):
            return True
    return False


def quorum_exists(nodes: Iterable[dict[str, Any]]) -> bool:
    """Whether a KRaft node of the cluster has ever run, and its quorum has thus voted; nodes as in identity."""
    return any(directory["started"] for node in nodes for directory in node["directories"])
