# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A lease in a file: one owner at a time, until it ends.

All times are of the host that keeps the file, so that the clocks of other hosts do not matter.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Iterator

from .. import _durable
from .._errors import RackawareError

PATH_SPEC: dict[str, Any] = {"type": "path", "default": "/var/lib/kafka-admin/roll.lock"}
LEASE_SPEC: dict[str, Any] = {"type": "int", "default": 900}
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
# Seconds. A run that was killed blocks others for that long.
LONGEST = 7 * 24 * 3600


class LockError(RackawareError):
    """The lock is another's, or cannot be read or written."""


@dataclass(frozen=True)
class Lease:
    """Who holds the lock for what; since and expires are ISO 8601 in UTC, to the second."""

    owner: str
    what: str
    since: str
    expires: str

    def runs(self, now: float) -> bool:
        """Whether it has not ended."""
        return now < moment(self.expires)


def text(now: float) -> str:
    """Epoch seconds as they stand in the file."""
    return datetime.fromtimestamp(int(now), timezone.utc).strftime(FORMAT)


def moment(written: str) -> float:
    """Epoch seconds of a time in the file; raises ValueError."""
    return datetime.strptime(written, FORMAT).replace(tzinfo=timezone.utc).timestamp()


def take(lease: Lease | None, path: str, owner: str, what: str, *, now: float, seconds: int, break_lock: bool) -> Lease:
    """The lease after owner has asked for it; raises LockError when it is another's."""
    _check(owner, seconds)
    end = text(now + seconds)
    if lease is not None and lease.owner == owner:
        return Lease(owner, what, lease.since, end)
    if lease is not None and lease.runs(now) and not break_lock:
        raise LockError(
            "The lock %s is held by %s for %s, since %s and until %s; wait for its end, or, when that run is dead, "
            "wait until then or add -e roll_break_lock=true (break_lock: true for the module)."
            " See docs/runbooks/lock_held.md." % (path, lease.owner, lease.what, lease.since, lease.expires)
        )
    return Lease(owner, what, text(now), end)


def renewed(lease: Lease | None, path: str, owner: str, seconds: int, *, now: float) -> Lease:
    """The lease after owner has renewed it; raises LockError when another owner has it, or none.

    So a run that has lost the lock learns of it.
    """
    _check(owner, seconds)
    if lease is None or lease.owner != owner:
        holder = (
            "no run holds it"
            if lease is None
            else "%s has taken it for %s since %s" % (lease.owner, lease.what, lease.since)
        )
        raise LockError(
            "The lock %s is no longer held by %s: %s; stop here, and look who works on the cluster."
            " See docs/runbooks/lock_held.md." % (path, owner, holder)
        )
    return Lease(owner, lease.what, lease.since, text(now + seconds))


def renew(path: str, owner: str, seconds: int, *, now: float) -> None:
    """Make the lease in the file last; raises LockError when owner does not have it."""
    with guarded(path, make=False):
        write(path, renewed(read(path), path, owner, seconds, now=now))


def _check(owner: str, seconds: int) -> None:
    if not owner.strip():
        raise LockError("owner is empty; name who takes the lock, as user@host:pid.")
    if not 1 <= seconds <= LONGEST:
        raise LockError("lease_seconds is %d, but must be from 1 to %d, which is a week." % (seconds, LONGEST))


def release(lease: Lease | None, owner: str, *, break_lock: bool) -> Lease | None:
    """The lease after owner has released it: another owner's stays, unless it shall be broken."""
    return None if lease is None or lease.owner == owner or break_lock else lease


@contextmanager
def guarded(path: str, *, make: bool) -> Iterator[None]:
    """While no other process decides about this lock; with make, the directory is created.

    The directory is what is locked, because the file itself is replaced.
    """
    place = os.path.dirname(os.path.abspath(path))
    handle = None
    try:
        if make:
            os.makedirs(place, mode=0o755, exist_ok=True)
        if os.path.isdir(place):
            handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        raise LockError(
            "The lock's directory %s cannot be used: %s; look at it on the host. See docs/runbooks/lock_held.md."
            % (place, error.strerror)
        ) from None
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def read(path: str, *, break_lock: bool = False) -> Lease | None:
    """The lease in the file, None without one; raises LockError for a file that is no lease, except with break_lock."""
    try:
        with open(path, encoding="utf-8") as stream:
            plain = json.load(stream)
        lease = Lease(**{key: str(plain[key]) for key in ("owner", "what", "since", "expires")})
        moment(lease.expires)
        return lease
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockError(
            "The lock %s cannot be read: %s; look at it on the host. See docs/runbooks/lock_held.md."
            % (path, error.strerror)
        ) from None
    except (ValueError, KeyError, TypeError):
        if break_lock:
            return None
        raise LockError(
            "The lock %s cannot be understood, so its holder is not known; look at it, or add -e roll_break_lock=true."
            " See docs/runbooks/lock_held.md." % path
        ) from None


def write(path: str, lease: Lease | None) -> None:
    """Put the lease in place, or take the file away; a reader sees the old one or the new. Raises LockError."""
    try:
        if lease is None:
            os.unlink(path)
        else:
            _durable.write(path, json.dumps(asdict(lease)) + "\n")
    except OSError as error:
        raise LockError(
            "The lock %s cannot be written: %s; look at the disk of the host. See docs/runbooks/lock_held.md."
            % (path, error.strerror)
        ) from None
