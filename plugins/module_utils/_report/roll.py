# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The report of a roll: its events become a model (plain data), the model becomes one self-contained page.

An event is a mapping with `t` (epoch seconds or ISO 8601; without an offset it is UTC) and `event`; more keys by kind:

- roll_started: cluster, kind (restart, upgrade …; default restart), upgrade (the record of one, as _upgrade.rules has it)
- batch_started: batch (from 1), brokers (ids)
- gate_waiting: brokers or broker, reason; again whenever the reason changes; gate_open: brokers or broker
- stopping, stopped, started, registered, back: broker. started is the process, registered the cluster's word that it is there and
  unfenced, back that it is in sync everywhere again (`in_sync` is read as back). Between stopped and started others may work on the host.
- soaked: broker or brokers, seconds for which they had stayed back by then
- those of a controller or ZooKeeper node have names as controller_stopping and zookeeper_back, and node or nodes instead of broker or brokers
- curve: under_replicated, at_min_isr, under_min_isr (numbers of partitions)
- fault: text, broker if it is one broker's; failed: broker, reason (the roll will stop for it)
- roll_stopped: reason; roll_ended. A roll with neither is shown as running.

Unknown events are passed over, so that the roll may write more than is shown here. One line of the event file is one event as JSON.
"""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape
from typing import Any, Iterable, Mapping, Sequence, Tuple

from .._errors import RackawareError
from .._roll import events as roll_events
from .._text import counted, duration

STEPS = ("stopping", "stopped", "started", "registered", "back")
# Between each two steps lies a phase.
PHASES = ("stop", "down", "start", "catch_up")
PHASE_TEXT = {"stop": "stopping", "down": "down", "start": "starting", "catch_up": "catching up"}
NOUNS = {"broker": "broker", "controller": "controller", "zookeeper": "ZooKeeper node"}
DONE, STOPPED, RUNNING = "done", "stopped", "running"
GAPS_SHOWN = 200
# Its kind and id, because controllers may have the ids of brokers' range and ZooKeeper nodes have the brokers' own.
Node = Tuple[str, int]


class RollReportError(RackawareError):
    """The events cannot be read."""


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
        raise RollReportError("An event has the time %r, but must have epoch seconds or ISO 8601 under t." % (value,)) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _when(event: Any) -> float:
    """When an event was; raises RollReportError for what is none."""
    try:
        roll_events.whose(event)
        for name in (*roll_events.CURVES, "batch"):
            int(event.get(name) or 0)
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise RollReportError("%.200r is no event of a roll; look at the file that the roll wrote." % (event,)) from None
    return seconds(event.get("t"))


def model(
    events: Iterable[Mapping[str, Any]],
    plan: Mapping[str, Any] | None = None,
    *,
    ledger: Mapping[str, Any] | None = None,
    cluster: str | None = None,
    serial_seconds: float | None = None,
) -> dict[str, Any]:
    """The roll as plain data, times in epoch seconds.

    plan holds nodes ([{id, rack, name, roles}], as the summary's rows; without roles it is a broker), batches ([[ids]]) and, as the planner gives them,
    quorum, lower_bound, certificate (a text) and refused. The rows of this model's brokers and keepers may be given as nodes again.
    ledger is the report of `python -m ledger`, if one ran. serial_seconds is what one broker after another would take; without it, it is
    the sum of the restarts of this very roll, without any waiting between them.
    """
    plan = dict(plan or {})
    lines = sorted(((_when(event), event) for event in events), key=lambda line: line[0])
    if not lines:
        raise RollReportError("There are no events, so there is nothing to report; was the roll started?")
    begun = next((event for _, event in lines if event.get("event") == "roll_started"), {})
    last = next((event for _, event in reversed(lines) if event.get("event") in ("roll_ended", "roll_stopped")), {})
    state = {"roll_ended": DONE, "roll_stopped": STOPPED}.get(str(last.get("event")), RUNNING)
    start, end = lines[0][0], lines[-1][0]
    nodes = _nodes(plan, lines)
    batches: list[dict[str, Any]] = []
    curves: list[list[float]] = []
    faults: list[dict[str, Any]] = []
    waiting: dict[Node, dict[str, Any]] = {}
    for when, event in lines:
        whose, kind, ids = roll_events.whose(event)
        named = [(whose, id_) for id_ in ids]
        if kind == "batch_started" and whose == "broker":
            batches.append({"number": int(event.get("batch") or len(batches) + 1), "brokers": ids, "start": when})
            for node in named:
                nodes[node]["batch"] = batches[-1]["number"]
        elif kind == "curve":
            curves.append([when] + [int(event.get(name) or 0) for name in roll_events.CURVES])
        elif kind in ("fault", "failed"):
            text = str(event.get("text") or event.get("reason") or "something broke")
            faults.append({"t": when, "node": label(nodes[named[0]]) if named else None, "text": text})
            if kind == "failed":
                for node in named:
                    nodes[node]["error"] = text
        elif kind == "gate_waiting":
            for node in named:
                reason = str(event.get("reason") or "the gate was closed")
                if node in waiting and waiting[node]["reason"] != reason:
                    _close(nodes, waiting, node, when)
                waiting.setdefault(node, {"node": label(nodes[node]), "from": when, "reason": reason})
        elif kind == "soaked":
            for node in named:
                nodes[node]["soak"] = {"from": when - float(event.get("seconds") or 0), "to": when}
        if kind in ("gate_open", "stopping"):
            for node in named:
                _close(nodes, waiting, node, when)
        if kind in STEPS:
            for node in named:
                # A node that is restarted twice in one roll shows its last restart.
                if kind == "stopping":
                    nodes[node]["events"] = {}
                nodes[node]["events"][kind] = when
    for node in list(waiting):
        _close(nodes, waiting, node, end)
    _finish_batches(batches, nodes, end)
    for row in nodes.values():
        _measure(row, end)
    roll = {
        "cluster": str(cluster or begun.get("cluster") or plan.get("cluster") or "the cluster"),
        "kind": str(begun.get("kind") or "restart"),
        "upgrade": begun.get("upgrade") or None,
        "state": state,
        "reason": str(last.get("reason") or "") or None,
        "started": start,
        "ended": end,
        "plan": {key: plan.get(key) for key in ("batches", "quorum", "lower_bound", "certificate", "refused")},
        "batches": batches,
        "brokers": [row for row in nodes.values() if row["kind"] == "broker"],
        "keepers": [row for row in nodes.values() if row["kind"] != "broker"],
        "gates": sorted((gate for row in nodes.values() for gate in row["gates"]), key=lambda gate: gate["from"]),
        "faults": faults,
        # The ledger looks several times a second, the roll when it asks.
        "curves": [point[:4] for point in ((ledger or {}).get("isr") or {}).get("curve") or []] or curves,
        "client": _client(ledger),
    }
    roll["totals"] = _totals(roll, serial_seconds)
    roll["sentences"] = _sentences(roll)
    return roll


def label(row: Mapping[str, Any]) -> str:
    """What a row is called where its name does not stand: broker 1, controller 101."""
    return "%s %d" % (NOUNS[row["kind"]], row["id"])


def _nodes(plan: Mapping[str, Any], lines: Sequence[tuple[float, Mapping[str, Any]]]) -> dict[Node, dict[str, Any]]:
    """Every node that the plan or an event names, brokers first, by rack and id."""
    known = {(str(row.get("kind") or (row.get("roles") or ["broker"])[0]), int(row["id"])): row for row in plan.get("nodes") or []}
    keepers = next((kind for kind, _ in known if kind != "broker"), "controller")
    planned = {("broker", int(id_)): number for number, batch in enumerate(plan.get("batches") or [], 1) for id_ in batch}
    quorum = {(keepers, int(id_)) for batch in (plan.get("quorum") or {}).get("batches") or [] for id_ in batch}
    # An unplanned node has a row only if something happened to it: those that needed no restart are not the roll's business.
    keys = {*planned, *quorum} or set(known)
    for _, event in lines:
        whose, _, ids = roll_events.whose(event)
        keys |= {(whose, id_) for id_ in ids}
    rows = [
        {
            "id": id_,
            "kind": kind,
            "rack": str(known.get((kind, id_), {}).get("rack") or "no rack"),
            "name": str(known.get((kind, id_), {}).get("name") or "") or None,
            "batch": planned.get((kind, id_)),
            "events": {},
            "gates": [],
            "soak": None,
            "error": None,
        }
        for kind, id_ in keys
    ]
    return {(row["kind"], row["id"]): row for row in sorted(rows, key=lambda row: (row["kind"] != "broker", row["rack"], row["id"]))}


def _close(nodes: dict[Node, dict[str, Any]], waiting: dict[Node, dict[str, Any]], node: Node, when: float) -> None:
    gate = waiting.pop(node, None)
    if gate:
        nodes[node]["gates"].append({**gate, "to": when, "seconds": round(when - gate["from"], 3)})


def _finish_batches(batches: list[dict[str, Any]], nodes: Mapping[Node, dict[str, Any]], end: float) -> None:
    for batch, following in zip(batches, [*batches[1:], None]):
        backs = [nodes["broker", id_]["events"].get("back") for id_ in batch["brokers"]]
        limit = following["start"] if following else end
        batch["end"] = min(max(backs), limit) if backs and None not in backs else limit


def _measure(row: dict[str, Any], end: float) -> None:
    """Phases with their times, and the state: back, out or waiting. A step that nobody wrote down joins its phase to the one before it."""
    times = row["events"]
    phases: list[dict[str, Any]] = []
    present = [(step, times[step]) for step in STEPS if step in times]
    for (step, begin), (_, until) in zip(present, present[1:]):
        phases.append({"phase": PHASES[STEPS.index(step)], "from": begin, "to": until, "seconds": round(until - begin, 3), "open": False})
    if present and present[-1][0] != "back":
        step, begin = present[-1]
        phases.append({"phase": PHASES[STEPS.index(step)], "from": begin, "to": end, "seconds": round(end - begin, 3), "open": True})
    row["phases"] = phases
    row["seconds"] = round(phases[-1]["to"] - phases[0]["from"], 3) if phases else None
    row["state"] = "back" if "back" in times else "out" if times else "waiting"


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
    rows = [*roll["brokers"], *roll["keepers"]]
    touched = [row for row in rows if row["phases"]]
    covered = _union((row["phases"][0]["from"], row["phases"][-1]["to"]) for row in touched)
    serial = serial_seconds if serial_seconds is not None else sum(row["seconds"] for row in touched)
    slowest = max(touched, key=lambda row: row["seconds"], default=None)
    phase = max(slowest["phases"], key=lambda one: one["seconds"]) if slowest else None
    return {
        "seconds": round(total, 3),
        "brokers": len(roll["brokers"]),
        "restarted": _back(roll["brokers"]),
        "keepers": len(roll["keepers"]),
        "keepers_restarted": _back(roll["keepers"]),
        "batches": len(roll["batches"]),
        "serial_seconds": round(serial, 3),
        "serial_estimated": serial_seconds is None,
        "ratio": round(serial / total, 2) if total > 0 and serial else None,
        "slowest": {"node": label(slowest), "seconds": slowest["seconds"], "phase": phase["phase"], "phase_seconds": phase["seconds"]}
        if slowest and phase
        else None,
        "gate_seconds": round(_union((gate["from"], gate["to"]) for gate in roll["gates"]), 3),
        "soak_seconds": round(_union((row["soak"]["from"], row["soak"]["to"]) for row in rows if row["soak"]), 3),
        "overhead_seconds": round(total - covered, 3),
        "overhead_share": round((total - covered) / total, 3) if total > 0 else None,
        "out": [label(row) for row in rows if row["state"] == "out"],
    }


def _back(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(row["state"] == "back" for row in rows)


def _union(spans: Iterable[tuple[float, float]]) -> float:
    covered, reached = 0.0, float("-inf")
    for begin, until in sorted(spans):
        covered += max(0.0, until - max(begin, reached))
        reached = max(reached, until)
    return covered


def _sentences(roll: Mapping[str, Any]) -> list[str]:
    """What happened, for someone who reads nothing else."""
    totals, client = roll["totals"], roll["client"]
    groups = [rows for rows in (roll["brokers"], roll["keepers"]) if rows]
    whole = sum(map(len, groups))
    there = sum(map(_back, groups))
    partly = " and ".join("%d of %s" % (_back(rows), counted(len(rows), NOUNS[rows[0]["kind"]])) for rows in groups) or "no node"
    verb = {"restart": "restarted", "upgrade": "upgraded"}.get(roll["kind"], "rolled")
    out = []
    if roll["state"] == DONE and there == whole:
        everybody = " and ".join(counted(len(rows), NOUNS[rows[0]["kind"]]) for rows in groups)
        who = "The only %s" % NOUNS[groups[0][0]["kind"]] if whole == 1 else "All %s" % everybody if whole else "No node"
        ways = " in %s," % counted(totals["batches"], "batch") if totals["batches"] and not roll["keepers"] else ""
        ways = ways or (", the brokers in %s," % counted(totals["batches"], "batch") if totals["batches"] else "")
        out.append("%s of %s %s %s%s in %s." % (who, roll["cluster"], "were" if whole > 1 else "was", verb, ways, duration(totals["seconds"])))
    elif roll["state"] == DONE:
        out.append("%s of %s were %s in %s." % (partly, roll["cluster"], verb, duration(totals["seconds"])))
    elif roll["state"] == STOPPED:
        reason = (roll["reason"] or "no reason was given").rstrip(".")
        out.append("The roll of %s stopped after %s: %s." % (roll["cluster"], partly, reason))
        gone = ", ".join(totals["out"])
        if gone:
            out.append("%s %s still out; nothing else was touched." % (gone[0].upper() + gone[1:], "are" if len(totals["out"]) > 1 else "is"))
        else:
            out.append("Nobody was left out; nothing else was touched.")
        out.append("Run it again to go on with the %s." % ("rest" if there else "same plan"))
    else:
        out.append("The roll of %s is running: %s are back." % (roll["cluster"], partly))
    if roll.get("upgrade"):
        out.append(_way_back(roll["upgrade"]))
    if roll["state"] == DONE and totals["ratio"] and totals["ratio"] >= 1.05:
        out.append(
            "One after another, %s %s (%.1f times as long)."
            % ("these restarts add up to" if totals["serial_estimated"] else "they would take", duration(totals["serial_seconds"]), totals["ratio"])
        )
    below = (client or {}).get("min_isr_violations")
    if below is None and roll["curves"]:
        below = max(point[3] for point in roll["curves"])
    if below == 0:
        out.append("No partition fell below its minimum of in-sync replicas.")
    elif below:
        out.append("%s below the minimum of in-sync replicas." % ("1 partition fell" if below == 1 else "%s fell" % counted(below, "partition")))
    if client and client["acked"] is not None and client["lost"] is not None:
        lost = "none" if not client["lost"] else format(client["lost"], ",")
        out.append("Of %s %s lost." % (counted(client["acked"], "acknowledged record"), lost + (" was" if client["lost"] in (0, 1) else " were")))
    return out


# The page: one scale in seconds for all parts, so that a curve can be read against the bars above it.
WIDTH, LEFT, RIGHT = 1180, 132, 62
CSS = """
:root{color-scheme:light dark;--bg:#fff;--fg:#16202b;--mut:#5a6876;--line:#dde4ea;--band:#f4f7f9;--card:#f7f9fb;
--stop:#e08a1e;--down:#9aa7b3;--start:#2f7fd1;--catch_up:#17a08a;--gate:#8b6fd0;--bad:#d12c3f;--good:#1b8a4b;--area:#2f7fd1}
@media (prefers-color-scheme:dark){:root{--bg:#10161c;--fg:#e7edf3;--mut:#93a3b3;--line:#2b3742;--band:#161e26;--card:#18212a;
--stop:#f0a544;--down:#5e6c79;--start:#5aa5ee;--catch_up:#3cc4ae;--gate:#a893e6;--bad:#ff6071;--good:#4cc281;--area:#5aa5ee}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
main{max-width:1240px;margin:0 auto;padding:26px 30px 48px}h1{font-size:23px;line-height:1.3;margin:0 0 4px;font-weight:650;text-wrap:balance}
h2{font-size:16px;margin:30px 0 8px}
.lead{font-size:16px;margin:0 0 2px;max-width:78em}.when{color:var(--mut);margin:6px 0 16px;font-size:13px}
.badge{display:inline-block;border-radius:5px;padding:1px 9px;font-size:13px;font-weight:650;color:var(--bg);vertical-align:3px;margin-right:9px}
.done{background:var(--good)}.stopped{background:var(--bad)}.running{background:var(--start)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(126px,1fr));gap:10px;margin:0 0 18px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:9px 10px}
.tile b{display:block;font-size:19px;line-height:1.3;font-weight:650;white-space:nowrap}
.tile span{color:var(--mut);font-size:13px;display:block;line-height:1.35;overflow-wrap:anywhere}.tile.bad b{color:var(--bad)}
.key{display:flex;flex-wrap:wrap;gap:4px 20px;color:var(--mut);font-size:13px;margin:0 0 6px}
.key i{display:inline-block;width:14px;height:11px;border-radius:2px;margin-right:6px}
svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:var(--fg)}
svg .mut{fill:var(--mut)}svg .rack{font-weight:650}svg .small{font-size:11px}svg .bad{fill:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--mut);font-weight:500}
td.n,th.n{text-align:right;white-space:nowrap}
td.tight,th.tight{width:1%}td.err{color:var(--bad)}.note{color:var(--mut);font-size:13px;margin:6px 0 0;max-width:90em}
"""


def _way_back(record: Mapping[str, Any]) -> str:
    if record["finalizing"]:
        return "The way from Kafka %s to %s is finalised with it, so there is none back." % (record["from"], record["to"])
    held = "inter.broker.protocol.version %s" % record["protocol"] if record["protocol"] else ", ".join("%s %s" % each for each in record["features"].items())
    return "The way back from Kafka %s to %s stays open until it is finalised: the cluster has agreed on %s since before %s." % (
        record["to"],
        record["from"],
        held or "nothing new",
        record["began"],
    )


def page(roll: Mapping[str, Any]) -> str:
    """The roll as one HTML page that needs nothing else: no script, no font, no image, light or dark as the reader has it."""
    title = "Rolling %s of %s" % (roll["kind"], roll["cluster"])
    sentences = roll["sentences"]
    moment = datetime.fromtimestamp(roll["started"], timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    badge = {DONE: "done", STOPPED: "stopped", RUNNING: "running"}[roll["state"]]
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>%s</title><style>%s</style></head><body><main>" % (escape(title), CSS),
        '<h1><span class="badge %s">%s</span>%s</h1>' % (badge, badge, escape(sentences[0])),
        '<p class="lead">%s</p>' % escape(" ".join(sentences[1:])) if sentences[1:] else "",
        '<p class="when">%s, started %s.</p>' % (escape(title), moment),
        _tiles(roll),
        _key(roll),
        _chart(roll),
        _gate_table(roll),
        _fault_table(roll),
        _node_table("Brokers", roll["brokers"]),
        _node_table("Controllers" if any(row["kind"] == "controller" for row in roll["keepers"]) else "ZooKeeper nodes", roll["keepers"]),
        _plan_notes(roll),
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _tiles(roll: Mapping[str, Any]) -> str:
    totals, client = roll["totals"], roll["client"]
    bound, slowest = roll["plan"].get("lower_bound"), totals["slowest"]
    planned = len(roll["plan"].get("batches") or [])
    batches = "batches" if totals["batches"] != 1 else "batch"
    if planned and planned != totals["batches"]:
        batches = "of %s planned" % counted(planned, "batch")
    share = totals["overhead_share"]
    watched = ", of that %s to watch those that were back" % duration(totals["soak_seconds"]) if totals["soak_seconds"] else ""
    tiles = [
        ("", duration(totals["seconds"]), "in all" if share is None else "in all, %.0f %% of it with nobody out%s" % (100 * share, watched)),
    ]
    bad = {name: "bad" if any(row["state"] == "out" for row in roll[name]) else "" for name in ("brokers", "keepers")}
    if roll["brokers"]:
        proof = ", and fewer are impossible" if bound and bound == planned else "; the lower bound is %s" % bound if bound else ""
        tiles.append((bad["brokers"], "%d of %d" % (totals["restarted"], totals["brokers"]), "brokers back in sync"))
        tiles.append(("", str(totals["batches"]), batches + proof))
    if roll["keepers"]:
        tiles.append((bad["keepers"], "%d of %d" % (totals["keepers_restarted"], totals["keepers"]), "%ss back" % NOUNS[roll["keepers"][0]["kind"]]))
    # The sum of half a roll says nothing about the whole of it.
    if roll["state"] == DONE or not totals["serial_estimated"]:
        tiles.append(("", duration(totals["serial_seconds"]), "one after another" + (" (sum of these restarts)" if totals["serial_estimated"] else "")))
    if slowest:
        slow = "slowest: %s, of it %s %s" % (slowest["node"], duration(slowest["phase_seconds"]), PHASE_TEXT[slowest["phase"]])
        tiles.append(("", duration(slowest["seconds"]), slow))
    if client:
        if client["lost"] is not None and client["acked"] is not None:
            tiles.append(("bad" if client["lost"] else "", format(client["lost"], ","), "lost of %s acknowledged records" % format(client["acked"], ",")))
        if client["worst_gap_ms"] is not None:
            worst = "longest wait for acks=all in a partition"
            tiles.append(("", duration(client["worst_gap_ms"] / 1000), worst + ("; p99 %.0f ms" % client["p99_ms"] if client["p99_ms"] is not None else "")))
    body = "".join('<div class="tile %s"><b>%s</b><span>%s</span></div>' % (kind, escape(big), escape(small)) for kind, big, small in tiles)
    return '<div class="tiles">%s</div>' % body


def _key(roll: Mapping[str, Any]) -> str:
    rows = [*roll["brokers"], *roll["keepers"]]
    used = {phase["phase"] for row in rows for phase in row["phases"]}
    names = [("stop", "stopping"), ("down", "down (work on the host)"), ("start", "starting"), ("catch_up", "catching up until in sync everywhere")]
    entries = [("background:var(--%s)" % phase, text) for phase, text in names if phase in used]
    if any(row["soak"] for row in rows):
        entries.append(("border:1px dashed var(--catch_up)", "watched, in sync all the time"))
    if roll["gates"]:
        entries.append(
            ("background:repeating-linear-gradient(135deg,var(--gate) 0 2px,transparent 2px 5px);border:1px solid var(--gate)", "waiting at the gate")
        )
    if roll["faults"] or any(row["state"] == "out" for row in rows):
        entries.append(("background:var(--bad)", "fault, or not back at the end"))
    return '<div class="key">%s</div>' % "".join('<span><i style="%s"></i>%s</span>' % (style, escape(text)) for style, text in entries)


class _Scale:
    """Seconds of the roll to pixels."""

    def __init__(self, roll: Mapping[str, Any]) -> None:
        self.start, self.length = roll["started"], max(roll["ended"] - roll["started"], 0.001)

    def __call__(self, when: float) -> float:
        share = min(max((when - self.start) / self.length, 0.0), 1.0)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def ticks(self) -> list[float]:
        """Offsets in seconds, six to twelve of them, round ones."""
        steps = [m * base for base in (0.1, 1, 10) for m in (1, 2, 5)] + [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400]
        step = next((step for step in sorted(set(steps)) if self.length / step <= 11), steps[-1])
        return [number * step for number in range(int(self.length / step + 1e-9) + 1)]

    def label(self, offset: float) -> str:
        if self.length < 10:
            return "%.1f s" % offset
        if self.length < 120:
            return "%.0f s" % offset
        if self.length < 3600:
            return "%d:%02d" % divmod(int(offset), 60)
        return "%d:%02d h" % divmod(int(offset) // 60, 60)


def _chart(roll: Mapping[str, Any]) -> str:
    scale = _Scale(roll)
    nodes = [*roll["keepers"], *roll["brokers"]]
    many = len(nodes)
    row = 30 if many <= 12 else 22 if many <= 36 else 15
    parts: list[str] = []
    top = 24
    y = top + 4
    previous = None
    for node in nodes:
        # Keepers go one at a time whatever their racks are, brokers rack by rack.
        title = node["rack"] if node["kind"] == "broker" else "%ss" % NOUNS[node["kind"]]
        if title != previous:
            y += 20 if previous is None else 26
            parts.append('<text class="rack" x="4" y="%d">%s</text>' % (y - 5, escape(title[0].upper() + title[1:] if node["kind"] != "broker" else title)))
            parts.append('<line x1="4" x2="%d" y1="%d" y2="%d" stroke="var(--line)"/>' % (WIDTH - RIGHT, y, y))
            previous = title
        parts.append(_row(node, scale, y, row))
        y += row
    bars_end = y + 6
    y = bars_end
    for part in (_curves(roll, scale, y), _gaps(roll, scale, y + (128 if roll["curves"] else 0))):
        if part:
            parts.append(part)
            y += 128
    height = y + 26
    back = [_bands(roll, scale, top, bars_end)]
    for offset in scale.ticks():
        x = scale(scale.start + offset)
        back.append('<line x1="%s" x2="%s" y1="%d" y2="%d" stroke="var(--line)"/>' % (x, x, top, height - 22))
        anchor = "start" if offset == 0 else "end" if x > WIDTH - RIGHT - 14 else "middle"
        back.append('<text class="mut" x="%s" y="%d" text-anchor="%s">%s</text>' % (x, height - 6, anchor, escape(scale.label(offset))))
    for fault in roll["faults"]:
        x = scale(fault["t"])
        line = '<line x1="%s" x2="%s" y1="%d" y2="%d" stroke="var(--bad)" stroke-width="1.5" stroke-dasharray="5 4"><title>%s</title></line>'
        parts.append(line % (x, x, top, height - 22, escape(fault["text"])))
        parts.append('<path d="M%s %d l-6 -9 h12 z" fill="var(--bad)"><title>%s</title></path>' % (x, top + 1, escape(fault["text"])))
    hatch = (
        '<defs><pattern id="gate" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="2" height="5" fill="var(--gate)"/></pattern></defs>'
    )
    summary = "One row for each node, brokers by rack; the bars show when it was stopping, down, starting and catching up"
    return '<svg viewBox="0 0 %d %d" role="img" aria-label="%s">%s%s%s</svg>' % (WIDTH, height, summary, hatch, "".join(back), "".join(parts))


def _bands(roll: Mapping[str, Any], scale: _Scale, top: int, bottom: int) -> str:
    out = []
    for number, batch in enumerate(roll["batches"]):
        x, until = scale(batch["start"]), scale(batch["end"])
        if number % 2 == 0:
            out.append('<rect x="%s" y="%d" width="%.1f" height="%d" fill="var(--band)"/>' % (x, top, max(until - x, 1), bottom - top))
        room = (scale(roll["batches"][number + 1]["start"]) if number + 1 < len(roll["batches"]) else WIDTH) - x
        text = "batch %d" % batch["number"] if room > 52 else str(batch["number"]) if room > 16 else ""
        tip = "Batch %d: brokers %s, %s" % (batch["number"], ", ".join(map(str, batch["brokers"])), duration(batch["end"] - batch["start"]))
        out.append('<text class="mut small" x="%s" y="%d">%s<title>%s</title></text>' % (x + 2, top - 9, text, escape(tip)))
    return "".join(out)


def _row(node: Mapping[str, Any], scale: _Scale, y: int, row: int) -> str:
    pad = 6 if row > 25 else 4 if row > 18 else 2
    middle, bar = y + row / 2 + 4, row - 2 * pad
    small = " small" if row < 20 else ""
    name = node["name"] or label(node)
    # What tells long names apart is at their end.
    shown = name if len(name) <= 18 else "…" + name[-17:]
    bad = node["state"] == "out" or node["error"]
    out = [
        '<text class="%s%s" x="14" y="%.1f">%s<title>%s</title></text>'
        % ("bad" if bad else "", small, middle, escape(shown), escape("%s, %s, %s" % (label(node), name, node["rack"])))
    ]
    for gate in node["gates"]:
        x, until = scale(gate["from"]), scale(gate["to"])
        tip = "waited %s: %s" % (duration(gate["seconds"]), gate["reason"])
        shape = '<rect x="%s" y="%.1f" width="%.1f" height="%d" rx="2" fill="url(#gate)" stroke="var(--gate)"><title>%s</title></rect>'
        out.append(shape % (x, y + pad + 0.5, max(until - x, 2), bar - 1, escape(tip)))
    for phase in node["phases"]:
        x, until = scale(phase["from"]), scale(phase["to"])
        tip = "%s: %s %s%s" % (label(node), PHASE_TEXT[phase["phase"]], duration(phase["seconds"]), ", not over at the end" if phase["open"] else "")
        shape = '<rect x="%s" y="%.1f" width="%.1f" height="%d" fill="var(--%s)"><title>%s</title></rect>'
        out.append(shape % (x, y + pad, max(until - x, 0.8), bar, phase["phase"], escape(tip)))
        if phase["open"]:
            out.append(
                '<rect x="%s" y="%.1f" width="%.1f" height="%d" fill="none" stroke="var(--bad)" stroke-width="2"/>' % (x, y + pad, max(until - x, 2), bar)
            )
    if node["soak"]:
        x, until = scale(node["soak"]["from"]), scale(node["soak"]["to"])
        shape = '<rect x="%s" y="%.1f" width="%.1f" height="%d" fill="none" stroke="var(--catch_up)" stroke-dasharray="4 3"><title>%s</title></rect>'
        out.append(shape % (x, y + pad + 0.5, max(until - x, 2), bar - 1, escape("watched for %s" % duration(node["soak"]["to"] - node["soak"]["from"]))))
    if not node["phases"] and not node["gates"]:
        out.append('<text class="mut%s" x="%d" y="%.1f">not begun</text>' % (small, LEFT + 6, middle))
    if node["phases"]:
        out.append(_row_label(node, scale, middle, small))
    return "".join(out)


def _row_label(node: Mapping[str, Any], scale: _Scale, middle: float, small: str) -> str:
    """The time out, right of the bar, or left of everything where there is no room; what went wrong in its place."""
    end = scale(max(node["phases"][-1]["to"], node["soak"]["to"] if node["soak"] else 0))
    begin = scale(min([node["phases"][0]["from"]] + [gate["from"] for gate in node["gates"]]))
    text = node["error"] or ("not back" if node["state"] == "out" else duration(node["seconds"]))
    right, left = (max(0, int(free / 6.4)) for free in (WIDTH - end - 8, begin - LEFT - 6))
    x, anchor, free = (end + 6, "start", right) if right >= min(len(text), 14) or right >= left else (begin - 6, "end", left)
    shown = text if len(text) <= free else text[: max(free - 1, 0)] + "…"
    kind = "bad" if node["error"] or node["state"] == "out" else "mut"
    return '<text class="%s%s" x="%.1f" y="%.1f" text-anchor="%s">%s<title>%s</title></text>' % (kind, small, x, middle, anchor, escape(shown), escape(text))


def _frame(y: int, title: str, top: str, unit: str) -> str:
    """Title and scale of a part below the bars; it is 96 high and begins 22 below y."""
    return (
        '<text class="rack" x="4" y="%d">%s</text><text class="mut small" x="4" y="%d">%s</text>'
        '<text class="mut small" x="%d" y="%d" text-anchor="end">%s</text><text class="mut small" x="%d" y="%d" text-anchor="end">0</text>'
        '<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="var(--mut)"/>'
    ) % (y + 32, escape(title), y + 48, escape(unit), LEFT - 6, y + 34, escape(top), LEFT - 6, y + 118, LEFT, WIDTH - RIGHT, y + 118, y + 118)


def _curves(roll: Mapping[str, Any], scale: _Scale, y: int) -> str:
    """Steps, because a number holds until the next one is told."""
    points = roll["curves"]
    if not points:
        return ""
    highest = max(1, max(max(point[1:4]) for point in points))
    floor, tall = y + 118, 88.0
    out = [_frame(y, "Partitions", format(highest, ","), "")]

    def path(column: int) -> str:
        # The last point before the roll holds at its beginning.
        inside = [point for point in points if point[0] >= scale.start]
        before = [point for point in points if point[0] < scale.start]
        steps = ([[scale.start, *before[-1][1:]]] if before else []) + inside
        at = [(scale(point[0]), round(floor - tall * point[column] / highest, 1)) for point in steps if point[0] <= scale.start + scale.length]
        if not at:
            return ""
        text = "M%s %s" % at[0]
        for x, level in at[1:]:
            text += "H%sV%s" % (x, level)
        return text + "H%s" % (WIDTH - RIGHT), at[0][0]

    area = path(1)
    if not area:
        return ""
    out.append('<path d="%sV%s H%s Z" fill="var(--area)" opacity="0.22"/>' % (area[0], floor, area[1]))
    for column, colour, width in ((1, "--area", 1.5), (2, "--stop", 1.8), (3, "--bad", 2.2)):
        if max(point[column] for point in points) or column == 1:
            out.append('<path d="%s" fill="none" stroke="var(%s)" stroke-width="%s"/>' % (path(column)[0], colour, width))
    names = (("--area", "under-replicated", 1), ("--stop", "at min ISR", 2), ("--bad", "under min ISR", 3))
    for line, (colour, name, column) in enumerate(names):
        most = max(point[column] for point in points)
        out.append('<rect x="4" y="%d" width="10" height="3" fill="var(%s)"/>' % (y + 48 + 17 * line, colour))
        out.append('<text class="mut small" x="18" y="%d">%s<title>at most %s</title></text>' % (y + 53 + 17 * line, name, format(most, ",")))
    return "".join(out)


def _gaps(roll: Mapping[str, Any], scale: _Scale, y: int) -> str:
    """The longest silence of each partition, as long as it lasted and as high."""
    client = roll["client"]
    inside = [gap for gap in (client or {}).get("gaps") or [] if gap["to"] >= scale.start and gap["from"] <= scale.start + scale.length]
    if not inside:
        return ""
    highest = max(gap["ms"] for gap in inside)
    out = [_frame(y, "Client gaps", duration(highest / 1000), "longest wait of a")]
    out.append('<text class="mut small" x="4" y="%d">partition for an</text><text class="mut small" x="4" y="%d">acknowledgement</text>' % (y + 62, y + 76))
    for gap in reversed(inside):
        level = round(y + 118 - 88.0 * gap["ms"] / max(highest, 1), 1)
        x, until = scale(gap["from"]), scale(gap["to"])
        tip = "%s: %s without an acknowledgement" % (gap["partition"], duration(gap["ms"] / 1000))
        shape = '<line x1="%s" x2="%s" y1="%s" y2="%s" stroke="var(--gate)" stroke-width="3" stroke-linecap="round" opacity="0.75"><title>%s</title></line>'
        out.append(shape % (x, max(until, x + 2), level, level, escape(tip)))
    return "".join(out)


def _table(title: str, heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[tuple[str, str]]]) -> str:
    head = "".join('<th class="%s">%s</th>' % (kind, escape(text)) for kind, text in heads)
    body = "".join("<tr>%s</tr>" % "".join('<td class="%s">%s</td>' % (kind, escape(text)) for kind, text in row) for row in rows)
    return '<h2>%s</h2><div class="scroll"><table><thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>' % (escape(title), head, body)


def _gate_table(roll: Mapping[str, Any]) -> str:
    """One line for brokers that waited together for the same."""
    together: dict[tuple[float, float, str], list[str]] = {}
    for gate in roll["gates"]:
        together.setdefault((gate["from"], gate["to"], gate["reason"]), []).append(gate["node"])
    if not together:
        return ""
    rows = [
        [("n", duration(begin - roll["started"])), ("n", duration(until - begin)), ("", ", ".join(labels)), ("", reason)]
        for (begin, until, reason), labels in sorted(together.items())
    ]
    return _table("Waited at the gate", [("n tight", "after"), ("n tight", "for"), ("", "who"), ("", "because")], rows)


def _fault_table(roll: Mapping[str, Any]) -> str:
    if not roll["faults"]:
        return ""
    rows = [[("n", duration(fault["t"] - roll["started"])), ("", fault["node"] or "–"), ("err", fault["text"])] for fault in roll["faults"]]
    return _table("Faults", [("n tight", "after"), ("tight", "where"), ("", "what")], rows)


def _node_table(title: str, nodes: Sequence[Mapping[str, Any]]) -> str:
    """When and how long each of them was out; nothing without any."""
    if not nodes:
        return ""
    batch = nodes[0]["kind"] == "broker"
    heads = [("", NOUNS[nodes[0]["kind"]]), ("", "rack"), *([("n", "batch")] if batch else []), ("n", "waited")]
    heads += [("n", phase.replace("_", "-")) for phase in PHASES] + [("n", "out"), ("", "now")]
    rows = []
    for node in sorted(nodes, key=lambda one: (one["batch"] or 0, one["rack"], one["id"])):
        took = {phase["phase"]: duration(phase["seconds"]) for phase in node["phases"]}
        waited = sum(gate["seconds"] for gate in node["gates"])
        bad = node["state"] == "out" or node["error"]
        state = {"back": "back", "out": "out", "waiting": "not begun"}[node["state"]] + (": %s" % node["error"] if node["error"] else "")
        row = [("", "%d" % node["id"] + (" (%s)" % node["name"] if node["name"] else "")), ("", node["rack"])]
        row += [("n", "–" if node["batch"] is None else str(node["batch"]))] if batch else []
        row.append(("n", duration(waited) if waited else "–"))
        rows.append(row + [("n", took.get(phase, "–")) for phase in PHASES] + [("n", duration(node["seconds"])), ("err" if bad else "", state)])
    return _table(title, heads, rows)


def _plan_notes(roll: Mapping[str, Any]) -> str:
    out = []
    if roll["plan"].get("certificate"):
        out.append("Why not fewer batches: %s" % roll["plan"]["certificate"])
    for refusal in roll["plan"].get("refused") or []:
        who = ", ".join(map(str, refusal.get("brokers") or []))
        out.append("Refused: %s-%s on broker %s: %s" % (refusal.get("topic"), refusal.get("partition"), who, refusal.get("reason")))
    return "<h2>The plan</h2>" + "".join('<p class="note">%s</p>' % escape(text) for text in out) if out else ""
