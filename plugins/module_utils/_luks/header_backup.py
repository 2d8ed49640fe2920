# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Copies of a LUKS header: key material, because a copy and an old key open the volume for ever."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace

from .._errors import RackawareError
from . import header as luks_header
from .cryptsetup import Cryptsetup
from .header import Header, Scan

# Where the playbooks keep them, below the directory of the format records.
NAME = "headers"


class HeaderBackupError(RackawareError):
    """A copy that is not what it must be, or a place for it that is not safe."""


@dataclass(frozen=True)
class Copy:
    """A file with a header: which, and its permissions; header is None when the file holds none."""

    header: Header | None
    mode: int
    owned: bool


def read(path: str) -> Copy | None:
    """The copy in a file, None where there is none; raises HeaderBackupError."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HeaderBackupError("%s cannot be looked at: %s." % (path, error.strerror)) from None
    if not stat.S_ISREG(status.st_mode):
        raise HeaderBackupError("%s is no regular file; choose another place." % path)
    return Copy(luks_header.scan(path).header, stat.S_IMODE(status.st_mode), status.st_uid == os.geteuid())


def same(one: Header, other: Header) -> bool:
    """Whether a copy is of this very state of a header. The sequence number alone restarts with each format."""
    return replace(one, copies=0) == replace(other, copies=0)


def plan_present(header: Header | None, copy: Copy | None, uuid: str, dest: str) -> tuple[str, ...]:
    """Steps to an up-to-date copy; raises HeaderBackupError."""
    if header is None or header.uuid != uuid:
        raise HeaderBackupError(
            "The device holds %s, not %s; nothing was copied."
            % (("the volume " + header.uuid) if header else "no LUKS header", uuid)
        )
    if copy is None:
        return ("copy",)
    if copy.header is None or copy.header.uuid != uuid:
        raise HeaderBackupError(
            "%s is something else than a header of %s, and is not overwritten; choose another place." % (dest, uuid)
        )
    steps = () if same(copy.header, header) else ("remove copy", "copy")
    return steps if steps or (copy.mode & 0o377 == 0 and copy.owned) else ("protect",)


def plan_absent(copy: Copy | None, uuid: str, dest: str) -> tuple[str, ...]:
    """Steps to no copy; raises HeaderBackupError for a file that is none of this volume."""
    if copy is None:
        return ()
    if copy.header is None or copy.header.uuid != uuid:
        raise HeaderBackupError("%s is something else than a header of %s, and is not removed." % (dest, uuid))
    return ("remove copy",)


def plan_restored(
    scan: Scan,
    *,
    copy: Copy | None,
    uuid: str,
    confirm_uuid: str | None,
    used: str,
    signed: bool,
    remembered: str,
    dest: str,
) -> tuple[str, ...]:
    """Steps to the copied header on the device; raises HeaderBackupError.

    used says who uses the device; signed is whether something else than LUKS is on it; remembered is the key_digest
    that this host has noted of the device as this volume, empty without one. A copy of an earlier volume would open
    with the same key, and all data would be noise.
    """
    if copy is None or copy.header is None or copy.header.uuid != uuid:
        raise HeaderBackupError("%s holds no header of %s; nothing was restored." % (dest, uuid))
    if scan.header is not None and same(scan.header, copy.header) and scan.header.copies == 2:
        return ()
    if used:
        raise HeaderBackupError("The device is in use (%s); unmount and close it before its header is restored." % used)
    if scan.header is not None:
        if scan.header.uuid != uuid:
            raise HeaderBackupError("The device holds another volume, %s; nothing was restored." % scan.header.uuid)
        if scan.header.key_digest != copy.header.key_digest:
            raise HeaderBackupError(
                "%s is of an earlier volume %s, which was formatted again since; nothing was restored: "
                "destroy that copy, and make a new one." % (dest, uuid)
            )
    elif signed:
        raise HeaderBackupError("The device holds something else than a damaged LUKS header; nothing was restored.")
    elif remembered != copy.header.key_digest:
        raise HeaderBackupError(
            "This host does not know the device as %s with the volume key of %s, and no header on it says so; "
            "nothing was restored." % (uuid, dest)
        )
    if confirm_uuid != uuid:
        raise HeaderBackupError(
            "Restoring brings back the key slots of the copy, removed ones too; set confirm_uuid to %s if that is"
            " meant." % uuid
        )
    return ("restore",)


def destroy(directory: str, uuid: str) -> None:
    """Destroy all copies of a volume's header in a directory; raises HeaderBackupError."""
    try:
        paths = [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
        for path in paths:
            copy = read(path) if stat.S_ISREG(os.lstat(path).st_mode) else None
            if copy is not None and copy.header is not None and copy.header.uuid == uuid:
                _shred(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HeaderBackupError(
            "The copies of headers in %s cannot be destroyed: %s; look at the root disk." % (directory, error.strerror)
        ) from None


def step(name: str, *, cryptsetup: Cryptsetup, device: str, dest: str) -> None:
    """Do one step; raises RackawareError."""
    try:
        if name == "remove copy":
            _shred(dest)
        elif name == "copy":
            _copy(cryptsetup, device, dest)
        elif name == "protect":
            os.chown(dest, os.geteuid(), os.getegid())
            os.chmod(dest, 0o400)
        elif name == "restore":
            cryptsetup.restore(device=device, source=dest)
    except OSError as error:
        raise HeaderBackupError("%s cannot be written: %s." % (dest, error.strerror)) from None


def _copy(cryptsetup: Cryptsetup, device: str, dest: str) -> None:
    # cryptsetup makes the file itself; under this mask no other user can read it at any time.
    draft = dest + ".new"
    if os.path.lexists(draft):
        _shred(draft)
    old = os.umask(0o377)
    try:
        cryptsetup.backup(device=device, dest=draft)
    finally:
        os.umask(old)
    copied, held = luks_header.scan(draft).header, luks_header.scan(device).header
    if copied is None or held is None or not same(copied, held):
        _shred(draft)
        raise HeaderBackupError("The copy in %s is not the header of %s; look at the disk." % (dest, device))
    os.chmod(draft, 0o400)
    os.replace(draft, dest)


def _shred(path: str) -> None:
    """Overwrite, then remove. On a disk that writes elsewhere (SSD, copy-on-write) the old bytes may stay."""
    os.chmod(path, 0o600)
    with open(path, "r+b") as stream:
        stream.write(bytes(os.fstat(stream.fileno()).st_size))
        stream.flush()
        os.fsync(stream.fileno())
    os.unlink(path)
