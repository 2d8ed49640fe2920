"""The search for what must not be on a disk finds what is there."""

from __future__ import annotations

import os

import pytest

from lab import raw

KEY = bytes(range(100, 164))


@pytest.fixture()
def disk(tmp_path):
    """A sparse file of 64 MiB; write(place, content) puts something into it."""
    path = tmp_path / "disk.img"
    with open(path, "wb") as stream:
        stream.truncate(64 << 20)

    def write(place, content):
        with open(path, "r+b") as stream:
            stream.seek(place)
            stream.write(content)
            os.fsync(stream.fileno())
        return path

    return write


@pytest.mark.parametrize("form", sorted(raw.forms(KEY)))
def test_a_key_is_found_in_each_form(disk, form):
    assert form in raw.found(disk(5 << 20, b"before" + raw.forms(KEY)[form] + b"after"), raw.forms(KEY))


@pytest.mark.parametrize(
    "place", [0, raw.BLOCK - 7, (64 << 20) - 64], ids=["at the start", "across two blocks", "at the end"]
)
def test_a_key_is_found_wherever_it_is(disk, place):
    if place == raw.BLOCK - 7:
        disk(0, b"x" * (2 * raw.BLOCK))
    assert "bytes" in raw.found(disk(place, KEY), raw.forms(KEY))


def test_what_is_not_there_is_not_found(disk):
    assert raw.found(disk(0, bytes(range(200, 256)) * 1000), raw.forms(KEY)) == set()
