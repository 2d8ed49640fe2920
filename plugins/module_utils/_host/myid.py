# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The id of a ZooKeeper node, written once into its data directory and never again."""

from __future__ import annotations

import grp
import os
import pwd

from .. import _durable, _regular_file
from .._errors import RackawareError

NAME, DATA = "myid", "version-2"
LOWEST, HIGHEST = 1, 255


class MyidError(RackawareError):
    """The data directory belongs to another node, or to an unknown one."""


def needed(data_dir: str, number: int) -> bool:
    """Whether the id must be written; raises MyidError for another node's directory, and for data without an id."""
    if not LOWEST <= number <= HIGHEST:
        raise MyidError(
            "A ZooKeeper node's id must be %d to %d, not %d; correct kafka_node_id." % (LOWEST, HIGHEST, number)
        )
    text = _text(data_dir)
    if text is None:
        if os.path.exists(os.path.join(data_dir, DATA)):
            raise MyidError(
                "%s holds a ZooKeeper node's data, but no %s that says whose; put the file back, or empty the disk."
                % (data_dir, NAME)
            )
        return True
    if text != str(number):
        raise MyidError(
            "%s belongs to ZooKeeper node %s, but this is node %d; attach the right disk, or correct kafka_node_id."
            % (data_dir, text, number)
        )
    return False


def has_data(data_dir: str) -> bool:
    """Whether the node has been in an ensemble: it has a log, or a snapshot other than that of an empty tree.

    A server that starts without the others writes the snapshot of zxid 0 (ZooKeeper, FileTxnSnapLog.restore). It holds
    nothing, so that a first run of site that was interrupted there can go on. Raises MyidError when the directory
    cannot be read.
    """
    path = os.path.join(data_dir, DATA)
    try:
        names = os.listdir(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MyidError("%s cannot be read: %s; look at that disk." % (path, error.strerror)) from None
    parts = [name.split(".") for name in names]
    return any(part[0] in ("log", "snapshot") and len(part) > 1 and part[1] != "0" for part in parts)


def read(data_dir: str) -> int | None:
    """The id that a data directory carries, None without one; raises MyidError when it cannot be read."""
    text = _text(data_dir)
    return int(text) if text and text.isdigit() else None


def _text(data_dir: str) -> str | None:
    path = os.path.join(data_dir, NAME)
    try:
        return _regular_file.read(path).strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise MyidError(
            "%s cannot be read: %s; look at that disk." % (path, getattr(error, "strerror", None) or error)
        ) from None


def write(data_dir: str, number: int, user: str | None) -> None:
    """Make the directory and the file, the user's when one is given; raises MyidError, also for a link as directory."""
    path = os.path.join(data_dir, NAME)
    try:
        owner = (pwd.getpwnam(user).pw_uid, grp.getgrnam(user).gr_gid) if user else None
        if not os.path.lexists(data_dir):
            os.mkdir(data_dir, 0o750)
        # The user owns the directory above and may swap this one for a link: only the handle is what was looked at.
        directory = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if owner is not None:
                os.fchown(directory, *owner)
            _durable.write_in(directory, NAME, "%d\n" % number, mode=0o640, owner=owner)
        finally:
            os.close(directory)
    except (OSError, LookupError) as error:
        raise MyidError(
            "%s cannot be written: %s; look at the disk and at the user %s."
            % (path, getattr(error, "strerror", None) or error, user)
        ) from None
