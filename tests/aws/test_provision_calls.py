"""How often the EC2 API is asked to build a large cluster, counted where the questions arrive."""

from __future__ import annotations

import collections
import threading
from typing import Any

import pytest
from moto.core.responses import BaseResponse

NODES = 100
# Asked once for the whole cluster, or once for a batch of nodes.
SHARED = 15
BUILDING = (
    *(
        "RunInstances",
        "CreateVolume",
        "AttachVolume",
        "ModifyVolume",
        "ModifyInstanceAttribute",
        "CreateTags",
        "DeleteTags",
    ),
    *(
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeInstanceAttribute",
        "DescribeVolumes",
        "AssociateIamInstanceProfile",
    ),
)


@pytest.fixture()
def calls(monkeypatch: pytest.MonkeyPatch) -> collections.Counter:
    """The actions that the stand-in was asked for."""
    counted: collections.Counter = collections.Counter()
    lock = threading.Lock()
    answer = BaseResponse.call_action

    def call_action(self: BaseResponse) -> Any:
        with lock:
            counted[self._get_action()] += 1
        return answer(self)

    monkeypatch.setattr(BaseResponse, "call_action", call_action)
    return counted


@pytest.fixture()
def large(topology: dict) -> dict[str, Any]:
    """A hundred nodes with two hundred data volumes."""
    topology["brokers"].update(count=NODES - 3, volumes={"count": 2, "type": "gp3", "size_gb": 100})
    topology["zookeepers"]["volumes"] = {"count": 2, "type": "gp3", "size_gb": 20}
    return topology


def test_a_node_costs_one_request_and_its_volumes_none(account: Any, large: dict, calls: collections.Counter) -> None:
    run = account.play("provision", large)
    assert run.code == 0, run.text
    print({action: count for action, count in calls.items() if action in BUILDING})
    assert calls["RunInstances"] == NODES
    assert sum(calls[action] for action in BUILDING) <= NODES + SHARED, calls
    assert "100 nodes, demo-broker-1 to demo-zookeeper-3" in " ".join(run.text.split())
    volumes = account.volumes()
    assert len(account.instances()) == NODES and len(volumes) == 2 * NODES
    assert all(volume["Encrypted"] and volume["tags"]["KafkaFormat"] == "new" for volume in volumes.values())


def test_a_second_run_of_a_large_cluster_changes_nothing(account: Any, large: dict, calls: collections.Counter) -> None:
    run = account.play("provision", large)
    assert run.code == 0, run.text
    assert run.changed == 0, run.text
    assert not {action for action in calls if action.startswith(("Run", "Create", "Attach", "Modify", "Delete"))}, calls
