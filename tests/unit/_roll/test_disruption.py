"""The three disruptions: what may go for a moment, for longer, and for ever."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import disruption as roll_disruption
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import gate as roll_gate
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan as roll_plan
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import snapshot as roll_snapshot


def partition(*replicas, isr, min_isr=1, topic="p", number=0, **more):
    state = {
        "partition": number,
        "leader": isr[0] if isr else -1,
        "replicas": list(replicas),
        "isr": list(isr),
        "min_isr": min_isr,
        "offline": [],
    }
    return {"topic": topic, **state, "adding": [], "removing": [], "elr": [], **more}


def cluster(*partitions, down=(), moving=(), quorum=None):
    brokers = [{"id": id_, "rack": "abcd"[id_ - 1], "fenced": id_ in down} for id_ in (1, 2, 3, 4)]
    topics = {each["topic"]: {"own_min_isr": True, "min_isr": each["min_isr"]} for each in partitions}
    return {
        "brokers": brokers,
        "quorum": quorum,
        "controller_id": 2,
        "reassignments": list(moving),
        "topics": topics,
        "partitions": list(partitions),
    }


def admit(seen, nodes, disruption, *, in_flight=(), out=(), down=(), **limits):
    snapshot = roll_gate.fresh(seen, restart=nodes, in_flight=in_flight, out=out, **limits)
    return roll_plan.admit(snapshot, nodes, in_flight, down, disruption=disruption)


def plan(seen, nodes, disruption, **more):
    return roll_plan.resume(roll_plan.from_cluster(seen, restart=nodes, **more), disruption)


LAST = partition(1, 3, isr=[3], leader=-1)


def test_a_broker_that_is_down_and_has_the_last_copy_may_be_started_but_not_erased():
    """The everyday case: replication factor 2, one lags, the other is alone in sync and crashes. The operator rebuilds the dead broker."""
    seen = cluster(LAST, down=[3])
    assert admit(seen, [3], "restart", out=[3], down=[3])["admitted"] == [3]
    found = admit(seen, [3], "destroy", out=[3], down=[3])
    assert found["admitted"] == [] and found["loss"] == {
        "held": 1,
        "last_copies": 1,
        "below_minimum": 0,
        "first": ["p-0"],
    }
    assert found["held"][0]["reason"] == (
        "Erasing what broker 3 holds would destroy the last in-sync copy that runs of 1 partition (p-0); "
        "wait until the other replicas are in sync, or raise the replication factor."
    )
    assert plan(seen, [3], "restart")["batches"] == [[3]]
    assert (
        plan(seen, [3], "destroy")["batches"] == []
        and "last in-sync copy" in plan(seen, [3], "destroy")["refused"][0]["reason"]
    )


@pytest.mark.parametrize("disruption", ["stay_away", "destroy"])
@pytest.mark.parametrize(
    ("title", "part", "nodes", "more", "lost"),
    [
        ("two others are in sync", partition(1, 2, 3, isr=[1, 2, 3], min_isr=2), [3], {}, (0, 0)),
        ("one other is in sync, and two must be", partition(1, 2, 3, isr=[1, 3], min_isr=2), [3], {}, (0, 1)),
        ("the other one is down", partition(1, 3, isr=[1, 3]), [3], {"out": [1]}, (1, 0)),
        ("the other one is being restarted", partition(1, 3, isr=[1, 3]), [3], {"in_flight": [1]}, (1, 0)),
        ("both go at the same time", partition(1, 3, isr=[1, 3]), [1, 3], {}, (1, 0)),
        ("only one that is behind is left", partition(1, 3, isr=[3]), [3], {}, (1, 0)),
        ("its own copy is behind, and no other runs", partition(1, 3, isr=[1]), [3], {"out": [1]}, (1, 0)),
        ("its own copy is behind, and another is complete", partition(1, 3, isr=[1]), [3], {}, (0, 0)),
        (
            "a topic that is allowed to lose availability",
            partition(3, isr=[3], topic="scratch"),
            [3],
            {"allow": ["scratch"]},
            (1, 0),
        ),
        ("a minimum of none", partition(3, isr=[3], min_isr=0), [3], {}, (1, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_it_takes_with_it(disruption, title, part, nodes, more, lost):
    found = admit(cluster(part), nodes, disruption, **more)
    assert (found["loss"]["last_copies"], found["loss"]["below_minimum"]) == lost
    assert found["admitted"] == ([] if any(lost) else nodes)


def test_a_copy_that_kafka_may_still_elect_is_held_although_it_is_no_replica_in_sync():
    part = partition(1, 2, isr=[1], elr=[3])
    assert admit(cluster(part), [3], "destroy", out=[1])["loss"]["last_copies"] == 1


def test_a_replica_that_is_being_removed_is_no_other_copy():
    moving = [{"topic": "p", "partition": 0, "replicas": [1, 3], "adding": [], "removing": [1]}]
    part = partition(1, 3, isr=[1, 3], removing=[1])
    found = admit(cluster(part, moving=moving), [3], "destroy")
    assert found["loss"]["last_copies"] == 1 and found["firm"] and "is being reassigned" in found["held"][0]["reason"]


def test_headroom_counts_while_the_broker_can_come_back_and_not_for_an_erasure():
    seen = cluster(partition(1, 2, 3, isr=[1, 2, 3], min_isr=2))
    assert admit(seen, [3], "stay_away", isr_headroom=1)["admitted"] == []
    assert admit(seen, [3], "destroy", isr_headroom=1)["admitted"] == [3]


def test_the_sentence_names_the_first_and_how_many_more():
    parts = [partition(3, isr=[3], topic="t", number=number) for number in range(7)] + [
        partition(1, 3, isr=[1, 3], min_isr=2, topic="u")
    ]
    (held,) = admit(cluster(*parts), [3], "destroy")["held"]
    assert held["reason"].startswith(
        "Erasing what broker 3 holds would destroy the last in-sync copy that runs of 7 partitions and leave fewer in-sync replicas than "
        "min.insync.replicas in 1 partition (t-0, t-1, t-2, t-3, t-4 and 3 more); "
    )


def test_a_voter_stays_while_another_one_is_out():
    quorum = {"voters": [{"id": 1}, {"id": 2}, {"id": 3}], "leader": 2, "observers": []}
    seen = cluster(partition(1, 2, 3, isr=[1, 2, 3]), quorum=quorum)
    assert "voters go one at a time" in admit(seen, [1, 3], "stay_away")["held"][0]["reason"]
    assert admit(seen, [1, 3], "stay_away")["firm"]


def test_a_plan_takes_brokers_whose_copies_go_one_at_a_time():
    parts = [
        partition(a, b, c, isr=[a, b, c], min_isr=2, number=number)
        for number, (a, b, c) in enumerate([(1, 2, 3), (2, 3, 4), (3, 4, 1)])
    ]
    made = plan(cluster(*parts), [1, 2, 3], "destroy")
    assert made["batches"] == [[1], [2], [3]] and made["refused"] == [] and made["lower_bound"] == 3


def test_every_kind_is_judged_by_the_same_rule_in_plan_and_gate():
    """All states of one partition on three brokers: what the plan refuses for one broker, the gate holds, and the other way round."""
    for isr in ([], [1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]):
        for down in ([], [1], [2], [3], [1, 2], [2, 3]):
            for least in (1, 2):
                seen = cluster(partition(1, 2, 3, isr=isr, min_isr=least), down=down)
                for kind in ("stay_away", "destroy"):
                    gate = admit(seen, [3], kind)["admitted"] == [3]
                    assert gate == (plan(seen, [3], kind)["batches"] == [[3]])
                    others = [id_ for id_ in isr if id_ != 3 and id_ not in down]
                    assert gate == (len(others) >= least)


def test_loss_is_the_same_in_any_order_of_brokers():
    seen = roll_snapshot.read(
        roll_plan.from_cluster(cluster(partition(1, 2, isr=[1, 2]), partition(2, 3, isr=[2, 3], number=1)))
    )
    assert roll_disruption.loss(seen, [1, 2]) == roll_disruption.loss(seen, [2, 1])
