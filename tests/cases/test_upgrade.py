"""An upgrade under load, with a runner that dies in the middle."""

from __future__ import annotations

from cluster import NEW


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
