"""The hosts of a broker and of a quorum node go down as EC2 takes them down, and come back by their own boot."""

from __future__ import annotations

import pytest
from hosts import reboot

FAILED = "systemctl list-units --failed --plain --no-legend | grep -E 'kafka|zookeeper' || true"


@pytest.fixture(scope="module")
def rebooted(cluster, pool):
    names = [sorted(cluster.brokers)[1], min(cluster.quorum_nodes)]
    for done in [pool.submit(reboot, cluster.instances[name], cluster.nodes[name]) for name in names]:
        done.result()


def test_every_node_is_back(cluster, rebooted):
    cluster.play("verify").succeeded()


def test_no_unit_has_failed(cluster, rebooted):
    assert set(cluster.each(cluster.nodes, FAILED).values()) == {""}
