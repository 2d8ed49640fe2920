# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The proof that a disk which looks blank is blank: EC2's word, a full read, or the operator's word for that disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from .._errors import RackawareError
from . import probe

# provision sets the tag on a volume that it creates; nothing else does. It is removed before the volume is formatted.
TAG, NEW = "KafkaFormat", "new"
GIB = 1024**3
# Up to this size a disk is read in full without being asked for: two minutes at the rate of the slowest EBS volume.
READ_UNASKED = 16 * GIB
# gp3 by default, and st1 of 500 GiB in a burst: 125 MiB/s.
SLOWEST = 125 * 1024**2


class BlankProofError(RackawareError):
    """A disk looks blank, and nothing proves it; possibly several sentences."""


@dataclass(frozen=True)
class Permit:
    """Names of disks, volume ids or paths.

    proven: EC2 says that they are new; declared: the operator says that they are blank; read_whole: to be read from end
    to end, however long that takes.
    """

    proven: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    read_whole: tuple[str, ...] = ()

    def answered_for(self, name: str) -> bool:
        """Whether EC2 or the operator answers for the disk, so that it need not be read in full."""
        return name in self.proven or name in self.declared

    def reads(self, name: str, size: int) -> bool:
        """Whether all of it may be read."""
        return size <= READ_UNASKED or name in self.read_whole


def name_findings(names: Iterable[str]) -> list[str]:
    """What is wrong with names that the operator gave."""
    return [finding for finding in map(probe.name_finding, names) if finding]


def refusal(title: str, size: int, why: str) -> str:
    """The sentence that names both remedies; title begins it, why completes "…, because"."""
    return (
        "%s looks blank, but nothing proves that it holds no data, because %s; add its name to data_volume_read_whole,"
        " and all of its %s are read first (about %s at 125 MiB/s), or, if you know that it is blank, to"
        " data_volume_declared_blank." % (title, why, _size(size), duration(size))
    )


def _size(size: int) -> str:
    return "%d GiB" % (size // GIB) if size < 10 * 1024 * GIB else "%d TiB" % (size // (1024 * GIB))


def duration(size: int) -> str:
    """About how long all of a disk takes to read, in words."""
    minutes = -(-size // SLOWEST // 60) or 1
    if minutes < 90:
        return "%d minute%s" % (minutes, "" if minutes == 1 else "s")
    return "%d hours" % -(-minutes // 60)


def doubt(volume: Mapping[str, Any] | None, cluster: str) -> str:
    """Why EC2's description of a volume does not prove that it is new; empty when it does.

    The description is as in _aws.client.describe_volume.
    """
    if volume is None:
        return "EC2 does not know it in this Region"
    if volume["tags"].get(TAG) != NEW:
        return (
            "it lacks the tag %s=%s, which provision gives to a volume that it makes and site removes before it"
            " formats it" % (TAG, NEW)
        )
    if volume["tags"].get("KafkaCluster") != cluster:
        return "its tag KafkaCluster says %s, not %s" % (volume["tags"].get("KafkaCluster", "nothing"), cluster)
    if volume["snapshot_id"]:
        return "it was made from the snapshot %s" % volume["snapshot_id"]
    if len(volume["attachments"]) != 1:
        return "it is attached to %d instances" % len(volume["attachments"])
    return ""


def volume_id(name: str) -> str:
    """The EBS volume that a name means, an id or the link that udev makes of its serial; empty for other disks."""
    if probe.EBS_ID.fullmatch(name):
        return name
    match = re.fullmatch(re.escape(probe.BY_ID + "/" + probe.EBS_LINK[:-2]) + r"([0-9a-f]{8,17})", name)
    return "vol-" + match[1] if match else ""


def volume_ids(blank: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """The EBS volumes among blank disks, {host: [{name, size_bytes}]}."""
    return sorted({volume_id(str(disk["name"])) for disks in blank.values() for disk in disks} - {""})


def tagged(described: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The volumes that have the tag, whatever it says."""
    return sorted(name for name, volume in described.items() if TAG in volume["tags"])


def in_doubt(blank: Mapping[str, Sequence[Mapping[str, Any]]], permit: Permit) -> list[tuple[str, str, int]]:
    """(host, name, size) of the blank disks that only EC2 can answer for."""
    every = [
        (host, str(disk["name"]), int(disk["size_bytes"])) for host, disks in sorted(blank.items()) for disk in disks
    ]
    return [
        (host, name, size)
        for host, name, size in every
        if not permit.answered_for(name) and not permit.reads(name, size)
    ]


def decide(
    blank: Mapping[str, Sequence[Mapping[str, Any]]],
    described: Mapping[str, Mapping[str, Any]],
    cluster: str,
    permit: Permit,
    *,
    silence: str = "",
) -> list[str]:
    """The names of the blank disks that EC2 proves to be new; raises BlankProofError for those that nothing proves.

    described is {id: volume}; silence is why EC2 did not answer.
    """
    problems = name_findings([*permit.declared, *permit.read_whole])
    for host, name, size in in_doubt(blank, permit):
        ident = volume_id(name)
        why = (
            (silence or doubt(described.get(ident), cluster))
            if ident
            else "it is no EBS volume, which EC2 could answer for"
        )
        if why:
            problems.append(refusal("%s on %s" % (name, host), size, why))
    if problems:
        raise BlankProofError(" ".join(problems))
    names = sorted({str(disk["name"]) for disks in blank.values() for disk in disks})
    return [name for name in names if volume_id(name) and not doubt(described.get(volume_id(name)), cluster)]
