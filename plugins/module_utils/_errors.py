# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The one base error of the collection: everything below a module's main() raises it, main() converts it once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator


class RackawareError(Exception):
    """What is wrong, with which thing, why, and what to do next, in one sentence for the operator."""


def reason(error: Exception) -> str:
    """The cause of a failed call or request: an HTTP status, the reason of a URLError, or strerror."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    inner = error if hasattr(error, "code") else getattr(error, "reason", None) or error
    return str(getattr(inner, "strerror", None) or inner)


@contextmanager
def unforeseen(what: str) -> Iterator[None]:
    """Around work with keys: turn an unexpected error into a RackawareError that names only its type.

    The error's text and its traceback may hold a key.
    """
    try:
        yield
    except RackawareError:
        raise
    except Exception as error:
        raise RackawareError("%s: %s." % (what, type(error).__name__)) from None
