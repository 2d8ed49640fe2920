"""Where a disk is looked at before it is believed to be blank."""

from __future__ import annotations

import os

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import remains
from ansible_collections.rackaware.kafka.plugins.module_utils._disk.remains import BLOCK, FEW, GIB, KIB, MANY, MIB, TIB

SIZES = [128 * MIB, 300 * MIB + 512, 125 * GIB, 500 * GIB, 16 * TIB]


def covered(size, place, samples=FEW):
    return any(offset <= place < offset + length for offset, length in remains.places(size, samples))


def test_a_small_disk_is_read_whole():
    assert remains.places(128 * MIB - 1, FEW) == [(0, 128 * MIB - 1)]
    assert remains.places(128 * MIB, FEW, start=16 * MIB) == [(16 * MIB, 112 * MIB)]


@pytest.mark.parametrize("samples", [FEW, MANY])
@pytest.mark.parametrize("size", SIZES)
def test_places_lie_on_the_disk_in_order_without_overlap(size, samples):
    found = remains.places(size, samples)
    assert (found[0][0], sum(found[-1])) == (0, size)
    assert found[0][1] >= 16 * MIB and found[-1][1] >= 16 * MIB
    assert all(length > 0 and sum(first) < second[0] for first, second in zip(found, found[1:]) for length in first[1:])


@pytest.mark.parametrize("size", SIZES)
def test_the_same_disk_is_looked_at_in_the_same_places(size):
    assert remains.places(size, MANY) == remains.places(size, MANY)


@pytest.mark.parametrize("size", SIZES)
def test_what_lies_before_the_start_is_not_read(size):
    found = remains.places(size, FEW, start=16 * MIB)
    assert found[0][0] == 16 * MIB and sum(found[-1]) == size


@pytest.mark.parametrize("size", SIZES[2:])
def test_no_stretch_is_left_out(size):
    """One sample in each of equal parts: the largest gap is less than two parts."""
    for samples in (FEW, MANY):
        found = remains.places(size, samples)
        assert max(second[0] - sum(first) for first, second in zip(found, found[1:])) < 2 * size // (samples // 2)


def test_the_cost_of_a_volume_of_16_tib():
    """At the 500 operations a second of st1 and the 125 MiB/s of gp3 a look takes two seconds."""
    found = remains.places(16 * TIB, FEW)
    assert len(found) <= 1000 and sum(length for _offset, length in found) <= 128 * MIB
    assert len(remains.places(16 * TIB, MANY)) > 4000


@pytest.mark.parametrize(
    ("size", "place"),
    [
        (500 * GIB, 125 * GIB),
        (500 * GIB, 375 * GIB),
        (500 * GIB - MIB, MIB + (500 * GIB - 2 * MIB) // 4),
        (16 * TIB, TIB - 4 * KIB),
        (16 * TIB, MIB + 2 * (TIB - 4 * KIB)),
        (500 * GIB, 500 * GIB // 48 // BLOCK * BLOCK),
    ],
)
def test_the_groups_of_an_xfs_are_looked_at(size, place):
    assert covered(size, place)


@pytest.mark.parametrize("block", [1, 2, 4, 64])
@pytest.mark.parametrize("group", [1, 3, 5, 7, 9, 25, 27, 49])
@pytest.mark.parametrize("start", [0, MIB, 16 * MIB])
def test_the_copies_of_ext_are_looked_at(block, group, start):
    place = start + group * 8 * (block * KIB) ** 2 + (KIB if block == 1 else 0)
    assert place + BLOCK > 500 * GIB or covered(500 * GIB, place)


@pytest.mark.parametrize("place", [64 * MIB, 256 * GIB, MIB + 64 * MIB, 129 * MIB + 256 * GIB])
def test_the_copies_of_btrfs_are_looked_at(place):
    assert covered(500 * GIB, place)


@pytest.mark.parametrize("size", SIZES[2:])
def test_what_lies_at_the_end_is_looked_at(size):
    for place in (size - 512, size - 8 * KIB, size // 65536 * 65536 - 65536, size - 512 * KIB, size - 10 * MIB):
        assert covered(size, place), "GPT, md 1.0, md 0.90, the labels of ZFS, those of ZFS in a partition"


@pytest.mark.parametrize(
    ("offset", "data", "name"),
    [
        (0, b"XFSB", "an XFS"),
        (512, b"XAGF", "an XFS"),
        (4096 + 64, b"_BHRfS_M", "a btrfs"),
        (0x4000, b"SKUL\xba\xbe", "a LUKS volume"),
        (512, b"EFI PART", "a GPT"),
        (512, b"LABELONE", "an LVM volume"),
        (4096, b"\xfc\x4e\x2b\xa9", "a member of an md array"),
        (1024, b"\x0c\xb1\xba\0\0\0\0\0", "a ZFS"),
        (65536 - 10, b"SWAPSPACE2", "swap"),
        (1024 + 24, b"\2\0\0\0" + bytes(28) + b"\x53\xef\1\0\1\0" + bytes(14) + b"\1", "an ext file system"),
        (56, b"\x53\xef", ""),
        (56, b"\x53\xef\xff\xff", ""),
        (100, b"XFSB", ""),
        (0, b"", ""),
    ],
)
def test_what_is_left_is_known_again(offset, data, name):
    chunk = bytearray(128 * KIB)
    chunk[offset : offset + len(data)] = data
    assert remains.name(bytes(chunk)) == name


def test_reading_ends_at_the_first_data_and_never_takes_less_for_all(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(bytes(3 * MIB) + b"x" + bytes(40 * MIB - 1))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert remains.whole(descriptor, 43 * MIB)[0] == 3 * MIB
        assert remains.first_data(descriptor, [(0, 3 * MIB), (4 * MIB, MIB)]) is None
        assert remains.first_data(descriptor, [(0, 5 * MIB)])[0] == 3 * MIB
        with pytest.raises(OSError, match="only 0 of"):
            remains.first_data(descriptor, [(43 * MIB, MIB)])
        os.truncate(path, 3 * MIB)
        assert remains.whole(descriptor, 3 * MIB) is None
        with pytest.raises(OSError, match="only 0 of"):
            remains.whole(descriptor, 4 * MIB)
    finally:
        os.close(descriptor)
