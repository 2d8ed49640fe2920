# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""cryptsetup: one method per command.

Keys go through stdin, as bytes with their length: a passphrase read as a line would end at its first newline.
"""

from __future__ import annotations

import json
import re
from typing import Any, Sequence

from .._command import Run
from .._errors import RackawareError

CIPHER, KEY_BITS, HASH = "aes-xts-plain64", 512, "sha256"
# The keys are random and as long as the volume key. Iterations only add time and, with Argon2, a gigabyte of memory.
ITERATIONS = 1000
# Before 2.4.3 a crafted header starts a decryption of the disk (CVE-2021-4122).
OLDEST = (2, 4, 3)
WRONG_KEY = 2
ABSENT_SLOT = 1
PERF = ("no_read_workqueue", "no_write_workqueue")


class CryptsetupError(RackawareError):
    """cryptsetup refused."""


class Cryptsetup:
    """Builds the command lines and reads the return codes.

    cryptsetup's output never leaves this class, because it may hold anything.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def _call(
        self, what: str, argv: Sequence[str], *, data: bytes | bytearray | None = None, fine: Sequence[int] = (0,)
    ) -> tuple[int, str]:
        code, out, _err = self._run(["cryptsetup", *argv], data=data)
        if code not in fine:
            raise CryptsetupError("cryptsetup could not %s (code %d%s)." % (what, code, _MEANING.get(code, "")))
        return code, out

    def require(self) -> str:
        """The version; raises CryptsetupError when it is too old."""
        _code, out = self._call("tell its version", ["--version"])
        match = re.search(r"(\d+)\.(\d+)\.(\d+)", out)
        version = tuple(int(part) for part in match.groups()) if match else ()
        if version < OLDEST:
            text = ".".join(map(str, version)) or "of an unknown version"
            raise CryptsetupError(
                "cryptsetup is %s, but %s is the oldest that is safe (CVE-2021-4122); update it."
                % (text, ".".join(map(str, OLDEST)))
            )
        return ".".join(map(str, version))

    def format(
        self, *, device: str, key: bytearray, uuid: str, label: str, subsystem: str, sector_size: int | None = None
    ) -> None:
        """Write a new LUKS2 header: everything that was on the device is lost."""
        sector = [] if sector_size is None else ["--sector-size", str(sector_size)]
        argv = [
            "luksFormat",
            "--batch-mode",
            "--type",
            "luks2",
            "--uuid",
            uuid,
            "--label",
            label,
            "--subsystem",
            subsystem,
        ]
        argv += [
            "--cipher",
            CIPHER,
            "--key-size",
            str(KEY_BITS),
            "--hash",
            HASH,
            *_pbkdf(),
            *sector,
            *_stdin(key),
            device,
        ]
        self._call("format %s" % device, argv, data=key)

    def opens(self, *, device: str, key: bytearray, slot: int | None = None) -> bool:
        """Whether the key opens the device, or one slot of it."""
        chosen = [] if slot is None else ["--key-slot", str(slot)]
        argv = ["open", "--test-passphrase", "--batch-mode", "--type", "luks2", *chosen, *_stdin(key), device]
        fine = (0, WRONG_KEY) if slot is None else (0, WRONG_KEY, ABSENT_SLOT)
        return self._call("try a key on %s" % device, argv, data=key, fine=fine)[0] == 0

    def open(self, *, device: str, name: str, key: bytearray, perf: Sequence[str] = (), discards: bool = False) -> None:
        """Map the device to /dev/mapper/name."""
        argv = ["open", "--batch-mode", "--type", "luks2", *_flags(perf, discards), *_stdin(key), device, name]
        self._call("open %s" % device, argv, data=key)

    def refresh(self, *, name: str, key: bytearray, perf: Sequence[str] = (), discards: bool = False) -> None:
        """Give an open mapping other flags, while it is in use."""
        self._call(
            "change the flags of %s" % name,
            ["refresh", "--batch-mode", *_flags(perf, discards), *_stdin(key), name],
            data=key,
        )

    def flags(self, *, name: str) -> tuple[str, ...]:
        """The flags of an open mapping, as cryptsetup's options name them."""
        _code, out = self._call("describe %s" % name, ["status", name])
        match = re.search(r"^\s*flags:\s*(.*)$", out, re.MULTILINE)
        return tuple(sorted(match.group(1).split())) if match else ()

    def close(self, *, name: str) -> None:
        """Take the mapping away; fails while it is in use."""
        self._call("close %s; unmount it first" % name, ["close", name])

    def add_key(self, *, device: str, key: bytearray, new_key: bytearray, slot: int) -> None:
        """Add new_key in a free slot."""
        both = key + new_key
        try:
            argv = [
                "luksAddKey",
                "--batch-mode",
                "--key-slot",
                str(slot),
                *_pbkdf(),
                *_stdin(key),
                "--new-keyfile-size",
                str(len(new_key)),
                device,
                "-",
            ]
            self._call("add a key to %s" % device, argv, data=both)
        finally:
            forget(both)

    def kill_slot(self, *, device: str, slot: int, key: bytearray) -> None:
        """Destroy a slot.

        In batch mode cryptsetup destroys the last one too (tried, 2.6.1): the caller must know another that opens.
        """
        self._call(
            "remove slot %d of %s" % (slot, device),
            ["luksKillSlot", "--batch-mode", *_stdin(key), device, str(slot)],
            data=key,
        )

    def set_token(self, *, device: str, number: int, token: dict[str, Any]) -> None:
        """Write a token that is not there yet."""
        argv = ["token", "import", "--token-id", str(number), "--json-file", "-", device]
        self._call("write a token to %s" % device, argv, data=json.dumps(token, sort_keys=True).encode())

    def remove_token(self, *, device: str, number: int) -> None:
        """Remove a token."""
        self._call("remove token %d of %s" % (number, device), ["token", "remove", "--token-id", str(number), device])

    def backup(self, *, device: str, dest: str) -> None:
        """Copy the header, with all its slots, to a file that must not exist."""
        self._call(
            "copy the header of %s" % device, ["luksHeaderBackup", "--batch-mode", device, "--header-backup-file", dest]
        )

    def restore(self, *, device: str, source: str) -> None:
        """Write a copied header over the device's."""
        self._call(
            "restore the header of %s" % device,
            ["luksHeaderRestore", "--batch-mode", device, "--header-backup-file", source],
        )

    def erase(self, *, device: str) -> None:
        """Destroy all key slots."""
        self._call("erase the key slots of %s" % device, ["erase", "--batch-mode", device])


_MEANING = {
    1: ": wrong parameters",
    2: ": the key does not fit",
    3: ": out of memory",
    4: ": the device is not what was expected",
    5: ": in use, or it exists already",
}


def _pbkdf() -> list[str]:
    return ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", str(ITERATIONS)]


def _stdin(key: bytearray) -> list[str]:
    return ["--key-file=-", "--keyfile-size", str(len(key))]


def _flags(perf: Sequence[str], discards: bool) -> list[str]:
    return ["--perf-" + flag for flag in perf] + (["--allow-discards"] if discards else [])


def forget(secret: bytearray) -> None:
    """Overwrite a key that is no longer needed."""
    secret[:] = bytes(len(secret))
