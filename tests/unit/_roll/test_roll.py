"""The plan of a roll: safe by counting, as short as can be, and each refusal, certificate and repair true."""

from __future__ import annotations

import copy
import json
import math
import random
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import batches as roll_batches
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import snapshot as roll_snapshot

ROOT = Path(__file__).resolve().parents[3]
FIXED = settings(
    derandomize=True, deadline=None, max_examples=300, database=None, suppress_health_check=list(HealthCheck)
)
FEWER = settings(FIXED, max_examples=80)


def part(*replicas, topic="t", partition=0, isr=None, min_isr=2):
    return {
        "topic": topic,
        "partition": partition,
        "replicas": list(replicas),
        "isr": list(replicas if isr is None else isr),
        "min_isr": min_isr,
    }


def snapshot(partitions, racks="abc", brokers=6, **more):
    """Brokers 1 to n in racks a, b, c, a, b, c …, all to be restarted."""
    listed = [{"id": id_, "rack": racks[(id_ - 1) % len(racks)]} for id_ in range(1, brokers + 1)]
    numbered = [{**each, "partition": number} for number, each in enumerate(partitions)]
    plain = {
        "brokers": listed,
        "controllers": {"voters": [], "leader": None},
        "partitions": numbered,
        "out": [],
        "restart": list(range(1, brokers + 1)),
    }
    return {**plain, "max_batch": None, "isr_headroom": 0, **more}


def generated(brokers, partitions, racks, factor=3, min_isr=2, misplaced=0, seed=1):
    chance = random.Random(seed)
    inside = [[id_ for id_ in range(1, brokers + 1) if id_ % racks == number] for number in range(racks)]
    placed = [[chance.choice(rack) for rack in chance.sample(inside, factor)] for _ in range(partitions)]
    for each in placed[:misplaced]:
        rack = next(rack for rack in inside if each[0] in rack)
        each[1] = chance.choice([id_ for id_ in rack if id_ != each[0]])
    listed = [part(*each, topic="t%d" % (number // 100), min_isr=min_isr) for number, each in enumerate(placed)]
    made = snapshot(listed, brokers=brokers)
    made["brokers"] = [{"id": id_, "rack": "r%d" % (id_ % racks)} for id_ in range(1, brokers + 1)]
    return made


def oracle_safe(snap, batch):
    """The rule of the specification, once more and as plainly as possible."""
    out, voting, batch = (
        set(snap["out"]),
        set(snap["controllers"]["voters"]) & set(batch),
        set(batch) - set(snap["out"]),
    )
    for each in snap["partitions"]:
        before, holders = set(each["isr"]) - out, set(each["replicas"])
        taken, left = before & batch, before - batch
        if each["topic"] in snap.get("allow", ()) and len(holders) <= each["min_isr"]:
            if len(holders) > 1 and holders & batch and not (before and left):
                return False
            continue
        least = max(each["min_isr"], 1) + snap["isr_headroom"]
        if (taken and len(left) < least) or (holders & batch and len(before) < least):
            return False
    voters, leader = set(snap["controllers"]["voters"]), snap["controllers"]["leader"]
    going = voters & batch
    alive = voters - out
    return len(voting) < 2 and (not going or (leader in alive and len(alive - batch) >= len(voters) // 2 + 1))


def oracle_restartable(snap):
    return {id_ for id_ in snap["restart"] if oracle_safe(snap, {id_})}


def oracle_fewest(snap, brokers):
    """Every way to part the brokers into batches."""
    brokers, best = sorted(brokers), [len(brokers)]

    def fill(number, batches):
        if len(batches) >= best[0]:
            return
        if number == len(brokers):
            best[0] = len(batches)
            return
        for batch in [*batches, None]:
            members = (batch or []) + [brokers[number]]
            if len(members) <= (snap["max_batch"] or len(members)) and oracle_safe(snap, members):
                fill(number + 1, [each for each in batches if each is not batch] + [members])

    fill(0, [])
    return best[0]


@st.composite
def snapshots(draw, most=7):
    count = draw(st.integers(2, most))
    ids = list(range(1, count + 1))
    some = st.lists(st.sampled_from(ids), unique=True)
    partitions = []
    for number in range(draw(st.integers(0, 12))):
        replicas = draw(st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=min(4, count)))
        whole = draw(st.booleans()) or draw(st.booleans())
        isr = replicas if whole else draw(st.lists(st.sampled_from(replicas), unique=True))
        partitions.append(
            {
                **part(*replicas, isr=isr, min_isr=draw(st.integers(1, 3))),
                "topic": draw(st.sampled_from("tu")),
                "partition": number,
            }
        )
    racks = draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count))
    voters = draw(st.one_of(st.just([]), st.just(ids), st.lists(st.sampled_from(ids), unique=True, min_size=1)))
    return {
        "brokers": [{"id": id_, "rack": rack} for id_, rack in zip(ids, racks)],
        "controllers": {"voters": voters, "leader": draw(st.sampled_from(voters)) if voters else None},
        "partitions": partitions,
        "out": draw(st.one_of(st.just([]), some)),
        "restart": draw(st.one_of(st.just(ids), some)),
        "max_batch": draw(st.one_of(st.none(), st.integers(1, 3))),
        "isr_headroom": draw(st.sampled_from([0, 0, 0, 1])),
        "allow": draw(st.sampled_from([[], [], sorted({each["topic"] for each in partitions} & {"u"})])),
    }


class TestAgainstBruteForce:
    @FIXED
    @given(snapshots())
    def test_batches_are_safe_complete_and_as_few_as_possible(self, snap):
        planned = plan.plan(snap)
        going = [id_ for batch in planned["batches"] for id_ in batch]
        assert sorted(going) == sorted(oracle_restartable(snap))
        for batch in planned["batches"]:
            assert oracle_safe(snap, batch)
            assert 0 < len(batch) <= (snap["max_batch"] or len(batch))
        assert len(planned["batches"]) == planned["lower_bound"] == oracle_fewest(snap, going)

    @FEWER
    @given(snapshots())
    def test_who_does_not_go_is_refused_by_a_partition_that_cannot_spare_it(self, snap):
        planned = plan.plan(snap)
        left = set(snap["restart"]) - {id_ for batch in planned["batches"] for id_ in batch}
        assert {id_ for each in planned["refused"] for id_ in each["brokers"]} == left
        named = {(each["topic"], each["partition"]) for each in planned["refused"]}
        for each in snap["partitions"]:
            alone = {**snap, "partitions": [each], "controllers": {"voters": [], "leader": None}}
            assert ((each["topic"], each["partition"]) in named) == any(
                not oracle_safe(alone, {id_}) for id_ in snap["restart"]
            )

    @FEWER
    @given(snapshots())
    def test_the_leader_goes_last_and_who_is_down_goes_first(self, snap):
        planned = plan.plan(snap)
        going = [id_ for batch in planned["batches"] for id_ in batch]
        leader = snap["controllers"]["leader"]
        if leader in going and leader not in snap["out"]:
            assert leader in planned["batches"][-1]
        down = [number for number, batch in enumerate(planned["batches"]) for id_ in batch if id_ in snap["out"]]
        if down and snap["max_batch"] is None:
            # Of voters one at a time.
            assert set(down) == set(
                range(max(1, len(set(snap["out"]) & set(going) & set(snap["controllers"]["voters"]))))
            )

    @FEWER
    @given(snapshots())
    def test_a_person_can_check_the_certificate(self, snap):
        planned = plan.plan(snap)
        assert planned["certificate"]["lower_bound"] == planned["lower_bound"]
        assert planned["certificate"]["sentence"].endswith(".")
        going = {id_ for batch in planned["batches"] for id_ in batch}
        assert certified(snap, planned["certificate"], going) == planned["lower_bound"]

    @FEWER
    @given(snapshots())
    def test_the_snapshot_is_left_as_it_was(self, snap):
        before = copy.deepcopy(snap)
        plan.plan(snap)
        assert snap == before

    @pytest.mark.parametrize("seed", range(6))
    def test_ten_brokers_without_order(self, seed):
        chance = random.Random(seed)
        placed = [part(*chance.sample(range(1, 11), chance.choice([2, 3, 4])), min_isr=1 + seed % 2) for _ in range(14)]
        snap = snapshot([each for each in placed if len(each["replicas"]) > each["min_isr"]], brokers=10)
        planned = plan.plan(snap)
        assert len(planned["batches"]) == planned["lower_bound"] == oracle_fewest(snap, range(1, 11))


def certified(snap, certificate, going):
    """The lower bound that follows from a certificate, checked fact by fact."""
    running = set(going) - set(snap["out"])

    def spare_of(name):
        if name[0] == "__cluster_metadata":
            return set(snap["controllers"]["voters"]), 1
        each = next(each for each in snap["partitions"] if (each["topic"], each["partition"]) == name)
        in_sync = set(each["isr"]) - set(snap["out"])
        if each["topic"] in snap.get("allow", ()) and len(each["replicas"]) <= each["min_isr"]:
            return in_sync, max(1, len(in_sync) - 1)
        return in_sync, len(in_sync) - each["min_isr"] - snap["isr_headroom"]

    if certificate["kind"] in ("nothing", "single"):
        return int(bool(going))
    if certificate["kind"] == "partition":
        in_sync, spare = spare_of((certificate["topic"], certificate["partition"]))
        assert set(certificate["brokers"]) <= in_sync & running and spare == certificate["spare"]
        return -(-len(certificate["brokers"]) // spare)
    if certificate["kind"] == "quorum":
        assert set(certificate["brokers"]) <= set(snap["controllers"]["voters"]) & set(going)
        return len(certificate["brokers"])
    if certificate["kind"] == "cap":
        return -(-len(going) // snap["max_batch"])
    if certificate["kind"] == "clique":
        assert set(certificate["brokers"]) <= running | set(snap["controllers"]["voters"]) & set(going)
        facts = [spare_of((each["topic"], each["partition"])) for each in certificate["partitions"]]
        for pair in combinations(certificate["brokers"], 2):
            assert any(set(pair) <= in_sync and spare == 1 for in_sync, spare in facts)
        return len(certificate["brokers"])
    if certificate["kind"] == "groups":
        for one, other in combinations(certificate["groups"], 2):
            for pair in ((a, b) for a in one["brokers"] for b in other["brokers"]):
                assert not oracle_safe(snap, pair)
        return sum(certified(snap, group, set(group["brokers"])) for group in certificate["groups"])
    assert certificate["kind"] == "exhaustive"
    return oracle_fewest(snap, certificate["brokers"])


class TestBatches:
    def test_one_batch_per_rack_where_partitions_are_spread(self):
        planned = plan.plan(generated(30, 3000, 3))
        assert sorted(map(sorted, planned["batches"])) == [
            [id_ for id_ in range(1, 31) if id_ % 3 == number] for number in (1, 2, 0)
        ]
        assert planned["lower_bound"] == 3
        assert planned["certificate"]["kind"] == "partition"
        assert planned["repairs"] == planned["refused"] == planned["notes"] == []

    @pytest.mark.parametrize(
        ("racks", "factor", "min_isr", "batches"),
        [
            (3, 3, 2, 3),
            (6, 3, 2, 6),
            (3, 3, 1, 2),
            (2, 2, 1, 2),
            (4, 4, 2, 2),
            (4, 4, 1, 2),
            (5, 5, 3, 3),
            (6, 3, 1, 3),
        ],
        ids=lambda value: str(value),
    )
    def test_dense_rack_aware_clusters_reach_the_lower_bound(self, racks, factor, min_isr, batches):
        planned = plan.plan(generated(60, 12000, racks, factor, min_isr))
        assert len(planned["batches"]) == planned["lower_bound"] == batches

    def test_more_racks_than_replicas_are_certified_by_pairs(self):
        snap = generated(60, 12000, 6)
        planned = plan.plan(snap)
        assert planned["certificate"]["kind"] == "clique"
        assert certified(snap, planned["certificate"], set(range(1, 61))) == 6

    def test_a_limit_on_the_batch_is_kept_and_certified_rack_by_rack(self):
        planned = plan.plan({**generated(9, 300, 3), "max_batch": 2})
        assert [len(batch) for batch in planned["batches"]] == [1, 1, 1, 2, 2, 2]
        assert planned["lower_bound"] == 6
        assert planned["certificate"]["kind"] == "groups"
        assert [group["kind"] for group in planned["certificate"]["groups"]] == ["cap"] * 3

    def test_two_brokers_that_share_nothing_do_not_spoil_the_certificate(self):
        snap = {**generated(30, 6000, 3), "max_batch": 4}
        snap["partitions"] = [each for each in snap["partitions"] if not {1, 2} <= set(each["replicas"])]
        planned = plan.plan(snap)
        assert len(planned["batches"]) == planned["lower_bound"] == 9
        assert certified(snap, planned["certificate"], set(range(1, 31))) == 9

    def test_racks_are_never_trusted(self):
        snap = snapshot([part(1, 4, 2)])
        assert not any({1, 4} <= set(batch) for batch in plan.plan(snap)["batches"])

    def test_without_racks_the_partitions_alone_decide(self):
        snap = snapshot([part(1, 2, 3), part(4, 5, 6)])
        snap["brokers"] = [{"id": id_, "rack": None} for id_ in range(1, 7)]
        assert [len(batch) for batch in plan.plan(snap)["batches"]] == [2, 2, 2]

    def test_saturation_finds_two_batches_where_first_fit_takes_many(self):
        # A crown: n never goes with any of the other side but its own opposite, which first fit pairs it with.
        near = [
            sum(1 << other for other in range(40) if other % 2 != number % 2 and other // 2 != number // 2)
            for number in range(40)
        ]
        packer = roll_batches.Packer(roll_batches.Puzzle((1 << 40) - 1, near, [], ["a"] * 40, None))
        assert len(packer.by_rack()) == 20
        assert len(packer.by_saturation()) == len(packer.rack_by_rack()) == 2

    def test_a_batch_for_each_rack_evicts_who_cannot_go_with_the_rest(self):
        near = [0b10, 0b01, 0, 0]
        packer = roll_batches.Packer(roll_batches.Puzzle(0b1111, near, [], ["a", "a", "a", "b"], None))
        assert sorted(map(sorted, packer.one_per_rack())) in ([[0, 2], [1, 3]], [[0, 3], [1, 2]])

    def test_filling_again_merges_what_may_go_together_and_stops_at_the_bound(self):
        packer = roll_batches.Packer(roll_batches.Puzzle(0b1111, [0b10, 0b01, 0, 0], [], ["a"] * 4, None))
        loose = [[0], [1], [2], [3]]
        assert len(roll_batches._polish(packer, loose, 2, 1000)) == 2
        assert roll_batches._polish(packer, loose, 4, 1000) == loose

    def test_a_plan_is_the_same_every_time(self):
        one, other = (plan.plan(generated(60, 400, 3, misplaced=40)) for _ in range(2))
        assert {**one, "seconds": 0} == {**other, "seconds": 0}

    def test_a_plan_that_fails_its_own_count_is_not_returned(self, monkeypatch):
        monkeypatch.setattr(plan, "pack", lambda whole, _bound: ([list(roll_snapshot.bits(whole.brokers))], False))
        monkeypatch.setattr(plan, "groups", lambda whole: [whole.brokers])
        with pytest.raises(plan.RollError, match="takes more of partition t-0 than it can spare"):
            plan.plan(snapshot([part(1, 2, 3)]))

    def test_voters_among_the_brokers_go_one_at_a_time_and_their_leader_last(self):
        planned = plan.plan(snapshot([], controllers={"voters": [1, 2, 3], "leader": 1}))
        assert [set(batch) & {1, 2, 3} for batch in planned["batches"]] == [{2}, {3}, {1}]
        assert planned["certificate"]["kind"] == "quorum"

    def test_a_voter_that_is_down_goes_with_no_other_and_first(self):
        planned = plan.plan(
            snapshot(
                [],
                brokers=5,
                racks="abcde",
                controllers={"voters": [1, 2, 3, 4, 5], "leader": 5},
                out=[2],
                restart=[1, 2],
            )
        )
        assert (planned["batches"], planned["lower_bound"], planned["certificate"]["kind"]) == ([[2], [1]], 2, "quorum")
        two = plan.plan(
            snapshot(
                [],
                brokers=5,
                racks="abcde",
                controllers={"voters": [1, 2, 3, 4, 5], "leader": 5},
                out=[1, 2],
                restart=[1, 2],
            )
        )
        assert two["batches"] == [[1], [2]]

    def test_a_plan_with_two_voters_in_a_batch_is_not_returned(self, monkeypatch):
        monkeypatch.setattr(plan, "in_order", lambda cluster, batches, down: [[1, 2]])
        with pytest.raises(plan.RollError, match="takes too many of brokers 1 and 2 at once"):
            plan.plan(snapshot([], controllers={"voters": [1, 2, 3, 4, 5], "leader": 5}, out=[1], restart=[1, 2]))

    def test_the_controller_of_a_zookeeper_cluster_goes_last(self):
        planned = plan.plan(snapshot([part(1, 2, 3)], brokers=3, controllers={"voters": [], "leader": 1}))
        assert planned["batches"][-1] == [1]

    @pytest.mark.parametrize("size", [0, 1])
    def test_nothing_to_restart_or_a_single_broker(self, size):
        planned = plan.plan(snapshot([part(1, 2, 3)], restart=[1][:size]))
        assert planned["batches"] == [[1]][:size]
        assert planned["lower_bound"] == size

    def test_three_hundred_brokers_and_a_hundred_thousand_partitions_take_no_time(self):
        snap = generated(300, 100_000, 3)
        begun = time.process_time()
        planned = plan.plan(snap)
        assert time.process_time() - begun < 2
        assert len(planned["batches"]) == 3

    def test_what_only_an_exhaustive_search_can_show_is_certified(self):
        ring = [part(id_, id_ % 5 + 1, 6, isr=[id_, id_ % 5 + 1], min_isr=1) for id_ in range(1, 6)]
        planned = plan.plan(snapshot(ring, restart=[1, 2, 3, 4, 5]))
        assert len(planned["batches"]) == planned["lower_bound"] == 3
        assert planned["certificate"]["kind"] == "exhaustive"
        assert "into 2 batches was tried" in planned["certificate"]["sentence"]
        assert (
            "max_batch"
            in plan.plan({**snapshot(ring, restart=[1, 2, 3, 4, 5]), "max_batch": 3})["certificate"]["sentence"]
        )

    @pytest.mark.parametrize("seed", range(60))
    def test_every_way_was_tried_when_it_says_so(self, seed):
        chance = random.Random(seed)
        size = chance.randint(2, 9)
        near = [0] * size
        for one, other in combinations(range(size), 2):
            if chance.random() < seed % 5 / 8:
                near[one] |= 1 << other
                near[other] |= 1 << one
        wide = []
        for _ in range(chance.randint(0, 12) if size > 2 else 0):
            members = tuple(sorted(chance.sample(range(size), chance.randint(3, min(4, size)))))
            wide.append(roll_batches.Limit(sum(1 << member for member in members), 2, members, None))
        whole = roll_batches.Puzzle((1 << size) - 1, near, wide, ["a"] * size, chance.choice([None, None, 3]))
        packer, fewest = roll_batches.Packer(whole), len(roll_batches.exhaust(whole))
        batches, exhausted = packer.settle(fewest, 10**9)
        assert (
            not exhausted
            and sorted(broker for batch in batches for broker in batch) == list(range(size))
            and len(batches) == fewest
        )
        for batch in batches:
            assert not any(near[one] >> other & 1 for one, other in combinations(batch, 2)) and len(batch) <= (
                whole.max_batch or size
            )
            assert all(len(set(batch) & set(limit.members)) <= limit.spare for limit in wide)
        assert fewest == 1 or packer.settle(fewest - 1, 10**9) == ([], True)
        assert packer.settle(fewest, 0) == ([], False)

    def test_trying_every_way_finds_what_the_other_ways_do_not(self, monkeypatch):
        snap = generated(30, 80, 5, misplaced=40, seed=12)
        planned = plan.plan(snap)
        assert len(planned["batches"]) == planned["lower_bound"] == 6
        monkeypatch.setattr(roll_batches.Packer, "settle", lambda packer, count, effort: ([], False))
        assert len(plan.plan(snap)["batches"]) == 7


class TestResume:
    """A roll that was broken off with brokers down goes on with these, and plans the others as if they were back."""

    def test_the_broker_that_is_down_goes_first_and_the_others_after_it(self):
        snap = snapshot([part(1, 2, 3)], brokers=3, out=[2])
        assert plan.plan(snap)["refused"]
        planned = plan.resume(snap)
        assert (planned["batches"], planned["refused"], planned["lower_bound"]) == ([[2], [1], [3]], [], 3)
        assert planned["certificate"]["sentence"].startswith(
            "Broker 2 is down and must be back before brokers 1 and 3 can go. Partition t-0"
        )

    def test_in_sync_nowhere_yet_it_counts_as_back_too(self):
        planned = plan.resume(snapshot([part(1, 2, 3, isr=[1, 3])], brokers=3, out=[2]))
        assert planned["batches"] == [[2], [1], [3]]

    def test_those_that_are_down_go_in_no_more_than_may_go_at_once(self):
        planned = plan.resume(snapshot([part(1, 2, 3), part(4, 5, 6)], out=[1, 4], max_batch=1))
        assert planned["batches"][:2] == [[1], [4]] and all(len(batch) == 1 for batch in planned["batches"])
        # Four are held back, and one at least goes before them; that both of them must is more than is certified.
        assert planned["lower_bound"] == 5 and "whether one has fewer than 6" in planned["notes"][-1]

    def test_voters_that_are_down_go_one_after_another(self):
        voters = {"voters": [1, 2, 3, 4, 5], "leader": 5}
        planned = plan.resume(
            snapshot([part(1, 3, 4), part(2, 3, 4)], brokers=5, racks="abcde", controllers=voters, out=[1, 2])
        )
        assert planned["batches"][:2] == [[1], [2]] and planned["refused"] == []

    def test_what_stands_back_for_another_reason_still_does(self):
        planned = plan.resume(snapshot([part(1, 2, 3), part(4, min_isr=1)], out=[2]))
        assert [each["brokers"] for each in planned["refused"]] == [[4]]
        assert {id_ for batch in planned["batches"] for id_ in batch} == {1, 2, 3, 5, 6}

    def test_a_broker_that_is_down_and_is_not_of_the_roll_counts_as_out(self):
        snap = snapshot([part(1, 2, 3)], brokers=3, out=[2], restart=[1, 3])
        assert plan.resume(snap)["refused"] and plan.resume(snap)["batches"] == []

    @FEWER
    @given(snapshots())
    def test_every_batch_is_safe_once_those_that_are_down_are_back(self, snap):
        planned, strict = plan.resume(snap), plan.plan(snap)
        late = {id_ for each in snap["partitions"] for id_ in set(each["replicas"]).difference(each["isr"])}
        first = set(snap["restart"]) & (
            set(snap["out"]) | late - {id_ for each in strict["refused"] for id_ in each["brokers"]}
        )
        if not strict["refused"] or not first:
            assert {**planned, "seconds": 0} == {**strict, "seconds": 0}
            return
        back_again = [
            {**each, "isr": sorted({*each["isr"], *(first & set(each["replicas"]))})} for each in snap["partitions"]
        ]
        whole = {**snap, "partitions": back_again, "out": [id_ for id_ in snap["out"] if id_ not in first]}
        strictly = {id_ for batch in strict["batches"] for id_ in batch}
        going = {id_ for batch in planned["batches"] for id_ in batch}
        assert strictly <= going and going | {id_ for each in planned["refused"] for id_ in each["brokers"]} == set(
            snap["restart"]
        )
        assert planned["lower_bound"] == planned["certificate"]["lower_bound"] <= len(planned["batches"])
        if going > strictly:
            for batch in planned["batches"]:
                assert (
                    oracle_safe(snap, batch)
                    if set(batch) <= first
                    else not first & set(batch) and oracle_safe(whole, batch)
                )
                assert len(batch) <= (snap["max_batch"] or len(batch))


class TestBehind:
    """A fault that only a restart heals: a broker that runs, and does not catch up."""

    def test_it_goes_alone_when_it_is_asked_for(self):
        made = plan.resume(snapshot([part(1, 2, 3, isr=[1, 2])], restart=[3]))
        assert (made["batches"], made["refused"]) == ([[3]], [])

    def test_its_batch_goes_first_and_it_is_the_first_of_it(self):
        placed = [
            part(*ids, isr=[id_ for id_ in ids if id_ != 9], min_isr=1)
            for ids in ((1, 2, 3), (4, 5, 6), (7, 8, 9), (1, 5, 9))
        ]
        made = plan.resume(snapshot(placed, brokers=9))
        assert made["refused"] == [] and made["batches"][0][0] == 9
        (leader, *_), *_ = plan.resume(
            snapshot([part(1, 2, 3, isr=[1, 2], min_isr=1)], brokers=3, controllers={"voters": [1, 2, 3], "leader": 3})
        )["batches"]
        assert leader != 3

    def test_a_broker_that_waits_for_it_is_planned_as_if_it_were_back(self):
        made = plan.resume(snapshot([part(1, 2, 3, isr=[1, 2])], brokers=3))
        assert made["batches"] == [[3], [1], [2]] and made["refused"] == [] and made["lower_bound"] == 3
        assert made["certificate"]["sentence"].startswith(
            "Broker 3 is behind and must be back before brokers 1 and 2 can go. "
        )

    def test_below_the_minimum_all_stay(self):
        made = plan.resume(snapshot([part(1, 2, 3, isr=[1])], brokers=3))
        assert made["batches"] == [] and made["refused"][0]["brokers"] == [1, 2, 3]

    def test_who_is_behind_and_needed_elsewhere_stays(self):
        made = plan.resume(snapshot([part(1, 2, 3, isr=[1, 2]), part(3, 4, isr=[3])], brokers=4))
        assert made["batches"] == [] and [one["brokers"] for one in made["refused"]] == [[1, 2], [3, 4]]

    def test_one_that_is_down_and_one_that_is_behind(self):
        made = plan.resume(snapshot([part(1, 2, 3, isr=[1, 2]), part(1, 2, 4, isr=[1, 2])], brokers=4, out=[4]))
        assert made["refused"] == [] and made["batches"][0] == [3, 4]
        assert made["certificate"]["sentence"].startswith(
            "Brokers 3 and 4 are down or behind and must be back before brokers 1 and 2 can go."
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("partition", "more", "brokers", "reason"),
        [
            (part(1, min_isr=1), {}, [1], "only one replica"),
            (part(1, min_isr=2), {}, [1], "only one replica"),
            (part(1, 2), {}, [1, 2], "has 2 replicas and needs 2 in sync"),
            (
                part(1, 2, 3, isr=[1, 2]),
                {},
                [1, 2],
                "has 2 of 3 replicas in sync and needs 2, so that it can spare none",
            ),
            (part(1, 2, 3, isr=[1]), {}, [1, 2, 3], "may be the first to heal it"),
            (part(1, 2, 3), {"out": [3], "restart": [1, 2]}, [1, 2], "not counting broker 3 that is down"),
            (part(1, 2, 3), {"isr_headroom": 1}, [1, 2, 3], "needs 2 and 1 of headroom"),
            (part(1, 2, isr=[1]), {"allow": ["t"]}, [1], "the last one in sync never goes"),
        ],
        ids=[
            "one replica",
            "one replica, two wanted",
            "as many as needed",
            "at minimum",
            "below minimum",
            "one is out",
            "headroom",
            "allowed, but the last",
        ],
    )
    def test_each_reason_is_given_by_name(self, partition, more, brokers, reason):
        planned = plan.plan(snapshot([partition], **more))
        assert [(each["topic"], each["partition"], each["brokers"]) for each in planned["refused"]] == [
            ("t", 0, brokers)
        ]
        assert reason in planned["refused"][0]["reason"]
        assert not {id_ for batch in planned["batches"] for id_ in batch} & set(brokers)

    @pytest.mark.parametrize("partition", [part(1, min_isr=1), part(1, 2)], ids=["one replica", "two of two"])
    def test_allowed_by_name_it_goes_and_is_told(self, partition):
        planned = plan.plan(snapshot([partition], allow=["t"]))
        assert planned["refused"] == []
        assert not any({1, 2} <= set(batch) for batch in planned["batches"]) or len(partition["replicas"]) == 1
        assert planned["notes"][0].startswith("Topic t loses availability while broker")

    def test_allowing_a_topic_does_not_weaken_what_can_be_protected(self):
        assert plan.plan(snapshot([part(1, 2, 3, isr=[1, 2])], allow=["t"]))["refused"][0]["brokers"] == [1, 2]

    def test_a_broker_that_is_down_already_is_never_refused(self):
        planned = plan.plan(snapshot([part(1, min_isr=1), part(1, 2, 3)], out=[1], restart=[1]))
        assert (planned["batches"], planned["refused"]) == ([[1]], [])

    def test_a_reassignment_stands_against_the_brokers_it_touches(self):
        moving = [{"topic": "t", "partition": 0, "replicas": [1, 2, 3], "adding": [4], "removing": [1]}]
        planned = plan.plan(snapshot([part(1, 2, 3, 4)], reassignments=moving))
        assert planned["refused"][0]["brokers"] == [1, 2, 3, 4]
        assert "being reassigned" in planned["refused"][0]["reason"]

    @pytest.mark.parametrize(
        ("controllers", "out", "reason"),
        [
            ({"voters": [1, 2, 3], "leader": 1}, [3], "2 of 3 voters run and 2 must"),
            ({"voters": [1, 2, 3], "leader": None}, [], "No running voter is known to lead"),
            ({"voters": [1, 2, 3], "leader": -1}, [], "No running voter is known to lead"),
            ({"voters": [1], "leader": 1}, [], "1 of 1 voters run and 1 must"),
        ],
        ids=["one voter is down", "no voter leads", "no voter leads, as Kafka says it", "a voter alone"],
    )
    def test_the_quorum_keeps_its_majority(self, controllers, out, reason):
        planned = plan.plan(snapshot([], controllers=controllers, out=out, restart=[1, 2, 4]))
        assert planned["batches"] in ([[4]], [[2, 4]])
        assert reason in planned["refused"][0]["reason"]
        assert planned["refused"][0]["topic"] == "__cluster_metadata"


class TestRepairs:
    @FEWER
    @given(st.integers(0, 10_000), st.integers(1, 4))
    def test_moves_make_the_plan_shorter_and_keep_every_partition_whole(self, seed, misplaced):
        snap = generated(12, 60, 3, misplaced=misplaced, seed=seed)
        planned = plan.plan(snap)
        after = copy.deepcopy(snap)
        for move in planned["repairs"]:
            each = next(
                one
                for one in after["partitions"]
                if (one["topic"], one["partition"]) == (move["topic"], move["partition"])
            )
            assert move["from"] in each["replicas"] and move["to"] not in each["replicas"]
            for key in ("replicas", "isr"):
                each[key] = [move["to"] if id_ == move["from"] else id_ for id_ in each[key]]
            assert move["reason"].endswith(".")
        shorter = plan.plan(after)
        if planned["repairs"]:
            assert len(shorter["batches"]) < len(planned["batches"])
            racks = {each["id"]: each["rack"] for each in snap["brokers"]}
            touched = {(move["topic"], move["partition"]) for move in planned["repairs"]}
            for each in after["partitions"]:
                if (each["topic"], each["partition"]) in touched:
                    assert len({racks[id_] for id_ in each["replicas"]}) == 3

    def test_a_few_misplaced_partitions_double_the_plan_and_their_moves_restore_it(self):
        planned = plan.plan(generated(60, 6000, 3, misplaced=3))
        assert len(planned["batches"]) > 3
        assert len(planned["repairs"]) == 3
        assert "the plan would have 3 batches instead of" in planned["notes"][0]

    def test_the_leader_stays_where_it_is(self):
        snap = generated(12, 300, 3, misplaced=1)
        (move,) = plan.plan(snap)["repairs"]
        assert move["from"] == snap["partitions"][0]["replicas"][1]

    def test_a_replica_never_moves_to_a_broker_that_has_one(self):
        pairs = [[one, other] for one, other in combinations((1, 3, 5, 7), 2)]
        spread = [part(*pair, *(id_ + 1 for id_ in other)) for pair in pairs for other in pairs]
        # Broker 2 would be the target, because it has least to do.
        snap = snapshot(
            [part(1, 3, 5, 2), *spread, *[part(1, id_, min_isr=1) for id_ in (4, 6, 8)] * 20], racks="ab", brokers=8
        )
        planned = plan.plan(snap)
        assert len(planned["batches"]) == 3
        assert [(move["from"], move["to"] in (4, 6, 8)) for move in planned["repairs"]] == [(5, True)]

    def test_a_move_that_the_shorter_plan_does_not_need_is_left_out(self):
        cluster = roll_snapshot.read(snapshot([part(1, 4, min_isr=1)]))
        placements, move = roll_snapshot.placement_groups(cluster), plan.repairs.Move(0, 4, 5, "why")
        assert plan.repairs.needed(cluster, {0: [move]}, placements, [[1, 4]]) == [move]
        assert plan.repairs.needed(cluster, {0: [move]}, placements, [[1], [4]]) == []

    def test_nothing_is_moved_that_does_not_lengthen_the_plan(self):
        planned = plan.plan(snapshot([part(1, 4, 2), part(1, 2, 3), part(4, 5, 6)]))
        assert len(planned["batches"]) == 3
        assert planned["repairs"] == planned["notes"] == []

    def test_too_few_racks_are_said_and_not_repaired(self):
        planned = plan.plan(snapshot([part(1, 2, 3), part(3, 4, 5)], racks="ab"))
        assert planned["repairs"] == []
        assert "Too many replicas for the racks: 2 partitions" in planned["notes"][0]

    def test_a_cluster_that_ignores_its_racks_gets_no_endless_list(self, monkeypatch):
        monkeypatch.setattr(plan.repairs, "MOVES_AT_MOST", 2)
        planned = plan.plan(generated(60, 6000, 3, misplaced=3))
        assert planned["repairs"] == []
        assert "let a rebalance spread them" in planned["notes"][0]


class TestRamp:
    BATCHES = [list(range(1, 31)), list(range(31, 61)), list(range(61, 91))]

    def test_a_canary_then_a_tenth_then_the_rest(self):
        steps = plan.ramp(self.BATCHES)
        assert [(step["kind"], step["batch"], len(step["brokers"])) for step in steps] == [
            ("canary", 1, 1),
            ("ramp", 1, 9),
            ("batch", 1, 20),
            ("batch", 2, 30),
            ("batch", 3, 30),
        ]

    @FEWER
    @given(
        st.lists(st.integers(1, 20), max_size=5),
        st.integers(0, 4),
        st.tuples(*[st.one_of(st.none(), st.integers(1, 8))] * 2),
    )
    def test_every_broker_goes_once_in_order_and_never_more_at_once_than_allowed(self, sizes, canary, most):
        ids = iter(range(1000))
        batches = [[next(ids) for _ in range(size)] for size in sizes]
        steps = plan.ramp(batches, canary, *most)
        assert [id_ for step in steps for id_ in step["brokers"]] == [id_ for batch in batches for id_ in batch]
        for step in steps:
            assert 0 < len(step["brokers"]) <= min(limit or 1000 for limit in most)
            assert set(step["brokers"]) <= set(batches[step["batch"] - 1])
        if steps and canary:
            assert steps[0]["kind"] == "canary" and len(steps[0]["brokers"]) <= canary

    @pytest.mark.parametrize(("canary", "most"), [(-1, ()), (1, (0,)), (1, (None, 0))])
    def test_bad_numbers_are_refused(self, canary, most):
        with pytest.raises(plan.RollError, match="canary must be at least 0"):
            plan.ramp(self.BATCHES, canary, *most)


class TestQuorum:
    def test_one_at_a_time_the_leader_last(self):
        planned = plan.plan_quorum([101, 102, 103], 101, [101, 102, 103])
        assert planned["batches"] == [[102], [103], [101]]
        assert planned["lower_bound"] == 3

    def test_who_is_down_goes_first_and_the_majority_is_not_risked(self):
        planned = plan.plan_quorum([1, 2, 3], 1, [1, 2, 3], [3])
        assert planned["batches"] == [[3]]
        assert planned["refused"][0]["brokers"] == [1, 2]
        assert "2 of 3 voters run and 2 must" in planned["refused"][0]["reason"]

    def test_a_roll_that_was_broken_off_goes_on_with_the_one_that_is_down(self):
        planned = plan.resume_quorum([1, 2, 3], 1, [1, 2, 3], [3])
        assert (planned["batches"], planned["refused"], planned["lower_bound"]) == ([[3], [2], [1]], [], 3)
        assert plan.resume_quorum([1, 2, 3], 1, [1, 2], [3])["refused"]
        assert plan.resume_quorum([1, 2, 3], 1, [1, 2, 3]) == plan.plan_quorum([1, 2, 3], 1, [1, 2, 3])

    def test_of_five_one_may_be_down(self):
        assert plan.plan_quorum([1, 2, 3, 4, 5], 2, [1, 2, 3], [5])["batches"] == [[1], [3], [2]]

    @pytest.mark.parametrize("voters", [[1], [1, 2]])
    def test_one_or_two_voters_never_go(self, voters):
        assert plan.plan_quorum(voters, 1, [1])["batches"] == []

    def test_without_a_known_leader_no_voter_goes(self):
        assert "No running voter is known to lead" in plan.plan_quorum([1, 2, 3], None, [1])["refused"][0]["reason"]

    def test_an_unknown_node_is_an_error(self):
        with pytest.raises(plan.RollError, match=r"Node 9 is not among the voters \(nodes 1, 2 and 3\)"):
            plan.plan_quorum([1, 2, 3], 1, [9])


def without(key, snap):
    return {name: value for name, value in snap.items() if name != key}


GOOD = snapshot([part(1, 2, 3)])
MOVE = {"topic": "t", "partition": 0, "replicas": [1, 2], "adding": [], "removing": []}


def odd_rack(rack):
    return {**GOOD, "brokers": [{**each, "rack": rack} if each["id"] == 1 else each for each in GOOD["brokers"]]}


class TestBadInput:
    @pytest.mark.parametrize(
        ("snap", "message"),
        [
            ([], "The snapshot is a list, but must be an object"),
            (without("partitions", GOOD), "The snapshot has no partitions"),
            (without("restart", without("out", GOOD)), "The snapshot has no out, restart"),
            ({**GOOD, "restart": [1, 9]}, "restart names broker 9, which the cluster does not have"),
            ({**GOOD, "out": [8, 9]}, "out names brokers 8 and 9, which"),
            ({**GOOD, "restart": ["1"]}, "restart is .*must be a list of ids"),
            (
                {**GOOD, "restart": [101], "controllers": {"voters": [101], "leader": 101}},
                "controllers that are not brokers are planned apart",
            ),
            ({**GOOD, "brokers": [{"id": 1}]}, "a rack is missing"),
            (
                {**GOOD, "brokers": [{"id": 1, "rack": "a"}, {"id": 2, "rack": None}], "restart": []},
                "The rack of broker 2 is missing",
            ),
            ({**GOOD, "brokers": [*GOOD["brokers"], {"id": 1, "rack": "a"}]}, "lists broker 1 more than once"),
            ({**GOOD, "controllers": None}, "must be an object with voters and leader"),
            ({**GOOD, "controllers": {"voters": [], "leader": "x"}}, "must be an id or null"),
            ({**GOOD, "max_batch": 0}, "max_batch is 0"),
            ({**GOOD, "isr_headroom": -1}, "isr_headroom is -1"),
            ({**GOOD, "allow": "t"}, "allow is 't'"),
            ({**GOOD, "allow": ["t", "v", "u"]}, "allow names u, v, which the cluster does not have as a topic"),
            ({**GOOD, "partitions": {}}, "partitions are an object, but must be a list"),
            ({**GOOD, "partitions": [7]}, "Entry 0 of the snapshot's partitions is a number"),
            (
                {**GOOD, "partitions": [without("isr", part(1, 2, 3))]},
                "Entry 0 of the snapshot's partitions has no isr",
            ),
            (
                {**GOOD, "partitions": [part(1, 2, 9)]},
                "Partition t-0 lies on broker 9, which the snapshot's brokers do not list",
            ),
            (
                {**GOOD, "partitions": [part(1, 2, isr=[1, 3])]},
                "Partition t-0 has broker 3 in sync, which does not hold a replica",
            ),
            ({**GOOD, "partitions": [part(1, 1, 2)]}, "names a broker twice in its replicas"),
            (
                {**GOOD, "partitions": [part(1, 2, 3), part(1, 2, 3, isr=[1, 1, 2, 3])]},
                "names a broker twice in its isr",
            ),
            ({**GOOD, "partitions": [part("1", 2)]}, "must have a list of ids"),
            ({**GOOD, "partitions": [part(1, 2, min_isr="2")]}, "has the min_isr '2'"),
            ({**GOOD, "partitions": [part(1, 2, min_isr=None)]}, "has the min_isr None"),
            ({**GOOD, "partitions": [part(1, 2, topic=["t"])]}, "its topic must be a text"),
            ({**GOOD, "reassignments": [{"topic": "t"}]}, "reassignments must be a list of objects"),
            *[
                ({**GOOD, "reassignments": value}, "reassignments must be a list of objects")
                for value in ("", 0, {}, 7, "x", [7])
            ],
            *[
                ({**GOOD, "reassignments": [{**MOVE, **odd}]}, "numbers for ids")
                for odd in ({"replicas": ["1"]}, {"adding": [None]}, {"removing": "1"})
            ],
            *[
                ({**GOOD, "reassignments": [{**MOVE, **odd}]}, "reassignments must be")
                for odd in ({"topic": 7}, {"topic": []}, {"partition": "0"})
            ],
            *[({**GOOD, "allow": value}, "allow is .*must be a list of names") for value in ("", 0, {}, [1])],
            *[
                (odd_rack(value), "The rack of broker 1 is .*must be a text")
                for value in (True, False, 1.0, math.nan, ["a"], [], {"a": 1})
            ],
            *[
                (
                    {**GOOD, "partitions": [part(1, 2, 3), without("partition", part(4, 5, 6))]},
                    "Entry 1 .*has no partition;",
                )
            ],
            *[
                (
                    {**GOOD, "partitions": [part(1, 2, 3), part(4, 5, 6, partition=value)]},
                    "has the number .*must have a whole number",
                )
                for value in (None, "x", "", True, 1.0, math.nan, [], [1], {})
            ],
            *[
                ({**GOOD, "partitions": [part(1, 2, 3), part(1, 2, 3, topic=value)]}, "its topic must be a text")
                for value in (None, True, 7, 1.0, math.nan, [], {})
            ],
            *[
                (
                    {**GOOD, "partitions": [part(1, 2, 3), {**part(1, 2, 3), key: value}]},
                    "must have a list of ids of brokers",
                )
                for key in ("replicas", "isr")
                for value in ([1.0, 2, 3], [True, 2, 3], "", {}, {1: 1, 2: 2, 3: 3}, None, [[1]])
            ],
            *[
                ({**GOOD, "partitions": [part(1, 2, 3), part(1, 2, 3, min_isr=value)]}, "has the min_isr")
                for value in (2.0, "2", None, [2])
            ],
        ],
    )
    def test_is_one_sentence(self, snap, message):
        with pytest.raises(plan.RollError, match=message) as caught:
            plan.plan(snap)
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)

    def test_a_rack_may_be_a_number_also_zero(self):
        racks = [{**each, "rack": "abc".index(each["rack"])} for each in GOOD["brokers"]]
        assert plan.plan({**GOOD, "brokers": racks})["batches"] == plan.plan(GOOD)["batches"]
        assert (
            roll_snapshot.read({**GOOD, "brokers": racks}).racks[1] == "0" == roll_snapshot.read(odd_rack(0)).racks[1]
        )


def seen(**more):
    """A cluster as kafka_cluster_info returns it."""
    brokers = [{"id": id_, "host": "h", "port": 9092, "rack": "abc"[id_ - 1], "fenced": False} for id_ in (1, 2, 3)]
    partition = {**part(1, 2, 3), "leader": 1, "offline": [], "elr": [], "adding": [], "removing": []}
    plain = {
        "brokers": brokers,
        "partitions": [partition],
        "reassignments": [],
        "quorum": None,
        "controller_id": 3,
        "metadata": "zookeeper",
    }
    return {**plain, **more}


class TestFromCluster:
    def test_a_healthy_cluster_can_be_planned_as_it_is(self):
        planned = plan.plan(plan.from_cluster(seen()))
        assert planned["batches"] == [[1], [2], [3]]

    def test_a_fenced_broker_is_out(self):
        cluster = seen()
        cluster["brokers"][1]["fenced"] = True
        assert plan.from_cluster(cluster, out=[3])["out"] == [2, 3]

    def test_a_broker_that_holds_replicas_and_is_not_listed_is_out_and_its_rack_is_told(self):
        cluster = seen()
        del cluster["brokers"][1]
        made = plan.from_cluster(cluster, restart=[2], racks={2: "b"})
        assert made["out"] == [2]
        assert plan.plan(made)["batches"] == [[2]]
        with pytest.raises(plan.RollError, match="The rack of broker 2 is missing"):
            plan.plan(plan.from_cluster(cluster, restart=[1]))

    def test_the_quorum_becomes_voters_and_leader(self):
        quorum = {"leader": 2, "voters": [{"id": 1}, {"id": 2}, {"id": 3}], "observers": []}
        made = plan.from_cluster(seen(quorum=quorum, controller_id=2))
        assert made["controllers"] == {"voters": [1, 2, 3], "leader": 2}
        assert plan.plan(made)["batches"][-1] == [2]

    def test_under_zookeeper_the_controller_is_the_leader(self):
        assert plan.from_cluster(seen())["controllers"] == {"voters": [], "leader": 3}

    def test_a_replica_that_is_being_removed_is_not_counted_on(self):
        cluster = seen(
            reassignments=[{"topic": "t", "partition": 0, "replicas": [1, 2], "adding": [], "removing": [3]}]
        )
        cluster["partitions"][0]["removing"] = [3]
        made = plan.from_cluster(cluster)
        assert made["partitions"][0]["isr"] == [1, 2]
        assert cluster["partitions"][0]["isr"] == [1, 2, 3]

    def test_a_rack_that_is_told_may_be_zero(self):
        cluster = seen()
        del cluster["brokers"][0]
        assert plan.from_cluster(cluster, racks={"1": 0})["brokers"][0] == {"id": 1, "rack": 0}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                lambda cluster: cluster["brokers"].__delitem__(slice(1, None)) or cluster["brokers"][0].pop("rack"),
                "not what kafka_cluster_info returns",
            ),
            (
                lambda cluster: cluster["brokers"][0].update(id="1"),
                "The cluster's brokers and replicas .*must be numbers",
            ),
            (
                lambda cluster: cluster["brokers"][0].update(id=None),
                "The cluster's brokers and replicas .*must be numbers",
            ),
            (
                lambda cluster: cluster["partitions"][0].update(replicas=[1, "9"]),
                "The cluster's brokers and replicas .*must be numbers",
            ),
            (lambda cluster: cluster["partitions"][0].update(replicas=[1, [9]]), "not what kafka_cluster_info returns"),
            (lambda cluster: cluster["brokers"].append(7), "not what kafka_cluster_info returns"),
            (lambda cluster: cluster.update(quorum=[1]), "not what kafka_cluster_info returns"),
        ],
    )
    def test_something_else_is_one_sentence(self, change, message):
        cluster = seen()
        change(cluster)
        with pytest.raises(plan.RollError, match=message) as caught:
            plan.from_cluster(cluster)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("racks", [{"x": "a"}, {None: "a"}, {"1.5": "a"}])
    def test_a_rack_is_told_by_id(self, racks):
        with pytest.raises(plan.RollError, match="must give a rack for each id"):
            plan.from_cluster(seen(), racks=racks)


class TestCommand:
    def call(self, path):
        return subprocess.run(
            [sys.executable, str(ROOT / "tests/plan.py"), str(path)], capture_output=True, text=True, check=False
        )

    def test_prints_the_plan_as_one_object(self, tmp_path):
        (tmp_path / "snapshot.json").write_text(json.dumps(GOOD))
        run = self.call(tmp_path / "snapshot.json")
        assert (run.returncode, run.stderr) == (0, "")
        assert {"batches", "lower_bound", "certificate", "refused", "repairs", "seconds"} <= set(json.loads(run.stdout))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "is not JSON"),
            ("{}", "has no brokers, controllers"),
            (None, "cannot be read: No such file"),
            (b"\xff\xfe\x00", "is not JSON"),
            ("[" * 200_000, "is nested too deeply"),
        ],
        ids=["broken JSON", "keys missing", "no file", "no text", "a tower"],
    )
    def test_what_is_wrong_is_one_sentence_and_code_2(self, tmp_path, content, message):
        path = tmp_path / "snapshot.json"
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        run = self.call(path)
        assert (run.returncode, run.stdout) == (2, "")
        assert message in run.stderr and run.stderr.count("\n") == 1

    def test_without_a_file_it_says_how(self):
        assert "SNAPSHOT=file.json" in self.call("").stderr
