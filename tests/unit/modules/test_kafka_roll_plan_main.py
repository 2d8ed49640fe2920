"""main() of kafka_roll_plan: the plan, the same in check mode, and the errors."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import yaml
from documented import declared, documented
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_plan


@pytest.fixture
def run(run_main):
    return partial(run_main, kafka_roll_plan)


def cluster(factor=3, **more):
    """Six brokers in three racks, as kafka_cluster_info returns them."""
    brokers = [{"id": id_, "host": "h", "port": 9092, "rack": "abc"[id_ % 3], "fenced": False} for id_ in range(1, 7)]
    rest = {"leader": 1, "offline": [], "elr": [], "min_isr": min(2, factor), "adding": [], "removing": []}
    partitions = [
        {"topic": "t", "partition": number, "replicas": ids[:factor], "isr": ids[:factor], **rest}
        for number, ids in enumerate([[1, 2, 3], [4, 5, 6], [1, 5, 3]])
    ]
    topics = {"t": {"partitions": 3, "replication_factor": factor, "min_isr": min(2, factor), "own_min_isr": False}}
    plain = {
        "cluster_id": "c",
        "metadata": "zookeeper",
        "controller_id": 6,
        "brokers": brokers,
        "partitions": partitions,
        "reassignments": [],
        "quorum": None,
    }
    return {**plain, "topics": topics, **more}


@pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
def test_the_plan_and_its_steps_are_returned_and_nothing_changes(run, check):
    result = run(check, snapshot=cluster())
    assert result["changed"] is False
    assert sorted(id_ for batch in result["batches"] for id_ in batch) == [1, 2, 3, 4, 5, 6]
    assert len(result["batches"]) == result["lower_bound"] == 3
    assert 6 in result["batches"][-1]
    assert [step["kind"] for step in result["steps"]][:2] == ["canary", "batch"]
    assert result["certificate"]["sentence"].startswith("Partition t-0")
    assert "quorum" not in result


@pytest.mark.parametrize(
    ("forks", "sizes", "noted"), [(1, [1] * 6, True), (2, [1, 1, 2, 2], False), (20, [1, 1, 2, 2], False)]
)
def test_a_step_has_no_more_brokers_than_ansible_works_on_at_once(run, forks, sizes, noted):
    result = run(snapshot=cluster(), forks=forks)
    assert len(result["batches"]) == 3 and [len(step["brokers"]) for step in result["steps"]] == sizes
    assert ["with --forks 2 the roll is faster" in note for note in result["notes"]] == [True] * noted


def test_max_batch_says_by_itself_that_steps_are_small(run):
    assert run(snapshot=cluster(), forks=1, max_batch=1)["notes"] == []


class TestAsking:
    """It takes the snapshot itself, so that the controller never carries it."""

    @pytest.fixture(autouse=True)
    def asked(self, monkeypatch):
        class Asked(FakeAdmin):
            def own_minimum(self, broker):
                return 2 if broker == 5 else 1

        asked = Asked()
        monkeypatch.setattr(kafka_roll_plan, "Admin", asked)
        monkeypatch.setattr(kafka_roll_plan.snapshot, "take", lambda admin: SimpleNamespace(to_dict=cluster))
        return asked

    def test_the_plan_is_the_same(self, run, asked):
        made, given = run(bootstrap_servers=["one:9092"]), run(snapshot=cluster())
        assert {**made, "seconds": 0, "invocation": 0} == {**given, "seconds": 0, "invocation": 0}
        assert [where.bootstrap_servers for where, _ in asked.opened] == [("one:9092",)]

    def test_topics_that_set_no_minimum_have_the_highest_that_a_broker_enforces(self, run, monkeypatch):
        def low():
            made = cluster()
            made["topics"]["t"]["min_isr"] = 1
            return {**made, "partitions": [{**each, "min_isr": 1} for each in made["partitions"]]}

        monkeypatch.setattr(kafka_roll_plan.snapshot, "take", lambda admin: SimpleNamespace(to_dict=low))
        assert len(run(bootstrap_servers=["one:9092"])["batches"]) == 3
        assert len(run(snapshot=low())["batches"]) == 2 and len(run(snapshot=low(), min_isr=2)["batches"]) == 3
        assert len(run(snapshot=cluster(), min_isr=1)["batches"]) == 3
        # Never more than there are replicas, but a partition that can spare no broker is refused.
        assert "needs 3" in run(snapshot=low(), min_isr=4)["refused"][0]["reason"]

    def test_both_are_one_too_many(self, run):
        assert "mutually exclusive" in run(bootstrap_servers=["one:9092"], snapshot=cluster())["msg"]


def test_every_option_reaches_the_planner(run):
    brokers = cluster()["brokers"][:5]
    result = run(
        snapshot=cluster(brokers=brokers), restart=[1, 2, 4, 6], out=[3], racks={"6": "a"}, max_batch=1, canary=0
    )
    # Broker 4 can only go once 6 is back, which is down and goes first.
    assert result["batches"] == [[6], [4]]
    assert {id_ for each in result["refused"] for id_ in each["brokers"]} == {1, 2}
    assert [step["kind"] for step in result["steps"]] == ["batch", "batch"]
    assert len(run(snapshot=cluster(), isr_headroom=1)["refused"]) == 3
    assert run(snapshot=cluster(factor=1), allow=["t"])["refused"] == []


def test_a_quorum_is_planned_alone_or_with_the_brokers(run):
    alone = run(quorum={"voters": [101, 102, 103], "leader": 102})
    assert alone["quorum"]["batches"] == [[101], [103], [102]]
    assert "batches" not in alone
    both = run(snapshot=cluster(), quorum={"voters": [1, 2, 3], "leader": 2, "restart": [1], "out": [3]})
    assert both["quorum"]["refused"][0]["brokers"] == [1]
    assert both["batches"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "one of the following is required: bootstrap_servers, snapshot, quorum"),
        ({"snapshot": {"brokers": []}}, "not what kafka_cluster_info returns"),
        ({"snapshot": cluster(), "restart": [9]}, "restart names broker 9"),
        ({"snapshot": cluster(), "racks": {"x": "a"}}, "racks"),
        ({"snapshot": cluster(), "canary": -1}, "canary must be at least 0"),
        ({"quorum": {"voters": [1, 2, 3], "leader": 1, "restart": [4]}}, "Node 4 is not among the voters"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, params, message):
    result = run(**params)
    assert result["failed"] and message in result["msg"]
    assert "\n" not in result["msg"]


def test_the_documentation_and_the_specification_name_the_same_options():
    assert documented(kafka_roll_plan) == declared(kafka_roll_plan.SPEC)
    assert set(yaml.safe_load(kafka_roll_plan.RETURN)) == {
        *kafka_roll_plan.plan.plan(EMPTY),
        "steps",
        "quorum",
        "refused_partitions",
    }


EMPTY = {"brokers": [], "controllers": {"voters": [], "leader": None}, "partitions": [], "out": [], "restart": []}
