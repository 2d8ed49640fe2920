"""An upgrade under load, with a runner that dies in the middle; then it is finalized, and there is no rollback."""

from __future__ import annotations

from cluster import NEW, OLD, ZOOKEEPER

NOW = {"kafka_version": NEW, "upgrade_soak_seconds": 0}


def test_an_upgrade_that_was_broken_off_goes_on_and_finalizes_nothing(cluster):
    agreed = cluster.agreed()
    with cluster.load("upgrade"):
        cluster.break_off("rolling_upgrade", 2, kafka_version=NEW)
        cluster.play("rolling_upgrade", kafka_version=NEW).refused("roll_break_lock")
        cluster.play("rolling_upgrade", kafka_version=NEW, roll_break_lock=True).succeeded(
            "An earlier run was broken off"
        )
    assert cluster.versions() == {NEW}
    assert cluster.agreed() == agreed


def test_a_second_upgrade_restarts_no_node(cluster):
    before = cluster.processes()
    cluster.play("rolling_upgrade", kafka_version=NEW).succeeded(
        "All nodes run Kafka %s." % NEW, "No node needs a restart."
    )
    assert cluster.processes() == before
    assert cluster.staged() == []


def test_finalizing_waits_for_the_soak_and_for_a_confirmation(cluster):
    before = cluster.processes(), cluster.agreed()
    cluster.play("finalize_upgrade", kafka_version=NEW, kafka_confirm=cluster.name).refused("it shall soak")
    cluster.play("finalize_upgrade", **NOW).refused("to confirm, add -e kafka_confirm=%s" % cluster.name)
    assert (cluster.processes(), cluster.agreed()) == before


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
