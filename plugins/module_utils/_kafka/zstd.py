# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Zstandard without a library: frames of literal and of run-length blocks (RFC 8878).

It has the part of the interface of zstandard that kafka-python uses. A broker reads such a frame with its own native
library, which is what is to be checked. It keeps the frame as it came, so this is enough to read it back.
"""

from __future__ import annotations

from typing import Any, Iterator

MAGIC = b"\x28\xb5\x2f\xfd"
# One segment, whose size follows in four bytes; no checksum, no dictionary.
DESCRIPTOR = 0xA0
RAW, RUN = 0, 1
BLOCK = 128 * 1024
# A block costs three bytes, so a shorter run is not worth two more of them.
SHORTEST = 16


class ZstdError(ValueError):
    """Not a frame of literals and runs."""


def compress(data: bytes) -> bytes:
    """One frame."""
    blocks = list(_blocks(data)) or [(RAW, b"", 0)]
    out = [MAGIC, bytes([DESCRIPTOR]), len(data).to_bytes(4, "little")]
    for number, (kind, content, size) in enumerate(blocks, 1):
        out += [(size << 3 | kind << 1 | (number == len(blocks))).to_bytes(3, "little"), content]
    return b"".join(out)


def _blocks(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    begun = start = 0
    while start < len(data):
        end = start + 1
        while end < len(data) and data[end] == data[start] and end - start < BLOCK:
            end += 1
        if end - start >= SHORTEST:
            yield from _literals(data[begun:start])
            yield RUN, data[start : start + 1], end - start
            begun = end
        start = end
    yield from _literals(data[begun:])


def _literals(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    for start in range(0, len(data), BLOCK):
        part = data[start : start + BLOCK]
        yield RAW, part, len(part)


def decompress(data: bytes) -> bytes:
    """What compress() was given; raises ZstdError for a frame of another kind."""
    if data[:4] != MAGIC or data[4:5] != bytes([DESCRIPTOR]):
        raise ZstdError("a frame of another kind")
    out, at, last = [], 9, False
    while not last:
        header = int.from_bytes(data[at : at + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        if kind not in (RAW, RUN) or at + 3 > len(data):
            raise ZstdError("a block of another kind")
        at += 3
        taken = size if kind == RAW else 1
        out.append(data[at : at + taken] if kind == RAW else data[at : at + 1] * size)
        at += taken
    whole = b"".join(out)
    if at != len(data) or len(whole) != int.from_bytes(data[5:9], "little"):
        raise ZstdError("a frame that is cut")
    return whole


class ZstdCompressor:
    """As kafka-python calls it."""

    def compress(self, data: bytes) -> bytes:
        """One frame."""
        return compress(data)


class ZstdDecompressor:
    """As kafka-python calls it."""

    def stream_reader(self, stream: Any, read_across_frames: bool = False) -> Any:
        """A context manager that reads what was compressed."""
        del read_across_frames
        return _Reader(stream.read())


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def read(self) -> bytes:
        return decompress(self._data)
