# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie in the picture of a roll."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._report import chart, roll

BEGIN, END = chart.LEFT, chart.WIDTH - chart.RIGHT


def picture(*events, end=100, **more):
    lines = [{"t": 0, "event": "roll_started"}, *events, {"t": end, "event": "roll_ended"}]
    return chart.chart(roll.model(lines, **more))


def restart(broker, *times):
    return [{"t": t, "event": step, "broker": broker} for step, t in zip(roll.STEPS, times)]


def texts(drawn):
    return {text.text: text for text in drawn.texts}


class TestScale:
    def test_the_roll_fills_the_width_and_nothing_lies_beside_it(self):
        scale = chart.Scale(1000, 1100)
        assert [scale(when) for when in (0, 1000, 1050, 1100, 9999)] == [BEGIN, BEGIN, (BEGIN + END) / 2, END, END]

    def test_a_short_time_can_still_be_seen(self):
        assert chart.Scale(0, 1000).span(500, 500, 2)[1] == 2

    def test_a_roll_of_one_moment_has_a_scale(self):
        assert chart.Scale(5, 5)(5) == BEGIN

    @pytest.mark.parametrize(
        ("length", "step", "label"),
        [(0.5, 0.1, "0.1 s"), (5, 0.5, "0.5 s"), (50, 5, "5 s"), (600, 60, "1:00"), (7200, 900, "0:15 h")],
    )
    def test_ticks_are_round_and_at_most_a_dozen(self, length, step, label):
        scale = chart.Scale(0, length)
        ticks = scale.ticks()
        assert ticks[0] == 0 and ticks[1] == pytest.approx(step) and ticks[-1] <= length + 1e-9 and 5 < len(ticks) <= 12
        assert scale.label(ticks[1]) == label


class TestRows:
    def test_phases_follow_each_other_without_a_gap(self):
        bars = picture(*restart(1, 10, 20, 30, 40, 50)).bars
        assert [bar.style for bar in bars] == list(roll.PHASES)
        assert [round(bar.x + bar.width) for bar in bars[:-1]] == [round(bar.x) for bar in bars[1:]]

    def test_a_phase_that_was_not_over_is_framed(self):
        bars = picture(*restart(1, 10, 20)).bars
        assert [bar.style for bar in bars] == ["stop", "down", "open"] and bars[1].x == bars[2].x
        assert bars[1].tip.endswith("not over at the end") and bars[1].x + bars[1].width == pytest.approx(END)

    def test_the_time_out_is_right_of_the_bar_and_left_where_there_is_no_room(self):
        early = picture(*restart(1, 10, 11, 12, 13, 14))
        late = picture(*restart(1, 10, 20), {"t": 90, "event": "failed", "broker": 1, "reason": "x" * 80})
        assert texts(early)["4.0 s"].anchor == "start" and texts(early)["4.0 s"].x > early.bars[-1].x
        error = next(text for text in late.texts if text.tip == "x" * 80)
        assert error.anchor == "end" and error.x < late.bars[0].x and error.text.endswith("…") and error.style == "bad"

    def test_a_node_that_was_not_begun_says_so(self):
        assert texts(picture(plan={"batches": [[1]]}))["not begun"].style == "dim"

    @pytest.mark.parametrize(("many", "height"), [(12, 30), (13, 22), (36, 22), (37, 15)])
    def test_rows_are_lower_where_there_are_many(self, many, height):
        drawn = texts(picture(plan={"batches": [list(range(many))]}))
        assert drawn["broker 1"].y - drawn["broker 0"].y == height

    def test_quorum_nodes_come_first_and_racks_have_a_title_each(self):
        nodes = [{"id": 1, "rack": "b"}, {"id": 2, "rack": "a"}, {"id": 9, "rack": "a", "roles": ["controller"]}]
        drawn = picture(plan={"nodes": nodes})
        assert [title.text for title in drawn.groups] == ["Controllers", "a", "b"]
        assert [title.y for title in drawn.groups] == sorted(title.y for title in drawn.groups)


class TestParts:
    CURVE = {"event": "curve", "under_replicated": 10, "at_min_isr": 0, "under_min_isr": 0}

    def test_a_number_holds_until_the_next_is_told(self):
        (part,) = picture({**self.CURVE, "t": 0}, {"t": 50, "event": "curve"}).parts
        top, middle = part.floor - chart.TALL, (BEGIN + END) / 2
        assert dict(part.paths)["area"] == "M%s %sH%sV%sH%s" % (float(BEGIN), top, middle, float(part.floor), END)

    def test_what_never_was_has_no_line_but_a_key(self):
        (part,) = picture({**self.CURVE, "t": 0}).parts
        assert [style for style, _ in part.paths] == ["under", "area"]
        assert [key.style for key in part.keys] == ["area", "at-min", "under-min"]

    def test_a_longer_gap_of_the_client_lies_higher(self):
        times = {"t-0": (100, 10, 11), "t-1": (200, 10, 12), "before": (900, -9, -8), "after": (900, 900, 901)}
        gaps = {name: {"ms": ms, "from": begin, "to": end} for name, (ms, begin, end) in times.items()}
        (part,) = picture(ledger={"gaps": {"partitions": gaps}}).parts
        # What was before or after the roll is not drawn.
        heights = {mark.tip.split(":")[0]: part.floor - mark.y for mark in part.marks}
        assert heights == {"t-0": chart.TALL / 2, "t-1": chart.TALL}

    def test_without_either_there_is_none(self):
        assert picture(*restart(1, 10, 20)).parts == []


def test_batches_are_striped_and_numbered_where_there_is_room():
    starts = [{"t": t, "event": "batch_started", "brokers": [number]} for number, t in enumerate((0, 50, 51, 52.5), 1)]
    drawn = picture(*starts)
    assert [text.text for text in drawn.texts if text.tip.startswith("Batch")] == ["batch 1", "", "", "batch 4"]
    assert len(drawn.bands) == 2


def test_a_fault_stands_at_its_time():
    (fault,) = picture({"t": 50, "event": "fault", "text": "a plug"}).faults
    assert (fault.x, fault.tip) == ((BEGIN + END) / 2, "a plug")


def test_the_legend_has_only_what_the_picture_has():
    def styles(*events):
        return [style for style, _ in chart.legend(roll.model([{"t": 0, "event": "roll_started"}, *events]))]

    assert styles() == []
    assert styles(*restart(1, 1, 2, 3, 4, 5)) == list(roll.PHASES)
    waited = {"t": 1, "event": "gate_waiting", "broker": 1}
    assert styles(waited, {"t": 2, "event": "soaked", "broker": 1}) == ["soak", "gate"]
    assert styles({"t": 1, "event": "fault"}) == ["fault"]
