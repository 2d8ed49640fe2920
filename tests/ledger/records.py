# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written into Kafka, and what the ledger keeps about it: plain tuples and append-only files of JSON lines."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple


class LedgerError(Exception):
    """What is wrong, why, and what to do next: one sentence."""


class Ack(NamedTuple):
    """A record that Kafka acknowledged; offset is -1 where Kafka knew it for a duplicate and did not say where it is; epoch seconds."""

    producer: str
    topic: str
    partition: int
    offset: int
    key: str
    sequence: int
    sent: float
    acked: float


class Failure(NamedTuple):
    """A record that the producer gave up, or (resent true) an answer after which it tried again by itself; epoch seconds."""

    producer: str
    topic: str
    partition: int
    error: str
    records: int
    time: float
    resent: bool


class Row(NamedTuple):
    """A record as it was read back; producer is empty where it is not one of this run."""

    topic: str
    partition: int
    offset: int
    producer: str
    key: str
    sequence: int


def encode(run: str, producer: str, key: str, sequence: int, size: int) -> bytes:
    """A value that names its record, filled up to size bytes (never cut)."""
    named = "%s|%s|%s|%d|" % (run, producer, key, sequence)
    return named.encode().ljust(size, b".")


def decode(run: str, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None) -> Row:
    """The row of a record; what is not of this run, or whose key and value disagree, has no producer."""
    parts = (value or b"").split(b"|")
    foreign = Row(topic, partition, offset, "", "", -1)
    if len(parts) != 5 or parts[0] != run.encode() or parts[2] != key or not parts[3].isdigit() or parts[4].strip(b"."):
        return foreign
    return Row(topic, partition, offset, parts[1].decode(), parts[2].decode(), int(parts[3]))


class Journal:
    """An append-only file of JSON lines, on disk (fsync) within a moment; add may be called from any thread and does not block on the disk."""

    def __init__(self, path: Path, every: float = 0.05) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lines: list[bytes] = []
        self._lock = threading.Lock()
        self._every = every
        self._closing = threading.Event()
        self._failed: OSError | None = None
        self._writer = threading.Thread(target=self._run, name="journal-%s" % path.name, daemon=True)
        self._writer.start()

    def add(self, kind: str, entry: Iterable[Any]) -> None:
        line = json.dumps([kind, *entry], separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._lines.append(line)

    def _write(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        if lines:
            left = memoryview(b"".join(lines))
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)

    def _run(self) -> None:
        try:
            while not self._closing.wait(self._every):
                self._write()
            self._write()
        except OSError as error:
            self._failed = error

    def close(self) -> None:
        """Everything is on disk when this returns; raises LedgerError if it could not be written, because then the ledger is not a ledger."""
        self._closing.set()
        self._writer.join()
        os.close(self._file)
        if self._failed:
            raise LedgerError("The ledger could not be written (%s); free some space and run it again." % self._failed)


def entries(path: Path) -> Iterator[list[Any]]:
    """The entries of a journal; a last line that was cut off by a kill was never on disk as a whole and is left out."""
    try:
        with open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n"):
                    try:
                        yield json.loads(line)
                    except ValueError:
                        raise LedgerError(
                            "Line %d of %s is not JSON, so the ledger was changed by something else; run it again."
                            % (number, path)
                        ) from None
    except FileNotFoundError:
        raise LedgerError("There is no %s; name the directory of a run with --out." % path) from None
