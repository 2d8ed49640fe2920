# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Waiting for a condition: one loop, on the monotonic clock."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

from ._errors import RackawareError

Seen = TypeVar("Seen")


class WaitTimeout(RackawareError):
    """The condition did not come true in time; the message carries what was seen last."""


def wait_until(
    fetch: Callable[[], Seen],
    predicate: Callable[[Seen], bool],
    *,
    what: str,
    timeout: float,
    interval: float = 1.0,
    describe: Callable[[Seen], str] = str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Fetch until the predicate holds and return what was fetched.

    what completes the sentence "Waited N seconds for …"; timeout and interval are seconds. The condition is looked at
    at least once, also with a timeout of 0. Raises WaitTimeout; errors of fetch pass through.
    """
    start = clock()
    while True:
        seen = fetch()
        if predicate(seen):
            return seen
        if clock() - start + interval > timeout:
            raise WaitTimeout("Waited %.0f seconds for %s; last seen: %s." % (timeout, what, describe(seen)))
        sleep(interval)
