# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Where a module gets a volume's key: a file in memory, or a wrapped key. The bytes are overwritten after use."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

from .._disk import probe
from .._errors import RackawareError
from . import kms
from .cryptsetup import forget

IN_MEMORY = ("ramfs", "tmpfs")
SHORTEST, LONGEST = kms.SHORTEST_KEY, 512


class KeyFault(RackawareError):
    """The key cannot be taken from there, or put there."""


def spec() -> dict[str, Any]:
    """The option of a module that takes a key."""
    options = {"file": {"type": "path"}, "wrapped": kms.WRAPPED_SPEC, **kms.CONNECTION_SPEC}
    exclusive: dict[str, Any] = {"mutually_exclusive": [("file", "wrapped")], "required_one_of": [("file", "wrapped")]}
    return {"type": "dict", "no_log": False, "options": options, **exclusive}


def facts_of(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a token may say of a key: nothing of a file, everything of a wrapped key."""
    return kms.wrapped(given["wrapped"]).as_dict() if given and given.get("wrapped") else {}


@contextmanager
def key_of(given: Mapping[str, Any]) -> Iterator[bytearray]:
    """The key of an option made by spec(); raises RackawareError."""
    if given.get("wrapped"):
        if kms.BOTO3_ERROR:
            raise KeyFault("boto3 is missing on this host; install python3-boto3.")
        which = kms.wrapped(given["wrapped"])
        key = kms.connect(which.region, given.get("credentials") or kms.INSTANCE).unwrap(which)
    else:
        key = read(given["file"])
    try:
        yield key
    finally:
        forget(key)


def read(path: str) -> bytearray:
    """The bytes of a key file, all of them; raises KeyFault for one that is not in memory or that others can read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFault("The key file %s cannot be opened: %s." % (path, error.strerror)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFault("The key file %s is no regular file." % path)
        _in_memory(path, status)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise KeyFault(
                "The key file %s can be reached by others than %s; make it 0400."
                % (path, "root" if os.geteuid() == 0 else "its reader")
            )
        if not SHORTEST <= status.st_size <= LONGEST:
            raise KeyFault(
                "The key file %s has %d bytes; a key is random and has %d to %d."
                % (path, status.st_size, SHORTEST, LONGEST)
            )
        key = bytearray(status.st_size)
        if os.readv(descriptor, [key]) != len(key):
            forget(key)
            raise KeyFault("The key file %s cannot be read as a whole." % path)
        return key
    except OSError as error:
        raise KeyFault("The key file %s cannot be read: %s." % (path, error.strerror)) from None
    finally:
        os.close(descriptor)


def _in_memory(path: str, status: os.stat_result) -> None:
    number = "%d:%d" % (os.major(status.st_dev), os.minor(status.st_dev))
    kinds = {mount.kind for mount in probe.mounts() if mount.number == number}
    if not kinds or not kinds <= set(IN_MEMORY):
        raise KeyFault(
            "%s is on %s; a key may only be in a file system in memory (ramfs or tmpfs), such as /run."
            % (path, "/".join(sorted(kinds)) or "a disk")
        )


def check_dest(path: str) -> None:
    """Refuse a place for a key that is not in memory, or taken; raises KeyFault."""
    directory = os.path.dirname(path)
    if not os.path.isabs(path):
        raise KeyFault("%s is no absolute path." % path)
    try:
        status = os.stat(directory)
    except OSError as error:
        raise KeyFault("The directory %s cannot be used: %s." % (directory, error.strerror)) from None
    _in_memory(directory, status)
    if os.path.lexists(path):
        raise KeyFault("%s exists already, and is not overwritten; remove it first." % path)


def write(path: str, key: bytearray) -> None:
    """Put a key into a new file that only its owner can read; raises KeyFault, and leaves no part of it."""
    check_dest(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    except OSError as error:
        raise KeyFault("%s cannot be made: %s." % (path, error.strerror)) from None
    try:
        # Through this very file, because the directory may have been exchanged since it was looked at.
        _in_memory(path, os.fstat(descriptor))
        if os.write(descriptor, key) != len(key):
            raise KeyFault("%s cannot be written as a whole." % path)
    except (OSError, KeyFault) as error:
        os.unlink(path)
        raise (
            error if isinstance(error, KeyFault) else KeyFault("%s cannot be written: %s." % (path, error.strerror))
        ) from None
    finally:
        os.close(descriptor)
