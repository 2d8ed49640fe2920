"""The last in-sync replica comes back with a blank disk, as after a stop and start of the instance.

ZooKeeper mode, in which Kafka itself would elect it.
"""

from __future__ import annotations

from cluster import NEW
from hosts import until

ELECT = (
    "java -cp '/opt/kafka-%s/libs/*' org.apache.kafka.tools.LeaderElectionCommand --bootstrap-server %s:%d %s"
    " --election-type unclean --all-topic-partitions"
)


def test_it_stays_down_its_followers_keep_everything_and_the_runbook_heals_it(cluster):
    first, second, victim = sorted(cluster.brokers)[:3]

    def alone():
        partitions = cluster.partitions(victim)
        return bool(partitions) and all(set(part["isr"]) == {cluster.ids[victim]} for part in partitions)

    def state(name):
        return cluster.on(name, "systemctl show --property=ActiveState --value kafka")

    def status():
        return cluster.on(victim, "systemctl show --property=StatusText --value kafka")

    def size():
        return int(cluster.on(second, "du -sb /var/lib/kafka/data0 | cut -f1"))

    with cluster.load("blank", faults=True, downtime=True):
        # The second is the last to leave, so that it has all that was acknowledged.
        for name in (first, second):
            cluster.on(name, "systemctl stop kafka")
        until(alone, "%s to be alone in every in-sync set" % victim, 120)
        cluster.on(victim, "systemctl stop kafka && find /var/lib/kafka/data* -xdev -mindepth 1 -delete")
        before = size()
        cluster.on(second, "systemctl start kafka")
        cluster.on(victim, "systemctl start --no-block kafka")
        until(
            lambda: "it is the last in-sync replica of" in status(),
            "%s to say why it stays down" % victim,
            300,
            lambda: "%s is %s: %s; %s is %s" % (victim, state(victim), status(), second, state(second)),
        )
        assert state(victim) != "active"
        assert cluster.on(victim, "pgrep -u kafka java || true") == ""
        assert size() >= before // 2, "the follower gave up what it had"
        port, file = cluster.operator_tools(second)
        cluster.on(second, ELECT % (NEW, cluster.brokers[second], port, file and "--admin.config " + file))
        until(lambda: state(victim) == "active", "%s to start by itself" % victim, 180)
        cluster.on(first, "systemctl start kafka")
        for name in (first, second, victim):
            cluster.wait_until_in_sync(name, [second], 300)
