"""What may break while nine brokers in three racks are rolled.

One roll goes through all faults, each of which stops it or makes it wait. The same command goes on with what is
left, and one ledger watches it all.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager

import pytest
from cluster import LOCK
from hosts import until
from kafka import KafkaProducer

STALL = 20
# To the last block: what df calls available is not all that there is.
FILL = (
    "cd %s; n=0; for size in $(df --output=avail --block-size=1 . | tail -1) 1073741824 16777216 65536 4096; do"
    " while fallocate --length $size full.$n 2>/dev/null; do n=$((n + 1)); done; done; rm -f full.$n"
)
MEND = "ip route flush type blackhole"
UNTOUCHED = "Nothing else was touched"
CHANGE = "# changed"


def change_configuration(cluster, names):
    """As after a change that is in place: what they would start with is not what they started with."""
    cluster.each(names, "echo '%s' >> /etc/kafka/broker.properties" % CHANGE)


def unrestarted(cluster):
    """The brokers that still need a restart, by what is on the host."""
    last = cluster.each(cluster.brokers, "tail -1 /etc/kafka/broker.properties")
    return {name for name, line in last.items() if line == CHANGE}


def rack_of(cluster, broker):
    return cluster.racks[cluster.names[broker]]


def in_another_rack(cluster, broker):
    """A broker there, the last one: not the one that the gate is asked from."""
    return [name for name in cluster.brokers if cluster.racks[name] != rack_of(cluster, broker)][-1]


def first_stopped(cluster):
    """The broker that the roll stops first."""
    return until(cluster.stopped, "the first broker to be stopped", 120)[0]


def a_rack_aside(cluster):
    """The brokers of a rack that will block the roll, and all others, which it may restart."""
    down = {cluster.racks[name] for name, process in cluster.processes().items() if not process}
    victims = cluster.by_rack[[cluster.racks[name] for name in cluster.brokers if cluster.racks[name] not in down][-1]]
    return victims, [name for name in cluster.brokers if name not in victims]


@contextmanager
def stops_after_the_canary(cluster, sentence, **extra):
    """A roll, in the block, that stops after its first step with this sentence, and leaves the lock free."""
    with cluster.playing("rolling_restart", roll_stall_seconds=STALL, **extra) as run:
        yield first_stopped(cluster)
    run.refused(UNTOUCHED, sentence)
    assert len(cluster.seen("batch_started")) <= 2
    assert len(cluster.stopped()) == 1
    assert cluster.seen("roll_stopped") != []


@pytest.fixture(scope="module")
def roll(cluster):
    """What all faults share: all brokers need a restart, and one ledger writes until its block is closed."""
    before = cluster.processes()
    change_configuration(cluster, cluster.brokers)
    # Every two brokers of different racks share a partition: one that is down blocks all but its own rack.
    first, second, third = ([cluster.ids[name] for name in names] for names in cluster.by_rack.values())
    pairs = {3 * i + j: [first[i], second[j], third[(i + j) % 3]] for i in range(3) for j in range(3)}
    cluster.create_topic("pairs", pairs)
    with ExitStack() as block:
        report = block.enter_context(cluster.ledger("faults", faults=True))
        yield block, report, before
    cluster.delete_topic("pairs")


def test_a_reassignment_blocks_the_brokers_that_it_touches(cluster, roll):
    inside = [[cluster.ids[name] for name in names] for names in cluster.by_rack.values()]
    before, after = [ids[0] for ids in inside], [*[ids[0] for ids in inside[:-1]], inside[-1][1]]
    cluster.create_topic("moving", {0: before})
    # A throttle lets one fetch of a megabyte through every 11 s, so that the move lasts longer than the roll looks.
    producer = KafkaProducer(**cluster.client_options, acks="all")
    for _ in range(24):
        producer.send("moving", b"x" * 1_000_000)
    producer.close()
    with cluster.slow_move("moving", after):
        cluster.play("rolling_restart").refused("being reassigned")
    cluster.delete_topic("moving")
    assert cluster.stopped() == []


def test_a_topic_with_two_replicas_in_a_rack_that_appears_after_the_plan_stops_it(cluster, roll):
    with stops_after_the_canary(cluster, "Partition misplaced-0 has 2 in sync and needs 2") as first:
        rack = [id_ for id_ in cluster.names if rack_of(cluster, id_) == rack_of(cluster, first) and id_ != first]
        cluster.create_topic("misplaced", {0: [*rack, cluster.ids[in_another_rack(cluster, first)]]})
    cluster.delete_topic("misplaced")


def test_a_broker_of_another_rack_that_dies_stops_it(cluster, roll):
    """It stays dead, and the next run begins with it."""
    with stops_after_the_canary(cluster, "in sync and needs 2") as first:
        cluster.on(in_another_rack(cluster, first), "systemctl kill -s KILL kafka && systemctl stop kafka")


def test_a_broker_of_another_rack_that_stands_still_stops_it(cluster, roll):
    victims, others = a_rack_aside(cluster)
    try:
        with stops_after_the_canary(cluster, "in sync and needs 2", roll_only=others):
            cluster.on(victims[-1], "systemctl kill -s STOP kafka")
    finally:
        cluster.on(victims[-1], "systemctl kill -s CONT kafka")
    cluster.heal()


def test_a_rack_that_is_cut_off_stops_it(cluster, roll):
    """The network between that rack and the others is cut; clients still reach all."""
    victims, others = a_rack_aside(cluster)
    there = [name for name in cluster.nodes if cluster.racks[name] == cluster.racks[victims[0]]]
    networks = {name: address.rpartition(".")[0] for name, address in cluster.brokers.items()}
    elsewhere = sorted(set(networks.values()) - {networks[victims[0]]})
    cut = " && ".join("ip route add blackhole %s.0/24" % network for network in elsewhere)
    try:
        # By which sentence depends on where the quorum's leader was.
        with stops_after_the_canary(cluster, "The roll stopped at", roll_only=others):
            # Undone by the host itself, whatever becomes of this process.
            cluster.each(there, "systemd-run --quiet --collect --on-active=600 --unit=mend %s && %s" % (MEND, cut))
    finally:
        cluster.each(there, MEND + " && { systemctl stop mend.timer || true; }")
    cluster.heal()


def test_after_a_dead_runner_the_same_command_goes_on_when_told_that_it_is_dead(cluster, roll):
    """Also with one of its brokers on its way to be in sync."""
    # The others of the step are stopping then, and no runner is left to start them.
    cluster.break_off("rolling_restart", 1, roll_canary=False)
    some = [cluster.names[id_] for id_ in cluster.stopped()]
    down = [name for name in some if not cluster.on(name, "systemctl is-active --quiet kafka && echo runs || true")]
    assert down, "none of %s was left down" % some
    cluster.play("rolling_restart").refused("roll_break_lock")
    cluster.on(down[0], "systemctl start kafka && systemctl kill -s STOP kafka")
    leases = set()

    def waits():
        leases.add(cluster.on(min(cluster.brokers), "cat %s || true" % LOCK))
        # The dead run's; this one's, as it was taken; and renewed, before any broker was started.
        return len(leases) > 2

    waits()
    with cluster.playing("rolling_restart", roll_break_lock=True, roll_only=some) as run:
        until(waits, "the roll to wait for %s" % down[0], 60, lambda: leases)
        cluster.on(down[0], "systemctl kill -s CONT kafka")
    run.succeeded()
    assert unrestarted(cluster) & set(some) == set()
    assert "" not in cluster.processes().values()


def test_a_roll_waits_and_ends_while_brokers_and_the_quorums_leader_are_killed_and_a_second_runner_comes(cluster, roll):
    # How far the faults before it let the roll go is theirs; this one needs a step after its own.
    change_configuration(cluster, cluster.brokers)
    with cluster.playing("rolling_restart", roll_canary=False) as run:
        first_stopped(cluster)
        cluster.on(cluster.leader(), "systemctl kill -s KILL " + cluster.quorum_service)
        cluster.start("rolling_restart").refused("is held by")
        started = len(cluster.seen("started"))
        until(lambda: len(cluster.seen("started")) > started, "another broker to be started again", 120)
        cluster.on(cluster.names[cluster.seen("started")[-1]["broker"]], "systemctl kill -s KILL kafka")
    run.succeeded()
    assert {cluster.names[id_] for id_ in cluster.stopped()} >= set(cluster.brokers)
    assert unrestarted(cluster) == set()


def test_at_the_end_of_the_roll_every_broker_was_restarted_and_no_record_was_lost(cluster, roll):
    block, report, before = roll
    block.close()
    after = cluster.processes()
    assert report["ok"] and report["lost"] == 0 and report["records"]["acked"] > 100, report["problems"]
    assert {name for name in before if before[name] == after[name]} == set()
    assert "" not in after.values()


def test_a_full_disk_stops_it_and_with_room_the_same_command_goes_on(cluster):
    name = next(iter(cluster.brokers))
    disk = cluster.on(name, "findmnt --noheadings --output TARGET | grep -o '/var/lib/kafka/.*' | head -1")
    filling = cluster.scratch / "fill.yml"
    filling.write_text(
        "- name: Fill the disk\n  ansible.builtin.command:\n    argv: [sh, -c, %s]\n  changed_when: true\n"
        % json.dumps(FILL % disk)
    )
    change_configuration(cluster, [name])
    with cluster.load("disk-full", faults=True):
        cluster.play(
            "rolling_restart", roll_node_tasks=str(filling), roll_stall_seconds=STALL, roll_only=[name]
        ).refused(UNTOUCHED)
        assert cluster.stopped() == [cluster.ids[name]]
        cluster.on(name, "rm %s/full.*" % disk)
        cluster.play("rolling_restart").succeeded()
    cluster.heal()
