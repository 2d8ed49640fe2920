# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict: what was acknowledged against what can be read. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any, Iterable, Mapping, Sequence

from .records import Ack, Failure, Row

EXAMPLES = 20
Partition = tuple[str, int]


def judge(
    acks: Iterable[Ack],
    read: Iterable[Row],
    *,
    failures: Iterable[Failure] = (),
    idempotent: Iterable[str] = (),
    unread: Mapping[Partition, str] | None = None,
    partitions: Iterable[Partition] = (),
    sent: int | None = None,
    started: float | None = None,
    ended: float | None = None,
) -> dict[str, Any]:
    """Say what became of every acknowledged record.

    read is everything in the partitions, in any order; unread names the partitions that could not be read to their end, and why.
    started and ended (epoch seconds) bound the time in which records were sent, so that a partition that never answered again shows
    its gap. idempotent names the producers for which a duplicate is a fault. Returns plain data; ok is false with a sentence for each reason.
    """
    acks = list(acks)
    rows: dict[Partition, dict[int, Row]] = defaultdict(dict)
    for row in read:
        rows[row.topic, row.partition][row.offset] = row
    acked: dict[Partition, list[Ack]] = defaultdict(list)
    for ack in acks:
        acked[ack.topic, ack.partition].append(ack)
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("lost", "moved", "reordered", "duplicated")}
    counts: Counter[str] = Counter()
    strict = set(idempotent)

    def note(kind: str, where: Partition, **more: Any) -> None:
        counts[kind] += 1
        if len(found[kind]) < EXAMPLES:
            found[kind].append({"topic": where[0], "partition": where[1], **more})

    for where in sorted(set(rows) | set(acked)):
        here = rows[where]
        offsets: dict[tuple[str, str, int], list[int]] = defaultdict(list)
        for offset in sorted(here):
            row = here[offset]
            if row.producer:
                offsets[row.producer, row.key, row.sequence].append(offset)
            else:
                counts["foreign"] += 1
        known = set()
        for ack in acked[where]:
            name = (ack.producer, ack.key, ack.sequence)
            known.add(name)
            what = {"producer": ack.producer, "key": ack.key, "sequence": ack.sequence, "offset": ack.offset}
            if name not in offsets:
                note("lost", where, **what)
            elif ack.offset >= 0 and ack.offset not in offsets[name]:
                note("moved", where, **what, found_at=offsets[name])
            # Someone else's record at an acknowledged offset is a moved record even where ours is gone altogether.
            if name not in offsets and ack.offset in here:
                note("moved", where, **what, found_at=[])
        last: dict[tuple[str, str], int] = {}
        for (producer, key, sequence), where_found in sorted(offsets.items(), key=lambda item: item[1][0]):
            if len(where_found) > 1:
                note("duplicated", where, producer=producer, key=key, sequence=sequence, offsets=where_found)
                counts["duplicated_idempotent"] += producer in strict
            if sequence < last.get((producer, key), -1):
                note(
                    "reordered",
                    where,
                    producer=producer,
                    key=key,
                    sequence=sequence,
                    offset=where_found[0],
                    after=last[producer, key],
                )
            last[producer, key] = max(sequence, last.get((producer, key), -1))
            counts["unacknowledged_present"] += (producer, key, sequence) not in known
    failures = list(failures)
    errors = Counter({name: 0 for name in ("NotEnoughReplicasError", "NotEnoughReplicasAfterAppendError")})
    for failure in failures:
        errors[failure.error] += 1
    failed = sum(failure.records for failure in failures if not failure.resent)
    report = {
        "records": {
            "sent": len(acks) + failed if sent is None else sent,
            "acked": len(acks),
            "failed": failed,
            "unresolved": 0 if sent is None else max(0, sent - len(acks) - failed),
            "read": sum(len(here) for here in rows.values()),
            "foreign": counts["foreign"],
        },
        **{
            kind: counts[kind]
            for kind in ("lost", "moved", "reordered", "duplicated", "duplicated_idempotent", "unacknowledged_present")
        },
        "not_enough_replicas": errors["NotEnoughReplicasError"] + errors["NotEnoughReplicasAfterAppendError"],
        "errors": {name: number for name, number in sorted(errors.items()) if number},
        "gaps": gaps(
            {where: [ack.acked for ack in acked[where]] for where in set(partitions) | set(acked)},
            started=started,
            ended=ended,
        ),
        "latency_ms": latencies([ack.acked - ack.sent for ack in acks]),
        "unread": {"%s-%d" % where: why for where, why in sorted((unread or {}).items())},
        "examples": {kind: some for kind, some in found.items() if some},
    }
    report["problems"] = _problems(report)
    report["ok"] = not report["problems"]
    return report


def _problems(report: Mapping[str, Any]) -> list[str]:
    sentences = {
        "lost": "acknowledged and cannot be read",
        "moved": "acknowledged at an offset that holds something else",
        "reordered": "read before an earlier record of the same key",
        "duplicated_idempotent": "written more than once by an idempotent producer",
    }
    out = [
        "%d record%s %s." % (report[kind], "s were" if report[kind] > 1 else " was", text)
        for kind, text in sentences.items()
        if report[kind]
    ]
    if report["unread"]:
        out.append(
            "%d partitions could not be read to their end, so nothing is proven about them." % len(report["unread"])
        )
    if not report["records"]["acked"]:
        out.append("Nothing was acknowledged, so nothing is proven.")
    return out


def gaps(
    times: Mapping[Partition, Sequence[float]], *, started: float | None = None, ended: float | None = None
) -> dict[str, Any]:
    """The longest time without an acknowledgement, of each partition and of all together; in milliseconds, times in epoch seconds.

    started and ended count as acknowledgements, so that silence at the end, or all the time, is a gap too.
    """
    worst: dict[str, dict[str, Any]] = {}
    for where, moments in sorted(times.items()):
        gap = _longest(moments, started, ended)
        if gap:
            worst["%s-%d" % where] = gap
    overall = _longest([moment for moments in times.values() for moment in moments], started, ended)
    longest = max(worst, key=lambda name: worst[name]["ms"], default=None)
    return {
        "worst_ms": worst[longest]["ms"] if longest else None,
        "worst_partition": longest,
        "worst_from": worst[longest]["from"] if longest else None,
        "overall_ms": overall["ms"] if overall else None,
        "overall_from": overall["from"] if overall else None,
        "partitions": worst,
    }


def _longest(moments: Sequence[float], started: float | None, ended: float | None) -> dict[str, Any] | None:
    ordered = sorted([*moments, *(edge for edge in (started, ended) if edge is not None)])
    pairs = [(later - earlier, earlier, later) for earlier, later in zip(ordered, ordered[1:])]
    if not pairs:
        return None
    length, begin, end = max(pairs)
    return {"ms": round(length * 1000), "from": round(begin, 3), "to": round(end, 3)}


def latencies(seconds: Sequence[float]) -> dict[str, float | None]:
    """Percentiles from send() to the acknowledgement, in milliseconds (nearest rank); None where there is nothing."""
    ordered = sorted(seconds)
    if not ordered:
        return {"p50": None, "p99": None, "max": None}
    return {
        name: round(ordered[max(0, math.ceil(len(ordered) * share) - 1)] * 1000, 1)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    }
