"""After an upgrade, before it is finalized."""

from __future__ import annotations

from cluster import NEW


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
    cluster.play("finalize_upgrade", kafka_version=NEW, upgrade_soak_seconds=0).refused(
        "to confirm, add -e kafka_confirm=%s" % cluster.name
    )
    assert (cluster.processes(), cluster.agreed()) == before
