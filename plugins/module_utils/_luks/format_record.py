# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The record of a disk that this host encrypted.

It is on the root disk, because an instance store is blank after the instance stops.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import asdict, dataclass

from .. import _durable, _regular_file
from .._errors import RackawareError

DIRECTORY = "/var/lib/kafka-luks"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
SYS_BLOCK = "/sys/class/block"
# formatting: nothing was ever stored. ready: data may be stored. erasing, erased: the keys are (being) destroyed.
FORMATTING, READY, ERASING, ERASED = "formatting", "ready", "erasing", "erased"
STATES = (FORMATTING, READY, ERASING, ERASED)


class FormatRecordError(RackawareError):
    """The record of a disk cannot be trusted, or cannot be written."""


@dataclass(frozen=True)
class FormatRecord:
    """What this host knows of a disk that it has encrypted.

    state is one of STATES; boot is the boot in which it was written; digest is of the data behind the header when it
    was erased. key_digest is the header's, from the format on: a header that is damaged later does not say which volume
    it was.
    """

    uuid: str
    state: str
    boot: str
    digest: str = ""
    key_digest: str = ""


def boot_id(path: str = BOOT_ID) -> str:
    """The kernel's id of this boot."""
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().strip()
    except OSError as error:
        raise FormatRecordError("%s cannot be read: %s; look at the host." % (path, error.strerror)) from None


def identity(device: str, sys_block: str = SYS_BLOCK) -> str:
    """A name that stays with the disk when the kernel renumbers.

    It is the disk's serial, the file behind a loop device, or its own name.
    """
    kernel = os.path.basename(os.path.realpath(device))
    namespace = re.fullmatch(r"nvme\d+(n\d+)", kernel)
    home = os.path.join(sys_block, kernel)
    for kind, parts in (("serial", ("device", "serial")), ("serial", ("serial",)), ("file", ("loop", "backing_file"))):
        try:
            with open(os.path.join(home, *parts), encoding="utf-8") as stream:
                name = stream.read().strip()
        except OSError:
            continue
        if name:
            return _safe("%s-%s%s" % (kind, name, "-" + namespace.group(1) if namespace else ""))
    return _safe("name-" + kernel)


def _safe(text: str) -> str:
    # Reversible, so that two disks never share a name.
    return re.sub(r"[^A-Za-z0-9.-]", lambda match: "_%02x" % ord(match.group()), text)


def path_of(device: str, directory: str, sys_block: str = SYS_BLOCK) -> str:
    """The file with the record of a device."""
    return os.path.join(directory, identity(device, sys_block) + ".json")


def load(path: str) -> FormatRecord | None:
    """The record, None if there is none.

    Raises FormatRecordError for one that is damaged or that other users can write.
    """
    try:
        with _regular_file.opened(path) as stream:
            status = os.fstat(stream.fileno())
            content = json.load(stream)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FormatRecordError(
            "%s cannot be read: %s; look at it, and remove it only if its disk may be formatted."
            % (path, type(error).__name__)
        ) from None
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise FormatRecordError(
            "%s can be written by others than its owner, so it is not trusted; correct its owner and mode." % path
        )
    try:
        marker = FormatRecord(**content)
    except TypeError:
        marker = None
    if marker is None or marker.state not in STATES:
        raise FormatRecordError("%s is damaged; look at it, and remove it only if its disk may be formatted." % path)
    return marker


def save(path: str, marker: FormatRecord) -> None:
    """Write it so that a power cut leaves the old one or the new one; raises FormatRecordError."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _durable.write(path, json.dumps(asdict(marker), sort_keys=True), mode=0o600)
    except OSError as error:
        raise FormatRecordError("%s cannot be written: %s; look at the root disk." % (path, error.strerror)) from None
