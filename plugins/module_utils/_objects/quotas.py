# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which client quotas to set and to remove, from what is declared and what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from .._kafka.quotas import CLIENT, IP, USER, Entity
from .declared import Edit, ObjectsError, holds, once

DEFAULT = "<default>"
QUOTA_OPTIONS: dict[str, dict[str, Any]] = {
    "user": {"type": "str"},
    "client_id": {"type": "str"},
    "ip": {"type": "str"},
    "limits": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
# By the option: Kafka's type.
TYPES = {"user": USER, "client_id": CLIENT, "ip": IP}
# QuotaConfig of Kafka.
CLIENT_KEYS = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate")
IP_KEYS = ("connection_creation_rate",)

Limits = Mapping[str, float]


@dataclass(frozen=True)
class Change:
    """Keys to set, or with None to remove, by entity; before is all that is there."""

    before: Mapping[Entity, Limits]
    set: Mapping[Entity, Mapping[str, float | None]]

    def after(self, entity: Entity) -> dict[str, float]:
        """The limits of an entity after the change; none when it is gone."""
        keys = {**self.before.get(entity, {}), **self.set[entity]}
        return {key: value for key, value in keys.items() if value is not None}

    def removed(self) -> list[Entity]:
        """Entities that have no limit left."""
        return [entity for entity in self.set if not self.after(entity)]

    def edits(self) -> list[Edit]:
        """The change as lines."""
        return [
            Edit(
                line(entity, self.before[entity]) if entity in self.before else None,
                line(entity, self.after(entity)) if self.after(entity) else None,
            )
            for entity in self.set
        ]


def line(entity: Entity, limits: Limits) -> str:
    """A quota in words."""
    return "quota of %s: %s" % (entity, ", ".join("%s=%s" % (key, _number(limits[key])) for key in sorted(limits)))


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def wanted(entries: Iterable[Mapping[str, Any]]) -> tuple[dict[Entity, dict[str, float | None]], list[Entity]]:
    """The limits that shall hold, and the entities that shall have none; raises ObjectsError."""
    listed = [(_entity(entry), entry) for entry in entries]
    once([entity for entity, _entry in listed], "quota")
    present = {entity: _limits(entity, entry["limits"]) for entity, entry in listed if entry["state"] == "present"}
    return present, [entity for entity, entry in listed if entry["state"] == "absent"]


def _entity(entry: Mapping[str, Any]) -> Entity:
    given = {TYPES[option]: entry[option] for option in TYPES if entry[option] is not None}
    if not given or (IP in given and len(given) > 1):
        raise ObjectsError(
            "A quota is of %s, but must be of a user, of a client_id, of both, or of an ip alone; <default> is the"
            " default of each." % (" and ".join(sorted(given)) or "nothing")
        )
    if "" in given.values():
        raise ObjectsError("A quota has an empty name; write <default> for the default.")
    return Entity(tuple(sorted((kind, None if name == DEFAULT else name) for kind, name in given.items())))


def _limits(entity: Entity, limits: Mapping[str, Any]) -> dict[str, float | None]:
    keys = IP_KEYS if entity.parts[0][0] == IP else CLIENT_KEYS
    if not limits:
        raise ObjectsError("The quota of %s has no limits; set one of %s." % (entity, ", ".join(keys)))
    out: dict[str, float | None] = {}
    for key, value in limits.items():
        if key not in keys:
            raise ObjectsError(
                "The quota of %s has the unknown key %s; it may have %s." % (entity, key, ", ".join(keys))
            )
        try:
            out[key] = None if value is None else float(value)
        except (TypeError, ValueError):
            out[key] = 0.0
        if isinstance(value, bool) or not (out[key] is None or 0 < out[key] < float("inf")):
            raise ObjectsError("The quota of %s sets %s to %r, but it must be a number above 0." % (entity, key, value))
    return out


def plan(
    before: Mapping[Entity, Limits],
    present: Mapping[Entity, Mapping[str, float | None]],
    absent: Iterable[Entity],
    *,
    owned: tuple[str, ...],
) -> Change:
    """What to set and to remove; keys of entities of these names that nothing declares go, too."""
    out: dict[Entity, dict[str, float | None]] = {}
    for entity, limits in present.items():
        there = before.get(entity, {})
        differs = {key: value for key, value in limits.items() if there.get(key) != value}
        if _owned(entity, owned):
            differs.update(dict.fromkeys(there.keys() - limits.keys()))
        if differs:
            out[entity] = differs
    gone = {entity for entity in before if entity not in present and _owned(entity, owned)} | set(absent)
    for entity in sorted(gone & before.keys(), key=str):
        out[entity] = dict.fromkeys(before[entity])
    return Change(before, out)


def _owned(entity: Entity, owned: tuple[str, ...]) -> bool:
    """By the user where there is one; defaults and addresses belong to all."""
    name = entity.name(USER if USER in dict(entity.parts) else CLIENT)
    return name is not None and holds(owned, name)


def entries(quotas: Mapping[Entity, Limits]) -> list[dict[str, Any]]:
    """The quotas as a file declares them."""
    options = {kind: option for option, kind in TYPES.items()}
    return [
        {
            **{options[kind]: DEFAULT if name is None else name for kind, name in reversed(entity.parts)},
            "limits": {key: _number(value) for key, value in sorted(limits.items())},
        }
        for entity, limits in sorted(quotas.items(), key=lambda item: str(item[0]))
    ]
