# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a file of declared objects owns, and what became of the objects of one kind."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from .._errors import RackawareError

NOW, LATER = "now", "later"
KAFKAS_OWN = "__"
OWNED_SPEC: dict[str, dict[str, Any]] = {
    "owned_prefixes": {"type": "list", "elements": "str", "default": []},
    "purge": {"type": "bool", "default": False},
    "removals": {"type": "str", "choices": [NOW, LATER], "default": NOW},
}


class ObjectsError(RackawareError):
    """What is declared cannot be, or must not."""


class Edit(NamedTuple):
    """One object before and after, as a line each; None where it is absent."""

    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return "create: %s" % self.after
        return "remove: %s" % self.before if self.after is None else "change: %s -> %s" % self


def owned(prefixes: Sequence[str], *, purge: bool) -> tuple[str, ...]:
    """The prefixes of names that a purge may touch, none without purge; raises ObjectsError."""
    if not purge:
        return ()
    if not prefixes:
        raise ObjectsError(
            "purge has no fence, because owned_prefixes is empty; name the prefixes that this file owns."
        )
    for prefix in prefixes:
        if not prefix.strip() or prefix.startswith(("*", KAFKAS_OWN)):
            raise ObjectsError(
                "owned_prefixes has %r, which would own what belongs to others or to Kafka; write the beginning of the"
                " names that this file owns." % prefix
            )
    return tuple(prefixes)


def holds(prefixes: tuple[str, ...], name: str) -> bool:
    """Whether a name begins with one of the prefixes, and is none of Kafka's own."""
    return name.startswith(prefixes) and not name.startswith(KAFKAS_OWN)


def once(names: Iterable[Any], what: str) -> None:
    """Raise ObjectsError when one object is declared twice."""
    seen = set()
    for name in names:
        if name in seen:
            raise ObjectsError("The %s is declared twice: %s; leave one of them." % (what, name))
        seen.add(name)


def outcome(edits: Iterable[Edit], removals: str) -> dict[str, Any]:
    """What a module returns about these edits: {changed, changes, removals, diff}.

    With removals=later what would be removed is only named.
    """
    listed = sorted(edits, key=lambda edit: edit.after or edit.before or "")
    later = [edit.after is None and removals == LATER for edit in listed]
    left = [edit for edit, waits in zip(listed, later) if waits]
    made = [edit for edit, waits in zip(listed, later) if not waits]
    return {
        "changed": bool(made),
        "changes": [str(edit) for edit in made],
        "removals": [str(edit) for edit in left],
        "diff": {
            "before": "".join("%s\n" % edit.before for edit in made if edit.before is not None),
            "after": "".join("%s\n" % edit.after for edit in made if edit.after is not None),
        },
    }


def check_principal(principal: str) -> None:
    """Raise ObjectsError unless this is a principal, as User:name."""
    kind, _colon, name = principal.partition(":")
    if not kind or not name or principal != principal.strip():
        raise ObjectsError(
            "protected_principals has %r, which is no principal and would protect none; write it as User:name."
            % principal
        )


def protected(params: Mapping[str, Any]) -> frozenset[str]:
    """The principals that keep their access: those that are named, and the user that the module logs in as.

    Raises ObjectsError for a name without a type, because that would protect none.
    """
    for principal in params["protected_principals"]:
        check_principal(principal)
    own = ["User:%s" % params["sasl_username"]] if params["sasl_username"] else []
    return frozenset([*params["protected_principals"], *own])
