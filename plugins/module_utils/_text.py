# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Numbers, durations and sizes as text."""

from __future__ import annotations

from typing import Sequence


def duration(value: float | None) -> str:
    """Seconds as a short text."""
    if value is None:
        return "–"
    if value < 10:
        return "%.1f s" % value
    whole = int(round(value))
    if whole < 60:
        return "%d s" % whole
    if whole < 3600:
        return "%d min %02d s" % divmod(whole, 60)
    return "%d h %02d min" % divmod(int(round(value / 60)), 60)


def counted(number: int, noun: str) -> str:
    """3 brokers, 1 broker, 2 batches."""
    if number == 1:
        return "1 %s" % noun
    return "%s %s" % (format(number, ","), noun + ("es" if noun.endswith("ch") else "s"))


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(names[:most]) + (" and %d more" % (len(names) - most) if len(names) > most else "")


def hosts_as_subject(names: Sequence[str], one: str = "", several: str = "") -> str:
    """Host b1 has, or Hosts b1, b2 have: how a sentence about them begins, with the verb of one and of several."""
    noun, verb = ("Host", one) if len(names) == 1 else ("Hosts", several)
    return ("%s %s %s" % (noun, some(names), verb)).rstrip()


def size(gigabytes: float) -> str:
    """GiB as a short text."""
    if gigabytes >= 1024:
        return "%.3g TB" % (gigabytes / 1024)
    if gigabytes < 1:
        return "%d MB" % round(gigabytes * 1024)
    return "%.3g GB" % gigabytes
