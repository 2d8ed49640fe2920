"""An upgrade is finalized under load; there is no rollback after it."""

from __future__ import annotations

from cluster import NEW, OLD, ZOOKEEPER

NOW = {"kafka_version": NEW, "upgrade_soak_seconds": 0}


def test_finalizing_raises_what_the_brokers_agree_on(cluster):
    with cluster.load("finalize"):
        cluster.play("finalize_upgrade", kafka_confirm=cluster.name, **NOW).succeeded()
    assert cluster.agreed() == ({"protocol": [NEW[:3]]} if ZOOKEEPER else {"metadata.version": 30})


def test_finalizing_is_done_once(cluster):
    before = cluster.processes()
    cluster.play("finalize_upgrade", **NOW).succeeded("Everything is finalized")
    assert cluster.processes() == before


def test_there_is_no_rollback_after_it(cluster):
    before = cluster.processes()
    cluster.play("rolling_upgrade", kafka_version=OLD).refused("there is no rollback")
    assert cluster.processes() == before
