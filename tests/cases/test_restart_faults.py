"""What may break beside a roll of three brokers and three ZooKeeper nodes. Nine brokers have more (test_faults.py)."""

from __future__ import annotations

import signal
import time

from hosts import until


def test_a_runner_that_slept_between_the_gates_yes_and_the_stop_stops_no_broker(cluster):
    """Meanwhile another run takes the lock and stops a broker."""
    victim, other = sorted(cluster.brokers)[1:3]
    place = cluster.scratch / "paused"
    events = place / cluster.events.name
    # While it waits, the broker of the second run is down.
    hold = cluster.scratch / "hold.yml"
    hold.write_text("- name: Stay down\n  ansible.builtin.pause:\n    seconds: 20\n  delegate_to: localhost\n")

    def happened(kind):
        return events.exists() and '"%s"' % kind in events.read_text()

    with cluster.load("slept"):
        before = cluster.processes()
        first = cluster.start("rolling_restart", roll_only=[victim], roll_all=True, kafka_report_dir=str(place))
        try:
            end = time.monotonic() + 300
            # Faster than until, because the stop follows at once.
            while not happened("gate_open"):
                assert first.runs() and time.monotonic() < end, "the first run ended before its gate was open"
                time.sleep(0.02)
            first.signal(signal.SIGSTOP)
            assert not happened("stopped"), "the first run was faster than its pause; run the case again"
            with cluster.playing(
                "rolling_restart", roll_break_lock=True, roll_all=True, roll_only=[other], roll_node_tasks=str(hold)
            ) as second:
                until(lambda: cluster.seen("stopped"), "the second run to have stopped a broker", 300)
                first.signal(signal.SIGCONT)
                first.ended(120)
                assert not cluster.seen("started"), "the second run was over before the first one ended"
            second.succeeded()
        finally:
            first.kill()
        first.refused("has claimed the host, not this run")
        after = cluster.processes()
        assert before[victim] == after[victim]
        assert before[other] != after[other]
        assert "" not in after.values()


def test_the_answers_of_a_broker_that_has_lost_zookeeper_are_not_believed(cluster):
    """It goes on answering clients with what was so before: the roll stops no broker."""
    victim, *others = sorted(cluster.brokers)
    # Undone by the host itself, whatever becomes of this process.
    lost, found = (
        " && ".join("ip route %s blackhole %s/32" % (word, address) for address in cluster.quorum_nodes.values())
        for word in ("add", "del")
    )
    mend = "systemd-run --quiet --collect --on-active=300 --unit=mend sh -c '%s' && " % found

    def out_of_every_set():
        count, held = cluster.in_sync(victim, others)
        return held > 0 and count == 0

    with cluster.load("lost-zookeeper", faults=True):
        before = cluster.processes()
        cluster.on(victim, mend + lost)
        try:
            until(out_of_every_set, "the controller to have taken %s out of every in-sync set" % victim, 120)
            run = cluster.play("rolling_restart", roll_all=True, roll_stall_seconds=20).refused()
        finally:
            cluster.on(victim, found + " && { systemctl stop mend.timer || true; }")
        assert not cluster.seen("stopping", "stopped")
        reasons = (
            "may have lost ZooKeeper",
            "may have lost its session",
            "does not list it as alive",
            "The cluster is not healthy",
            "did not answer",
        )
        assert [reason for reason in reasons if reason in run.said], run.text[-3000:]
        cluster.wait_until_in_sync(victim, others)
        assert cluster.processes() == before
