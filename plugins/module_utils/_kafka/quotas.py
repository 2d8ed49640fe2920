# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Client quotas: read and changed. kafka-python has the messages and no method for them."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from .batches import batches
from .client import Admin, check

USER, CLIENT, IP = "user", "client-id", "ip"


class Entity(NamedTuple):
    """Whom a quota holds for: ((type, name), …) by type; the name None is the default of the type."""

    parts: tuple[tuple[str, str | None], ...]

    def __str__(self) -> str:
        return ", ".join("%s %s" % (kind, "<default>" if name is None else name) for kind, name in self.parts)

    def name(self, kind: str) -> str | None:
        """The name of one type, None for the default and where the type is missing."""
        return dict(self.parts).get(kind)


def describe(admin: Admin) -> dict[Entity, dict[str, float]]:
    """All quotas, as the broker that is asked has them."""
    from kafka.protocol.admin import DescribeClientQuotasRequest as Request

    answer = admin.send(Request(components=[], strict=False))
    check(answer, "to describe the quotas")
    return {_entity(entry): {each.key: each.value for each in entry.values} for entry in answer.entries or ()}


def alter(admin: Admin, quotas: Mapping[Entity, Mapping[str, float | None]], *, validate_only: bool) -> None:
    """Set keys of quotas, and remove those whose value is None; or only have Kafka validate them."""
    from kafka.protocol.admin import AlterClientQuotasRequest as Request

    entry = Request.EntryData
    for batch in batches(admin, quotas, lambda entity: len(quotas[entity])):
        entries = [
            entry(
                entity=[entry.EntityData(entity_type=kind, entity_name=name) for kind, name in entity.parts],
                ops=[
                    entry.OpData(key=key, value=value or 0.0, remove=value is None)
                    for key, value in sorted(quotas[entity].items())
                ],
            )
            for entity in batch
        ]
        answer = admin.send(Request(entries=entries, validate_only=validate_only))
        for result in answer.entries:
            check(result, "to change the quota of %s" % (_entity(result),))


def _entity(entry: Any) -> Entity:
    return Entity(tuple(sorted((part.entity_type, part.entity_name) for part in entry.entity)))
