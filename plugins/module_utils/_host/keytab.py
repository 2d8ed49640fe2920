# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A keytab: whose keys are in it, and how it comes to the place where a broker reads it. Its keys are shown nowhere."""

from __future__ import annotations

import base64
import binascii
import os
import struct
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from .. import _durable
from .._config.units import STAGED
from .._errors import RackawareError, reason
from . import staging

# MIT's "The Kerberos keytab binary file format": version 5.2, in network order. Version 5.1 is of the last century.
MAGIC = b"\x05\x02"
# RFC 3962 and RFC 8009. Java 17 takes no DES, triple DES and RC4 any more.
AES = (17, 18, 19, 20)
MOST_BYTES = 1 << 20
MODE = 0o440
PAGE = " See docs/security.md."


class KeytabError(RackawareError):
    """There is no keytab that a broker could use."""


@dataclass(frozen=True)
class Entry:
    """One key: whose, its version, and of what kind; the key itself is left where it is."""

    principal: str
    version: int
    kind: int


def entries(data: bytes) -> list[Entry]:
    """The keys in a keytab; raises ValueError for what is none."""
    if data[:2] != MAGIC:
        raise ValueError
    out, at = [], 2
    while at + 4 <= len(data):
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size == 0:
            break
        part = data[at : at + abs(size)]
        at += abs(size)
        # A negative size is a hole that a removed key has left.
        if size > 0:
            if len(part) < size:
                raise ValueError
            out.append(_entry(part))
    return out


def _entry(part: bytes) -> Entry:
    try:
        (count,) = struct.unpack_from(">H", part, 0)
        at, names = 2, []
        for _ in range(count + 1):
            (length,) = struct.unpack_from(">H", part, at)
            names.append(part[at + 2 : at + 2 + length].decode("utf-8"))
            at += 2 + length
        # The kind of the name and the time, four bytes each.
        version, kind, length = struct.unpack_from(">BHH", part, at + 8)
        at += 13 + length
        if at > len(part):
            raise ValueError
        if at + 4 <= len(part):
            version = struct.unpack_from(">I", part, at)[0] or version
    except struct.error:
        raise ValueError from None
    return Entry("%s@%s" % ("/".join(names[1:]), names[0]), version, kind)


@dataclass(frozen=True)
class Source:
    """Where a keytab is: a secret, a parameter, or a file of the host."""

    kind: str
    name: str

    def __str__(self) -> str:
        return "the %s %s" % (self.kind, self.name)


def source(given: Mapping[str, Any]) -> Source:
    """Read {secret, parameter, file}, of which one is given; raises KeytabError."""
    named = [Source(kind, given[kind]) for kind in ("secret", "parameter", "file") if given.get(kind)]
    if len(named) != 1:
        raise KeytabError("The keytab must be in one secret, one parameter or one file; correct kafka_keytab." + PAGE)
    return named[0]


def read(where: Source, kept: Callable[[str, str], str | None]) -> bytes:
    """The keytab; kept returns the text of a secret or parameter, None without one. Raises KeytabError."""
    if where.kind == "file":
        try:
            with open(where.name, "rb") as stream:
                return stream.read(MOST_BYTES)
        except OSError as error:
            raise KeytabError(
                "The keytab cannot be read from %s: %s; correct kafka_keytab, or put it there." % (where, reason(error))
                + PAGE
            ) from None
    text = kept(where.kind, where.name)
    if text is None:
        raise KeytabError(
            "There is no keytab, because there is no %s %s; put it there." % (where.kind, where.name) + PAGE
        )
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise KeytabError(
            "%s is not in base64; put what base64 makes of the keytab there." % _begin(where) + PAGE
        ) from None


def _begin(where: Source) -> str:
    return "The keytab in %s" % where


def check(data: bytes, principal: str, where: Source) -> list[int]:
    """The versions of the principal's keys, the newest first; raises KeytabError for a keytab that would not do."""
    try:
        found = entries(data)
    except ValueError:
        raise KeytabError("%s is none; put there what ktadd of kadmin writes." % _begin(where) + PAGE) from None
    own = [each for each in found if each.principal == principal]
    if not own:
        name, _at, realm = principal.rpartition("@")
        other = sorted({each.principal for each in found if each.principal.rpartition("@")[0] == name})
        if other:
            raise KeytabError(
                "%s has keys of %s, which is of another realm than %s; correct kafka_kerberos_realm, or the keytab."
                % (_begin(where), other[0], realm)
                + PAGE
            )
        raise KeytabError(
            "%s has no key of %s, but of %s; add it with ktadd, or correct the host in kafka_keytab."
            % (_begin(where), principal, ", ".join(sorted({each.principal for each in found})) or "no one")
            + PAGE
        )
    # Of the newest, because a KDC gives out tickets for that one.
    newest = max(each.version for each in own)
    usable = {each.version for each in own if each.kind in AES}
    if newest not in usable:
        raise KeytabError(
            "%s has only old kinds of keys of %s in version %d, its newest, which Java does not use; have the KDC make one"
            " of AES." % (_begin(where), principal, newest) + PAGE
        )
    return sorted(usable, reverse=True)


@dataclass(frozen=True)
class Step:
    """What happens: the file that gets the keytab, and a staged one that is not needed any more."""

    data: bytes = field(repr=False)
    dest: str
    writes: str | None
    drops: str | None
    waits: bool

    @property
    def changed(self) -> bool:
        """Whether anything happens at all."""
        return bool(self.writes or self.drops)


def decide(data: bytes, dest: str, principal: str, *, held: bool) -> Step:
    """In place at once, as Java reads a keytab again for each ticket that comes, and a KDC gives out tickets for a new key
    from the moment when it has made it. It is staged only where a running service is another principal.

    Raises KeytabError for a keytab that is older than the one in place.
    """
    here, beside = _there(dest), _there(dest + STAGED)
    before = _versions(here, principal)
    if before and max(before) > max(_versions(data, principal)):
        raise KeytabError(
            "The newest key of %s is version %d, and that in %s is version %d already; take a newer keytab, or remove that"
            " file when the KDC is another one."
            % (principal, max(_versions(data, principal)), dest, max(before))
            + PAGE
        )
    # What is no keytab is no running broker's either.
    waits = held and not before and _names_others(here)
    target, there = (dest + STAGED, beside) if waits else (dest, here)
    return Step(
        data, dest, None if there == data else target, None if waits or beside is None else dest + STAGED, waits
    )


def _versions(data: bytes | None, principal: str) -> list[int]:
    """Those of the principal's keys; none in what is no keytab."""
    try:
        return [each.version for each in entries(data or b"") if each.principal == principal]
    except ValueError:
        return []


def _names_others(data: bytes | None) -> bool:
    try:
        return bool(entries(data or b""))
    except ValueError:
        return False


def _there(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read(MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeytabError("%s cannot be read: %s; look at it on the host." % (path, reason(error))) from None


def apply(step: Step, group: str) -> None:
    """Do what was decided; raises KeytabError, FilesError."""
    owned = staging.Owned("root", group, 0o750)
    staging.make_directory(os.path.dirname(step.dest), owned)
    try:
        if step.writes:
            _durable.write(step.writes, step.data, mode=MODE, owner=staging.ids(owned, step.dest))
        if step.drops:
            os.unlink(step.drops)
    except OSError as error:
        raise KeytabError("%s cannot be written: %s; look at the disk." % (step.dest, reason(error))) from None
