# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sampler's view: whom it believes, and what it calls a violation."""

from __future__ import annotations

import pytest
from ledger.isr import DELETED, Change, State, Watch, events, violations
from ledger.records import LedgerError

THREE = (1, 2, 3)


def isr(time, members, *, partition=0, minimum=2, epoch=1, replicas=THREE):
    return Change(time, "t", partition, members[0] if members else -1, epoch, replicas, tuple(members), minimum)


def event(time, kind, broker):
    return {"t": time, "event": kind, "broker": broker}


def out(broker, start, end, *, stopped=None, started=None):
    """A broker's turn."""
    return [
        event(start, "stopping", broker),
        event(stopped or start + 1, "stopped", broker),
        event(started or end - 1, "started", broker),
        event(end, "back", broker),
    ]


def found(changes, happened):
    return violations(changes, events(happened))


def test_one_broker_out_is_no_violation():
    assert found([isr(0, THREE), isr(10.5, (2, 3)), isr(15, THREE)], out(1, 10, 16)) == []


def test_two_of_three_out_is_one_and_our_doing():
    changes = [isr(0, THREE), isr(10.2, (2, 3)), isr(10.4, (3,)), isr(20, THREE)]
    (one,) = found(changes, out(1, 10, 25) + out(2, 10, 25))
    assert one == {
        "time": 10.4,
        "topic": "t",
        "partition": 0,
        "min_isr": 2,
        "before": [2, 3],
        "after": [3],
        "out": [1, 2],
        "self_inflicted": True,
    }


def test_both_leaving_at_once_are_seen():
    assert len(found([isr(0, THREE), isr(10.2, (3,))], out(1, 10, 25) + out(2, 10, 25))) == 1


def test_a_broker_that_dies_by_itself_meanwhile_is_counted_but_not_ours():
    (one,) = found([isr(0, THREE), isr(10.5, (2, 3)), isr(12, (3,))], out(1, 10, 20))
    assert one["self_inflicted"] is False and one["out"] == [1]


def test_stopping_one_after_another_died_is_ours():
    (one,) = found([isr(0, THREE), isr(5, (1, 3)), isr(10.5, (3,))], out(1, 10, 20))
    assert one["self_inflicted"] is True


def test_a_fall_with_nobody_out_is_not_the_rolls():
    assert found([isr(0, THREE), isr(5, (1,)), isr(9, THREE)], out(1, 10, 20)) == []
    assert found([isr(0, THREE), isr(21, (1,))], out(1, 10, 20)) == []


def test_below_the_minimum_before_is_no_fall():
    assert found([isr(0, (1, 2)), isr(1, (1,)), isr(10.5, ())], out(1, 10, 20)) == []


def test_each_fall_counts():
    changes = [isr(0, THREE), isr(10.5, (3,)), isr(12, THREE), isr(13, (3,))]
    assert len(found(changes, out(1, 10, 20, stopped=19))) == 2


def test_a_stopped_broker_that_is_still_listed_does_not_count_as_in_sync():
    # Killed instead of shut down: the metadata lists both until they are fenced, seconds later.
    (one,) = found(
        [isr(0, THREE)],
        [event(10, "stopping", 1), event(10.1, "stopped", 1), event(11, "stopping", 2), event(11.1, "stopped", 2)],
    )
    assert (one["time"], one["after"], one["self_inflicted"]) == (11.1, [3], True)


def test_the_only_replica_stopped_is_a_violation_even_if_its_isr_is_kept():
    changes = [isr(0, (1,), replicas=(1,), minimum=1)]
    assert [one["after"] for one in found(changes, out(1, 10, 20))] == [[]]


def test_a_broker_added_to_the_isr_runs_whatever_the_events_say():
    changes = [isr(0, THREE), isr(10.5, (2, 3)), isr(14, THREE), isr(15, (1, 2))]
    assert found(changes, out(1, 10, 20, started=19.5)) == []


def test_partitions_are_watched_each_for_itself():
    changes = [
        isr(0, THREE),
        isr(0, (4, 5, 6), partition=1, replicas=(4, 5, 6)),
        isr(10.5, (2, 3)),
        isr(10.6, (5, 6), partition=1),
    ]
    assert found(changes, out(1, 10, 20) + out(4, 10, 20)) == []


def test_events_of_other_kinds_are_passed_over_and_bad_ones_told():
    assert [
        one.broker
        for one in events([{"t": 2, "event": "back", "broker": 2}, {"event": "plan"}, event("1", "stopping", "1")])
    ] == [1, 2]
    with pytest.raises(LedgerError, match="lacks t"):
        events([{"event": "back", "broker": 2}])


def state(members, *, epoch=1, leader=1):
    return {("t", 0): State(leader, epoch, THREE, tuple(members))}


def test_the_view_follows_the_answers_and_tells_only_what_is_new():
    watch = Watch()
    assert watch.answer(0, 1, THREE, state(THREE)) == [("t", 0)]
    assert watch.answer(0.2, 2, THREE, state(THREE)) == []
    assert watch.answer(0.4, 3, (2, 3), state((2, 3), epoch=2)) == [("t", 0)]
    assert watch.counts({"t": 2}) == (1, 1, 0, 0)


def test_an_older_leader_epoch_never_replaces_a_newer_one():
    watch = Watch()
    watch.answer(0, 2, THREE, state((2, 3), epoch=5, leader=2))
    assert watch.answer(0.2, 3, THREE, state(THREE, epoch=4)) == []
    assert watch.partitions["t", 0].isr == (2, 3)


def test_a_broker_that_the_others_call_dead_is_not_believed():
    watch = Watch()
    for broker in (2, 3):
        watch.answer(10, broker, (2, 3), state((2, 3)))
    assert watch.answer(10.2, 1, THREE, state(THREE)) == [] and watch.distrusted == 1
    # It is alone now: nobody contradicts it.
    assert watch.answer(20, 1, THREE, state(THREE)) == [("t", 0)]


def test_a_broker_that_is_a_moment_behind_brings_no_old_state_back():
    watch = Watch()
    for broker in (1, 2, 3):
        watch.answer(0, broker, THREE, state(THREE))
    assert watch.answer(0.2, 1, THREE, state((2, 3))) == [("t", 0)]
    assert watch.answer(0.25, 2, THREE, state(THREE)) == []
    # The one that told the new state says that it is over: that is news.
    assert watch.answer(0.3, 1, THREE, state(THREE)) == [("t", 0)]
    # And what was replaced long ago is no echo.
    assert watch.answer(0.4, 1, THREE, state((2, 3))) == [("t", 0)]
    assert watch.answer(9.0, 2, THREE, state(THREE)) == [("t", 0)]


def test_a_partition_is_deleted_when_nobody_tells_it_any_more():
    watch = Watch()
    for broker in (1, 2):
        watch.answer(0, broker, THREE, state(THREE, epoch=7))
    # One that came back and knows nothing yet deletes nothing.
    assert watch.answer(0.2, 1, THREE, {}) == [] and watch.state(("t", 0)).isr == THREE
    assert watch.answer(0.4, 2, THREE, {}) == [("t", 0)] and watch.state(("t", 0)) == DELETED
    assert watch.answer(0.6, 1, THREE, {}) == []
    # Another of the same name begins anew.
    assert watch.answer(0.8, 1, THREE, state(THREE, epoch=0)) == [("t", 0)] and watch.state(("t", 0)).epoch == 0


def test_who_is_not_believed_deletes_nothing():
    watch = Watch()
    watch.answer(10, 1, THREE, state(THREE))
    watch.answer(10.1, 2, (2, 3), {})
    watch.answer(10.2, 3, (2, 3), {})
    assert watch.answer(10.3, 1, THREE, {}) == [] and watch.state(("t", 0)).isr == THREE


def test_what_was_deleted_cannot_fall_below_its_minimum():
    changes = [isr(0, THREE), Change(1, "t", 0, *DELETED, 0)]
    happened = [event(2, "stopping", 1), event(3, "stopped", 1), event(3, "stopping", 2), event(4, "stopped", 2)]
    assert found(changes[:1], happened) != [] and found(changes, happened) == []


@pytest.mark.parametrize(
    ("members", "leader", "minimum", "counts"),
    [(THREE, 1, 2, (0, 0, 0, 0)), ((1,), 1, 2, (1, 0, 1, 0)), ((1,), -1, 1, (1, 1, 0, 1)), (THREE, 1, 5, (0, 1, 0, 0))],
    ids=["whole", "under the minimum", "without a leader", "a minimum above the number of replicas"],
)
def test_counts(members, leader, minimum, counts):
    watch = Watch()
    watch.answer(0, 1, THREE, state(members, leader=leader))
    assert watch.counts({"t": minimum}) == counts
