# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Where to look on a disk whose start or end was lost.

File systems and volume managers write second copies; everything else is sampled.
"""

from __future__ import annotations

import os
from typing import Iterable, Iterator

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4
BLOCK, NEAR = 4 * KIB, 64 * KIB
# Smaller disks are read from end to end.
EDGE, SMALL = 16 * MIB, 128 * MIB
# Enough where EC2 says that the volume is new; an EBS hard disk (st1) answers at most 500 of them per second.
FEW = 256
# Where only the disk itself can tell.
MANY = 4096
# Reads that are announced to the kernel before the first is waited for: a network disk then works on all at once.
AHEAD = 64
STRETCH = 16 * MIB
ZEROS = bytes(MIB)
# Offsets at which a file system may begin: the disk itself, a partition or a logical volume, LUKS1, LUKS2, LUKS2 in a
# partition, md 1.2 with its headroom for a bitmap (mdadm, super1.c).
BASES = (0, MIB, 2 * MIB, 16 * MIB, 17 * MIB, 129 * MIB)
# xfsprogs, calc_default_ag_geometry: 4 groups below 4 TiB, above it groups of 1 TiB less a block. Stripes get 16 or 32,
# newer versions one per processor.
XFS_GROUPS, XFS_LARGEST, XFS_LARGE = range(2, 65), TIB - 4 * KIB, 4 * TIB
# An EBS volume that grew kept its groups: those of a volume of whole GiB begin at multiples of 256 MiB.
ROUND = 256 * MIB
# Bytes per group of ext: eight times its block size in blocks, for 1, 2, 4 and 64 KiB, and for 4 KiB with clusters of
# 16 (bigalloc).
EXT_GROUPS = (8 * MIB, 32 * MIB, 128 * MIB, 2 * GIB, 32 * GIB)
# sparse_super: 1 and the powers of 3, 5 and 7; sparse_super2: 1 and the last.
EXT_COPIES = (1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343)
# btrfs: BTRFS_SUPER_MIRROR_SHIFT; the first is at 64 KiB.
BTRFS_COPIES = (64 * MIB, 256 * GIB)
# Fractional part of the golden ratio in 64 bits: places that are spread evenly and follow no period of the disk.
SPREAD = 0x9E3779B97F4A7C15


def places(size: int, samples: int, start: int = 0) -> list[tuple[int, int]]:
    """(offset, length) of all reads of a disk of size bytes from start on, ascending and without overlap.

    samples is how many blocks are read besides the edges, the places of second copies, and the first GiB, from which
    most disks are filled.
    """
    if size - start < SMALL:
        return _merged([(start, size - start)])
    ranges = [(start, MIB if start else EDGE), (size - EDGE, EDGE)]
    ranges += [(max(0, place - 16 * KIB), NEAR) for place in copies(size)]
    # The first and the middle group of an XFS that begins anywhere in the first 17 MiB, however much its end lacks.
    ranges += [(size // 4 - 2 * MIB, EDGE), (size // 2 - 2 * MIB, EDGE)]
    ranges += [
        (place, BLOCK)
        for place in (*range(EDGE, 8 * EDGE, 2 * MIB), *range(8 * EDGE, min(GIB, size), EDGE), *_samples(size, samples))
    ]
    clipped = [(max(offset // BLOCK * BLOCK, start), min(offset + length, size)) for offset, length in ranges]
    return _merged([(first, end - first) for first, end in clipped if end > first])


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for offset, length in sorted(spans):
        if out and offset <= out[-1][0] + out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], offset + length - out[-1][0]))
        else:
            out.append((offset, length))
    return out


def copies(size: int) -> list[int]:
    """Where second copies may lie on a disk of size bytes, each once.

    Those of GPT, of md 0.90 and 1.0, of ZFS (L2, L3), and of LUKS2 (0x4000 to 0x400000) are within the edges, which are
    read in full.
    """
    offsets = {place for base in BASES for place in _of_file_system(base, size - base)}
    return sorted(place for place in offsets if place < size)


def _of_file_system(base: int, length: int) -> Iterator[int]:
    for copy in BTRFS_COPIES:
        yield base + copy
    for group in EXT_GROUPS:
        last = length // group
        for number in (*EXT_COPIES, last - 1, last):
            if 0 < number <= last:
                yield base + number * group
    # A group that no default makes is looked for where a file system fills the disk.
    for groups in XFS_GROUPS if base == 0 else (4, 8, 16, 32):
        yield base + length // groups // BLOCK * BLOCK
        yield base + length // groups // BLOCK * BLOCK * (groups - 1)
    if length >= XFS_LARGE:
        for number in range(1, 4):
            yield base + number * XFS_LARGEST


def _samples(size: int, count: int) -> Iterator[int]:
    """Half at round offsets, where groups begin.

    Half spread over equal parts of the disk, at the same offsets in each run.
    """
    step = ROUND
    while size // step > count // 2:
        step *= 2
    yield from range(step, size, step)
    part = size // (count // 2)
    for number in range(count // 2):
        inside = (number * SPREAD % 2**64) * (part - BLOCK) >> 64
        yield (number * part + inside) // BLOCK * BLOCK


def first_data(descriptor: int, spans: Iterable[tuple[int, int]]) -> tuple[int, bytes] | None:
    """(offset, bytes) of the first chunk that is not all zero, None where all are; raises OSError when a read fails."""
    # Otherwise cached pages would answer instead of the disk.
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    chunks = [
        (offset, min(MIB, first + length - offset))
        for first, length in spans
        for offset in range(first, first + length, MIB)
    ]
    for number, (offset, length) in enumerate(chunks):
        if number % AHEAD == 0:
            for ahead in chunks[number : number + AHEAD]:
                os.posix_fadvise(descriptor, *ahead, os.POSIX_FADV_WILLNEED)
        chunk = exactly(descriptor, offset, length)
        if chunk != ZEROS[:length]:
            return offset, chunk
    return None


def whole(descriptor: int, size: int) -> tuple[int, bytes] | None:
    """As first_data, for every byte of the disk."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    for offset in range(0, size, MIB):
        if offset % STRETCH == 0:
            # The kernel reads the next stretch while this one is compared.
            begin = 0 if offset == 0 else offset + STRETCH
            for ahead in range(begin, min(offset + 2 * STRETCH, size), MIB):
                os.posix_fadvise(descriptor, ahead, MIB, os.POSIX_FADV_WILLNEED)
            # A disk of terabytes must not evict all other pages from memory.
            os.posix_fadvise(descriptor, max(0, offset - STRETCH), STRETCH, os.POSIX_FADV_DONTNEED)
        length = min(MIB, size - offset)
        chunk = exactly(descriptor, offset, length)
        if chunk != ZEROS[:length]:
            return offset, chunk
    return None


def exactly(descriptor: int, offset: int, length: int) -> bytes:
    """length bytes from offset; raises OSError when there are fewer."""
    chunk = os.pread(descriptor, length, offset)
    if len(chunk) != length:
        raise OSError("only %d of %d bytes at %d" % (len(chunk), length, offset))
    return chunk


# (what, bytes, offset below a multiple of which size): how a copy is recognized. A disk is refused without it, too; it
# only says what the disk was.
MAGICS = (
    ("an XFS", (b"XFSB", b"XAGF", b"XAGI", b"XAFL"), 0, 512),
    ("a btrfs", (b"_BHRfS_M",), 64, BLOCK),
    ("a LUKS volume", (b"LUKS\xba\xbe", b"SKUL\xba\xbe"), 0, BLOCK),
    ("a GPT", (b"EFI PART",), 0, 512),
    ("an LVM volume", (b"LABELONE",), 0, 512),
    ("a member of an md array", (b"\xfc\x4e\x2b\xa9", b"\xa9\x2b\x4e\xfc"), 0, BLOCK),
    ("a ZFS", (b"\x0c\xb1\xba\x00\x00\x00\x00\x00", b"\x00\x00\x00\x00\x00\xba\xb1\x0c"), 0, KIB),
    ("swap", (b"SWAPSPACE2", b"SWAP-SPACE"), BLOCK - 10, BLOCK),
    ("an ext file system", (b"\x53\xef",), 56, KIB),
)


def name(chunk: bytes) -> str:
    """What a chunk that begins at a multiple of 4 KiB is a part of, empty where nothing in it is known."""
    for what, magics, inside, step in MAGICS:
        for offset in range(inside, len(chunk), step):
            if any(chunk.startswith(magic, offset) for magic in magics) and (
                what != "an ext file system" or _is_ext(chunk, offset - inside)
            ):
                return what
    return ""


def _is_ext(chunk: bytes, start: int) -> bool:
    """Two bytes may match by chance, so the state, the behaviour on errors and the block size must be possible, too.

    Source: ext4 disk layout.
    """
    fields = [
        int.from_bytes(chunk[start + offset : start + offset + length], "little")
        for offset, length in ((24, 4), (58, 2), (60, 2), (76, 4))
    ]
    return fields[0] <= 6 and fields[1] < 8 and fields[2] in (1, 2, 3) and fields[3] <= 1
