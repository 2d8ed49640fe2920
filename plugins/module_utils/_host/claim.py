# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which run has claimed this host, and a stop that only this run can do, and only on a fresh answer.

The lock of the cluster is on one host, and a stop happens on another. Between the two, the run may be suspended for any
time. So each run that has taken the lock writes its name on every host before it looks at the cluster (a fencing
token). The command that stops a service compares that name and the age of the answer, by the clock of the host that
stops.
"""

from __future__ import annotations

import os
import shlex

from .. import _durable
from .._errors import RackawareError

PATH = "/var/lib/kafka-admin/claim"
# Seconds. An older answer of the gate does not count.
OLDEST_ANSWER = 60
# Seconds by which the clock of the host that asked may be ahead of the one that stops.
CLOCKS_APART = 5
ANOTHER_RUN, OLD_ANSWER, RUNS_AGAIN = 75, 76, 77


class ClaimError(RackawareError):
    """The host belongs to another run, or its claim cannot be read or written."""


def claim(owner: str, since: str, *, now: str, path: str = PATH) -> bool:
    """Write the owner's name here, unless it is there; returns whether anything was written.

    since is when the owner took the lock, as the lock says; now is the time of this host, in the same form.
    Raises ClaimError when a run that took the lock later has claimed the host: this run has lost the lock.
    """
    before = _read(path)
    # A claim from the future comes from a clock that ran ahead. It would refuse all later runs, so it does not count.
    if before is not None and since < before[0] <= now and before[1] != owner:
        raise ClaimError(
            "This host belongs to a run that took the lock later (%s, since %s). Stop here, and look who works on the"
            " cluster. If no run does, the clock of the host that keeps the lock was set back: correct it, and run the"
            " same command again. See docs/runbooks/lock_held.md." % (before[1], before[0])
        )
    if before == (since, owner):
        return False
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        _durable.write(path, "%s %s\n" % (since, owner))
    except OSError as error:
        raise ClaimError("%s cannot be written: %s; look at the disk of the host." % (path, error.strerror)) from None
    return True


def _read(path: str) -> tuple[str, str] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            since, _, owner = stream.readline().rstrip("\n").partition(" ")
        return since, owner
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ClaimError(
            "%s cannot be read: %s; look at it on the host." % (path, getattr(error, "strerror", None) or error)
        ) from None


def check(owner: str, answered: float | None, *, now: float, path: str = PATH) -> None:
    """Raise ClaimError unless the owner has claimed the host and the answer is fresh, by the rules of stop_command.

    Modules call it before a step that cannot be undone. answered is None for a step that completes what was begun on a
    fresh answer.
    """
    claimed = _read(path)
    age = 0 if answered is None else int(now) - int(answered)
    why = None
    if claimed is None or claimed[1] != owner:
        why = refusal(ANOTHER_RUN, "%s %s" % (claimed[1], claimed[0]) if claimed else "no run")
    elif not -CLOCKS_APART <= age <= OLDEST_ANSWER:
        why = refusal(OLD_ANSWER, str(age))
    if why:
        raise ClaimError("Nothing was done here: %s. See docs/runbooks/lock_held.md." % why)


def stop_command(unit: str, *, owner: str, answered: float, down: bool = False, path: str = PATH) -> str:
    """A command for sh that stops the unit, or exits with ANOTHER_RUN, OLD_ANSWER or RUNS_AGAIN and says why on stderr.

    answered is in seconds since 1970. down says that the unit did not run when the gate answered: a node that is down
    may go where one that runs may not, so a unit that has started by itself since then is not stopped.
    """
    return (
        "read -r since owner < %(path)s || owner=; "
        'if [ "$owner" != %(owner)s ]; then echo "${owner:-no run} ${since}" >&2; exit %(another)d; fi; '
        "age=$(( $(date +%%s) - %(answered)d )); "
        'if [ "$age" -gt %(oldest)d ] || [ "$age" -lt -%(apart)d ]; then echo "$age" >&2; exit %(old)d; fi; '
        "%(down)sexec systemctl stop %(unit)s"
    ) % {
        "down": "! systemctl is-active --quiet %s || exit %d; " % (shlex.quote(unit), RUNS_AGAIN) if down else "",
        "path": shlex.quote(path),
        "owner": shlex.quote(owner),
        "another": ANOTHER_RUN,
        "old": OLD_ANSWER,
        "answered": int(answered),
        "oldest": OLDEST_ANSWER,
        "apart": CLOCKS_APART,
        "unit": shlex.quote(unit),
    }


def refusal(code: int, output: str) -> str | None:
    """Why stop_command stopped nothing, as the end of a sentence; None for another code."""
    if code == ANOTHER_RUN:
        return "%s has claimed the host, not this run, which has lost the lock of the cluster; look who works on it" % (
            output or "another run"
        )
    if code == RUNS_AGAIN:
        return (
            "it did not run when the gate answered, and runs now; start the same command again, which asks about it"
            " again"
        )
    if code == OLD_ANSWER:
        if output.startswith("-"):
            return "the clock of the host that asked is %s s ahead of this one; look at chrony on both" % output[1:]
        return (
            "the gate's answer is %s s old, and older than %d s it may be true no longer; start the same command again"
            % (output, OLDEST_ANSWER)
        )
    return None
