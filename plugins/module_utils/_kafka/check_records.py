# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a round trip must show, decided from answers alone."""

from __future__ import annotations

from typing import Any

from .._errors import RackawareError

# A broker needs native code for it, which the JVM unpacks into java.io.tmpdir. Where that is mounted noexec, only this
# fails.
COMPRESSION = "zstd"
PADDING = 512
NOT_COMPRESSED = (
    "The same without compression was acknowledged; look in that broker's log for UnsatisfiedLinkError, which says that"
    " its java.io.tmpdir lies on a file system mounted noexec."
)


class CheckError(RackawareError):
    """The check of the cluster failed."""


def places(
    topic: str, partitions: list[dict[str, Any]] | None, racks: dict[int, str | None], min_racks: int
) -> list[dict[str, Any]]:
    """Each partition with {partition, leader, replicas, racks}.

    partitions is None for an absent topic, racks maps broker id to rack.

    Raises CheckError for a partition without leader, or whose replicas lie in fewer than min_racks racks.
    """
    if not partitions:
        raise CheckError("Topic %s does not exist, so it cannot be checked; create it first with kafka_topic." % topic)
    out = []
    for partition in partitions:
        place = "%s-%d" % (topic, partition["partition"])
        if partition["leader"] < 0:
            raise CheckError(
                "Partition %s has no leader, although its replicas are %s; look at these brokers."
                % (place, _listed(partition["replicas"]))
            )
        lie = sorted({rack for rack in (racks.get(replica) for replica in partition["replicas"]) if rack})
        if min_racks > 1 and len(lie) < min_racks:
            raise CheckError(
                "The replicas of partition %s (brokers %s) lie in %d rack%s (%s), but %d are wanted; check their"
                " broker.rack, or reassign it."
                % (
                    place,
                    _listed(partition["replicas"]),
                    len(lie),
                    "" if len(lie) == 1 else "s",
                    _listed(lie) or "none known",
                    min_racks,
                )
            )
        out.append(
            {
                "partition": partition["partition"],
                "leader": partition["leader"],
                "replicas": partition["replicas"],
                "racks": lie,
            }
        )
    return out


def values(placed: list[dict[str, Any]], marker: str, *, padded: bool = False) -> dict[int, bytes]:
    """What to write into each partition; the values differ, so that one cannot be taken for another.

    padded: with bytes that compression makes smaller.
    """
    return {
        place["partition"]: ("%s %d" % (marker, place["partition"])).encode() + b"." * (PADDING if padded else 0)
        for place in placed
    }


def compare(
    topic: str,
    placed: list[dict[str, Any]],
    offsets: dict[int, int],
    wrote: dict[int, bytes],
    marker: str,
    read: dict[int, tuple[bytes, bytes]],
) -> None:
    """Raise CheckError naming every partition whose record did not come back, or came back different."""
    leaders = {place["partition"]: place["leader"] for place in placed}

    def named(partitions: list[int]) -> str:
        return ", ".join(
            "%s-%d at offset %d (leader %d)" % (topic, partition, offsets[partition], leaders[partition])
            for partition in partitions
        )

    missing = [partition for partition in sorted(wrote) if partition not in read]
    if missing:
        raise CheckError(
            "Acknowledged records were not read back in time from %s; look at these leaders." % named(missing)
        )
    other = [partition for partition in sorted(wrote) if read[partition] != (marker.encode(), wrote[partition])]
    if other:
        raise CheckError(
            "What was read back differs from what was acknowledged in %s; keep the disks of these brokers and find out"
            " why." % named(other)
        )


def sentence(topic: str, placed: list[dict[str, Any]], *, written: bool) -> str:
    """What the check has shown, for people."""
    racks = min((len(place["racks"]) for place in placed), default=0)
    spread = "in at least %d rack%s" % (racks, "" if racks == 1 else "s") if racks else "in unknown racks"
    if not placed:
        return "Topic %s does not exist yet, so nothing was checked." % topic
    if not written:
        return "Each of the %d partitions of %s has a leader, and replicas %s; nothing was written." % (
            len(placed),
            topic,
            spread,
        )
    return (
        "A record acknowledged by all in-sync replicas, and a compressed one, was read back from each of the %d"
        " partitions of %s, whose replicas lie %s." % (len(placed), topic, spread)
    )


def _listed(items: Any) -> str:
    return ", ".join(str(item) for item in items)
