# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a roll: the model says what happened, the page shows it and needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._report.page import roll_page as page
from ansible_collections.rackaware.kafka.plugins.module_utils._report.roll import RollReportError, model, seconds
from ansible_collections.rackaware.kafka.plugins.module_utils._text import duration

RACKS = "abc"
PLAN = {
    "nodes": [{"id": n, "rack": "zone-%s" % RACKS[(n - 1) % 3], "name": "demo-broker-%d" % n} for n in range(1, 10)],
    "batches": [[1, 4, 7], [2, 5, 8], [3, 6, 9]],
    "lower_bound": 3,
    "certificate": "partition load-0 has its replicas on brokers 1, 2 and 3.",
}


def turn(broker, start, *, until="back"):
    """Stop 2 s, down 1 s, start 4 s, catch-up 3 s."""
    steps = [("stopping", 0), ("stopped", 2), ("started", 3), ("registered", 7), ("back", 10)]
    names = [name for name, _ in steps]
    return [{"t": start + after, "event": name, "broker": broker} for name, after in steps[: names.index(until) + 1]]


def whole(base=1000.0):
    """Three batches of ten seconds each, five apart, the second after four at the gate."""
    events = [{"t": base, "event": "roll_started", "cluster": "demo"}]
    for number, batch in enumerate(PLAN["batches"], 1):
        start = base + 5 + (number - 1) * 15
        events.append({"t": start - 4, "event": "batch_started", "batch": number, "brokers": batch})
        if number == 2:
            events.append(
                {"t": start - 4, "event": "gate_waiting", "brokers": batch, "reason": "t-0 is at its minimum"}
            )
            events.append({"t": start, "event": "gate_open", "brokers": batch})
        for broker in batch:
            events += turn(broker, start)
        events.append({"t": start + 1, "event": "curve", "under_replicated": 30, "at_min_isr": 20, "under_min_isr": 0})
        events.append({"t": start + 10, "event": "curve", "under_replicated": 0, "at_min_isr": 0, "under_min_isr": 0})
    return [*events, {"t": base + 50, "event": "roll_ended"}]


def broken():
    """Broker 8 does not come back, and the roll stops for it."""
    events = [event for event in whole() if event["t"] <= 1019 or event.get("broker") in (2, 5)]
    events = [
        event
        for event in events
        if event["t"] < 1031 and not (event.get("broker") == 8 and event["event"] in ("registered", "back"))
    ]
    events.append({"t": 1080.0, "event": "failed", "broker": 8, "reason": "did not register within 60 seconds"})
    # Broker 8 did stop and start: only what follows never came.
    events += [event for event in turn(8, 1020, until="started") if event not in events]
    return [*events, {"t": 1081.0, "event": "roll_stopped", "reason": "broker 8 did not register within 60 seconds."}]


LEDGER = {
    "lost": 0,
    "records": {"acked": 12345, "failed": 0},
    "latency_ms": {"p50": 5.0, "p99": 80.0, "max": 900.0},
    "gaps": {
        "worst_ms": 1500,
        "worst_partition": "t-1",
        "overall_ms": 90,
        "partitions": {"t-1": {"ms": 1500, "from": 1006.0, "to": 1007.5}},
    },
    "isr": {"min_isr_violations": 0, "curve": [[999.0, 1, 1, 0, 0], [1010.0, 7, 3, 0, 0]]},
}


class Reader(HTMLParser):
    """Knows whether every element is closed, and what text a person reads."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (5, 5.0),
        ("5.5", 5.5),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01 00:00:02", 2.0),
    ],
)
def test_times_are_epoch_seconds_or_iso(given, wanted):
    assert seconds(given) == wanted


@pytest.mark.parametrize("given", [None, True, "yesterday", [], float("nan"), "nan", float("inf"), 10**30, -(10**30)])
def test_other_times_are_refused(given):
    with pytest.raises(RollReportError, match="must have epoch seconds or ISO 8601"):
        model([{"t": given, "event": "roll_started"}])


@pytest.mark.parametrize(
    "odd",
    [
        "x",
        7,
        {"broker": "x"},
        {"brokers": 5},
        {"broker": float("nan")},
        {"event": "curve", "at_min_isr": "a"},
        {"batch": "x"},
    ],
)
def test_what_is_no_event_is_refused(odd):
    with pytest.raises(RollReportError, match="is no event of a roll; look at the file"):
        model([{"t": 1, "event": "roll_started"}, {"t": 2, "event": "back", **odd} if isinstance(odd, dict) else odd])


def test_no_events_are_refused():
    with pytest.raises(RollReportError, match="was the roll started"):
        model([])


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.04, "0.0 s"), (9.94, "9.9 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3900, "1 h 05 min")],
)
def test_durations_read_as_a_person_says_them(value, text):
    assert duration(value) == text


def test_a_whole_roll():
    roll = model(whole(), PLAN)
    totals = roll["totals"]
    assert (roll["state"], totals["seconds"], totals["restarted"], totals["batches"]) == ("done", 50.0, 9, 3)
    assert (totals["serial_seconds"], totals["serial_estimated"], totals["ratio"]) == (90.0, True, 1.8)
    # Twenty of fifty seconds no broker was out; four of them a broker waited at the gate.
    assert (totals["overhead_seconds"], totals["overhead_share"], totals["gate_seconds"]) == (20.0, 0.4, 4.0)
    assert totals["slowest"]["seconds"] == 10.0 and totals["out"] == []
    assert roll["sentences"] == [
        "All 9 brokers of demo were restarted in 3 batches, in 50 s.",
        "One after another, these restarts add up to 1 min 30 s (1.8 times as long).",
        "No partition fell below its minimum of in-sync replicas.",
    ]


def test_the_phases_of_a_broker():
    broker = model(whole(), PLAN)["brokers"][0]
    assert (broker["id"], broker["rack"], broker["batch"], broker["state"], broker["seconds"]) == (
        1,
        "zone-a",
        1,
        "back",
        10.0,
    )
    assert [(phase["phase"], phase["seconds"]) for phase in broker["phases"]] == [
        ("stop", 2.0),
        ("down", 1.0),
        ("start", 4.0),
        ("catch_up", 3.0),
    ]


def test_a_step_that_was_not_written_down_joins_the_phase_before_it():
    events = [event for event in turn(1, 10.0) if event["event"] not in ("started", "registered")]
    assert [(phase["phase"], phase["seconds"]) for phase in model(events)["brokers"][0]["phases"]] == [
        ("stop", 2.0),
        ("down", 8.0),
    ]


def test_brokers_are_grouped_by_rack():
    assert [broker["id"] for broker in model(whole(), PLAN)["brokers"]] == [1, 4, 7, 2, 5, 8, 3, 6, 9]


def test_events_may_come_in_any_order_and_with_iso_times():
    turned = [dict(event, t="1970-01-01T00:%02d:%06.3fZ" % divmod(event["t"] - 900, 60)) for event in reversed(whole())]
    assert model(turned, PLAN)["totals"] == model(whole(), PLAN)["totals"]


def test_each_reason_at_the_gate_is_a_wait_of_its_own():
    events = [
        {"t": t, "event": "gate_waiting", "broker": 1, "reason": reason} for t, reason in ((1, "x"), (2, "x"), (5, "y"))
    ] + turn(1, 9.0)
    assert [(gate["reason"], gate["seconds"]) for gate in model(events)["gates"]] == [("x", 4), ("y", 4)]


def test_a_roll_that_stopped_says_why_who_is_out_and_what_to_do():
    roll = model(broken(), PLAN)
    assert roll["state"] == "stopped" and roll["totals"]["out"] == ["broker 8"]
    broker = next(one for one in roll["brokers"] if one["id"] == 8)
    assert (broker["state"], broker["phases"][-1]["phase"], broker["phases"][-1]["open"]) == ("out", "start", True)
    assert roll["sentences"][:3] == [
        "The roll of demo stopped after 5 of 9 brokers: broker 8 did not register within 60 seconds.",
        "Broker 8 is not back yet; nothing else was touched.",
        "Run it again to continue with the rest.",
    ]
    assert [one["state"] for one in roll["brokers"] if one["rack"] == "zone-c"] == ["waiting"] * 3


def test_a_roll_without_an_end_is_running():
    assert model(whole()[:-1], PLAN)["sentences"][0] == "The roll of demo is running: 9 of 9 brokers are back."


def test_the_ledger_gives_client_gaps_and_the_curves_that_the_roll_did_not_write():
    events = [event for event in whole() if event["event"] != "curve"]
    roll = model(events, PLAN, ledger=LEDGER, serial_seconds=150)
    assert roll["curves"] == [[999.0, 1, 1, 0], [1010.0, 7, 3, 0]]
    assert roll["client"]["worst_gap_ms"] == 1500 and roll["client"]["gaps"][0]["partition"] == "t-1"
    assert roll["totals"]["ratio"] == 3.0 and "they would take 2 min 30 s" in roll["sentences"][1]
    assert roll["sentences"][-1] == "Of 12,345 acknowledged records none was lost."


def test_the_ledger_looks_more_often_than_the_roll_and_is_what_is_drawn():
    assert model(whole(), PLAN, ledger=LEDGER)["curves"] == [[999.0, 1, 1, 0], [1010.0, 7, 3, 0]]
    assert len(model(whole(), PLAN, ledger={**LEDGER, "isr": {"min_isr_violations": 0}})["curves"]) == 6


# ZooKeeper nodes with the ids of brokers, as they have.
KEPT = {
    **PLAN,
    "nodes": [
        *({**node, "roles": ["broker"]} for node in PLAN["nodes"]),
        *({"id": n, "rack": "zone-b", "name": "zookeeper-%d" % n, "roles": ["zookeeper"]} for n in (1, 2, 3)),
    ],
    "quorum": {"batches": [[2], [3], [1]]},
}


def passed(start=970.0, *, until="back"):
    """Three ZooKeeper nodes one after another, ten seconds each."""
    lines = [event for number, id_ in enumerate((2, 3, 1)) for event in turn(id_, start + 10 * number, until=until)]
    return [{"t": event["t"], "event": "zookeeper_%s" % event["event"], "node": event["broker"]} for event in lines]


def test_zookeeper_nodes_have_rows_of_their_own_and_count_as_out():
    roll = model([{"t": 970.0, "event": "roll_started", "cluster": "demo"}, *passed(), *whole()[1:]], KEPT)
    assert [(row["name"], row["state"], row["seconds"]) for row in roll["quorum_nodes"]] == [
        ("zookeeper-%d" % n, "back", 10.0) for n in (1, 2, 3)
    ]
    assert len(roll["brokers"]) == 9 and all(row["seconds"] == 10.0 for row in roll["brokers"])
    assert (
        roll["sentences"][0]
        == "All 9 brokers and 3 ZooKeeper nodes of demo were restarted, the brokers in 3 batches, in 1 min 20 s."
    )
    assert (
        roll["totals"]["serial_seconds"],
        roll["totals"]["overhead_seconds"],
        roll["totals"]["quorum_nodes_restarted"],
    ) == (120.0, 20.0, 3)
    texts = set(Reader(page(roll)).texts)
    assert {
        "zookeeper-1",
        "zookeeper-2",
        "zookeeper-3",
        "demo-broker-1",
        "1 (zookeeper-1)",
        "1 (demo-broker-1)",
        "ZooKeeper nodes",
    } <= texts


def test_a_roll_of_zookeeper_nodes_only_says_nothing_of_brokers():
    roll = model(
        [*passed(), {"t": 1000.0, "event": "roll_ended"}],
        {**KEPT, "batches": [], "lower_bound": 0, "certificate": None},
    )
    assert (
        roll["sentences"] == ["All 3 ZooKeeper nodes of the cluster were restarted in 30 s."] and roll["brokers"] == []
    )
    assert "broker" not in " ".join(text for text in Reader(page(roll)).texts if "svg" not in text)


def test_a_controller_that_does_not_come_back_is_out():
    kept = {
        **KEPT,
        "nodes": [
            {**node, "roles": ["controller"]} if node["roles"] == ["zookeeper"] else node for node in KEPT["nodes"]
        ],
    }
    events = [{"t": 0, "event": "controller_gate_waiting", "nodes": [2], "reason": "3 lags"}]
    events += [
        {"t": 1, "event": "controller_stopping", "node": 2},
        {"t": 60, "event": "roll_stopped", "reason": "it failed"},
    ]
    roll = model(events, kept)
    assert roll["sentences"] == [
        "The roll of the cluster stopped after 0 of 9 brokers and 0 of 3 controllers: it failed.",
        "Controller 2 is not back yet; nothing else was touched.",
        "Run it again to continue with the same plan.",
    ]
    assert [(gate["node"], gate["seconds"]) for gate in roll["gates"]] == [("controller 2", 1)]
    assert roll["totals"]["slowest"]["node"] == "controller 2" and "Controllers" in Reader(page(roll)).texts


def test_a_watch_of_those_that_are_back_is_drawn_and_counted():
    roll = model([*whole(), {"t": 1018.0, "event": "soaked", "brokers": [1, 4], "seconds": 3}], PLAN)
    assert [row["id"] for row in roll["brokers"] if row["soak"] == {"from": 1015.0, "to": 1018.0}] == [1, 4]
    # No broker is out while two are watched, and the time counts once.
    assert (roll["totals"]["soak_seconds"], roll["totals"]["overhead_seconds"]) == (3.0, 20.0)
    texts = Reader(page(roll)).texts
    assert (
        "in all, 40 % of it with no node out, of that 3.0 s to watch those that were back" in texts
        and "watched, in sync all the time" in texts
    )
    assert "watched, in sync all the time" not in Reader(page(model(whole(), PLAN))).texts


def test_long_names_keep_what_tells_them_apart():
    plan = {**PLAN, "nodes": [{**node, "name": "a-long-cluster-name-broker-%d" % node["id"]} for node in PLAN["nodes"]]}
    assert {"…ter-name-broker-%d" % n for n in range(1, 10)} <= set(Reader(page(model(whole(), plan))).texts)


def test_the_rows_of_a_report_make_it_again():
    events = passed(until="started")[:3]
    roll = model(events, KEPT)
    assert model(events, {**roll["plan"], "nodes": [*roll["brokers"], *roll["quorum_nodes"]]}) == roll


def test_what_went_wrong_is_in_the_sentences():
    bad = {**LEDGER, "lost": 3, "isr": {"min_isr_violations": 2}}
    assert model(whole(), PLAN, ledger=bad)["sentences"][-2:] == [
        "2 partitions fell below the minimum of in-sync replicas.",
        "Of 12,345 acknowledged records 3 were lost.",
    ]


def test_the_model_is_json():
    roll = model(whole(), PLAN, ledger=LEDGER)
    assert page(json.loads(json.dumps(roll))) == page(roll)


@pytest.mark.parametrize(
    "events",
    [whole, broken, lambda: whole()[:3], lambda: [{"t": 1, "event": "roll_started"}]],
    ids=["whole", "stopped", "begun", "empty"],
)
def test_the_page_is_closed_html_that_needs_nothing_else(events):
    text = page(model(events(), PLAN, ledger=LEDGER))
    found = Reader(text).found
    assert not {tag for tag, _ in found} & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    assert "prefers-color-scheme: dark" in text


def test_the_page_shows_every_broker_and_every_bar_inside_the_picture():
    reader = Reader(page(model(whole(), PLAN, ledger=LEDGER)))
    assert {"demo-broker-%d" % n for n in range(1, 10)} <= set(reader.texts)
    view = next(attrs["viewbox"].split() for tag, attrs in reader.found if tag == "svg")
    phases = ("stop", "down", "start", "catch_up")
    bars = [attrs for tag, attrs in reader.found if tag == "rect" and attrs.get("class") in phases]
    assert len(bars) == 36
    for bar in bars:
        assert float(bar["x"]) + float(bar["width"]) <= float(view[2]) and float(bar["y"]) + float(
            bar["height"]
        ) <= float(view[3])


def test_what_comes_from_outside_is_escaped():
    evil = "<script>alert(1)</script>"
    plan = {"nodes": [{"id": 1, "rack": evil, "name": evil}], "batches": [[1]], "certificate": evil}
    events = [
        {"t": 0, "event": "gate_waiting", "broker": 1, "reason": evil},
        *turn(1, 1.0),
        {"t": 12, "event": "fault", "broker": 1, "text": evil},
    ]
    text = page(model([*events, {"t": 13, "event": "roll_stopped", "reason": evil}], plan, cluster=evil))
    assert "<script" not in text and "&lt;script&gt;" in text


def test_sixty_brokers_fit():
    plan = {"nodes": [{"id": n, "rack": "zone-%s" % RACKS[n % 3]} for n in range(60)], "batches": [list(range(60))]}
    text = page(model([event for n in range(60) for event in turn(n, 10.0 + n % 7)], plan))
    assert len(Reader(text).found) > 400 and len(text) < 200_000


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            {"protocol": "3.8", "features": {}, "finalizing": None},
            "agreed on inter.broker.protocol.version 3.8 since before 2027-01-01T00:00:00Z",
        ),
        (
            {"protocol": None, "features": {"metadata.version": 25, "group.version": 1}, "finalizing": None},
            "metadata.version 25, group.version 1",
        ),
        ({"protocol": "3.8", "features": {}, "finalizing": "2027-01-02T00:00:00Z"}, "so there is no rollback"),
    ],
    ids=["ZooKeeper", "KRaft", "finalized"],
)
def test_the_report_of_an_upgrade_tells_whether_it_can_be_rolled_back(record, sentence):
    events = whole()
    events[0].update(
        kind="upgrade", upgrade={"from": "3.8.1", "to": "3.9.2", "began": "2027-01-01T00:00:00Z", **record}
    )
    roll = model(events, PLAN)
    assert any(sentence in one and "3.8.1" in one for one in roll["sentences"]) and roll["upgrade"]["to"] == "3.9.2"
    assert sentence in page(roll)
    assert model(whole(), PLAN)["upgrade"] is None
