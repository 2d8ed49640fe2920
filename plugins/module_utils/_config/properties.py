# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Java properties files: the collection's settings, the user's own over them, and the reserved identity."""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterable, Mapping

from .._errors import RackawareError
from .known_settings import BROKER_SETTINGS

# The identity of a node and its addresses come from the inventory and from kafka_listeners. A second source would
# contradict them sooner or later.
IDENTITY = frozenset(
    (
        *(
            "broker.id",
            "broker.id.generation.enable",
            "reserved.broker.max.id",
            "node.id",
            "process.roles",
            "broker.rack",
        ),
        *(
            "listeners",
            "advertised.listeners",
            "listener.security.protocol.map",
            "inter.broker.listener.name",
            "security.inter.broker.protocol",
        ),
        *(
            "control.plane.listener.name",
            "controller.listener.names",
            "controller.quorum.voters",
            "controller.quorum.bootstrap.servers",
        ),
        *("zookeeper.connect", "log.dir", "log.dirs", "metadata.log.dir"),
    )
)
# Settings of ZooKeeper that the role writes from the inventory.
ZOOKEEPER_IDENTITY = frozenset(("dataDir", "dataLogDir", "clientPort", "clientPortAddress", "quorumListenOnAllIPs"))
NEAR = 0.88


class PropertiesError(RackawareError):
    """A setting cannot be written; the sentence names it."""


def text(value: Any) -> str:
    """A value as Kafka reads it: true and false in small letters, lists with commas.

    Raises PropertiesError for what has no such form.

    No sentence quotes a value: it may be a password.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(text(item) for item in value)
    if value is None or isinstance(value, Mapping):
        kind = "null" if value is None else "a mapping"
        raise PropertiesError(
            "is %s, but must be a text, a number, true, false or a list; correct it or leave it out." % kind
        )
    return str(value)


def escape(value: str, *, key: bool = False) -> str:
    """A text as java.util.Properties reads it back."""
    out = value.replace("\\", "\\\\")
    if key:
        for char in (" ", "=", ":"):
            out = out.replace(char, "\\" + char)
    if out[:1] in ("#", "!"):
        out = "\\" + out
    return "\\" + out if out[:1] == " " else out


def merge(ours: Mapping[str, Any], theirs: Mapping[str, Any], reserved: Iterable[str] = IDENTITY) -> dict[str, Any]:
    """The user's settings over ours; raises PropertiesError for one that is reserved."""
    for problem in findings(theirs, reserved):
        raise PropertiesError(problem)
    return {**ours, **theirs}


def findings(
    settings: Any, reserved: Iterable[str] = IDENTITY, *, name: str = "broker_config", known: Iterable[str] = ()
) -> list[str]:
    """What is wrong with a user's settings, one sentence each.

    With known settings a typo is told from a plug-in's own setting.
    """
    if not isinstance(settings, Mapping):
        return ["%s must be a mapping of Kafka's settings to values; correct it." % name]
    out = []
    known = sorted(known)
    for key, value in settings.items():
        key = str(key)
        if key in reserved:
            out.append("%s sets %s, which the inventory decides; remove it from %s." % (name, key, name))
        # Java would skip it or end the name there, and so read another setting.
        elif re.search(r"\s", key) or not key.isprintable():
            out.append("%s has %r, which is no name of a setting; remove it." % (name, key))
        elif known and key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=NEAR)
            if near:
                out.append("%s sets %s, which Kafka does not know; did you mean %s?" % (name, key, near[0]))
        try:
            if "\n" in text(value) or "\r" in text(value):
                out.append(
                    "%s: %s has a line break in it, which a properties file cannot hold; remove it." % (name, key)
                )
        except PropertiesError as error:
            out.append("%s: %s %s" % (name, key, error))
    return out


def broker_findings(settings: Any, name: str = "broker_config", reserved: Iterable[str] = IDENTITY) -> list[str]:
    """The same for the settings of a broker or controller."""
    return findings(settings, reserved, name=name, known=BROKER_SETTINGS)


def render(settings: Mapping[str, Any]) -> str:
    """The lines of a properties file, in the order given; raises PropertiesError for a value that has no form there."""
    lines = []
    for key, value in settings.items():
        try:
            written = text(value)
        except PropertiesError as error:
            raise PropertiesError("%s %s" % (key, error)) from None
        if "\n" in written or "\r" in written:
            raise PropertiesError("%s has a line break in it, which a properties file cannot hold; remove it." % key)
        lines.append("%s=%s\n" % (escape(str(key), key=True), escape(written)))
    return "".join(lines)
