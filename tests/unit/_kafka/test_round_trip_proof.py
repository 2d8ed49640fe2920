"""What counts as a round trip."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import check_records
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.check_records import CheckError

RACKS = {1: "a", 2: "b", 3: "c", 4: "a", 5: None}
FOUND = [{"partition": 0, "leader": 1, "replicas": [1, 2, 3]}, {"partition": 1, "leader": 2, "replicas": [2, 3, 4]}]
PLACES = check_records.places("t", FOUND, RACKS, 3)
WROTE = check_records.values(PLACES, "m")


def read(**changed):
    return {
        **{partition: (b"m", value) for partition, value in WROTE.items()},
        **{int(key[1:]): value for key, value in changed.items()},
    }


def test_replicas_in_enough_racks_pass():
    assert [place["racks"] for place in PLACES] == [["a", "b", "c"], ["a", "b", "c"]]


def test_every_partition_gets_its_own_value():
    assert len(set(WROTE.values())) == 2


@pytest.mark.parametrize(
    ("found", "racks", "sentence"),
    [
        (None, 1, "Topic t does not exist"),
        (
            [{"partition": 0, "leader": -1, "replicas": [1]}],
            1,
            "Partition t-0 has no leader, although its replicas are 1",
        ),
        (
            [{"partition": 7, "leader": 1, "replicas": [1, 4, 2]}],
            3,
            r"partition t-7 \(brokers 1, 4, 2\) lie in 2 racks \(a, b\), but 3 are wanted",
        ),
        ([{"partition": 7, "leader": 5, "replicas": [5]}], 2, r"lie in 0 racks \(none known\), but 2 are wanted"),
    ],
    ids=["absent", "no leader", "too few racks", "no racks known"],
)
def test_what_shows_nothing_is_refused(found, racks, sentence):
    with pytest.raises(CheckError, match=sentence):
        check_records.places("t", found, RACKS, racks)


def test_one_rack_is_no_demand():
    assert check_records.places("t", [{"partition": 0, "leader": 5, "replicas": [5]}], RACKS, 1)[0]["racks"] == []


def test_everything_read_back_passes():
    check_records.compare("t", PLACES, {0: 4, 1: 9}, WROTE, "m", read())


def test_what_was_not_read_back_is_named():
    back = read()
    del back[1]
    with pytest.raises(CheckError, match=r"not read back in time from t-1 at offset 9 \(leader 2\)"):
        check_records.compare("t", PLACES, {0: 4, 1: 9}, WROTE, "m", back)


@pytest.mark.parametrize(
    "wrong", [(b"other", WROTE[0]), (b"m", b"other"), (b"m", WROTE[1])], ids=["marker", "value", "another partition's"]
)
def test_what_came_back_different_is_named(wrong):
    with pytest.raises(CheckError, match=r"differs from what was acknowledged in t-0 at offset 4 \(leader 1\)"):
        check_records.compare("t", PLACES, {0: 4, 1: 9}, WROTE, "m", read(p0=wrong))


def test_the_sentence_says_what_was_done_and_no_more():
    assert check_records.sentence("t", PLACES, written=True).startswith(
        "A record acknowledged by all in-sync replicas, and a compressed one, was read back from each of the 2 partitions"
    )
    assert "nothing was written" in check_records.sentence("t", PLACES, written=False)
    assert "does not exist yet" in check_records.sentence("t", [], written=False)
