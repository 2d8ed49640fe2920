# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A small file of ours on a host that outlives a crash: a reader sees the old text or the new, never half of one."""

from __future__ import annotations

import os
import tempfile


def write(path: str, text: str) -> None:
    """Write the file, for everybody to read; nothing is left behind when that fails. Raises OSError, also where its directory is missing."""
    place = os.path.dirname(os.path.abspath(path))
    handle, draft = tempfile.mkstemp(prefix=".%s-" % os.path.basename(path), dir=place)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
