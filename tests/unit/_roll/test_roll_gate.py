"""The gate of a roll: examples, and a search through every state that stale metadata and a crash can lead to."""

from __future__ import annotations

import random
from collections import deque
from functools import cache
from itertools import product

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan, quorum_gate

BROKERS = (1, 2, 3, 4)
RACKS = {1: "a", 2: "a", 3: "b", 4: "b"}


def part(*replicas, topic="t", partition=0, isr=None, min_isr=2, **more):
    return {
        "topic": topic,
        "partition": partition,
        "replicas": list(replicas),
        "isr": list(replicas if isr is None else isr),
        "min_isr": min_isr,
        **more,
    }


def snapshot(*partitions, brokers=BROKERS, **more):
    listed = [{"id": id_, "rack": RACKS.get(id_, "c")} for id_ in brokers]
    plain = {
        "brokers": listed,
        "controllers": {"voters": [], "leader": None},
        "partitions": list(partitions),
        "out": [],
        "restart": list(brokers),
    }
    return {**plain, **more}


def reason(result):
    (held,) = result["held"]
    return held["reason"]


class TestAdmit:
    def test_a_broker_that_can_go_goes_and_counts_as_out_for_the_next(self):
        result = plan.admit(snapshot(part(1, 2, 3), part(4, 2, 3, partition=1)), [1, 4, 2], [])
        assert result["admitted"] == [1, 4]
        assert result["held"] == [
            {"broker": 2, "reason": "Partition t-0 has 2 in sync and needs 2; broker 1 is stopped or behind."}
        ]

    def test_the_order_of_the_candidates_decides(self):
        assert plan.admit(snapshot(part(1, 2, 3)), [3, 1], [])["admitted"] == [3]

    def test_in_flight_counts_as_out_although_metadata_still_lists_it(self):
        assert "broker 1 is stopped or behind" in reason(plan.admit(snapshot(part(1, 2, 3)), [2], [1]))

    def test_slack_of_two_lets_two_go(self):
        assert plan.admit(snapshot(part(1, 2, 3, 4)), [1, 2, 3], [])["admitted"] == [1, 2]

    @pytest.mark.parametrize(
        ("partition", "more", "flying", "why"),
        [
            (part(1, 2, 3, isr=[2]), {}, [], "has 1 in sync and needs 2"),
            (part(1, 2, 3), {"isr_headroom": 1}, [], "needs 2 and 1 of headroom"),
            (part(1, min_isr=1), {}, [], "has 1 in sync and needs 1"),
            (part(1, 2, isr=[1]), {"allow": ["t"]}, [], "has 1 in sync and needs 2; broker 2 is stopped or behind"),
            (part(2, 3, 4), {}, [1], "stopped or being restarted already"),
            (part(2, 3, 4), {"max_batch": 1}, [2], "as many as max_batch allows"),
            (
                part(2, 3, 4),
                {"controllers": {"voters": [1, 2, 3], "leader": 2}},
                [3],
                "Broker 3, a voter like it, is stopped or being restarted",
            ),
            (
                part(2, 3, 4),
                {"controllers": {"voters": [1, 2, 3], "leader": 2}, "out": [3]},
                [],
                "without it the quorum has no majority",
            ),
            (
                part(2, 3, 4),
                {"controllers": {"voters": [1, 2, 3], "leader": None}},
                [],
                "No running voter is known to lead",
            ),
            (
                part(2, 3, 4),
                {"controllers": {"voters": [1, 2, 3], "leader": 1}, "out": [3]},
                [],
                "without it the quorum has no majority",
            ),
        ],
    )
    def test_each_reason_to_hold(self, partition, more, flying, why):
        result = plan.admit(snapshot(partition, **more), [1], flying)
        assert result["admitted"] == []
        assert why in reason(result)

    @pytest.mark.parametrize(
        "more",
        [{"restart": [1]}, {"restart": [1, 2, 3]}],
        ids=["alone", "although others wait, as the lead moves during a roll"],
    )
    def test_the_leader_goes(self, more):
        assert plan.admit(snapshot(controllers={"voters": [1, 2, 3], "leader": 1}, **more), [1], [])["admitted"] == [1]

    def test_a_reassignment_holds_only_those_it_touches(self):
        moving = [{"topic": "t", "partition": 0, "replicas": [1, 2], "adding": [3], "removing": [1]}]
        result = plan.admit(snapshot(reassignments=moving), [3, 4], [])
        assert result["admitted"] == [4]
        assert reason(result) == "Partition t-0 is being reassigned."

    @pytest.mark.parametrize(
        "isr",
        [[2, 3], [2], [1]],
        ids=["the others are in sync", "below the minimum", "the last, as Kafka keeps it listed"],
    )
    def test_who_is_known_to_be_down_may_be_restarted(self, isr):
        assert plan.admit(snapshot(part(1, 2, 3, isr=isr), out=[1]), [1], [], [1])["admitted"] == [1]

    def test_who_is_out_and_may_be_reading_its_logs_is_left_alone(self):
        result = plan.admit(snapshot(part(1, 2, 3, isr=[2, 3]), out=[1]), [1], [])
        assert (
            result["admitted"] == []
            and reason(result)
            == "It is not registered, and not known to be down: it may be reading its logs after a crash."
        )

    def test_who_was_down_and_has_come_up_is_counted_as_running(self):
        assert "has 2 in sync and needs 2" in reason(
            plan.admit(snapshot(part(1, 2, 3, isr=[1, 2]), out=[3]), [1], [], [1])
        )

    def test_a_reassignment_does_not_hold_who_is_down_because_it_may_wait_for_it(self):
        moving = [{"topic": "t", "partition": 0, "replicas": [1, 2], "adding": [3], "removing": [1]}]
        assert plan.admit(snapshot(reassignments=moving, out=[3]), [3], [], [3])["admitted"] == [3]

    def test_voters_go_one_at_a_time_though_one_is_down(self):
        voters = {"voters": [1, 2, 3], "leader": 3}
        result = plan.admit(snapshot(controllers=voters, out=[1]), [1, 2], [], [1])
        assert result["admitted"] == [1] and "Broker 1, a voter like it, is stopped or being restarted" in reason(
            result
        )
        assert "Broker 2, a voter like it, is stopped or being restarted" in reason(
            plan.admit(snapshot(controllers=voters, out=[1]), [1], [2], [1])
        )

    def test_allowed_by_name_it_goes(self):
        assert plan.admit(snapshot(part(1, min_isr=1), part(1, 2, partition=1), allow=["t"]), [1, 2], [])[
            "admitted"
        ] == [1]

    def test_an_unknown_broker_is_an_error(self):
        with pytest.raises(plan.RollError, match="does not have broker 9; the inventory and the cluster disagree"):
            plan.admit(snapshot(), [9], [])

    def test_a_check_that_could_not_ask_fails(self):
        with pytest.raises(plan.RollError, match="The snapshot is null"):
            plan.admit(None, [1], [])


def made_up(chance):
    """A small cluster with brokers that are out, voters among the brokers, a reassignment, headroom, and topics that are allowed."""
    ids = sorted(chance.sample(range(20), chance.randint(3, 8)))
    out = chance.sample(ids, chance.choice([0, 0, 1, 2]))
    partitions = []
    for number in range(chance.randint(0, 8)):
        replicas = chance.sample(ids, chance.randint(1, min(5, len(ids))))
        isr = [id_ for id_ in replicas if id_ not in out and chance.random() < 0.98]
        partitions.append(
            part(
                *replicas,
                topic="t%d" % (number % 3),
                partition=number,
                isr=isr,
                min_isr=chance.randint(1, min(3, len(replicas))),
            )
        )
    voters = chance.choice([[], chance.sample(ids, 3), chance.sample(ids, 5) if len(ids) > 4 else []])
    if len(set(voters) - set(out)) <= len(voters) // 2:
        # Without a majority there is no node to ask.
        voters = []
    topics = sorted({each["topic"] for each in partitions})
    moved = [chance.choice(partitions)] if partitions and chance.random() < 0.2 else []
    return {
        "brokers": [{"id": id_, "rack": chance.choice("abc")} for id_ in ids],
        "controllers": {"voters": voters, "leader": next((id_ for id_ in voters if id_ not in out), None)},
        "partitions": partitions,
        "out": out,
        "restart": chance.sample(ids, chance.randint(1, len(ids))),
        "max_batch": chance.choice([None, None, 1, 2, 3]),
        "isr_headroom": chance.choice([0, 0, 0, 1]),
        "allow": chance.sample(topics, chance.randint(0, len(topics))),
        "reassignments": [{**each, "adding": [], "removing": []} for each in moved],
    }


def quorum_of(snap, chance):
    """What the leader says, who is another at each step: a voter that runs has caught up."""
    listed = [
        {"id": id_, "last_caught_up_ms": 0 if id_ in snap["out"] else 9, "log_end_offset": 1}
        for id_ in snap["controllers"]["voters"]
    ]
    return {
        "leader": chance.choice([id_ for id_ in snap["controllers"]["voters"] if id_ not in snap["out"]]),
        "voters": listed,
    }


class TestPlanAndGate:
    def walk(self, snap, batches, chance):
        """Step by step, as the plays do it: every gate opens, when all before it are back. The first that does not, None for none."""
        steps = plan.ramp(batches, chance.choice([0, 1]), snap["max_batch"])
        down, seen, left = snap["out"], snap, [id_ for step in steps for id_ in step["brokers"]]
        for step in steps:
            going = step["brokers"]
            voting = [id_ for id_ in going if id_ in snap["controllers"]["voters"]]
            held = quorum_gate.voters_admit(quorum_of(seen, chance), 5, voting, [])["held"] if voting else []
            voters = seen["controllers"]["voters"]
            leader = chance.choice([id_ for id_ in voters if id_ not in seen["out"]] or [None])
            moved = {**seen, "restart": left, "controllers": {"voters": voters, "leader": leader}}
            held += plan.admit(moved, going, [], down)["held"]
            if held:
                return step, held, seen
            left = left[len(going) :]
            seen = {
                **seen,
                "out": [id_ for id_ in seen["out"] if id_ not in going],
                "partitions": [
                    {**each, "isr": [id_ for id_ in each["replicas"] if id_ in each["isr"] or id_ in going]}
                    for each in seen["partitions"]
                ],
            }
        return None

    @pytest.mark.parametrize("seed", range(8))
    def test_every_gate_of_a_plan_opens(self, seed):
        chance = random.Random(seed)
        walked = 0
        for _ in range(400):
            snap = made_up(chance)
            planned = plan.resume(snap)
            # A roll that is refused something does not begin.
            if not planned["refused"]:
                walked += 1
                assert self.walk(snap, planned["batches"], chance) is None
        assert walked > 50


class TestBack:
    WELL = snapshot(part(1, 2, 3), part(2, 3, 4, partition=1))

    def test_in_sync_by_its_own_word_and_the_others(self):
        assert plan.back(1, self.WELL, self.WELL) == {"back": True, "behind": 0, "reason": None}

    @pytest.mark.parametrize(
        ("own", "others", "behind", "why"),
        [
            (None, WELL, None, "its own answer is missing"),
            (WELL, None, None, "the others' answer is missing"),
            (snapshot(brokers=(2, 3, 4)), WELL, None, "not registered and unfenced by its own answer"),
            (
                WELL,
                {**WELL, "brokers": [{"id": 1, "rack": "a", "fenced": True}]},
                None,
                "not registered and unfenced by the others' answer",
            ),
            ({**WELL, "out": [1]}, WELL, None, "not registered and unfenced by its own answer"),
            (snapshot(part(1, 2, 3, isr=[2, 3])), WELL, 1, "not in sync yet in 1 partition, one of them t-0"),
            (WELL, snapshot(part(1, 2, 3, isr=[2, 3])), 1, "not in sync yet in 1 partition, one of them t-0"),
            (snapshot(), WELL, None, "do not name the same partitions"),
            (WELL, snapshot(), None, "do not name the same partitions"),
        ],
        ids=[
            "no own answer",
            "no other answer",
            "not listed",
            "fenced",
            "out",
            "own view behind",
            "leaders' view behind",
            "own view empty",
            "others' view empty",
        ],
    )
    def test_not_back_and_why(self, own, others, behind, why):
        result = plan.back(1, own, others)
        assert (result["back"], result["behind"]) == (False, behind)
        assert why in result["reason"]

    def test_a_replica_that_is_being_added_is_not_waited_for(self):
        adding = snapshot(part(1, 2, 3, isr=[2, 3], adding=[1]))
        assert plan.back(1, adding, adding)["back"]


# The model. Brokers are restarted by one runner, which looks at the cluster now and then and may act on any earlier look. A state is, for each
# broker, its phase, and for each partition who is in sync, who was when the runner looked, and who crashed since.
WAITS, OUT, SEEN, DONE = range(4)
CRASHES = 1


class Model:
    """Restart all four brokers; gate and home decide as the real ones do, or as a broken one would."""

    def __init__(self, partitions, gate=None, home=None, crashes=CRASHES):
        self.partitions, self.crashes = partitions, crashes
        self.gate, self.home = gate or self.real_gate, home or self.real_home

    def views(self, in_sync):
        return snapshot(
            *(
                part(*replicas, partition=number, isr=sorted(isr))
                for number, (replicas, isr) in enumerate(zip(self.partitions, in_sync))
            )
        )

    def real_gate(self, broker, view, flying):
        return self.asked(broker, view, flying)

    @cache  # noqa: B019
    def asked(self, broker, view, flying):
        return plan.admit(self.views(view), [broker], flying)["admitted"] == [broker]

    def real_home(self, broker, phase, truth, _view):
        """Its own answer, which is never older than its registration, and the truth of the leaders."""
        own = self.whole if phase == SEEN else None
        return self.answered(broker, own, truth)

    @cache  # noqa: B019
    def answered(self, broker, own, truth):
        return plan.back(broker, own and self.views(own), self.views(truth))["back"]

    @property
    def whole(self):
        return tuple(frozenset(replicas) for replicas in self.partitions)

    def starts(self):
        subsets = [
            [
                frozenset(one for one, chosen in zip(replicas, mask) if chosen)
                for mask in product((0, 1), repeat=len(replicas))
            ]
            for replicas in self.partitions
        ]
        for in_sync in product(*subsets):
            if all(in_sync):
                yield (WAITS,) * len(BROKERS), in_sync, in_sync, frozenset(), frozenset()

    def steps(self, state):
        """What can happen next: (what, next state, whether our action broke a promise)."""
        phases, truth, view, lost, dead = state
        flying = frozenset(broker for broker, phase in zip(BROKERS, phases) if phase in (OUT, SEEN))

        def become(broker, phase):
            return tuple(phase if one == broker else old for one, old in zip(BROKERS, phases))

        def gone(broker):
            # Kafka keeps the last in-sync replica listed, without a leader.
            return tuple(isr - {broker} or isr for isr in truth)

        if view != truth or lost:
            yield "look", (phases, truth, truth, frozenset(), dead), False
        for broker, phase in zip(BROKERS, phases):
            inside = [isr for replicas, isr in zip(self.partitions, truth) if broker in replicas]
            if phase == WAITS and broker not in dead and self.gate(broker, view, flying):
                yield (
                    "stop %d" % broker,
                    (become(broker, OUT), gone(broker), view, lost, dead),
                    self.breaks(broker, truth, view, lost),
                )
            if broker not in dead:
                # Catching up in one partition; a broker that is in flight has started again by then.
                for number, (replicas, isr) in enumerate(zip(self.partitions, truth)):
                    if broker in replicas and broker not in isr and isr - dead:
                        yield (
                            "%d in sync" % broker,
                            (phases, (*truth[:number], isr | {broker}, *truth[number + 1 :]), view, lost, dead),
                            False,
                        )
                if phase == OUT and all(broker in isr for isr in inside):
                    yield "%d says so" % broker, (become(broker, SEEN), truth, view, lost, dead), False
                if phase in (OUT, SEEN) and self.home(broker, phase, truth, view):
                    yield "%d is back" % broker, (become(broker, DONE), truth, view, lost, dead), False
                if len(lost | dead) < self.crashes:
                    # What it said before it crashed is worth nothing: it has to say it again.
                    after = become(broker, OUT) if phase == SEEN else phases
                    yield "%d crashes" % broker, (after, gone(broker), view, lost | {broker}, dead | {broker}), False
            else:
                yield "%d starts" % broker, (phases, truth, view, lost, dead - {broker}), False

    def breaks(self, broker, truth, view, lost):
        """Whether stopping it leaves a partition below its minimum, or without any replica, and no crash that could not be seen is the cause."""
        return any(
            broker in isr and len(isr - {broker}) + len(lost & (seen - isr)) < 2 for isr, seen in zip(truth, view)
        )

    def search(self, starts=None):
        """The first way to break a promise, None for none; and how many states there are."""
        waiting = deque((start, ()) for start in starts or self.starts())
        known = {state for state, _ in waiting}
        while waiting:
            state, path = waiting.popleft()
            for what, following, broken in self.steps(state):
                if broken:
                    return (*path, what), len(known)
                if following not in known:
                    known.add(following)
                    waiting.append((following, (*path, what)))
        return None, len(known)


ONE, TWO = [(1, 2, 3, 4)], [(1, 2, 3), (2, 3, 4)]


class TestModel:
    def test_from_every_state_of_a_partition_no_stale_answer_and_no_crash_makes_us_break_it(self):
        broken, states = Model(ONE).search()
        assert broken is None
        # A search that sees little shows little.
        assert states > 90_000

    @pytest.mark.parametrize(
        "partitions",
        [TWO, [(1, 2, 3, 4), (1, 2, 3)], [(1, 2, 3), (1, 2, 4), (2, 3, 4)]],
        ids=["apart", "nested", "three"],
    )
    def test_partitions_that_share_brokers_are_not_broken_either(self, partitions):
        broken, states = Model(partitions, crashes=0).search()
        assert broken is None
        assert states > 1_000

    def test_every_roll_can_be_finished(self):
        model = Model(TWO, crashes=0)
        states = [start for start in model.starts() if start[1] == model.whole]
        for state in states:
            states += [following for _, following, _ in model.steps(state) if following not in states]
        assert any(phases == (DONE,) * 4 for phases, *_ in states)
        assert all(phases == (DONE,) * 4 or list(model.steps(state)) for state in states for phases in state[:1])

    def test_red_when_those_in_flight_are_believed_to_be_there(self):
        def forgetful(broker, view, _flying):
            return model.asked(broker, view, frozenset())

        model = Model(ONE, gate=forgetful, crashes=0)
        broken, _states = model.search()
        assert len(broken) > 1 and all(what.startswith("stop") for what in broken)

    def test_red_when_racks_are_trusted(self):
        def trusting(broker, _view, flying):
            return all(RACKS[one] == RACKS[broker] for one in flying)

        broken, _states = Model([(1, 2, 3)], gate=trusting, crashes=0).search(
            [((WAITS,) * 4, *[(frozenset({1, 2, 3}),)] * 2, frozenset(), frozenset())]
        )
        assert broken == ("stop 1", "stop 2")

    def test_red_when_an_old_answer_of_another_is_enough_to_be_back(self):
        def hasty(broker, _phase, _truth, view):
            return model.answered(broker, view, view)

        model = Model(ONE, home=hasty, crashes=0)
        broken, _states = model.search()
        assert any(what.endswith("is back") for what in broken)

    def test_red_when_the_count_is_off_by_one(self):
        def generous(broker, view, flying):
            return model.asked(broker, view, frozenset(sorted(flying)[1:]))

        model = Model(ONE, gate=generous, crashes=0)
        assert model.search()[0] is not None
