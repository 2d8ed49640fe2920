# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The picture of a roll as data: where each bar, line and text lies, in pixels of a picture that is WIDTH wide.

One scale in seconds holds for all parts, so that a curve can be read against the bars above it. templates/chart.svg.j2
draws it; a style is a class of templates/style.css.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from .._text import counted, duration
from .roll_text import NOUNS, PHASE_TEXT, label

WIDTH, LEFT, RIGHT = 1180, 132, 62
TOP = 24
# A part below the bars: 22 of room, 96 high, and its zero line at 118.
PART, FLOOR, TALL = 128, 118, 88.0
AXIS = 26
CHARACTER = 6.4
NAME_LENGTH = 18
TICKS = 11
TICK_SECONDS = sorted(
    {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400}
)
LEGEND = {
    "stop": "stopping",
    "down": "down (work on the host)",
    "start": "starting",
    "catch_up": "catching up until in sync everywhere",
}
CURVES = (("area", "under-replicated"), ("at-min", "at min ISR"), ("under-min", "under min ISR"))


@dataclass(frozen=True)
class Text:
    """A text at its base line; tip is what a pointer shows."""

    x: float
    y: float
    text: str
    tip: str = ""
    anchor: str = "start"
    style: str = ""


@dataclass(frozen=True)
class Bar:
    """A rectangle, or a mark of no height: a line from x on, width long."""

    style: str
    x: float
    y: float
    width: float
    height: float
    tip: str = ""


@dataclass(frozen=True)
class Part:
    """A curve over time below the bars; floor is where its zero line lies."""

    title: Text
    highest: Text
    floor: int
    notes: list[Text] = field(default_factory=list)
    keys: list[Bar] = field(default_factory=list)
    # Of a path in SVG: its style and its data.
    paths: list[tuple[str, str]] = field(default_factory=list)
    marks: list[Bar] = field(default_factory=list)


@dataclass
class Chart:
    """All of the picture; what comes later in it lies on what comes before."""

    description: str
    height: int = 0
    bands: list[Bar] = field(default_factory=list)
    ticks: list[Text] = field(default_factory=list)
    groups: list[Text] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    faults: list[Text] = field(default_factory=list)
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    width: int = WIDTH

    @property
    def floor(self) -> int:
        """Where the lines of the ticks and of the faults end."""
        return self.height - 22


class Scale:
    """Seconds of the roll to pixels."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end
        self.length = max(end - start, 0.001)

    def __call__(self, when: float) -> float:
        share = min(max((when - self.start) / self.length, 0.0), 1.0)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def span(self, begin: float, end: float, least: float) -> tuple[float, float]:
        """Where a time lies and how wide it is, at least so many pixels."""
        x = self(begin)
        return x, round(max(self(end) - x, least), 1)

    def ticks(self) -> list[float]:
        """Offsets in seconds, round ones, at most a dozen of them."""
        step = next((step for step in TICK_SECONDS if self.length / step <= TICKS), TICK_SECONDS[-1])
        return [number * step for number in range(int(self.length / step + 1e-9) + 1)]

    def label(self, offset: float) -> str:
        """The offset as short as the whole roll allows."""
        if self.length < 10:
            return "%.1f s" % offset
        if self.length < 120:
            return "%.0f s" % offset
        if self.length < 3600:
            return "%d:%02d" % divmod(int(offset), 60)
        return "%d:%02d h" % divmod(int(offset) // 60, 60)


def chart(roll: Mapping[str, Any]) -> Chart:
    """The picture of a roll; roll is what _report.roll.model made."""
    scale = Scale(roll["started"], roll["ended"])
    picture = Chart(_description(roll))
    y = _rows(picture, roll, scale) + 6
    _batches(picture, roll["batches"], scale, y)
    for part in (_curves, _gaps):
        drawn = part(roll, scale, y)
        if drawn:
            picture.parts.append(drawn)
            y += PART
    picture.height = y + AXIS
    for offset in scale.ticks():
        x = scale(scale.start + offset)
        anchor = "start" if offset == 0 else "end" if x > WIDTH - RIGHT - 14 else "middle"
        picture.ticks.append(Text(x, picture.height - 6, scale.label(offset), anchor=anchor, style="dim"))
    picture.faults = [Text(scale(fault["t"]), TOP + 1, "", tip=fault["text"]) for fault in roll["faults"]]
    return picture


def legend(roll: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Style and meaning of what the picture of this roll has."""
    rows = [*roll["brokers"], *roll["quorum_nodes"]]
    used = {phase["phase"] for row in rows for phase in row["phases"]}
    entries = [(phase, text) for phase, text in LEGEND.items() if phase in used]
    if any(row["soak"] for row in rows):
        entries.append(("soak", "watched, in sync all the time"))
    if roll["gates"]:
        entries.append(("gate", "waiting at the gate"))
    if roll["faults"] or any(row["state"] == "out" for row in rows):
        entries.append(("fault", "fault, or not back at the end"))
    return entries


def _description(roll: Mapping[str, Any]) -> str:
    """The picture for those who do not see it; the tables below it have the numbers."""
    groups = [rows for rows in (roll["quorum_nodes"], roll["brokers"]) if rows]
    nodes = " and ".join(counted(len(rows), NOUNS[rows[0]["kind"]]) for rows in groups) or "no nodes"
    text = "%s over %s, one row each." % (nodes, duration(roll["ended"] - roll["started"]))
    if roll["curves"]:
        most = [max(point[column] for point in roll["curves"]) for column in (1, 2, 3)]
        numbers = ["%s %s" % (format(number, ","), name) for number, (_, name) in zip(most, CURVES)]
        text += " Below them the numbers of partitions, at most %s." % ", ".join(numbers)
    return text


def _rows(picture: Chart, roll: Mapping[str, Any], scale: Scale) -> int:
    """Draw a row for each node, and say where the last one ends."""
    # Quorum nodes go one at a time whatever their racks are, brokers rack by rack.
    nodes = [*roll["quorum_nodes"], *roll["brokers"]]
    height = 30 if len(nodes) <= 12 else 22 if len(nodes) <= 36 else 15
    y = TOP + 4
    previous = None
    for node in nodes:
        noun = NOUNS[node["kind"]]
        title = node["rack"] if node["kind"] == "broker" else "%s%ss" % (noun[0].upper(), noun[1:])
        if title != previous:
            y += 20 if previous is None else 26
            picture.groups.append(Text(4, y - 5, title, style="title"))
            previous = title
        _row(picture, node, scale, y, height)
        y += height
    return y


def _row(picture: Chart, node: Mapping[str, Any], scale: Scale, y: int, height: int) -> None:
    pad = 6 if height > 25 else 4 if height > 18 else 2
    thick = height - 2 * pad
    middle = y + height / 2 + 4
    small = " small" if height < 20 else ""
    name = node["name"] or label(node)
    # What tells long names apart is at their end.
    shown = name if len(name) <= NAME_LENGTH else "…" + name[1 - NAME_LENGTH :]
    tip = "%s, %s, %s" % (label(node), name, node["rack"])
    style = ("bad" if _is_bad(node) else "") + small
    picture.texts.append(Text(14, middle, shown, tip, style=style.strip()))
    for gate in node["gates"]:
        x, width = scale.span(gate["from"], gate["to"], 2)
        tip = "waited %s: %s" % (duration(gate["seconds"]), gate["reason"])
        picture.bars.append(Bar("gate", x, y + pad + 0.5, width, thick - 1, tip))
    for phase in node["phases"]:
        x, width = scale.span(phase["from"], phase["to"], 0.8)
        still = ", not over at the end" if phase["open"] else ""
        tip = "%s: %s %s%s" % (label(node), PHASE_TEXT[phase["phase"]], duration(phase["seconds"]), still)
        picture.bars.append(Bar(phase["phase"], x, y + pad, width, thick, tip))
        if phase["open"]:
            picture.bars.append(Bar("open", x, y + pad, max(width, 2), thick))
    if node["soak"]:
        x, width = scale.span(node["soak"]["from"], node["soak"]["to"], 2)
        tip = "watched for %s" % duration(node["soak"]["to"] - node["soak"]["from"])
        picture.bars.append(Bar("soak", x, y + pad + 0.5, width, thick - 1, tip))
    if node["phases"]:
        picture.texts.append(_outcome(node, scale, middle, small))
    elif not node["gates"]:
        picture.texts.append(Text(LEFT + 6, middle, "not begun", style="dim" + small))


def _is_bad(node: Mapping[str, Any]) -> bool:
    return node["state"] == "out" or bool(node["error"])


def _outcome(node: Mapping[str, Any], scale: Scale, middle: float, small: str) -> Text:
    """The time out, right of the bar, or left of everything where there is no room; what went wrong in its place."""
    end = scale(max(node["phases"][-1]["to"], node["soak"]["to"] if node["soak"] else 0))
    begin = scale(min([node["phases"][0]["from"]] + [gate["from"] for gate in node["gates"]]))
    text = node["error"] or ("not back" if node["state"] == "out" else duration(node["seconds"]))
    right = max(0, int((WIDTH - end - 8) / CHARACTER))
    left = max(0, int((begin - LEFT - 6) / CHARACTER))
    if right >= min(len(text), 14) or right >= left:
        x, anchor, room = end + 6, "start", right
    else:
        x, anchor, room = begin - 6, "end", left
    shown = text if len(text) <= room else text[: max(room - 1, 0)] + "…"
    return Text(round(x, 1), middle, shown, text, anchor, ("bad" if _is_bad(node) else "dim") + small)


def _batches(picture: Chart, batches: Sequence[Mapping[str, Any]], scale: Scale, bottom: int) -> None:
    starts = [scale(batch["start"]) for batch in batches]
    for number, (batch, following) in enumerate(zip(batches, [*starts[1:], WIDTH])):
        x, width = scale.span(batch["start"], batch["end"], 1)
        if number % 2 == 0:
            picture.bands.append(Bar("band", x, TOP, width, bottom - TOP))
        room = following - x
        text = "batch %d" % batch["number"] if room > 52 else str(batch["number"]) if room > 16 else ""
        brokers = ", ".join(map(str, batch["brokers"]))
        tip = "Batch %d: brokers %s, %s" % (batch["number"], brokers, duration(batch["end"] - batch["start"]))
        picture.texts.append(Text(x + 2, TOP - 9, text, tip, style="dim small"))


def _part(y: int, title: str, highest: str) -> Part:
    return Part(
        title=Text(4, y + 32, title, style="title"),
        highest=Text(LEFT - 6, y + 34, highest, anchor="end", style="dim small"),
        floor=y + FLOOR,
    )


def _curves(roll: Mapping[str, Any], scale: Scale, y: int) -> Part | None:
    """The numbers of partitions that lack something, in steps, because a number holds until the next one is told."""
    points = roll["curves"]
    # The last point before the roll holds at its beginning.
    before = [point for point in points if point[0] < scale.start][-1:]
    steps = [[scale.start, *point[1:]] for point in before]
    steps += [point for point in points if scale.start <= point[0] <= scale.start + scale.length]
    if not steps:
        return None
    highest = max(1, max(max(point[1:4]) for point in points))
    part = _part(y, "Partitions", format(highest, ","))
    right = WIDTH - RIGHT

    def path(column: int) -> str:
        at = [(scale(step[0]), round(part.floor - TALL * step[column] / highest, 1)) for step in steps]
        return "M%s %s" % at[0] + "".join("H%sV%s" % step for step in at[1:]) + "H%s" % right

    part.paths.append(("under", "%sV%s H%s Z" % (path(1), part.floor, scale(steps[0][0]))))
    for column, (style, name) in enumerate(CURVES, 1):
        most = max(point[column] for point in points)
        if most or column == 1:
            part.paths.append((style, path(column)))
        line = y + 48 + 17 * (column - 1)
        part.keys.append(Bar(style, 4, line, 10, 3))
        part.notes.append(Text(18, line + 5, name, "at most %s" % format(most, ","), style="dim small"))
    return part


def _gaps(roll: Mapping[str, Any], scale: Scale, y: int) -> Part | None:
    """The longest silence of each partition, as long as it lasted and as high."""
    gaps = [
        gap
        for gap in (roll["client"] or {}).get("gaps") or []
        if gap["to"] >= scale.start and gap["from"] <= scale.start + scale.length
    ]
    if not gaps:
        return None
    highest = max(gap["ms"] for gap in gaps)
    part = _part(y, "Client gaps", duration(highest / 1000))
    for line, text in enumerate(("longest wait of a", "partition for an", "acknowledgement")):
        part.notes.append(Text(4, y + 48 + 14 * line, text, style="dim small"))
    for gap in reversed(gaps):
        x, width = scale.span(gap["from"], gap["to"], 2)
        level = round(part.floor - TALL * gap["ms"] / max(highest, 1), 1)
        tip = "%s: %s without an acknowledgement" % (gap["partition"], duration(gap["ms"] / 1000))
        part.marks.append(Bar("gap", x, level, width, 0, tip))
    return part
