"""Whom the gate believes with ZooKeeper: every way in which brokers can have lost their sessions, against the truth."""

from __future__ import annotations

from itertools import chain, combinations, product

import pytest
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import snapshot
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import gate, poll

BROKERS = (1, 2, 3, 4)
RACKS = {1: "a", 2: "a", 3: "b", 4: "c"}
# Minimum 2, so that two of each must stay.
PLACES = {0: [1, 3, 4], 1: [2, 3, 4], 2: [1, 2, 3, 4]}


def some(ids, most):
    return list(chain.from_iterable(combinations(ids, number) for number in range(most + 1)))


class Split(FakeAdmin):
    """Brokers in lost have no session with ZooKeeper any more, and answer with what was so when they had: all in sync, was the controller.

    The others know the truth, apart from who is slow: it knows who lives, and has not heard yet who is in sync, as brokers that are behind are not.
    """

    def __init__(self, lost, was, asked, slow=(), behind=()):
        self.lost, self.was, self.asked, self.slow = set(lost), was, asked, set(slow)
        self.living = [id_ for id_ in BROKERS if id_ not in self.lost]
        self.boss = was if was in self.living else min(self.living)
        self.truth = {
            index: [id_ for id_ in replicas if id_ in self.living and id_ not in behind] or replicas[:1]
            for index, replicas in PLACES.items()
        }

    def view(self, broker, topics=None):
        stale = broker in self.lost
        isr = PLACES if stale or broker in self.slow else self.truth
        listed = BROKERS if stale else self.living
        return {
            "controller_id": self.was if stale else self.boss,
            "brokers": [{"id": id_, "host": "h", "port": 1, "rack": RACKS[id_]} for id_ in listed],
            "partitions": {
                "t": [
                    {"partition": index, "leader": ids[0], "replicas": PLACES[index], "isr": list(ids), "offline": []}
                    for index, ids in isr.items()
                ]
            },
        }

    def cluster(self):
        seen = self.view(self.asked)
        return {
            "cluster_id": "c",
            "controller_id": seen["controller_id"],
            "brokers": [{**each, "fenced": False} for each in seen["brokers"]],
        }

    def partitions(self, topics=None):
        return self.view(self.asked)["partitions"]

    def ping(self, broker):
        return self.view(broker)["controller_id"]


def cases():
    """(lost, was, asked, nodes, flying, slow, behind): every broker that may be asked, where one of them knows the truth, and the controller does."""
    for lost, was in product(some(BROKERS, 3), BROKERS):
        for nodes in [*combinations(BROKERS, 1), (1, 2)]:
            for flying in some([id_ for id_ in BROKERS if id_ not in nodes], 1):
                if set(BROKERS) - set(lost) - set(flying):
                    boss = Split(lost, was, 0).boss
                    for asked, slow in product(BROKERS, some([id_ for id_ in BROKERS if id_ not in (*lost, boss)], 1)):
                        if asked not in (*nodes, *flying):
                            yield lost, was, asked, nodes, flying, slow, ()
                            yield from (
                                (lost, was, asked, nodes, flying, slow, (id_,))
                                for id_ in BROKERS
                                if slow and id_ not in lost
                            )


def broken(believe):
    """Case after case, None for a question that was not answered, whether a stop that was allowed leaves a partition below its minimum, and the case."""
    for lost, was, asked, nodes, flying, slow, behind in cases():
        split = Split(lost, was, asked, slow, behind)
        try:
            seen = believe(split, {"nodes": nodes, "in_flight": flying, "out": []})
        except KafkaError:
            yield None, None
            continue
        plain = {
            name: getattr(seen, name)
            for name in ("brokers", "topics", "partitions", "quorum", "controller_id", "reassignments")
        }
        going = set(gate.admit(gate.fresh(plain, restart=nodes, in_flight=flying), nodes, flying)["admitted"])
        yield (
            any(going.intersection(isr) and len(set(isr) - going - set(flying)) < 2 for isr in split.truth.values()),
            (lost, nodes),
        )


def test_whichever_broker_has_lost_zookeeper_no_needed_one_is_stopped():
    found = [wrong for wrong, _ in broken(poll.witnessed)]
    assert True not in found
    # A gate that never opens shows nothing.
    assert len(found) > 5_000 and found.count(False) > len(found) // 20


def test_red_when_one_answer_is_believed():
    wrong = [case for wrong, case in broken(lambda split, _params: snapshot.take(split)) if wrong]
    assert ((1,), (3,)) in wrong


def test_red_when_the_controller_of_the_one_that_is_asked_is_believed():
    """Brokers that are cut off from ZooKeeper together with the controller agree with each other."""

    def hasty(split, params):
        split.ping = lambda broker: split.was
        return poll.witnessed(split, params)

    assert any(wrong for wrong, _ in broken(hasty))


def test_red_when_it_is_not_the_intersection_that_counts(monkeypatch):
    monkeypatch.setattr(snapshot, "agreed", lambda seen, *_: seen)
    assert any(wrong for wrong, _ in broken(poll.witnessed))


@pytest.mark.parametrize("lost", [(1,), (4,), (1, 2)], ids=["one", "the controller", "a rack"])
def test_a_roll_goes_on_beside_what_is_not_needed(lost):
    """Among those that may be asked there is always one whose answer opens the gate for a broker that is down."""
    truth = Split(lost, 4, max(set(BROKERS) - set(lost)))
    seen = poll.witnessed(truth, {"nodes": list(lost), "in_flight": [], "out": list(lost)})
    assert {each["id"] for each in seen.brokers if not each["fenced"]} == set(BROKERS) - set(lost)


class TestAgreed:
    """What two answers have in common."""

    def seen(self, *partitions, brokers=(1, 2, 3), moving=()):
        listed = [
            {"topic": "t", "elr": [], "adding": [], "removing": [], "min_isr": 2, "offline": [], "leader": 1, **each}
            for each in partitions
        ]
        told = [{"id": id_, "host": "h", "port": 1, "rack": "a", "fenced": False} for id_ in brokers]
        topics = {"t": {"partitions": len(listed), "replication_factor": 3, "min_isr": 2, "own_min_isr": True}}
        return snapshot.Snapshot("c", "zookeeper", 1, told, topics, listed, list(moving), None)

    def view(self, partitions, brokers=(1, 2, 3), controller=1):
        told = [{"id": id_, "host": "h", "port": 1, "rack": "a"} for id_ in brokers]
        return {"controller_id": controller, "brokers": told, "partitions": partitions}

    def one(self, index=0, replicas=(1, 2, 3), isr=(1, 2, 3)):
        return {"partition": index, "replicas": list(replicas), "isr": list(isr), "leader": 2, "offline": []}

    @pytest.mark.parametrize(
        ("controller", "replicas", "isr"),
        [(1, [1, 2, 3], [1, 2]), (2, [4, 2, 1], [2, 1])],
        ids=["asked first", "the witness"],
    )
    def test_replicas_are_the_controllers_and_in_sync_is_who_is_so_by_both(self, controller, replicas, isr):
        seen = self.seen(self.one())
        found = snapshot.agreed(
            seen, 2, self.view({"t": [self.one(replicas=(4, 2, 1), isr=(4, 2, 1))]}, controller=controller), {}
        )
        assert [(each["replicas"], each["isr"], each["min_isr"]) for each in found.partitions] == [
            (replicas, isr, 2)
        ] and found.witness == 2
        assert seen.partitions[0]["isr"] == [1, 2, 3]

    def test_what_only_one_names_stays_and_what_is_gone_again_does_not(self):
        seen = self.seen(self.one(), self.one(1))
        named = {
            "t": [self.one(), self.one(2, isr=(1,))],
            "u": [self.one(isr=(2, 3)), self.one(1)],
            "gone": [self.one()],
        }
        found = snapshot.agreed(seen, 2, self.view(named), {"u": (3, False)})
        assert [(each["topic"], each["partition"], each["isr"], each["min_isr"]) for each in found.partitions] == [
            ("t", 0, [1, 2, 3], 2),
            ("t", 1, [1, 2, 3], 2),
            ("t", 2, [1], 2),
            ("u", 0, [2, 3], 3),
            ("u", 1, [1, 2, 3], 3),
        ]
        assert (
            found.topics["u"] == {"partitions": 2, "replication_factor": 3, "min_isr": 3, "own_min_isr": False}
            and "gone" not in found.topics
        )

    def test_who_is_listed_by_one_only_is_not_counted_on(self):
        found = snapshot.agreed(self.seen(self.one()), 2, self.view({"t": [self.one()]}, brokers=(1, 2, 4)), {})
        assert [(each["id"], each["fenced"]) for each in found.brokers] == [
            (1, False),
            (2, False),
            (3, True),
            (4, True),
        ]

    def test_the_result_of_a_module_does_not_show_it(self):
        assert "witness" not in self.seen(self.one()).to_dict()


def test_a_broker_that_was_asked_by_its_address_needs_another_besides_the_controller():
    split = Split((), 4, 1)
    told, listed = split.cluster(), split.partitions()
    split.asked, split.cluster, split.partitions = None, lambda: told, lambda topics: listed

    def only_the_controller_answers(broker):
        if broker != 4:
            raise KafkaError("Broker %d did not answer Metadata; check that it runs." % broker)
        return 4

    split.ping = only_the_controller_answers
    with pytest.raises(KafkaError, match="The broker that was asked is the only one that answers"):
        poll.witnessed(split, {"nodes": [2], "in_flight": [], "out": []})
    split.ping = lambda broker: 4
    assert poll.witnessed(split, {"nodes": [2], "in_flight": [], "out": []}).witness == 4
