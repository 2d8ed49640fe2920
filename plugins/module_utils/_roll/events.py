# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The file of a roll's events on the controller: one line of JSON each, in the form that _report.roll reads."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Iterable, Mapping

from .. import _local_file
from .._errors import RackawareError

# Numbers of partitions that an event may carry, as curves over the whole roll.
CURVES = ("under_replicated", "at_min_isr", "under_min_isr")


class EventsError(RackawareError):
    """What a roll wrote down cannot be read."""


def stamped(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The events with their time t in epoch seconds; an event with ago happened that many seconds before now."""
    now = time.time()
    return [
        {"t": round(now - event.get("ago", 0), 3), **{name: value for name, value in event.items() if name != "ago"}}
        for event in events
    ]


def of(kind: str, event: str, ids: int | list[int]) -> dict[str, Any]:
    """An event that happened to a node or to several."""
    many = isinstance(ids, list)
    if kind == "broker":
        return {"event": event, "brokers" if many else "broker": ids}
    return {"event": "%s_%s" % (kind, event), "nodes" if many else "node": ids}


def whose(event: Mapping[str, Any]) -> tuple[str, str, list[int]]:
    """The kind of node, the event and the ids, as of() takes them; an event of the whole roll has no ids.

    `in_sync` is read as back.
    """
    name = str(event.get("event"))
    kind = next((kind for kind in ("controller", "zookeeper") if name.startswith(kind + "_")), "broker")
    one, many = ("broker", "brokers") if kind == "broker" else ("node", "nodes")
    ids = event.get(many) or ([event[one]] if event.get(one) is not None else [])
    name = name if kind == "broker" else name[len(kind) + 1 :]
    return kind, "back" if name == "in_sync" else name, [int(id_) for id_ in ids]


def note(path: str | None, events: Iterable[Mapping[str, Any]]) -> None:
    """Append events with the time, where a file is kept at all; raises LocalFileError."""
    if path:
        append(path, stamped(events))


def append(path: str, events: Iterable[Mapping[str, Any]], *, new: bool = False) -> None:
    """Append events to the file, which is created with its directory; raises LocalFileError.

    With new, an earlier file is kept under another name, and a new one begins.

    Several tasks may append at once: each writes its lines in one piece.
    """
    lines = "".join(json.dumps(event, ensure_ascii=False, sort_keys=False) + "\n" for event in events)
    if not lines:
        return
    with _local_file.writing(path, "The roll's events"):
        if new:
            _keep(path)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, lines.encode())
        finally:
            os.close(handle)


def _keep(path: str) -> None:
    """Add the time of their last change to the names of an earlier roll's events and report.

    As orders-roll-20260501T101500Z.html.
    """
    if not os.path.exists(path):
        return
    stem, extension = os.path.splitext(path)
    kept = "%s-%s" % (stem, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(os.path.getmtime(path))))
    for end in dict.fromkeys((extension, ".html", ".json")):
        if os.path.exists(stem + end):
            os.replace(stem + end, kept + end)


def read(path: str) -> list[dict[str, Any]]:
    """All events of the file; raises EventsError."""
    try:
        with open(path, encoding="utf-8") as stream:
            return [dict(json.loads(line)) for line in stream if line.strip()]
    except OSError as error:
        raise EventsError(
            "The roll's events cannot be read from %s: %s; name the file that the roll wrote." % (path, error.strerror)
        ) from None
    except (ValueError, TypeError):
        raise EventsError("%s has a line that is no event; name the file that the roll wrote." % path) from None
