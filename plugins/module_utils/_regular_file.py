# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Small files on a host, read as root from directories that a service owns.

The service may put a link there (to a file that only root reads), a pipe (whose reader waits for ever) or a file
without an end.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TextIO

MOST_BYTES = 1024 * 1024


class NotRegularError(OSError):
    """There is something at this name, and it is no small regular file; strerror says so, as in any OSError."""


def opened(path: str) -> TextIO:
    """The file as a stream of UTF-8, which the caller closes.

    Raises OSError, and NotRegularError for a link, a pipe, a directory, a device or a big file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        # ENXIO is a socket's.
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _refusal(path) from None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
        os.close(descriptor)
        raise _refusal(path)
    return os.fdopen(descriptor, encoding="utf-8")


def read(path: str) -> str:
    """The text; raises OSError as opened() does, and ValueError for what is no UTF-8."""
    with opened(path) as stream:
        return stream.read(MOST_BYTES)


def _refusal(path: str) -> NotRegularError:
    return NotRegularError(errno.EINVAL, "it is no regular file of at most %d MiB" % (MOST_BYTES >> 20), path)
