# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A small file of ours on a host that outlives a crash: a reader sees the old text or the new, never half of one.

Its directory may belong to a service, which may swap any name in it for a link at any moment. So root opens it once,
makes a file that was not there, and sets owner and mode on what it has opened.
"""

from __future__ import annotations

import os


def write(path: str, text: str | bytes, *, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Write the file; owner is (uid, gid), None for our own. Nothing is left behind when that fails.

    Raises OSError, also where its directory is missing or is a link.
    """
    place, name = os.path.split(os.path.abspath(path))
    directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        write_in(directory, name, text, mode=mode, owner=owner)
    finally:
        os.close(directory)


def write_in(
    directory: int, name: str, text: str | bytes, *, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """The same in a directory that is open; raises OSError."""
    draft = ".%s-%s" % (name, os.urandom(8).hex())
    handle = os.open(
        draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory
    )
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8") if isinstance(text, str) else text)
            stream.flush()
            if owner is not None:
                os.fchown(handle, *owner)
            os.fchmod(handle, mode)
            os.fsync(handle)
        os.replace(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
        # Without it a power cut may take the name back.
        os.fsync(directory)
    except BaseException:
        _drop(draft, directory)
        raise


def _drop(name: str, directory: int) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
