"""An upgrade with downtime, back to the version before, and up again, under load, while nothing is finalized."""

from __future__ import annotations

from cluster import NEW, OLD, REBOOT

NEVER = "/etc/systemd/system/kafka.service.d/never.conf"


def test_an_upgrade_with_downtime_stops_at_a_node_that_does_not_start_and_goes_on(cluster):
    """What was acknowledged before it is there after it."""
    before, agreed, victim = cluster.processes(), cluster.agreed(), next(iter(cluster.brokers))
    asked = {"kafka_version": NEW, "kafka_confirm": cluster.name}
    with cluster.load("downtime", downtime=True):
        cluster.on(
            victim,
            "mkdir -p $(dirname %s) && printf '[Unit]\\nAssertPathExists=/nowhere\\n' > %s && systemctl daemon-reload"
            % (NEVER, NEVER),
        )
        cluster.play("downtime_upgrade", **asked).refused("downtime_upgrade stopped at " + victim, "was not started")
        assert cluster.processes()[victim] == ""
        cluster.on(victim, "rm -r $(dirname %s) && systemctl daemon-reload" % NEVER)
        cluster.play("downtime_upgrade", **asked).succeeded()
    after = cluster.processes()
    assert cluster.versions() == {NEW}
    assert cluster.agreed() == agreed
    assert {name for name in before if before[name] == after[name]} == set()


def test_what_was_not_finalized_is_rolled_back(cluster):
    agreed = cluster.agreed()
    with cluster.load("rollback"):
        cluster.play("rolling_upgrade", kafka_version=OLD).succeeded()
    assert cluster.versions() == {OLD}
    assert cluster.agreed() == agreed


def test_after_a_rollback_the_upgrade_is_open_as_before(cluster):
    """With a reboot of each host, which starts the old version once more."""
    agreed = cluster.agreed()
    with cluster.load("again"):
        cluster.play("rolling_upgrade", kafka_version=NEW, roll_node_tasks=REBOOT).succeeded()
    assert cluster.versions() == {NEW}
    assert cluster.agreed() == agreed
