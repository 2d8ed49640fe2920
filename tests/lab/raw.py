"""What is on a machine's raw disk: its image, of which only the parts that hold anything are read."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Iterator, Mapping

BLOCK = 1 << 22


def written(descriptor: int) -> Iterator[tuple[int, int]]:
    """The parts of a sparse file that hold anything, as (start, length)."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    place = 0
    while place < end:
        try:
            start = os.lseek(descriptor, place, os.SEEK_DATA)
        except OSError:
            return
        place = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, place - start


def found(path: Path, needles: Mapping[str, bytes]) -> set[str]:
    """The names of those needles (of up to a block) that are on the disk."""
    seen: set[str] = set()
    keep = max(map(len, needles.values())) - 1
    with open(path, "rb") as stream:
        for start, length in written(stream.fileno()):
            stream.seek(start)
            tail = b""
            while length > 0 and (block := stream.read(min(length, BLOCK))):
                length -= len(block)
                both = tail + block
                seen |= {name for name, needle in needles.items() if needle in both}
                tail = both[-keep:]
    return seen


def forms(key: bytes) -> dict[str, bytes]:
    """A key as it is, and as text might hold it: of its middle, so that what was cut off at either end is seen, too."""
    middle = key[len(key) // 3 : -(len(key) // 3)]
    shifted = {"base64, shifted by %d" % shift: base64.b64encode(bytes(shift) + middle)[4:-4] for shift in range(3)}
    return {
        "bytes": middle,
        "hexadecimal": middle.hex().encode(),
        "Python's repr": repr(middle)[2:-1].encode(),
        **shifted,
    }
