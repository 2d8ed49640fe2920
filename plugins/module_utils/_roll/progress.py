# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Waiting at the gate: the line for a person who watches, the events for the report, and the timer without progress.

There is no limit on how long a wait may take, only on the seconds without progress: a cluster with much to catch up
takes its time. Progress is a number that is better than ever before in this wait, so numbers that go up and down do not
count.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._text import counted, duration, size
from . import events
from .poll import BACK, BROKER, CONTROLLER, MAY_STOP, ZOOKEEPER
from .snapshot import named

LINE_EVERY = 5.0
# Seconds. Most brokers catch up before a person would read how much is left.
A_WHILE = 10.0
NAMED_AT_MOST = 4
NOUNS = {BROKER: "broker", CONTROLLER: "controller", ZOOKEEPER: "ZooKeeper server"}


class Watch:
    """One wait: it takes each answer, and gives the line to show, the events to write down and whether to give up.

    Times are of one monotonic clock.
    """

    def __init__(self, question: str, kind: str, nodes: Sequence[int], *, stall_seconds: float, now: float) -> None:
        self.question, self.kind, self.nodes, self.stall_seconds = (
            question,
            kind,
            list(dict.fromkeys(nodes)),
            stall_seconds,
        )
        self.start = self.better = self.now = now
        self.answer: Mapping[str, Any] | None = None
        self.error: str | None = None
        self._behind: float | None = None
        self._best: dict[Any, int] = {}
        self._first: dict[int, int] = {}
        self._most: dict[int, tuple[float, int]] = {}
        self._reported: set[tuple[str, int]] = set()
        self._reasons: dict[int, str] = {}
        self._counts: Any = None
        self._line: str | None = None
        self._line_at = now - LINE_EVERY

    def failed(self, now: float, error: str) -> None:
        """The question could not be asked, or was not answered."""
        self.now, self.error = now, error

    def answered(self, now: float, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take an answer of the gate; the events that follow from it."""
        self.now, self.error, self.answer = now, None, answer
        for node in answer.get("nodes") or ():
            if node["behind"]:
                self._first.setdefault(node["id"], node["behind"])
                self._behind = now if self._behind is None else self._behind
            left = node.get("bytes_left")
            if left is not None and left >= self._most.get(node["id"], (now, 0))[1]:
                self._most[node["id"]] = (now, left)
        if answer["open"]:
            # The gate is open. Where the answer shall stay so for some time, progress is measured from here.
            self.better = now
            self._best.clear()
        for key, value in self._measures(answer):
            best = self._best.get(key)
            if best is None or value > best:
                self._best[key] = value
                # Falling further behind makes a new key of bytes, which is no progress.
                if best is not None or key[0] != "bytes":
                    self.better = now
        return self._events(answer)

    def _measures(self, answer: Mapping[str, Any]) -> list[tuple[Any, int]]:
        """Numbers of which more is better."""
        if self.question == MAY_STOP:
            counts = answer.get("counts")
            return [(("may go",), len(answer["admitted"]))] + (
                [(("under-replicated",), -counts["under_replicated"])] if counts else []
            )
        out: list[tuple[Any, int]] = []
        for node in answer["nodes"]:
            out += [(("registered", node["id"]), int(node["registered"])), (("back", node["id"]), int(node["back"]))]
            if node["registered"] and node["behind"] is not None:
                out.append((("behind", node["id"]), -node["behind"]))
                if node.get("bytes"):
                    # Of the same partitions, more is better; of fewer, the line above has said so.
                    out.append((("bytes", node["id"], node["behind"]), node["bytes"]))
        return out

    @property
    def stalled(self) -> bool:
        """Whether the wait is without progress for too long."""
        return self.now - self.better >= self.stall_seconds

    @property
    def takes_a_while(self) -> bool:
        """Whether a broker has been catching up for so long that it is worth asking how much is left."""
        return self._behind is not None and self.now - self._behind >= A_WHILE

    def state(self) -> str:
        """What was seen last, for a person."""
        if self.answer is None:
            return self._unanswered() if self.error else "nothing was asked yet"
        text = self._waiting(self.answer) if self.question == MAY_STOP else self._returning(self.answer)
        return "%s · %s" % (text, self._unanswered()) if self.error else text

    def line(self, *, last: bool = False) -> str | None:
        """The line to show now, or None: only when something changed, and not too often.

        The last one is always shown, except at a gate that showed none before.
        """
        state = self.state()
        if last:
            if self._line is None and self.question == MAY_STOP:
                return None
        elif state == self._line or self.now - self._line_at < LINE_EVERY:
            return None
        self._line, self._line_at = state, self.now
        return "  %s · %s" % (state, _clock(self.now - self.start))

    def sentence(self) -> str:
        """Why this wait ends without success."""
        goal = "may be stopped" if self.question == MAY_STOP else "%s back" % ("are" if len(self.nodes) > 1 else "is")
        return (
            "Waited %s until %s %s, without progress in the last %s; last seen: %s; look at %s, then start the roll"
            " again, which continues from here."
            % (
                duration(self.now - self.start),
                named(self.nodes, NOUNS[self.kind]),
                goal,
                duration(self.now - self.better),
                self.state().rstrip("."),
                "what holds it" if self.question == MAY_STOP else "the log there" + self._reading(),
            )
        )

    def _reading(self) -> str:
        """A hint for unregistered brokers: from outside, one that reads its logs looks like one that never starts."""
        nodes = self.answer["nodes"] if self.answer else ()
        if self.kind != BROKER or all(node["registered"] for node in nodes):
            return ""
        return (
            " (a broker that reads its logs after a crash registers only then, and stall_seconds must be longer than"
            " that takes; for the playbooks that is roll_stall_seconds)"
        )

    def _unanswered(self) -> str:
        return "the last question failed: %s" % str(self.error).rstrip(".")

    def _waiting(self, answer: Mapping[str, Any]) -> str:
        held = answer["held"]
        if not held:
            return "%s may be stopped" % named(self.nodes, NOUNS[self.kind])
        alike: dict[str, list[int]] = {}
        for hold in held:
            alike.setdefault(hold["reason"], []).append(hold["broker"])
        shown = [
            "%s %s: %s" % (named(ids, NOUNS[self.kind]), "wait" if len(ids) > 1 else "waits", reason.rstrip("."))
            for reason, ids in list(alike.items())[:2]
        ]
        return "%s%s · %d of %d may go" % (
            "; ".join(shown),
            _more(len(alike) - 2, "reason"),
            len(answer["admitted"]),
            len(self.nodes),
        )

    def _returning(self, answer: Mapping[str, Any]) -> str:
        noun = NOUNS[self.kind]
        missing = [node for node in answer["nodes"] if not node["back"]]
        parts = ["%s back" % named(answer["back"], noun)] if answer["back"] else []
        for node in missing[:NAMED_AT_MOST]:
            if not node["registered"]:
                text = " not registered" if self.kind == BROKER else ": %s" % str(node["reason"]).rstrip(".")
            elif node["behind"]:
                first = self._first[node["id"]]
                what = counted(node["behind"], "partition" if self.kind == BROKER else "record")
                text = ": %s to catch up%s%s" % (
                    what,
                    " (was %s)" % format(first, ",") if first > node["behind"] else "",
                    self._copying(node),
                )
            else:
                text = ": %s" % str(node["reason"]).rstrip(".")
            parts.append("%s %d%s" % (noun, node["id"], text))
        return "%s%s · %d of %d back" % (
            ", ".join(parts),
            _more(len(missing) - NAMED_AT_MOST, noun),
            len(answer["back"]),
            len(self.nodes),
        )

    def _copying(self, node: Mapping[str, Any]) -> str:
        """How much there is to copy, and for how long at the pace since there was most of it."""
        left = node.get("bytes_left") or 0
        if left < 2**20:
            return ""
        since, most = self._most[node["id"]]
        pace = ", %s left" % _about(left * (self.now - since) / (most - left)) if most > left else ""
        return ", %s to copy%s" % (size(left / 2**30), pace)

    def _events(self, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What changed, as events."""
        out: list[dict[str, Any]] = []
        if self.question == MAY_STOP:
            if answer["open"]:
                return self._curve(answer) + [self._named("gate_open", self.nodes)]
            alike: dict[str, list[int]] = {}
            for hold in answer["held"]:
                if self._reasons.get(hold["broker"]) != hold["reason"]:
                    self._reasons[hold["broker"]] = hold["reason"]
                    alike.setdefault(hold["reason"], []).append(hold["broker"])
            out = [{**self._named("gate_waiting", ids), "reason": reason} for reason, ids in alike.items()]
        else:
            for kind in ("registered", "back"):
                for node in answer["nodes"]:
                    if node[kind] and (kind, node["id"]) not in self._reported:
                        self._reported.add((kind, node["id"]))
                        out.append({**self._named(kind, node["id"]), "ago": node[kind + "_seconds"]})
        return sorted(self._curve(answer) + out, key=lambda event: -event.get("ago", 0))

    def failures(self) -> list[dict[str, Any]]:
        """Events for those that did not come back."""
        if self.question != BACK or self.answer is None:
            return []
        return [
            {**self._named("failed", node["id"]), "reason": node["reason"]}
            for node in self.answer["nodes"]
            if not node["back"]
        ]

    def _named(self, event: str, ids: Any) -> dict[str, Any]:
        return events.of(self.kind, event, ids)

    def _curve(self, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        out = []
        for point in answer["curve"]:
            counts = {name: point[name] for name in events.CURVES}
            if counts != self._counts:
                self._counts = counts
                out.append({"event": "curve", **counts, "ago": point["ago"]})
        return out


def _more(number: int, noun: str) -> str:
    return " and %s more" % counted(number, noun) if number > 0 else ""


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return "about %d min" % minutes if minutes < 60 else "about %d h %02d min" % divmod(minutes, 60)


def _clock(seconds: float) -> str:
    """mm:ss, and hours when there are any."""
    whole = int(seconds)
    text = "%02d:%02d" % (whole // 60 % 60, whole % 60)
    return text if whole < 3600 else "%d:%s" % (whole // 3600, text)
