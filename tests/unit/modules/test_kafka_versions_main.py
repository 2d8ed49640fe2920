"""main() of kafka_version_info and kafka_features: the brokers' versions, and features that are finalized."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace as Made

import pytest
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.modules import kafka_features, kafka_version_info


class Versions(FakeAdmin):
    """Three brokers, one of them fenced, and metadata.version at 25 of 30."""

    def __init__(self):
        super().__init__()
        self.levels, self.calls, self.is_kraft = {"metadata.version": 25, "share.version": None}, [], True

    def cluster(self):
        return {"brokers": [{"id": number, "fenced": number == 3} for number in (1, 2, 3)]}

    def ApiVersions(self, request, node):
        return Made(
            error_code=0,
            api_keys=[Made(api_key=35, min_version=1, max_version=5)],
            supported_features=[Made(name=name, min_version=7, max_version=30) for name in self.levels],
            finalized_features=[Made(name=name, max_version_level=level) for name, level in self.levels.items()],
        )

    def ListGroups(self, request, node):
        return Made(error_code=0, groups=[Made(group_id="g%d" % node, protocol_type="consumer")])

    def DescribeGroups(self, request, node):
        member = Made(client_id="c", client_host="/h", member_metadata=b"\x00\x03")
        return Made(groups=[Made(group_id=name, error_code=0, members=[member]) for name in request.groups])

    def UpdateFeatures(self, request, node):
        levels = {update.feature: update.max_version_level for update in request.feature_updates}
        self.calls.append((levels, request.validate_only))
        if not request.validate_only:
            self.levels.update(levels)
        return Made(error_code=0, error_message=None, results=[])


@pytest.fixture
def cluster(monkeypatch):
    fake = Versions()
    for module in (kafka_features, kafka_version_info):
        monkeypatch.setattr(module, "Admin", fake)
    return fake


@pytest.fixture
def run(run_main):
    return partial(run_main, bootstrap_servers=["one:9092"])


def test_every_broker_that_is_there_is_asked(run, cluster):
    found = run(kafka_version_info)
    assert (
        [broker["id"] for broker in found["brokers"]] == [1, 2] and found["members"] == [] and found["changed"] is False
    )
    assert found["brokers"][0]["series"] == [4, 3] and found["features"]["metadata.version"]["finalized"] == 25
    assert [member["group"] for member in run(kafka_version_info, members=True)["members"]] == ["g1", "g2"]


def test_a_broker_that_does_not_answer_is_an_error(run, cluster):
    cluster.error = KafkaError("Broker 2 did not answer ApiVersions.")
    assert run(kafka_version_info)["msg"] == "Broker 2 did not answer ApiVersions."


def test_check_then_raise_then_nothing(run, cluster):
    levels = {"metadata.version": 30, "share.version": "1"}
    checked = run(kafka_features, check=True, levels=levels)
    assert (
        checked["changed"]
        and cluster.calls == [({"metadata.version": 30, "share.version": 1}, True)]
        and cluster.levels["metadata.version"] == 25
    )
    raised = run(kafka_features, levels=levels)
    assert (raised["changed"], raised["previous"]) == (True, {"metadata.version": 25, "share.version": 0})
    assert cluster.levels == {"metadata.version": 30, "share.version": 1}
    again = run(kafka_features, levels=levels)
    assert (again["changed"], again["raised"], len(cluster.calls)) == (False, {}, 2)


def test_a_level_that_is_higher_stays(run, cluster):
    assert run(kafka_features, levels={"metadata.version": 20})["raised"] == {} and cluster.calls == []


@pytest.mark.parametrize(
    ("prepare", "levels", "sentence"),
    [
        (lambda cluster: None, {"metadata.version": "high"}, "must be a whole number"),
        (lambda cluster: setattr(cluster, "is_kraft", False), {"metadata.version": 30}, "runs with ZooKeeper"),
        (
            lambda cluster: setattr(cluster, "error", KafkaError("No broker answered.")),
            {"metadata.version": 30},
            "No broker answered.",
        ),
    ],
)
def test_bad_input_is_one_sentence(run, cluster, prepare, levels, sentence):
    prepare(cluster)
    found = run(kafka_features, levels=levels)
    assert found["failed"] and sentence in found["msg"] and cluster.calls == []
