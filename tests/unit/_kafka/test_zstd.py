"""Zstandard in its two simplest kinds of block."""

from __future__ import annotations

import random

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import zstd

NOISE = random.Random(1).randbytes(300_000)
TEXTS = {
    "nothing": b"",
    "one byte": b"a",
    "a run too short": b"x" * 15,
    "a run": b"x" * 16,
    "a run between": b"head" + b"-" * 1000 + b"tail",
    "runs of more than a block": b"-" * 300_000 + b"+" * (zstd.BLOCK + 1),
    "noise of more than a block": NOISE,
}


@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS)
def test_what_went_in_comes_out(data):
    assert zstd.decompress(zstd.compress(data)) == data


def test_a_run_costs_next_to_nothing_and_noise_next_to_nothing_more():
    assert len(zstd.compress(TEXTS["a run between"])) < 40
    assert len(zstd.compress(NOISE)) < len(NOISE) + 32


# Each of these was read by zstd 1.5.4, which gave the text back.
@pytest.mark.parametrize(
    ("data", "frame"),
    [
        (b"", "28b52ffda000000000010000"),
        (b"abc" + b"-" * 20, "28b52ffda017000000180000616263a300002d"),
    ],
    ids=["nothing", "literals and a run"],
)
def test_a_frame_byte_by_byte(data, frame):
    assert zstd.compress(data).hex() == frame


GOOD = zstd.compress(b"head" + b"-" * 100)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"plain",
        GOOD[:-1],
        GOOD[:9],
        GOOD + b"x",
        GOOD[:4] + b"\x20" + GOOD[5:],
        GOOD[:9] + bytes([GOOD[9] | 4]) + GOOD[10:],
        GOOD[:5] + b"\x01" + GOOD[6:],
    ],
    ids=["empty", "no frame", "cut", "no block", "more", "another header", "a compressed block", "another size"],
)
def test_what_is_something_else_is_refused(bad):
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(bad)


def test_as_kafka_python_calls_it():
    import io

    frame = zstd.ZstdCompressor().compress(b"a" * 50)
    with zstd.ZstdDecompressor().stream_reader(io.BytesIO(frame), read_across_frames=True) as reader:
        assert reader.read() == b"a" * 50
