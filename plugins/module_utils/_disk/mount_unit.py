# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The systemd unit that mounts a data volume.

It also records on the root disk which volume has been formatted.
"""

from __future__ import annotations

import glob
import os
import string
from dataclasses import dataclass
from typing import Optional, Sequence

from .._errors import RackawareError

UNITS, BY_UUID = "/etc/systemd/system", "/dev/disk/by-uuid"
TARGET = "multi-user.target"
KEPT = frozenset((string.ascii_letters + string.digits + ":_.").encode())
VOLUME_KEY = "X-RackawareVolume"

TEXT = """\
# Written by rackaware.kafka; change the inventory, not this file.
[Unit]
Description=Data volume %(volume)s
%(key)s=%(volume)s

[Mount]
What=%(by_uuid)s/%(uuid)s
Where=%(mount)s
Type=xfs
Options=%(options)s
DirectoryMode=0000

[Install]
WantedBy=%(target)s
"""


class MountUnitError(RackawareError):
    """A unit could not be read or written."""


@dataclass(frozen=True)
class Remembered:
    """The content of one of our units: the volume, the file system's UUID, the mount point."""

    volume: str
    uuid: str
    mount: str


def name(mount: str) -> str:
    """The name that systemd requires of the unit of a mount point: systemd-escape --path --suffix=mount."""
    path = "/".join(part for part in mount.split("/") if part)
    if not path:
        return "-.mount"
    out = []
    for position, byte in enumerate(path.encode("utf-8", "surrogateescape")):
        if byte == ord("/"):
            out.append("-")
        elif byte in KEPT and not (position == 0 and byte == ord(".")):
            out.append(chr(byte))
        else:
            out.append("\\x%02x" % byte)
    return "".join(out) + ".mount"


def path(mount: str) -> str:
    """Where the unit of a mount point lies."""
    return os.path.join(UNITS, name(mount))


def text(volume: str, uuid: str, mount: str, options: Sequence[str]) -> str:
    """The unit's text.

    nofail keeps the mount from being ordered before local-fs.target, where a lost disk would hold up sshd
    (systemd.mount(5)). Kafka's unit requires its mounts itself.
    """
    values = {"volume": volume, "uuid": uuid, "mount": mount, "options": ",".join([*options, "nofail"])}
    escaped = {key: value.replace("%", "%%") for key, value in values.items()}
    return TEXT % {**escaped, "key": VOLUME_KEY, "by_uuid": BY_UUID, "target": TARGET}


def remembered(content: str) -> Optional[Remembered]:
    """The record in a unit's text, None when it is not one of our units."""
    pairs = dict(line.split("=", 1) for line in content.splitlines() if "=" in line and not line.startswith("#"))
    if VOLUME_KEY not in pairs:
        return None
    values = {key: pairs.get(key, "").replace("%%", "%") for key in (VOLUME_KEY, "What", "Where")}
    return Remembered(values[VOLUME_KEY], os.path.basename(values["What"]), values["Where"])


def all_remembered() -> list[Remembered]:
    """The records of all our units on this host; raises MountUnitError for one that cannot be read."""
    records = [remembered(read(unit)) for unit in sorted(glob.glob(os.path.join(glob.escape(UNITS), "*.mount")))]
    return [unit_record for unit_record in records if unit_record]


def read(unit_path: str) -> str:
    """A unit's text, empty when there is none."""
    try:
        with open(unit_path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise MountUnitError("%s cannot be read: %s; run this as root." % (unit_path, error.strerror)) from None


def write(unit_path: str, content: str) -> None:
    """Replace a unit at once, so that a crash leaves the old or the new one."""
    draft = unit_path + ".new"
    try:
        with open(draft, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, 0o644)
        os.replace(draft, unit_path)
    except OSError as error:
        raise MountUnitError("%s cannot be written: %s; look at the root disk." % (unit_path, error.strerror)) from None


def enabled(mount: str) -> bool:
    """Whether the mount is made at boot."""
    return os.path.lexists(os.path.join(UNITS, TARGET + ".wants", name(mount)))
