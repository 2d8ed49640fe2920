# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A roll in words: what its nodes, phases and states are called, and what happened, in a few sentences."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from .._text import counted, duration

NOUNS = {"broker": "broker", "controller": "controller", "zookeeper": "ZooKeeper node"}
PHASE_TEXT = {"stop": "stopping", "down": "down", "start": "starting", "catch_up": "catching up"}
VERBS = {"restart": "restarted", "upgrade": "upgraded"}
DONE, STOPPED, RUNNING = "done", "stopped", "running"
# A roll that is hardly faster than one node after another has nothing to tell about it.
FASTER = 1.05


def label(row: Mapping[str, Any]) -> str:
    """What a row is called where its name does not stand: broker 1, controller 101."""
    return "%s %d" % (NOUNS[row["kind"]], row["id"])


def number_back(rows: Iterable[Mapping[str, Any]]) -> int:
    """How many of these rows of a roll's model are back."""
    return sum(row["state"] == "back" for row in rows)


def sentences(roll: Mapping[str, Any]) -> list[str]:
    """What happened, for a person who reads nothing else; roll is the model of a roll, with its totals."""
    return [
        *BY_STATE[roll["state"]](roll),
        *_rollback(roll["upgrade"]),
        *_one_after_another(roll),
        *_below_minimum(roll),
        *_lost_records(roll["client"]),
    ]


def _groups(roll: Mapping[str, Any]) -> list[Sequence[Mapping[str, Any]]]:
    return [rows for rows in (roll["brokers"], roll["quorum_nodes"]) if rows]


def _counted(rows: Sequence[Mapping[str, Any]]) -> str:
    return counted(len(rows), NOUNS[rows[0]["kind"]])


def _progress(roll: Mapping[str, Any]) -> str:
    parts = ["%d of %s" % (number_back(rows), _counted(rows)) for rows in _groups(roll)]
    return " and ".join(parts) or "no node"


def _done(roll: Mapping[str, Any]) -> list[str]:
    groups = _groups(roll)
    rows = [row for group in groups for row in group]
    verb, took = VERBS.get(roll["kind"], "rolled"), duration(roll["totals"]["seconds"])
    if number_back(rows) < len(rows):
        return ["%s of %s were %s in %s." % (_progress(roll), roll["cluster"], verb, took)]
    if len(rows) > 1:
        subject, verb = "All %s" % " and ".join(map(_counted, groups)), "were " + verb
    else:
        subject, verb = "The only %s" % NOUNS[rows[0]["kind"]] if rows else "No node", "was " + verb
    return ["%s of %s %s%s in %s." % (subject, roll["cluster"], verb, _in_batches(roll), took)]


def _in_batches(roll: Mapping[str, Any]) -> str:
    if not roll["totals"]["batches"]:
        return ""
    batches = counted(roll["totals"]["batches"], "batch")
    return ", the brokers in %s," % batches if roll["quorum_nodes"] else " in %s," % batches


def _stopped(roll: Mapping[str, Any]) -> list[str]:
    reason = (roll["reason"] or "no reason was given").rstrip(".")
    names = roll["totals"]["out"]
    out = "All restarted nodes are back"
    if names:
        text = ", ".join(names)
        out = "%s %s not back yet" % (text[0].upper() + text[1:], "are" if len(names) > 1 else "is")
    rest = "rest" if any(map(number_back, _groups(roll))) else "same plan"
    return [
        "The roll of %s stopped after %s: %s." % (roll["cluster"], _progress(roll), reason),
        "%s; nothing else was touched." % out,
        "Run it again to continue with the %s." % rest,
    ]


def _running(roll: Mapping[str, Any]) -> list[str]:
    return ["The roll of %s is running: %s are back." % (roll["cluster"], _progress(roll))]


BY_STATE = {DONE: _done, STOPPED: _stopped, RUNNING: _running}


def _rollback(record: Mapping[str, Any] | None) -> list[str]:
    """Whether an upgrade can be rolled back; record is that of _upgrade.rules."""
    if not record:
        return []
    if record["finalizing"]:
        versions = (record["from"], record["to"])
        return ["The upgrade from Kafka %s to %s is finalized with it, so there is no rollback." % versions]
    if record["protocol"]:
        agreed = "inter.broker.protocol.version %s" % record["protocol"]
    else:
        agreed = ", ".join("%s %s" % feature for feature in record["features"].items()) or "nothing new"
    return [
        "Rollback from Kafka %s to %s stays possible until it is finalized: the cluster has agreed on %s since before"
        " %s." % (record["to"], record["from"], agreed, record["began"])
    ]


def _one_after_another(roll: Mapping[str, Any]) -> list[str]:
    totals = roll["totals"]
    if roll["state"] != DONE or not totals["ratio"] or totals["ratio"] < FASTER:
        return []
    source = "these restarts add up to" if totals["serial_estimated"] else "they would take"
    took = duration(totals["serial_seconds"])
    return ["One after another, %s %s (%.1f times as long)." % (source, took, totals["ratio"])]


def _below_minimum(roll: Mapping[str, Any]) -> list[str]:
    below = (roll["client"] or {}).get("min_isr_violations")
    if below is None and roll["curves"]:
        below = max(point[3] for point in roll["curves"])
    if below is None:
        return []
    if below == 0:
        return ["No partition fell below its minimum of in-sync replicas."]
    return ["%s fell below the minimum of in-sync replicas." % counted(below, "partition")]


def _lost_records(client: Mapping[str, Any] | None) -> list[str]:
    if not client or client["acked"] is None or client["lost"] is None:
        return []
    lost = format(client["lost"], ",") if client["lost"] else "none"
    verb = "was" if client["lost"] in (0, 1) else "were"
    return ["Of %s %s %s lost." % (counted(client["acked"], "acknowledged record"), lost, verb)]
