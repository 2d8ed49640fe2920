# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Where an encrypted store is: which disk of several alike it is on, and the directory that its mount covers."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import re
import struct
from typing import Callable

from .._errors import RackawareError
from . import header as luks_header

# ioctl_iflags(2)
GET_FLAGS, SET_FLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10
WITHOUT_FLAGS = (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EPERM)


class DeviceMatchError(RackawareError):
    """The mount point does not exist, or it is in use."""


def is_pattern(device: str) -> bool:
    """Whether a device is a shell pattern.

    After a stop and start an instance has other disks, with other serial numbers.
    """
    return any(letter in device for letter in "*?[")


def disks(pattern: str) -> list[str]:
    """One path for each whole disk that a pattern below /dev/disk/by-id names, in the order of their names."""
    out: dict[str, str] = {}
    for path in sorted(glob.glob(pattern)):
        if not re.search(r"-part\d+$", path):
            out.setdefault(os.path.realpath(path), path)
    return sorted(out.values())


def find(
    pattern: str, uuid: str, slot: int, slots: int, scan: Callable[[str], object] = luks_header.scan
) -> str | None:
    """The disk with this volume, else the one at position slot, once all slots disks are there; None until then.

    Position alone decides, so that two stores that start at once on blank disks never choose the same one. Whether the
    disk is blank is checked later.
    """
    paths = disks(pattern)
    for path in paths:
        try:
            header = scan(path).header  # type: ignore[attr-defined]
        except (RackawareError, OSError):
            continue
        if header is not None and header.uuid == uuid:
            return path
    return paths[slot] if slot < len(paths) and len(paths) >= slots else None


def cover(mount: str) -> None:
    """Make the directory below a mount immutable, so that not even root writes there by mistake.

    Raises DeviceMatchError for one that holds anything.
    """
    if os.path.ismount(mount):
        return
    try:
        if os.path.realpath(mount) != mount:
            raise DeviceMatchError(
                "The mount point %s is %s in truth, and systemd mounts nothing on a symbolic link; give the real path."
                % (mount, os.path.realpath(mount))
            )
        _parents(os.path.dirname(mount))
        if not os.path.isdir(mount):
            os.mkdir(mount, 0)
        if os.listdir(mount):
            raise DeviceMatchError(
                "The mount point %s is not empty, and mounting would hide what it holds; move that away." % mount
            )
        _lock(mount)
    except OSError as error:
        raise DeviceMatchError(
            "The mount point %s cannot be made: %s; look at the root disk." % (mount, error.strerror)
        ) from None


def _parents(path: str) -> None:
    if not os.path.isdir(path):
        _parents(os.path.dirname(path))
        os.mkdir(path)
        # Independent of the umask: the owner of the mounted root has to pass through here.
        os.chmod(path, 0o755)


def _lock(mount: str) -> None:
    handle = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = _flags(handle)
        if flags is not None and flags & IMMUTABLE:
            return
        if os.geteuid() == 0:
            os.fchown(handle, 0, 0)
        os.fchmod(handle, 0)
        if flags is not None:
            fcntl.ioctl(handle, SET_FLAGS, struct.pack("l", flags | IMMUTABLE))
    except OSError as error:
        # A file system without flags (overlay, tmpfs) still has the mode.
        if error.errno not in WITHOUT_FLAGS:
            raise
    finally:
        os.close(handle)


def _flags(handle: int) -> int | None:
    try:
        return struct.unpack("l", fcntl.ioctl(handle, GET_FLAGS, struct.pack("l", 0)))[0] & 0xFFFFFFFF
    except OSError:
        return None
