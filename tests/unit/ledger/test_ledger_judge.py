# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's verdict sees what it must see."""

from __future__ import annotations

import itertools
import json

import pytest
from ledger import __main__ as cli
from ledger.judge import gaps, judge, latencies
from ledger.records import Ack, Failure, Journal, LedgerError, Row, decode, encode, entries


def acks(count=10, *, producer="idempotent", partition=0, start=100.0, step=0.1, latency=0.01):
    """One record each step seconds, at offsets from 0, all of one key."""
    return [
        Ack(producer, "t", partition, n, "k", n + 1, start + n * step - latency, start + n * step) for n in range(count)
    ]


def rows(written):
    return [Row(ack.topic, ack.partition, ack.offset, ack.producer, ack.key, ack.sequence) for ack in written]


def test_everything_there_is_ok():
    report = judge(acks(), rows(acks()), idempotent=["idempotent"])
    assert report["ok"] and report["problems"] == []
    assert {
        kind: report[kind] for kind in ("lost", "moved", "reordered", "duplicated", "unacknowledged_present")
    } == dict.fromkeys(("lost", "moved", "reordered", "duplicated", "unacknowledged_present"), 0)


@pytest.mark.parametrize(
    "gone", [[0], [9], [3, 4], list(range(10))], ids=["the first", "the last", "two in the middle", "all"]
)
def test_an_acknowledged_record_that_is_gone_is_lost(gone):
    report = judge(acks(), [row for row in rows(acks()) if row.offset not in gone])
    assert report["lost"] == len(gone) and not report["ok"]
    assert [example["offset"] for example in report["examples"]["lost"]] == gone


def test_a_lost_partition_is_lost():
    written = acks() + acks(partition=1)
    report = judge(written, rows(acks()))
    assert report["lost"] == 10 and {example["partition"] for example in report["examples"]["lost"]} == {1}


def test_a_tail_cut_off_and_written_over_is_lost_and_moved():
    later = [Row("t", 0, 9, "idempotent", "k", 11)]
    report = judge(acks(), rows(acks())[:9] + later)
    assert (report["lost"], report["moved"], report["unacknowledged_present"]) == (1, 1, 1)


def test_a_record_elsewhere_than_acknowledged_is_moved_and_not_lost():
    read = [row._replace(offset=row.offset + (row.offset >= 5)) for row in rows(acks())]
    report = judge(acks(), read)
    assert (report["lost"], report["moved"]) == (0, 5)
    assert report["examples"]["moved"][0] | {"topic": "t"} == {
        "topic": "t", "partition": 0, "producer": "idempotent", "key": "k", "sequence": 6, "offset": 5, "found_at": [6],
    }  # fmt: skip


def test_an_acknowledgement_without_an_offset_is_judged_by_its_content():
    written = [ack._replace(offset=-1) for ack in acks()]
    assert judge(written, rows(acks()))["ok"]
    assert judge(written, rows(acks())[1:])["lost"] == 1


def test_a_record_before_an_earlier_one_of_its_key_is_reordered():
    written = acks()
    written[4], written[5] = written[4]._replace(offset=5), written[5]._replace(offset=4)
    report = judge(written, rows(written))
    assert (report["reordered"], report["moved"], report["ok"]) == (1, 0, False)


def test_keys_are_ordered_each_for_itself():
    written = [
        Ack("plain", "t", 0, 0, "a", 7, 1, 2),
        Ack("plain", "t", 0, 1, "b", 3, 1, 2),
        Ack("plain", "t", 0, 2, "a", 8, 1, 2),
    ]
    assert judge(written, rows(written))["reordered"] == 0


@pytest.mark.parametrize(("producer", "ok"), [("idempotent", False), ("plain", True)])
def test_a_duplicate_is_a_fault_only_with_idempotence(producer, ok):
    written = acks(producer=producer)
    report = judge(written, [*rows(written), Row("t", 0, 10, producer, "k", 10)], idempotent=["idempotent"])
    assert report["duplicated"] == 1 and report["ok"] is ok and report["reordered"] == 0


def test_a_late_duplicate_of_an_early_record_is_no_reordering():
    written = acks(producer="plain")
    assert judge(written, [*rows(written), Row("t", 0, 10, "plain", "k", 2)])["reordered"] == 0


def test_an_unacknowledged_record_may_be_there():
    report = judge(
        acks(9), rows(acks()), sent=12, failures=[Failure("idempotent", "t", 0, "KafkaTimeoutError", 1, 5.0, False)]
    )
    assert report["ok"] and report["unacknowledged_present"] == 1
    assert report["records"] == {"sent": 12, "acked": 9, "failed": 1, "unresolved": 2, "read": 10, "foreign": 0}


def test_a_partition_not_read_to_its_end_proves_nothing():
    report = judge(acks(), rows(acks()), unread={("t", 0): "read to offset 10 of 12"})
    assert not report["ok"] and report["unread"] == {"t-0": "read to offset 10 of 12"}


def test_nothing_acknowledged_proves_nothing():
    assert judge([], [])["problems"] == ["Nothing was acknowledged, so nothing is proven."]


def test_not_enough_replicas_is_counted_and_retries_are_no_failures():
    names = ["NotEnoughReplicasError", "NotEnoughReplicasAfterAppendError", "NotLeaderForPartitionError"]
    report = judge(acks(), rows(acks()), failures=[Failure("plain", "t", 0, name, 5, 1.0, True) for name in names])
    assert report["not_enough_replicas"] == 2 and report["records"]["failed"] == 0
    assert report["errors"] == dict.fromkeys(names, 1)


def test_gaps_are_measured_by_partition_and_overall():
    found = gaps({("t", 0): [1.0, 1.5, 4.0], ("t", 1): [2.0, 3.0]}, started=0.9, ended=4.1)
    assert (found["worst_ms"], found["worst_partition"], found["worst_from"]) == (2500, "t-0", 1.5)
    assert (found["overall_ms"], found["overall_from"]) == (1000, 3.0) and found["partitions"]["t-1"]["ms"] == 1100


def test_silence_to_the_end_and_all_the_time_is_a_gap():
    found = gaps({("t", 0): [1.0], ("t", 1): []}, started=0.0, ended=10.0)
    assert (
        found["partitions"]["t-0"] == {"ms": 9000, "from": 1.0, "to": 10.0}
        and found["partitions"]["t-1"]["ms"] == 10000
    )


def test_percentiles_take_the_nearest_rank():
    assert latencies([n / 1000 for n in range(1, 101)]) == {"p50": 50.0, "p99": 99.0, "max": 100.0}
    assert latencies([]) == {"p50": None, "p99": None, "max": None}


def test_a_value_names_its_record():
    value = encode("run", "plain", "t:0:1", 7, 64)
    assert len(value) == 64 and decode("run", "t", 0, 3, b"t:0:1", value) == Row("t", 0, 3, "plain", "t:0:1", 7)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"t:0:1", None),
        (None, encode("run", "p", "t:0:1", 7, 9)),
        (b"k", encode("other", "p", "k", 7, 9)),
        (b"k", b"run|p|k|x|"),
        (b"k", b"run|p|k|1|.a"),
    ],
    ids=["no value", "no key", "another run", "no number", "damaged filling"],
)
def test_what_is_not_ours_has_no_producer(key, value):
    assert decode("run", "t", 0, 3, key, value).producer == ""


def test_the_journal_keeps_what_was_added_and_passes_over_a_torn_line(tmp_path):
    path = tmp_path / "acks.jsonl"
    journal = Journal(path)
    for ack in acks(100):
        journal.add("ack", ack)
    journal.close()
    with open(path, "ab") as file:
        file.write(b'["ack","idemp')
    assert [Ack(*entry[1:]) for entry in entries(path)] == acks(100)


def test_a_damaged_or_missing_journal_is_told(tmp_path):
    (tmp_path / "acks.jsonl").write_text("[1]\nx\n")
    with pytest.raises(LedgerError, match="Line 2 of .* is not JSON"):
        list(entries(tmp_path / "acks.jsonl"))
    with pytest.raises(LedgerError, match="name the directory of a run"):
        list(entries(tmp_path / "none"))


def test_the_load_is_the_same_for_the_same_seed_and_takes_every_partition_in_turn():
    from ledger.client import Load

    load = Load(run="r", topics=("a", "b"), partitions=3, rate=1, seconds=1, seed=5)
    first, again = (list(itertools.islice(load.plan("plain"), 60)) for _ in range(2))
    assert first == again != list(itertools.islice(load.plan("idempotent"), 60))
    for begin in range(0, 60, 6):
        assert {entry[:2] for entry in first[begin : begin + 6]} == set(load.places)
    sequences = [(key, sequence) for _, _, key, sequence in first]
    assert len(set(sequences)) == 60 and all(
        sequence == sum(k == key for k, _ in sequences[: at + 1]) for at, (key, sequence) in enumerate(sequences)
    )


@pytest.fixture
def finished(tmp_path):
    """The files of a run in which broker 1 was out for a while."""
    facts = {
        "run": "r",
        "bootstrap": "none:1",
        "topics": ["t"],
        "partitions": 1,
        "idempotent": ["idempotent"],
        "sent": 10,
        "started": 99.0,
        "ended": 101.0,
    }
    (tmp_path / "run.json").write_text(json.dumps(facts))
    (tmp_path / "acks.jsonl").write_text("".join(json.dumps(["ack", *ack]) + "\n" for ack in acks()))
    (tmp_path / "read.jsonl").write_text("".join(json.dumps(["row", *row]) + "\n" for row in rows(acks())))
    states = [(99, [1, 2, 3]), (100, [2, 3]), (100.8, [1, 2, 3])]
    lines = [["isr", when, "t", 0, 2, 1, [1, 2, 3], isr, 2] for when, isr in states] + [["curve", 100.0, 1, 1, 0, 0]]
    (tmp_path / "isr.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    events = [{"t": 99.9, "event": "stopping", "broker": 1}, {"t": 100.9, "event": "back", "broker": 1}]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return tmp_path


def verify(directory, *more):
    return cli.main(["verify", "--out", str(directory), *more])


def test_verify_judges_from_the_files(finished, capsys):
    assert verify(finished) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] and report["isr"]["min_isr_violations"] == 0 and report["isr"]["worst"]["under_replicated"] == 1
    assert json.loads((finished / "report.json").read_text()) == report


def test_verify_fails_on_loss(finished, capsys):
    lines = (finished / "read.jsonl").read_text().splitlines()
    (finished / "read.jsonl").write_text("\n".join(lines[:4] + lines[5:]) + "\n")
    assert verify(finished) == 1 and json.loads(capsys.readouterr().out)["lost"] == 1


def test_verify_fails_on_a_violation_and_tells_ours_from_others(finished, capsys):
    with open(finished / "isr.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(["isr", 100.5, "t", 0, 2, 1, [1, 2, 3], [2], 2]) + "\n")
    assert verify(finished) == 1
    assert json.loads(capsys.readouterr().out)["isr"] | {"curve": []} == json.loads(
        (finished / "report.json").read_text()
    )["isr"] | {"curve": []}
    # Broker 3 went by itself: with faults on purpose that is not the roll's doing.
    assert verify(finished, "--faults") == 0


def test_verify_fails_if_no_broker_ever_answered(finished, capsys):
    (finished / "isr.jsonl").write_text("")
    assert verify(finished) == 1 and "No broker ever told" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verify", "--out", "nowhere"], "is not the directory of a run"),
        (["run", "--bootstrap", "none:1", "--out", "x", "--rate", "0"], "--rate is 0.0, but must be above 0"),
        (
            ["run", "--bootstrap", "none:1", "--out", "x", "--client-config", "none.properties"],
            "is no file of a client's properties",
        ),
    ],
)
def test_bad_input_is_one_sentence(arguments, sentence, capsys):
    assert cli.main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_events_that_were_named_must_be_there(finished, capsys):
    assert verify(finished, "--events", str(finished / "none")) == 2
    assert "not known which brokers were out" in capsys.readouterr().err
