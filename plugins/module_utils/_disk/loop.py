# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Files behind loop devices: attached once, found again by the file's own number, and never shrunk."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import re
import stat
import struct
from dataclasses import asdict, dataclass
from typing import Any, Sequence

from .._command import Run
from .._errors import RackawareError
from . import probe

SYS_BLOCK = "/sys/block"
ATTACHED, DETACHED, ABSENT = "attached", "detached", "absent"
FULL, SPARSE = "full", "sparse"
# linux/loop.h: LOOP_GET_STATUS64, and the size of struct loop_info64.
GET_STATUS, STATUS_SIZE = 0x4C05, 232
READ_ONLY, DIRECT_IO = 1, 16


class LoopError(RackawareError):
    """The file or its loop device is not what it must be."""


@dataclass(frozen=True)
class Wanted:
    """A file, its size in bytes, and how it is attached."""

    path: str
    size: int = 0
    allocate: str = FULL
    direct_io: bool = True
    sector_size: int = 512
    offset: int = 0
    read_only: bool = False


@dataclass(frozen=True)
class Loop:
    """An attached loop device; file is the backing file's (device, inode)."""

    device: str
    file: tuple[int, int]
    direct_io: bool
    sector_size: int
    offset: int
    read_only: bool
    holders: tuple[str, ...] = ()
    busy: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return asdict(self)


@dataclass(frozen=True)
class File:
    """A backing file that exists."""

    size: int
    number: tuple[int, int]


def file_of(path: str) -> File | None:
    """The file at a path, None where there is none; raises LoopError for anything else."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LoopError("%s cannot be looked at: %s." % (path, error.strerror)) from None
    if not stat.S_ISREG(status.st_mode):
        raise LoopError("%s is no regular file; choose another path." % path)
    return File(status.st_size, (status.st_dev, status.st_ino))


def loops(sys_block: str = SYS_BLOCK) -> list[Loop]:
    """All attached loop devices, as the kernel says.

    A path in sysfs may be cut off, deleted, or of another mount namespace.
    """
    out = []
    for home in sorted(glob.glob(os.path.join(sys_block, "loop*"))):
        if not os.path.exists(os.path.join(home, "loop", "backing_file")):
            continue
        device = "/dev/" + os.path.basename(home)
        try:
            descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            # Not ours to see, as in a container that has only some of the host's devices.
            if error.errno in (errno.ENOENT, errno.ENXIO, errno.EACCES, errno.EPERM):
                continue
            raise LoopError("%s cannot be asked: %s; run this as root." % (device, error.strerror)) from None
        try:
            status = _status(descriptor)
        finally:
            os.close(descriptor)
        if status is not None:
            holders = tuple(sorted(os.path.basename(path) for path in glob.glob(os.path.join(home, "holders", "*"))))
            sector = int(probe.sysfs(os.path.join(home, "queue", "logical_block_size")) or 512)
            out.append(
                Loop(
                    device,
                    status[0],
                    status[2] & DIRECT_IO != 0,
                    sector,
                    status[1],
                    status[2] & READ_ONLY != 0,
                    holders,
                    _busy(device),
                )
            )
    return out


def _status(descriptor: int) -> tuple[tuple[int, int], int, int] | None:
    """((device, inode), offset, flags), None when it was detached meanwhile."""
    buffer = bytearray(STATUS_SIZE)
    try:
        fcntl.ioctl(descriptor, GET_STATUS, buffer)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise LoopError("A loop device cannot be asked: %s; run this as root." % error.strerror) from None
    device, inode, _rdevice, offset = struct.unpack_from("=QQQQ", buffer)
    return (_decoded(device), inode), offset, struct.unpack_from("=I", buffer, 52)[0]


def _decoded(number: int) -> int:
    """The kernel's huge_encode_dev as a st_dev; linux/kdev_t.h."""
    major, minor = (number & 0xFFF00) >> 8, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    return os.makedev(major, minor)


def _busy(device: str) -> bool:
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def bytes_of(text: str) -> int:
    """A size such as 2G or 512M, in powers of 1024; raises LoopError."""
    match = re.fullmatch(r"(\d+)([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if not match or int(match[1]) == 0:
        raise LoopError("%s is no size; write it as 2G or 512M." % text)
    return int(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ")


def plan(
    file: File | None, every: Sequence[Loop], wanted: Wanted, *, state: str, confirm_path: str | None = None
) -> tuple[str, ...]:
    """The steps from the current state to state; raises LoopError."""
    mine = [loop for loop in every if file is not None and loop.file == file.number]
    if len(mine) > 1:
        raise LoopError(
            "%s is behind %s at once; detach all but one by hand."
            % (wanted.path, " and ".join(loop.device for loop in mine))
        )
    loop = mine[0] if mine else None
    if state != ATTACHED:
        return _plan_away(file, loop, wanted, state=state, confirm_path=confirm_path)
    if file is None:
        if not wanted.size:
            raise LoopError("%s does not exist, and no size is given; set size." % wanted.path)
        return ("create", "attach")
    if wanted.size and file.size != wanted.size:
        raise LoopError(
            "%s has %d bytes, wanted %d; a file with a volume in it is not resized: correct size."
            % (wanted.path, file.size, wanted.size)
        )
    if loop is None:
        return ("attach",)
    other = [
        "%s %s, wanted %s" % (name.replace("_", " "), getattr(loop, name), getattr(wanted, name))
        for name in ("direct_io", "sector_size", "offset", "read_only")
        if getattr(loop, name) != getattr(wanted, name)
    ]
    if other:
        raise LoopError(
            "%s is attached to %s with another %s; close what uses it, detach it, and run this again."
            % (wanted.path, loop.device, "; ".join(other))
        )
    return ()


def _plan_away(
    file: File | None, loop: Loop | None, wanted: Wanted, *, state: str, confirm_path: str | None
) -> tuple[str, ...]:
    if loop is not None and (loop.holders or loop.busy):
        raise LoopError(
            "%s is in use (%s); unmount and close what is on it first."
            % (loop.device, ", ".join(loop.holders) or "mounted or opened")
        )
    steps = ("detach",) if loop else ()
    if state == DETACHED or file is None:
        return steps
    if confirm_path != wanted.path:
        raise LoopError(
            "Removing %s loses what is in it; set confirm_path to the same path if that is meant." % wanted.path
        )
    return (*steps, "remove")


def step(name: str, wanted: Wanted, run: Run) -> None:
    """Do one step; raises RackawareError."""
    if name == "create":
        _create(wanted)
    elif name == "attach":
        _attach(wanted, run)
    elif name == "detach":
        _detach(wanted, run)
    elif name == "remove":
        os.unlink(wanted.path)
    else:
        raise LoopError("There is no step %s." % name)


def attached(wanted: Wanted) -> Loop | None:
    """The file's loop device."""
    file = file_of(wanted.path)
    return next((loop for loop in loops() if file is not None and loop.file == file.number), None)


def _create(wanted: Wanted) -> None:
    # Under another name until it is complete, so that a power cut or a full disk leaves nothing that looks finished.
    draft = wanted.path + ".new"
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if wanted.allocate == FULL:
                os.posix_fallocate(descriptor, 0, wanted.size)
            else:
                os.truncate(descriptor, wanted.size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(draft, wanted.path)
    except OSError as error:
        if os.path.lexists(draft):
            os.unlink(draft)
        raise LoopError(
            "%s cannot be made with %d bytes: %s; look at the disk below it."
            % (wanted.path, wanted.size, error.strerror)
        ) from None


def _attach(wanted: Wanted, run: Run) -> None:
    # Not --nooverlap: it returns an existing device and silently ignores the other options (tried, util-linux 2.38).
    argv = [
        "losetup",
        "--find",
        "--show",
        "--direct-io=%s" % ("on" if wanted.direct_io else "off"),
        "--sector-size",
        str(wanted.sector_size),
    ]
    argv += (
        (["--offset", str(wanted.offset)] if wanted.offset else [])
        + (["--read-only"] if wanted.read_only else [])
        + [wanted.path]
    )
    code, out, _err = run(argv)
    device = out.strip()
    if code != 0 or not device:
        raise LoopError(
            "%s cannot be attached (losetup: code %d); look whether its file system can do direct I/O, and at the"
            " kernel's log." % (wanted.path, code)
        )
    loop = attached(wanted)
    if loop is None or loop.direct_io != wanted.direct_io or loop.sector_size != wanted.sector_size:
        run(["losetup", "--detach", device])
        raise LoopError(
            "%s cannot be attached with direct I/O and these sectors here; set direct_io to false, or use another"
            " file system." % wanted.path
        )


def _detach(wanted: Wanted, run: Run) -> None:
    loop = attached(wanted)
    if loop is None:
        return
    code, _out, _err = run(["losetup", "--detach", loop.device])
    # losetup succeeds on a device in use, too: it then goes away some time later.
    if code != 0 or attached(wanted) is not None:
        raise LoopError("%s cannot be detached (losetup: code %d); look at what uses it." % (loop.device, code))
