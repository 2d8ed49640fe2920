# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a round trip must show, decided without asking anybody."""

from __future__ import annotations

from typing import Any

from .._errors import RackawareError

# A broker needs native code for it, which the JVM unpacks into java.io.tmpdir: where nothing may be executed there, only this fails.
COMPRESSION = "zstd"
PADDING = 512
NOT_COMPRESSED = (
    "The same without compression was acknowledged; look in that broker's log for UnsatisfiedLinkError, which says that its java.io.tmpdir"
    " lies on a file system mounted noexec."
)


class ProofError(RackawareError):
    """The cluster did not prove what it should."""


def places(
    topic: str, found: list[dict[str, Any]] | None, racks: dict[int, str | None], min_racks: int
) -> list[dict[str, Any]]:
    """Each partition with {partition, leader, replicas, racks}; found is None for an absent topic, racks maps broker id to rack.

    Raises ProofError for a partition without leader, or whose replicas lie in fewer than min_racks racks.
    """
    if not found:
        raise ProofError(
            "Topic %s does not exist, so that nothing can be proven with it; create it first with kafka_topic." % topic
        )
    out = []
    for each in found:
        place = "%s-%d" % (topic, each["partition"])
        if each["leader"] < 0:
            raise ProofError(
                "Partition %s has no leader, although its replicas are %s; look at these brokers."
                % (place, _listed(each["replicas"]))
            )
        lie = sorted({rack for rack in (racks.get(replica) for replica in each["replicas"]) if rack})
        if min_racks > 1 and len(lie) < min_racks:
            raise ProofError(
                "The replicas of partition %s (brokers %s) lie in %d rack%s (%s), but %d are wanted; check their broker.rack, or reassign it."
                % (
                    place,
                    _listed(each["replicas"]),
                    len(lie),
                    "" if len(lie) == 1 else "s",
                    _listed(lie) or "none known",
                    min_racks,
                )
            )
        out.append(
            {"partition": each["partition"], "leader": each["leader"], "replicas": each["replicas"], "racks": lie}
        )
    return out


def values(placed: list[dict[str, Any]], marker: str, *, padded: bool = False) -> dict[int, bytes]:
    """What to write into each partition; different in each, so that one cannot be taken for another; padded with what compression makes smaller."""
    return {
        each["partition"]: ("%s %d" % (marker, each["partition"])).encode() + b"." * (PADDING if padded else 0)
        for each in placed
    }


def compare(
    topic: str,
    placed: list[dict[str, Any]],
    offsets: dict[int, int],
    wrote: dict[int, bytes],
    marker: str,
    read: dict[int, tuple[bytes, bytes]],
) -> None:
    """Raise ProofError naming every partition whose record did not come back, or came back different."""
    leaders = {each["partition"]: each["leader"] for each in placed}

    def named(partitions: list[int]) -> str:
        return ", ".join(
            "%s-%d at offset %d (leader %d)" % (topic, partition, offsets[partition], leaders[partition])
            for partition in partitions
        )

    missing = [partition for partition in sorted(wrote) if partition not in read]
    if missing:
        raise ProofError(
            "Acknowledged records were not read back in time from %s; look at these leaders." % named(missing)
        )
    other = [partition for partition in sorted(wrote) if read[partition] != (marker.encode(), wrote[partition])]
    if other:
        raise ProofError(
            "What was read back differs from what was acknowledged in %s; keep the disks of these brokers and find out why."
            % named(other)
        )


def sentence(topic: str, placed: list[dict[str, Any]], *, written: bool) -> str:
    """What was proven, for people."""
    racks = min((len(each["racks"]) for each in placed), default=0)
    spread = "in at least %d rack%s" % (racks, "" if racks == 1 else "s") if racks else "in unknown racks"
    if not placed:
        return "Topic %s does not exist yet, so that nothing was proven." % topic
    if not written:
        return "Each of the %d partitions of %s has a leader, and replicas %s; nothing was written." % (
            len(placed),
            topic,
            spread,
        )
    return (
        "A record acknowledged by all in-sync replicas, and a compressed one, was read back from each of the %d partitions of %s, whose replicas lie %s."
        % (
            len(placed),
            topic,
            spread,
        )
    )


def _listed(items: Any) -> str:
    return ", ".join(str(item) for item in items)
