# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which users get a new password, who gets none, and with which password a run that was broken off goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, Iterable, Mapping, Sequence

from .._aws.secret_rotation import Kept
from .._aws.secrets import Password, Source
from .declared import Edit, ObjectsError
from .users import MOST_ITERATIONS, Wanted, line

SEE = " See docs/runbooks/passwords.md."


def check_pairs(entries: Iterable[Mapping[str, Any]], acls: Iterable[Mapping[str, Any]] = ()) -> None:
    """Raise ObjectsError for a pair that clients could not move within."""
    present = {each["name"]: each for each in entries if each["state"] == "present"}
    rules: dict[str, set[Any]] = {}
    for rule in acls:
        rest = {key: each for key, each in rule.items() if key not in ("principal", "operations")}
        rules.setdefault(rule["principal"], set()).update(
            (operation, *sorted(rest.items())) for operation in rule["operations"]
        )
    for name, other in sorted(_pairs(present.values())):
        if other not in present or other == name:
            raise ObjectsError(
                "The user %s has the pair %s, which is no other user of kafka_users; correct pair." % (name, other)
            )
        if any(name in pair or other in pair for pair in _pairs(present.values()) - {(name, other), (other, name)}):
            raise ObjectsError("The users %s and %s are in more than one pair; correct pair." % (name, other))
        if rules.get("User:" + name) != rules.get("User:" + other):
            raise ObjectsError(
                "The users %s and %s are a pair, but kafka_acls does not give both the same rights, so that clients"
                " that move would lose some; declare each rule for both." % (name, other)
            )


def _pairs(entries: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(each["name"], each["pair"]) for each in entries if each.get("pair") is not None}


def selected(entries: Sequence[Mapping[str, Any]], names: Collection[str]) -> list[dict[str, Any]]:
    """The entries of the users that get a new password, without passwords.

    Raises ObjectsError for users whose password is nowhere, or would change with that of another one.
    """
    if not names:
        raise ObjectsError(
            "kafka_selected_users names no user; name those that get a new password, as in -e"
            " kafka_selected_users=orders." + SEE
        )
    present = [each for each in entries if each["state"] == "present"]
    for name in names:
        if name not in {each["name"] for each in present}:
            raise ObjectsError(
                "kafka_selected_users has %r, which kafka_users does not declare; correct the name, or give the file"
                " that declares it." % name + SEE
            )
    for one, other in sorted(_pairs(present)):
        if one in names and other in names:
            raise ObjectsError(
                "The users %s and %s are a pair, of which one keeps its password until all clients use the other; name"
                " one of them." % (one, other) + SEE
            )
    chosen = [each for each in present if each["name"] in names]
    for each in chosen:
        if each["password_from"] is None:
            raise ObjectsError(
                "The user %s has no password_from, so that a new password would be kept nowhere; give it a secret or a"
                " parameter in kafka_users and run objects, or change the password where it comes from."
                % each["name"]
                + SEE
            )
        if each["password_from"].get("key") is not None:
            raise ObjectsError(
                "The password of the user %s is one entry of a secret, of which others may change the rest meanwhile;"
                " give the user a secret of its own, or change that entry and run objects." % each["name"] + SEE
            )
        for other in present:
            if other["name"] not in names and _place(other) == _place(each):
                raise ObjectsError(
                    "The users %s and %s have the same password, and only one of them would get the new one; name both,"
                    " or give each a secret of its own." % (each["name"], other["name"]) + SEE
                )
    return [{key: each[key] for key in ("name", "mechanism", "iterations", "password_from")} for each in chosen]


def _place(entry: Mapping[str, Any]) -> Any:
    given = entry["password_from"] or {}
    return {(kind, given.get(kind)) for kind in ("secret", "parameter") if given.get(kind)} or entry["name"]


@dataclass(frozen=True)
class Plan:
    """What AWS keeps now, the new passwords that a run before has made, and who still needs one."""

    present: Mapping[Source, Password]
    found: Mapping[Source, Password]
    missing: tuple[Source, ...]

    def edits(self, wanted: Iterable[Wanted]) -> list[Edit]:
        """The change as lines, without passwords."""
        return [
            Edit(
                line(each.key, each.iterations),
                "%s in the %s"
                % (
                    "the new password that an earlier run left" if each.source in self.found else "a new password",
                    each.source,
                ),
            )
            for each in wanted
        ]


def plan(
    wanted: Sequence[Wanted],
    users: Mapping[tuple[str, str], int],
    kept: Mapping[Source, Kept | None],
    *,
    rotation: Mapping[str, str],
    protected: Collection[str],
) -> Plan:
    """Decide for each source; users are those of the cluster, rotation the versions that a broken-off run made.

    Raises ObjectsError for what no run may do.
    """
    present, found = {}, {}
    for each in wanted:
        if "User:" + each.user in protected:
            raise ObjectsError(
                "The user %s is an operator, and gets no new password here; change it with kafka-configs, so that this"
                " run cannot shut itself out." % each.user + SEE
            )
        there = kept[each.source] if each.source else None
        if there is None:
            raise ObjectsError(
                "The user %s (%s) has no password yet, as there is no %s; run objects first." % (*each.key, each.source)
                + SEE
            )
        if each.key not in users:
            raise ObjectsError("The user %s (%s) does not exist; run objects first." % each.key + SEE)
        if each.iterations > MOST_ITERATIONS:
            raise ObjectsError(
                "The user %s has %d iterations, but Kafka takes no more than %d."
                % (each.user, each.iterations, MOST_ITERATIONS)
            )
        source: Source = each.source  # type: ignore[assignment]
        present[source] = there.current
        if there.pending is not None:
            found[source] = there.pending
        elif rotation.get(str(source)) == there.current.version:
            # The broken-off run got so far that all who read have the new one.
            found[source] = there.current
    return Plan(present, found, tuple(source for source in present if source not in found))


def with_passwords(wanted: Iterable[Wanted], passwords: Mapping[Source, Password]) -> list[Wanted]:
    """The users with their new passwords."""
    return [
        replace(each, password=passwords[each.source].text, version=passwords[each.source].version)  # type: ignore[index]
        for each in wanted
    ]
