# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which users to make, to change and to remove, from what is declared and what is there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Collection, Iterable, Mapping

from .._aws import secrets
from .._kafka.users import MECHANISMS, Credential
from .._tls.identity import is_nodes_name
from .declared import Edit, ObjectsError, holds, once

LEAST_ITERATIONS = 4096
# ScramControlManager.MAX_ITERATIONS of Kafka, which says so only after each password was hashed here.
MOST_ITERATIONS = 16384
PASSWORDS = ("password", "password_file", "password_from")
USER_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "password_file": {"type": "path", "no_log": False},
    "password": {"type": "str", "no_log": True},
    "password_from": {"type": "dict", "no_log": False, "options": secrets.SOURCE_OPTIONS},
    "mechanism": {"type": "str", "choices": list(MECHANISMS), "default": "SCRAM-SHA-512"},
    "iterations": {"type": "int", "default": 8192},
    "pair": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


@dataclass(frozen=True)
class Wanted:
    """A user as it shall be. Without a password it must exist, and its password is not looked at."""

    user: str
    mechanism: str
    iterations: int
    password: str | None = field(default=None, repr=False)
    # Where the password is kept in AWS, and which version of it this is; "" is one that is still to be kept there.
    source: secrets.Source | None = None
    version: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What Kafka knows it by."""
        return self.user, self.mechanism

    @property
    def unkept(self) -> bool:
        """Whether its password is a new one that is nowhere but here."""
        return self.source is not None and self.password is not None and not self.version

    def credential(self) -> Credential:
        """What to log in with; for users with a password."""
        return Credential(self.user, self.mechanism, self.iterations, self.password or "")


@dataclass(frozen=True)
class Change:
    """Credentials to make or replace, and those to remove, by user and mechanism."""

    before: Mapping[tuple[str, str], int]
    upsert: tuple[Wanted, ...]
    remove: tuple[tuple[str, str], ...]

    def edits(self) -> list[Edit]:
        """The change as lines, without passwords."""
        made = [
            Edit(
                line(each.key, self.before[each.key]) if each.key in self.before else None,
                line(each.key, each.iterations)
                + (", another password" if self.before.get(each.key) == each.iterations else ""),
            )
            for each in self.upsert
        ]
        kept = [Edit(None, "%s, with a new password" % where) for where in self.unkept()]
        return kept + made + [Edit(line(key, self.before[key]), None) for key in self.remove]

    def unkept(self) -> dict[secrets.Source, secrets.Password]:
        """New passwords that are nowhere but here."""
        return {each.source: secrets.Password(each.password or "") for each in self.upsert if each.unkept}  # type: ignore[misc]


def line(key: tuple[str, str], iterations: int) -> str:
    """A user in words."""
    return "user %s, %s, %d iterations" % (*key, iterations)


def wanted(entries: Iterable[Mapping[str, Any]], read: Callable[[str], str]) -> tuple[list[Wanted], list[str]]:
    """The users that shall exist, and the names of those that shall not; read returns the text of a file.

    Raises ObjectsError for what no user can be.
    """
    entries = list(entries)
    present = [_wanted(entry, read) for entry in entries if entry["state"] == "present"]
    absent = [entry["name"] for entry in entries if entry["state"] == "absent"]
    once([*("%s (%s)" % each.key for each in present), *absent], "user")
    for name in sorted({each.user for each in present} & set(absent)):
        raise ObjectsError("The user %s is declared present and absent; leave one of them." % name)
    return present, absent


def _wanted(entry: Mapping[str, Any], read: Callable[[str], str]) -> Wanted:
    name, iterations = entry["name"], entry["iterations"]
    # Kafka takes the name for the principal, however its owner came in.
    if is_nodes_name(name):
        raise ObjectsError(
            "The user %s would have the name of the cluster's nodes or operator, and do anything with a password; give"
            " it another name, or remove it with state: absent. See docs/security.md." % name
        )
    if iterations < LEAST_ITERATIONS:
        raise ObjectsError(
            "The user %s has %d iterations, but Kafka takes no fewer than %d." % (name, iterations, LEAST_ITERATIONS)
        )
    given = [option for option in PASSWORDS if entry[option] is not None]
    if len(given) > 1:
        raise ObjectsError("The user %s has a %s and a %s; leave one of them." % (name, *given[:2]))
    password = entry["password"]
    source = secrets.source(entry["password_from"], name) if entry["password_from"] is not None else None
    if entry["password_file"] is not None:
        password = read(entry["password_file"])
    # Kafka's client library does not escape them at a login.
    if given and any(letter in name for letter in ",="):
        raise ObjectsError("The user %s cannot log in from here; leave commas and equals signs out of its name." % name)
    # ScramMessages of Kafka takes no other name at a login.
    if given and not name.isascii():
        raise ObjectsError("The user %s can never log in; leave letters that are not ASCII out of its name." % name)
    if password is not None:
        _check_password(name, password)
    return Wanted(name, entry["mechanism"], iterations, password, source)


def _check_password(name: str, password: str) -> None:
    if not password or not password.isprintable():
        raise ObjectsError(
            "The password of the user %s is empty, or has a line break or another character that cannot be printed;"
            " correct it." % name
        )


def resolved(
    before: Mapping[tuple[str, str], int],
    present: Iterable[Wanted],
    found: Mapping[secrets.Source, secrets.Password | None],
) -> list[Wanted]:
    """The users with their passwords out of AWS, and with new ones where there is none yet.

    Raises ObjectsError for a secret that is missing and cannot be generated.
    """
    present = list(present)
    known = {user for user, _mechanism in before}
    made: dict[secrets.Source, secrets.Password] = {}
    for each in present:
        if each.source is None or found[each.source] is not None:
            continue
        if not each.source.generate:
            raise ObjectsError(
                "The user %s has no password, because there is no %s; make it, or correct its name."
                % (each.user, each.source)
            )
        if each.user in known:
            raise ObjectsError(
                "The user %s exists, but there is no %s, and a new password would shut its clients out; put the"
                " password that they use there, or correct the name." % (each.user, each.source)
            )
        made[each.source] = secrets.generated()
    return [_with(each, found[each.source] or made[each.source]) if each.source else each for each in present]


def _with(each: Wanted, password: secrets.Password) -> Wanted:
    _check_password(each.user, password.text)
    return replace(each, password=password.text, version=password.version)


def kept(change: Change, passwords: Mapping[secrets.Source, secrets.Password]) -> Change:
    """The change after its new passwords were kept; another host may have been first with its own."""
    return replace(
        change,
        upsert=tuple(
            _with(each, passwords[each.source]) if each.source in passwords else each  # type: ignore[index]
            for each in change.upsert
        ),
    )


def versions(present: Iterable[Wanted]) -> list[dict[str, str]]:
    """Which version of its password each user has, of those whose password AWS keeps."""
    return [
        {"user": each.user, "mechanism": each.mechanism, "source": str(each.source), "version": each.version}
        for each in present
        if each.version
    ]


def checked_by_login(before: Mapping[tuple[str, str], int], present: Iterable[Wanted]) -> list[Wanted]:
    """The users of whom only a login says whether the password is the declared one."""
    return [each for each in present if each.password is not None and before.get(each.key) == each.iterations]


def plan(
    before: Mapping[tuple[str, str], int],
    present: Iterable[Wanted],
    absent: Iterable[str],
    *,
    refused: Collection[tuple[str, str]],
    owned: tuple[str, ...],
    protected: Collection[str],
) -> Change:
    """What to make and what to remove; users of these names that nothing declares go, too.

    refused: the users that could not log in with the declared password. Raises ObjectsError for what no run may do.
    """
    present = list(present)
    upsert = [each for each in present if before.get(each.key) != each.iterations or each.key in refused]
    for each in upsert:
        if each.key in before and "User:" + each.user in protected:
            raise ObjectsError(
                "The user %s is an operator, and its password or iterations differ; change them with kafka-configs, so"
                " that this run cannot shut itself out." % each.user
            )
        if each.password is None:
            raise ObjectsError(
                "The user %s (%s) %s, but no password is given; set password_file."
                % (*each.key, "has other iterations" if each.key in before else "does not exist")
            )
        if each.iterations > MOST_ITERATIONS:
            raise ObjectsError(
                "The user %s has %d iterations, but Kafka takes no more than %d."
                % (each.user, each.iterations, MOST_ITERATIONS)
            )
    gone = set(absent)
    for name in sorted(gone):
        if "User:" + name in protected:
            raise ObjectsError("The user %s is an operator and is never removed here; take it out." % name)
    kept = {each.user for each in present}
    purged = {
        user
        for user, _mechanism in before
        if holds(owned, user) and user not in kept and "User:" + user not in protected
    }
    return Change(before, tuple(upsert), tuple(sorted(key for key in before if key[0] in gone | purged)))


def entries(users: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """The users as a file declares them; who has a password file adds it."""
    return [
        {
            "name": user,
            **({"mechanism": mechanism} if mechanism != USER_OPTIONS["mechanism"]["default"] else {}),
            **({"iterations": iterations} if iterations != USER_OPTIONS["iterations"]["default"] else {}),
        }
        for (user, mechanism), iterations in sorted(users.items())
    ]
