# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Preferred leaders: which partitions another replica leads although the first one of their list could."""

from __future__ import annotations

from typing import Any, Iterable, Mapping


def elsewhere(topics: Mapping[str, Iterable[Mapping[str, Any]]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Partitions in the shape of Admin.partitions() that their preferred replica does not lead: those where it is in sync, those where it is not."""
    can: list[tuple[str, int]] = []
    cannot: list[tuple[str, int]] = []
    for topic in sorted(topics):
        for each in topics[topic]:
            if each["replicas"] and each["leader"] != each["replicas"][0]:
                (can if each["replicas"][0] in each["isr"] else cannot).append((topic, each["partition"]))
    return can, cannot
