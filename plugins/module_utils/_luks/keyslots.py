# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The keys of a volume: add, remove, rotate.

The order of the steps never leaves a volume without a key that is known to open it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from .cryptsetup import Cryptsetup
from .volume import IN_SERVICE, free_token, header_of, ours, slots_of, token_of

# LUKS2 has 32 slots; cryptsetup's default area holds fewer, and says so.
SLOTS = 32


class LuksKeyError(RackawareError):
    """A key cannot be added or removed without risk."""


@dataclass(frozen=True)
class Slots:
    """The slots, which of them each key opens, and our tokens; facts is what the new key's token shall say."""

    every: tuple[int, ...]
    key: tuple[int, ...] = ()
    new: tuple[int, ...] = ()
    tokens: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """The lowest slot that is not used."""
        free = [slot for slot in range(SLOTS) if slot not in self.every]
        if not free:
            raise LuksKeyError("All %d key slots are used; remove one first." % SLOTS)
        return free[0]


def plan_present(slots: Slots) -> tuple[str, ...]:
    """Steps to a volume that new opens, too."""
    if slots.new:
        return () if _described(slots) else ("token",)
    _must_open(slots)
    return ("add", "prove", "token")


def plan_rotated(slots: Slots) -> tuple[str, ...]:
    """Steps to a volume that new opens and key does not.

    After an interruption a new plan goes on where the old stopped.
    """
    if set(slots.key) & set(slots.new):
        raise LuksKeyError("The new key is the old key; make a new one.")
    steps = plan_present(slots)
    if slots.key:
        steps += ("prove", "remove old") if "prove" not in steps else ("remove old",)
    if slots.key or _stale(slots):
        steps += ("remove old tokens",)
    return steps


def plan_absent(slots: Slots, slot: int) -> tuple[str, ...]:
    """Steps to a volume without this slot; key must open another."""
    if slot not in slots.every:
        return ()
    if not [other for other in slots.key if other != slot]:
        raise LuksKeyError(
            "Slot %d is not removed: the key given opens no other slot, so that the volume might be lost." % slot
        )
    return ("prove", "remove slot", "remove old tokens")


def _must_open(slots: Slots) -> None:
    if not slots.key:
        raise LuksKeyError(
            "Neither key opens the volume, and nothing was changed; give the key that it was formatted or last"
            " rotated with."
        )


def _described(slots: Slots) -> bool:
    new_slots = {str(slot) for slot in slots.new}
    return any(
        set(token.get("keyslots", [])) & new_slots and dict(slots.facts).items() <= token.items()
        for token in slots.tokens.values()
    )


def _stale(slots: Slots, left: Sequence[int] | None = None) -> list[int]:
    """Tokens that speak only of slots that are gone, or of the new key's slots with another key's facts."""
    existing = {str(slot) for slot in (slots.every if left is None else left)}
    new = {str(slot) for slot in slots.new}
    out = []
    for number, token in slots.tokens.items():
        names = set(token.get("keyslots", []))
        if not names & existing or (names & new and not dict(slots.facts).items() <= token.items()):
            out.append(number)
    return out


class Keys:
    """Reads the slots of a device, and does the steps."""

    def __init__(
        self,
        cryptsetup: Cryptsetup,
        device: str,
        key: bytearray | None,
        new_key: bytearray | None,
        facts: Mapping[str, Any],
    ) -> None:
        self._cryptsetup, self._device, self._key, self._new, self._facts = cryptsetup, device, key, new_key, facts

    def slots(self) -> Slots:
        """As they are now."""
        header = header_of(self._device)
        opened = [
            () if key is None else slots_of(self._cryptsetup, self._device, key) for key in (self._key, self._new)
        ]
        return Slots(header.keyslots, opened[0], opened[1], ours(header), self._facts)

    def step(self, step: str, slot: int | None = None) -> None:
        """Do one step; each may be the last before a power cut."""
        now = self.slots()
        if step == "add":
            _must_open(now)
            self._cryptsetup.add_key(
                device=self._device,
                key=self._given(self._key),
                new_key=self._given(self._new),
                slot=now.free if slot is None else slot,
            )
        elif step == "token":
            states = {token.get("state") for token in now.tokens.values()}
            state = states.pop() if len(states) == 1 else IN_SERVICE
            token = token_of(self._facts, slots=now.new, state=str(state))
            self._cryptsetup.set_token(device=self._device, number=free_token(header_of(self._device)), token=token)
        elif step == "prove":
            if not (now.new if self._new is not None else [other for other in now.key if other != slot]):
                raise LuksKeyError(
                    "The key that shall stay does not open %s, so that nothing is removed; look at the disk."
                    % self._device
                )
        elif step == "remove old":
            for old in now.key:
                self._remove(old)
        elif step == "remove slot" and slot is not None:
            self._remove(slot)
        elif step == "remove old tokens":
            for number in _stale(now):
                self._cryptsetup.remove_token(device=self._device, number=number)
        else:
            raise LuksKeyError("There is no step %s." % step)

    def _given(self, key: bytearray | None) -> bytearray:
        if key is None:
            raise LuksKeyError("%s needs a key for this; give it." % self._device)
        return key

    def _remove(self, slot: int) -> None:
        """cryptsetup removes even the last slot, so check right before that the key that stays opens another."""
        stays = self._given(self._new if self._new is not None else self._key)
        if not [other for other in slots_of(self._cryptsetup, self._device, stays) if other != slot]:
            raise LuksKeyError("Slot %d of %s is the last that opens, and is not removed." % (slot, self._device))
        self._cryptsetup.kill_slot(device=self._device, slot=slot, key=stays)
