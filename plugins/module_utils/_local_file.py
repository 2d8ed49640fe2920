# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Files that are written on the machine on which Ansible runs: reports, and what a roll did."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

from ._errors import RackawareError


class LocalFileError(RackawareError):
    """A file on the machine on which Ansible runs cannot be written."""


@contextmanager
def writing(path: str, what: str) -> Iterator[None]:
    """Around the writing of a file: makes its directory, and raises LocalFileError, which names what and the path.

    what begins a sentence, such as "The page".
    """
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        yield
    except OSError as error:
        raise LocalFileError(
            "%s cannot be written to %s: %s; correct the path, or make room." % (what, path, error.strerror)
        ) from None


def write(path: str, text: str, what: str) -> None:
    """Write a file; raises LocalFileError."""
    with writing(path, what), open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
