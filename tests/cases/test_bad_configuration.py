"""A roll with a configuration that no broker starts with."""

from __future__ import annotations


def test_a_broker_that_cannot_start_with_its_configuration_stops_the_roll_at_the_canary(cluster):
    """The configuration of before brings it back."""
    bad = {"broker_config": {"compression.type": "nonsense"}}
    with cluster.load("bad-configuration"):
        before = cluster.processes()
        cluster.play("rolling_restart", roll_stall_seconds=20, roll_all=True, **bad).refused("The roll stopped at")
        # Between two attempts systemd calls a service activating, and active during one.
        attempts = cluster.each(cluster.brokers, "systemctl show --property=NRestarts --value kafka")
        restarted = {name for name, process in cluster.processes().items() if process != before[name]}
        assert len(restarted) == 1
        assert {name for name, number in attempts.items() if int(number)} == restarted
        cluster.play("rolling_restart").succeeded()
        assert "" not in cluster.processes().values()
