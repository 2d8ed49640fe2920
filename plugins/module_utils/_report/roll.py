# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The report of a roll as data: its events become a model, which _report.page shows.

An event is a mapping with `t` (epoch seconds or ISO 8601; without an offset it is UTC) and `event`; more keys by kind:

- roll_started: cluster, kind (restart, upgrade …; default restart), upgrade (the record of one, from _upgrade.rules)
- batch_started: batch (from 1), brokers (ids)
- gate_waiting: brokers or broker, reason; again whenever the reason changes; gate_open: brokers or broker
- stopping, stopped, started, registered, back: broker. started is the process, registered the cluster's answer that it
  is there and unfenced, back that it is in sync everywhere again (`in_sync` is read as back). Between stopped and
  started others may work on the host.
- soaked: broker or brokers, seconds for which they had stayed back by then
- those of a controller or ZooKeeper node have names as controller_stopping and zookeeper_back, and node or nodes
  instead of broker or brokers
- curve: under_replicated, at_min_isr, under_min_isr (numbers of partitions)
- fault: text, broker if it is one broker's; failed: broker, reason (the roll will stop for it)
- roll_stopped: reason; roll_ended. A roll with neither is shown as running.

Unknown events are ignored, so that the roll may write more than is shown here. One line of the event file is one
event as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Iterable, Mapping, Sequence, Tuple

from .._errors import RackawareError
from .._roll import events as roll_events
from .roll_text import DONE, RUNNING, STOPPED, label, number_back, sentences

STEPS = ("stopping", "stopped", "started", "registered", "back")
# Between each two steps lies a phase.
PHASES = ("stop", "down", "start", "catch_up")
GAPS_SHOWN = 200
# Its kind and id, because controllers may have the ids of brokers' range and ZooKeeper nodes have the brokers' own.
Node = Tuple[str, int]


class RollReportError(RackawareError):
    """The events cannot be read, or the model of a roll cannot be shown."""


@dataclass(frozen=True)
class Event:
    """An event that was read: when (epoch seconds), what happened to which nodes, and all that was written down."""

    t: float
    name: str
    kind: str
    ids: list[int]
    fields: Mapping[str, Any]

    @property
    def nodes(self) -> list[Node]:
        return [(self.kind, id_) for id_ in self.ids]


def seconds(value: Any) -> float:
    """Epoch seconds of a time given as such or as ISO 8601; raises RollReportError."""
    try:
        number = float("" if isinstance(value, bool) else value)
        # What no calendar has cannot be shown.
        datetime.fromtimestamp(number, timezone.utc)
        return number
    except (TypeError, ValueError, OverflowError, OSError):
        pass
    try:
        # Python 3.9 does not read Z.
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise RollReportError(
            "An event has the time %r, but must have epoch seconds or ISO 8601 under t." % (value,)
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _event(given: Any) -> Event:
    """Raises RollReportError for what is no event."""
    try:
        kind, name, ids = roll_events.whose(given)
        for number in (*roll_events.CURVES, "batch"):
            int(given.get(number) or 0)
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise RollReportError(
            "%.200r is no event of a roll; look at the file that the roll wrote." % (given,)
        ) from None
    return Event(seconds(given.get("t")), name, kind, ids, given)


def model(
    events: Iterable[Mapping[str, Any]],
    plan: Mapping[str, Any] | None = None,
    *,
    ledger: Mapping[str, Any] | None = None,
    cluster: str | None = None,
    serial_seconds: float | None = None,
) -> dict[str, Any]:
    """The roll as plain data, times in epoch seconds. Raises RollReportError.

    plan holds nodes ([{id, rack, name, roles}], as the summary's rows; without roles it is a broker), batches ([[ids]])
    and, as the planner gives them, quorum, lower_bound, certificate (a text) and refused. The rows of this model's
    brokers and quorum_nodes may be given as nodes again. ledger is the report of `python -m ledger`, if one ran.
    serial_seconds is what one broker after another would take; without it, it is the sum of the restarts of this very
    roll, without any waiting between them.

    Returns {cluster, kind, upgrade, state: done, stopped or running, reason, started, ended, plan, batches: [{number,
    brokers, start, end}], brokers: [row], quorum_nodes: [row], gates, faults: [{t, node, text}], curves: [[t,
    numbers]], client, totals, sentences}; quorum_nodes are the controllers or ZooKeeper nodes, a row is {id, kind,
    rack, name, batch, events: {step: t}, gates: [{node, from, to, seconds, reason}], soak: {from, to}, error, phases:
    [{phase, from, to, seconds, open}], seconds, state: back, out or waiting}.
    """
    plan = dict(plan or {})
    lines = sorted(map(_event, events), key=lambda event: event.t)
    if not lines:
        raise RollReportError("There are no events, so there is nothing to report; was the roll started?")
    begun = _first(lines, "roll_started")
    last = _first(reversed(lines), "roll_ended", "roll_stopped")
    start, end = lines[0].t, lines[-1].t
    history = _History(_rows(plan, lines))
    for event in lines:
        HANDLERS.get(event.name, _ignore)(history, event)
    history.close_gates(list(history.waiting), end)
    _end_batches(history.batches, history.rows, end)
    rows = list(history.rows.values())
    for row in rows:
        _measure(row, end)
    roll = {
        "cluster": str(cluster or begun.get("cluster") or plan.get("cluster") or "the cluster"),
        "kind": str(begun.get("kind") or "restart"),
        "upgrade": begun.get("upgrade") or None,
        "state": {"roll_ended": DONE, "roll_stopped": STOPPED}.get(str(last.get("event")), RUNNING),
        "reason": str(last.get("reason") or "") or None,
        "started": start,
        "ended": end,
        "plan": {key: plan.get(key) for key in ("batches", "quorum", "lower_bound", "certificate", "refused")},
        "batches": history.batches,
        "brokers": [row for row in rows if row["kind"] == "broker"],
        "quorum_nodes": [row for row in rows if row["kind"] != "broker"],
        "gates": sorted((gate for row in rows for gate in row["gates"]), key=lambda gate: gate["from"]),
        "faults": history.faults,
        # The ledger looks several times a second, the roll when it asks.
        "curves": [point[:4] for point in ((ledger or {}).get("isr") or {}).get("curve") or []] or history.curves,
        "client": _client(ledger),
    }
    roll["totals"] = _totals(roll, serial_seconds)
    roll["sentences"] = sentences(roll)
    return roll


def _first(events: Iterable[Event], *names: str) -> Mapping[str, Any]:
    return next((event.fields for event in events if event.fields.get("event") in names), {})


def _rows(plan: Mapping[str, Any], events: Sequence[Event]) -> dict[Node, dict[str, Any]]:
    """A row for every node that the plan or an event names, brokers first, by rack and id."""
    known = {
        (str(row.get("kind") or (row.get("roles") or ["broker"])[0]), int(row["id"])): row
        for row in plan.get("nodes") or []
    }
    quorum_kind = next((kind for kind, _ in known if kind != "broker"), "controller")
    batch_of = {
        ("broker", int(id_)): number for number, batch in enumerate(plan.get("batches") or [], 1) for id_ in batch
    }
    quorum = {(quorum_kind, int(id_)) for batch in (plan.get("quorum") or {}).get("batches") or [] for id_ in batch}
    # An unplanned node has a row only if something happened to it: those that needed no restart are not the roll's
    # business.
    nodes = {*batch_of, *quorum} or set(known)
    nodes.update(node for event in events for node in event.nodes)
    rows = [
        {
            "id": id_,
            "kind": kind,
            "rack": str(known.get((kind, id_), {}).get("rack") or "no rack"),
            "name": str(known.get((kind, id_), {}).get("name") or "") or None,
            "batch": batch_of.get((kind, id_)),
            "events": {},
            "gates": [],
            "soak": None,
            "error": None,
        }
        for kind, id_ in nodes
    ]
    rows.sort(key=lambda row: (row["kind"] != "broker", row["rack"], row["id"]))
    return {(row["kind"], row["id"]): row for row in rows}


class _History:
    """What the events have told so far, one method per kind of event."""

    def __init__(self, rows: dict[Node, dict[str, Any]]) -> None:
        self.rows = rows
        self.batches: list[dict[str, Any]] = []
        self.curves: list[list[float]] = []
        self.faults: list[dict[str, Any]] = []
        self.waiting: dict[Node, dict[str, Any]] = {}

    def batch_started(self, event: Event) -> None:
        if event.kind != "broker":
            return
        number = int(event.fields.get("batch") or len(self.batches) + 1)
        self.batches.append({"number": number, "brokers": event.ids, "start": event.t})
        for node in event.nodes:
            self.rows[node]["batch"] = number

    def curve(self, event: Event) -> None:
        self.curves.append([event.t] + [int(event.fields.get(name) or 0) for name in roll_events.CURVES])

    def fault(self, event: Event) -> str:
        text = str(event.fields.get("text") or event.fields.get("reason") or "something broke")
        node = label(self.rows[event.nodes[0]]) if event.nodes else None
        self.faults.append({"t": event.t, "node": node, "text": text})
        return text

    def failed(self, event: Event) -> None:
        text = self.fault(event)
        for node in event.nodes:
            self.rows[node]["error"] = text

    def gate_waiting(self, event: Event) -> None:
        reason = str(event.fields.get("reason") or "the gate was closed")
        for node in event.nodes:
            if node in self.waiting and self.waiting[node]["reason"] != reason:
                self.close_gates([node], event.t)
            gate = {"node": label(self.rows[node]), "from": event.t, "reason": reason}
            self.waiting.setdefault(node, gate)

    def gate_open(self, event: Event) -> None:
        self.close_gates(event.nodes, event.t)

    def close_gates(self, nodes: Iterable[Node], when: float) -> None:
        for node in nodes:
            gate = self.waiting.pop(node, None)
            if gate:
                self.rows[node]["gates"].append({**gate, "to": when, "seconds": round(when - gate["from"], 3)})

    def stopping(self, event: Event) -> None:
        self.close_gates(event.nodes, event.t)
        # A node that is restarted twice in one roll shows its last restart.
        for node in event.nodes:
            self.rows[node]["events"] = {}
        self.step(event)

    def step(self, event: Event) -> None:
        for node in event.nodes:
            self.rows[node]["events"][event.name] = event.t

    def soaked(self, event: Event) -> None:
        began = event.t - float(event.fields.get("seconds") or 0)
        for node in event.nodes:
            self.rows[node]["soak"] = {"from": began, "to": event.t}


HANDLERS: dict[str, Callable[[_History, Event], Any]] = {
    **dict.fromkeys(STEPS, _History.step),
    "stopping": _History.stopping,
    "batch_started": _History.batch_started,
    "gate_waiting": _History.gate_waiting,
    "gate_open": _History.gate_open,
    "soaked": _History.soaked,
    "curve": _History.curve,
    "fault": _History.fault,
    "failed": _History.failed,
}


def _ignore(history: _History, event: Event) -> None:
    """For an event that is not shown."""


def _end_batches(batches: list[dict[str, Any]], rows: Mapping[Node, dict[str, Any]], end: float) -> None:
    for batch, following in zip(batches, [*batches[1:], None]):
        backs = [rows["broker", id_]["events"].get("back") for id_ in batch["brokers"]]
        limit = following["start"] if following else end
        batch["end"] = min(max(backs), limit) if backs and None not in backs else limit


def _measure(row: dict[str, Any], end: float) -> None:
    """Phases with their times, and the state: back, out or waiting.

    A step that was not written down joins its phase to the one before it.
    """
    times = row["events"]
    present = [(step, times[step]) for step in STEPS if step in times]
    phases = [_phase(step, begin, until) for (step, begin), (_, until) in zip(present, present[1:])]
    if present and "back" not in times:
        phases.append(_phase(*present[-1], end, is_open=True))
    row["phases"] = phases
    row["seconds"] = round(phases[-1]["to"] - phases[0]["from"], 3) if phases else None
    row["state"] = "back" if "back" in times else "out" if times else "waiting"


def _phase(step: str, begin: float, until: float, *, is_open: bool = False) -> dict[str, Any]:
    """The phase that a step begins; an open one was not over at the end."""
    name = PHASES[STEPS.index(step)]
    return {"phase": name, "from": begin, "to": until, "seconds": round(until - begin, 3), "open": is_open}


def _client(ledger: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not ledger:
        return None
    gaps = ledger.get("gaps") or {}
    latency = ledger.get("latency_ms") or {}
    watched = ledger.get("isr") or {}
    longest = sorted((gaps.get("partitions") or {}).items(), key=lambda item: -item[1]["ms"])[:GAPS_SHOWN]
    return {
        **{key: ledger.get(key) for key in ("ok", "lost", "moved", "reordered", "duplicated", "not_enough_replicas")},
        "acked": (ledger.get("records") or {}).get("acked"),
        "failed": (ledger.get("records") or {}).get("failed"),
        "p50_ms": latency.get("p50"),
        "p99_ms": latency.get("p99"),
        "worst_gap_ms": gaps.get("worst_ms"),
        "worst_gap_partition": gaps.get("worst_partition"),
        "overall_gap_ms": gaps.get("overall_ms"),
        "min_isr_violations": watched.get("min_isr_violations"),
        "gaps": [{"partition": name, "from": gap["from"], "to": gap["to"], "ms": gap["ms"]} for name, gap in longest],
    }


def _totals(roll: Mapping[str, Any], serial_seconds: float | None) -> dict[str, Any]:
    total = roll["ended"] - roll["started"]
    rows = [*roll["brokers"], *roll["quorum_nodes"]]
    touched = [row for row in rows if row["phases"]]
    covered = _union((row["phases"][0]["from"], row["phases"][-1]["to"]) for row in touched)
    serial = serial_seconds if serial_seconds is not None else sum(row["seconds"] for row in touched)
    return {
        "seconds": round(total, 3),
        "brokers": len(roll["brokers"]),
        "restarted": number_back(roll["brokers"]),
        "quorum_nodes": len(roll["quorum_nodes"]),
        "quorum_nodes_restarted": number_back(roll["quorum_nodes"]),
        "batches": len(roll["batches"]),
        "serial_seconds": round(serial, 3),
        "serial_estimated": serial_seconds is None,
        "ratio": round(serial / total, 2) if total > 0 and serial else None,
        "slowest": _slowest(touched),
        "gate_seconds": round(_union((gate["from"], gate["to"]) for gate in roll["gates"]), 3),
        "soak_seconds": round(_union((row["soak"]["from"], row["soak"]["to"]) for row in rows if row["soak"]), 3),
        "overhead_seconds": round(total - covered, 3),
        "overhead_share": round((total - covered) / total, 3) if total > 0 else None,
        "out": [label(row) for row in rows if row["state"] == "out"],
    }


def _slowest(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    row = max(rows, key=lambda row: row["seconds"], default=None)
    if row is None:
        return None
    phase = max(row["phases"], key=lambda phase: phase["seconds"])
    return {
        "node": label(row),
        "seconds": row["seconds"],
        "phase": phase["phase"],
        "phase_seconds": phase["seconds"],
    }


def _union(spans: Iterable[tuple[float, float]]) -> float:
    covered, reached = 0.0, float("-inf")
    for begin, until in sorted(spans):
        covered += max(0.0, until - max(begin, reached))
        reached = max(reached, until)
    return covered


def waits_together(gates: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One {from, to, reason, nodes: [label]} for nodes that waited together for the same, by time."""
    nodes: dict[tuple[float, float, str], list[str]] = {}
    for gate in gates:
        nodes.setdefault((gate["from"], gate["to"], gate["reason"]), []).append(gate["node"])
    return [
        {"from": begin, "to": until, "reason": reason, "nodes": labels}
        for (begin, until, reason), labels in sorted(nodes.items())
    ]


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows in the order of their batches, then of their racks and ids."""
    return sorted(rows, key=lambda row: (row["batch"] or 0, row["rack"], row["id"]))
