"""site stages a change of configuration; rolling_site restarts the brokers with it, and reboots their hosts."""

from __future__ import annotations

from cluster import REBOOT

CHANGED = {"broker_config": {"log.retention.hours": 47}}
BOOTED = "stat -c %Y /proc/1"
# Each boot starts the service with what was in place before.
NEWER = "test /etc/kafka/broker.properties -ot /proc/$(systemctl show -P MainPID kafka) && echo yes || true"


def test_site_stages_a_change_and_restarts_no_node(cluster):
    before = cluster.processes()
    cluster.play("site", **CHANGED).succeeded()
    assert cluster.processes() == before
    assert len(cluster.staged()) == len(before)


def test_rolling_site_restarts_the_brokers_with_it_and_reboots_their_hosts(cluster):
    before, quorum, booted = cluster.processes(), cluster.quorum_processes(), cluster.each(cluster.brokers, BOOTED)
    with cluster.load("rolling-site"):
        cluster.play("rolling_site", roll_node_tasks=REBOOT, **CHANGED).succeeded()
    after = cluster.processes()
    assert {name for name, when in cluster.each(cluster.brokers, BOOTED).items() if when == booted[name]} == set()
    assert set(cluster.each(cluster.brokers, NEWER).values()) == {"yes"}
    assert {name for name in before if before[name] == after[name]} == set()
    assert cluster.staged() == []
    assert cluster.quorum_processes() == quorum
