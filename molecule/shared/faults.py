"""What may break while a cluster of nine brokers in three racks is rolled: faults.py <inventory> <case> …

`chain` takes one roll through all faults, each of which stops it or makes it wait; the same command goes on with what is left. One ledger watches
it all. A fault by its name does the same with it alone. `blind` stops brokers without asking, as a roller with a fault of its own would, and
expects that the ledger sees it.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Sequence

import rolls
from rolls import Cluster, expect, fine, refused, until

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import (
    configs,
    metadata,
    reassignments,
    topic_admin,
)
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import events

STALL = 20
# To the last block: what df calls available is not all that there is.
FILL = (
    "cd %s; n=0; for size in $(df --output=avail --block-size=1 . | tail -1) 1073741824 16777216 65536 4096; do"
    " while fallocate --length $size full.$n 2>/dev/null; do n=$((n + 1)); done; done; rm -f full.$n"
)
MEND = "ip route flush type blackhole"
UNTOUCHED = "Nothing else was touched"


class Nine(Cluster):
    """The cluster of this scenario, seen from the lab's gateway."""

    def __init__(self, inventory: str) -> None:
        super().__init__(inventory)
        self.names = {self.ids[name]: name for name in self.brokers}

    def admin(self, **options: float) -> Any:
        """A client that gives up soon, because brokers are down on purpose."""
        return super().admin(**{"request_timeout_seconds": 6, **options})

    def well(self) -> bool:
        """Whether everybody is there and in sync, and every voter of the quorum keeps up."""
        try:
            with self.admin() as admin:
                alive = [broker for broker in metadata.cluster(admin)["brokers"] if not broker["fenced"]]
                listed = [each for found in metadata.partitions(admin).values() for each in found]
        except KafkaError:
            return False
        return len(alive) == len(self.brokers) and all(
            len(each["isr"]) == len(each["replicas"]) and each["leader"] >= 0 for each in listed
        )

    def lease(self) -> str:
        """The lock of the roll, as it is now; another text after each time that it is taken or renewed."""
        return self.on(sorted(self.brokers)[0], "cat %s || true" % rolls.LOCK)

    def heal(self) -> None:
        until(self.well, "the cluster to be well", 120)

    @contextmanager
    def pairs(self) -> Iterator[None]:
        """With a topic in which every two brokers of different racks share a partition: who is out stands against all but its own rack."""
        first, second, third = ([self.ids[name] for name in names] for names in self.by_rack.values())
        assignment = {3 * i + j: [first[i], second[j], third[(i + j) % 3]] for i in range(3) for j in range(3)}
        with self.admin() as admin:
            topic_admin.create_topic(
                admin, "pairs", 0, 0, {"min.insync.replicas": "2"}, assignment, validate_only=False
            )
        yield
        with self.admin() as admin:
            topic_admin.delete_topic(admin, "pairs")

    def need_a_restart(self, names: list[str]) -> None:
        """As after a change of configuration that is not in place yet: what they would start with is not what they started with."""
        self.each(names, "echo '# changed' >> /etc/kafka/broker.properties")

    def waiting(self) -> set[str]:
        """Who still needs a restart, by what is on the host."""
        told = self.each(list(self.brokers), "tail -1 /etc/kafka/broker.properties")
        return {name for name, line in told.items() if line == "# changed"}

    @property
    def by_rack(self) -> dict[str, list[str]]:
        """The brokers of each rack."""
        racks = sorted(set(self.racks[name] for name in self.brokers))
        return {rack: [name for name in self.brokers if self.racks[name] == rack] for rack in racks}

    def rack_of(self, ids: list[int]) -> set[str]:
        return {self.racks[self.names[id_]] for id_ in ids}

    def elsewhere(self, ids: list[int]) -> str:
        """A broker in another rack, the last one: not the one that the gate is asked from."""
        return [name for name in self.brokers if self.racks[name] not in self.rack_of(ids)][-1]

    def out(self) -> list[int]:
        return [event["broker"] for event in self.seen("stopping")]

    def first_stop(self) -> list[int]:
        until(lambda: bool(self.seen("stopped")), "the first broker to be stopped", 120)
        return self.out()

    def aside(self) -> tuple[list[str], list[str]]:
        """The brokers of a rack that will stand in the way, and all others. Their turn does not come: a restart is safe for those that are out anyway."""
        down = {self.racks[name] for name, process in self.processes().items() if not process}
        victims = self.by_rack[[self.racks[name] for name in self.brokers if self.racks[name] not in down][-1]]
        return victims, [name for name in self.brokers if name not in victims]

    def stops_at(self, meanwhile: Callable[[], None], sentence: str, **extra: Any) -> None:
        """A run that stops after its first step, with this in its message, and leaves the lock free."""
        run = self.run(meanwhile=meanwhile, roll_stall_seconds=STALL, **extra)
        said = " ".join(run.stdout.split())
        expect(
            run.returncode != 0 and UNTOUCHED in said and sentence in said,
            "it did not stop with %r: %s" % (sentence, said[-4000:]),
        )
        expect(
            len(self.seen("batch_started")) <= 2 and len(self.out()) == 1,
            "more than the canary was stopped: %s" % self.out(),
        )
        expect(self.seen("roll_stopped") != [], "the report does not say that it stopped")


def under_faults(cluster: Nine, title: str, faults: Sequence[Callable[[Nine], None]]) -> None:
    """One roll of every broker, through these faults; the last one lets it end."""
    cluster.need_a_restart(list(cluster.brokers))
    before = cluster.processes()

    def work() -> None:
        for fault in faults:
            begun = time.monotonic()
            fault(cluster)
            print("  %s: %d s" % (fault.__name__, time.monotonic() - begun), flush=True)

    with cluster.pairs():
        cluster.under_load(title, work, faults=True)
    after = cluster.processes()
    expect(
        not {name for name in before if before[name] == after[name]} and "" not in after.values(),
        "not everybody was restarted",
    )


def reassignment(cluster: Nine) -> None:
    """A partition that is being moved stands against the brokers that it touches."""
    from kafka import KafkaProducer

    inside = [[cluster.ids[name] for name in names] for names in cluster.by_rack.values()]
    before, after = [ids[0] for ids in inside], [*[ids[0] for ids in inside[:-1]], inside[-1][1]]
    rate = "follower.replication.throttled.rate"
    with cluster.admin() as admin:
        topic_admin.create_topic(admin, "moving", 0, 0, {"min.insync.replicas": "2"}, {0: before}, validate_only=False)
        # A throttle lets one fetch of a megabyte through every 11 s, so that the move lasts longer than the roll looks.
        producer = KafkaProducer(bootstrap_servers=cluster.bootstrap.split(","), acks="all")
        for _ in range(24):
            producer.send("moving", b"x" * 1_000_000)
        producer.close()
        # Not with the topic: in ZooKeeper mode brokers hear only of changes. They do so in order, so that with the rate this is in place, too.
        throttles = {"%s.replication.throttled.replicas" % side: "*" for side in ("leader", "follower")}
        configs.alter_topic_config(admin, "moving", throttles, validate_only=False)
        configs.alter_broker_config(admin, after[-1], {rate: "1"}, validate_only=False)
        until(
            lambda: configs.broker_configs(admin, after[-1], [rate]).get(rate) == "1", "the throttle to be in place", 30
        )
        reassignments.reassign(admin, {("moving", 0): after})
        try:
            refused(cluster.run(), "a reassignment", "being reassigned")
        finally:
            expect(reassignments.under_way(admin) != [], "the move has ended by itself")
            reassignments.reassign(admin, {("moving", 0): None})
            configs.alter_broker_config(admin, after[-1], {rate: None}, validate_only=False)
            topic_admin.delete_topic(admin, "moving")
    expect(cluster.out() == [], "somebody was stopped")


def misplaced(cluster: Nine) -> None:
    """A topic with two replicas in the rack that goes next appears after the plan was made."""

    def create() -> None:
        (first,) = cluster.first_stop()
        rack = [id_ for id_ in cluster.names if cluster.rack_of([id_]) == cluster.rack_of([first]) and id_ != first]
        other = cluster.ids[cluster.elsewhere([first])]
        with cluster.admin() as admin:
            topic_admin.create_topic(
                admin, "misplaced", 0, 0, {"min.insync.replicas": "2"}, {0: [*rack, other]}, validate_only=False
            )

    try:
        cluster.stops_at(create, "Partition misplaced-0 has 2 in sync and needs 2")
    finally:
        with cluster.admin() as admin:
            topic_admin.delete_topic(admin, "misplaced")


def killed_elsewhere(cluster: Nine) -> None:
    """A broker of another rack dies and stays dead; the next run begins with it."""

    def kill() -> None:
        cluster.on(cluster.elsewhere(cluster.first_stop()), "systemctl kill -s KILL kafka && systemctl stop kafka")

    cluster.stops_at(kill, "in sync and needs 2")


def paused(cluster: Nine) -> None:
    """A broker of another rack stands still, and goes on later."""
    victims, others = cluster.aside()

    def pause() -> None:
        cluster.first_stop()
        cluster.on(victims[-1], "systemctl kill -s STOP kafka")

    try:
        cluster.stops_at(pause, "in sync and needs 2", roll_only=others)
    finally:
        cluster.on(victims[-1], "systemctl kill -s CONT kafka")
    cluster.heal()


def cut_off(cluster: Nine) -> None:
    """The network between one rack and the others is cut; clients still reach all."""
    victims, others = cluster.aside()
    there = [name for name in cluster.nodes if cluster.racks[name] == cluster.racks[victims[0]]]
    nets = sorted(
        {address.rpartition(".")[0] for address in cluster.brokers.values()}
        - {cluster.brokers[victims[0]].rpartition(".")[0]}
    )
    do = " && ".join("ip route add blackhole %s.0/24" % net for net in nets)

    def cut() -> None:
        cluster.first_stop()
        # Undone by the host itself, whatever becomes of this process.
        cluster.each(there, "systemd-run --quiet --collect --on-active=600 --unit=mend %s && %s" % (MEND, do))

    try:
        # By which sentence depends on where the quorum's leader was.
        cluster.stops_at(cut, "The roll stopped at", roll_only=others)
    finally:
        cluster.each(there, MEND + " && { systemctl stop mend.timer || true; }")
    cluster.heal()


def killed_runner(cluster: Nine) -> None:
    """The runner is killed with a step of several stopped; the same command, told that it is dead, goes on from there, also with one on its way back."""
    # The others of the step are stopping then, and nobody is left to start them.
    cluster.broken_off(1, roll_canary=False)
    some = [cluster.names[id_] for id_ in cluster.out()]
    down = [
        name
        for name, said in cluster.each(some, "systemctl is-active --quiet kafka && echo runs || true").items()
        if not said
    ]
    expect(down, "nobody of %s was left down" % some)
    refused(cluster.run(), "a dead run's lock", "roll_break_lock")
    cluster.on(down[0], "systemctl start kafka && systemctl kill -s STOP kafka")
    leases = {cluster.lease()}

    def waits() -> bool:
        leases.add(cluster.lease())
        # The dead run's; this one's, as it was taken; and renewed, before anybody was let go.
        return len(leases) > 2

    def go_on() -> None:
        until(waits, "the roll to wait for %s" % down[0], 60)
        cluster.on(down[0], "systemctl kill -s CONT kafka")

    fine(cluster.run(meanwhile=go_on, roll_break_lock=True, roll_only=some))
    expect(
        not cluster.waiting() & set(some) and "" not in cluster.processes().values(),
        "what was broken off was not ended",
    )


def the_rest(cluster: Nine) -> None:
    """A broker is killed while it comes back, the quorum's leader too, and a second runner comes: the roll waits, and ends."""
    # How far the faults before it let the roll go is theirs; this one needs a step after its own.
    cluster.need_a_restart(list(cluster.brokers))

    def harm() -> None:
        cluster.first_stop()
        cluster.on(cluster.leader(), "systemctl kill -s KILL " + rolls.KEEPER)
        second = cluster.command("ansible-playbook", *cluster.roll())
        refused(second, "a second runner", "is held by")
        started = len(cluster.seen("started"))
        until(lambda: len(cluster.seen("started")) > started, "another broker to be started again", 120)
        cluster.on(cluster.names[cluster.seen("started")[-1]["broker"]], "systemctl kill -s KILL kafka")

    fine(cluster.run(meanwhile=harm, roll_canary=False))
    expect(
        {cluster.names[id_] for id_ in cluster.out()} >= set(cluster.brokers) and not cluster.waiting(),
        "it did not end what was begun: %s" % cluster.out(),
    )


def disk_full(cluster: Nine) -> None:
    """A broker finds its disk full when it starts again; with room on it the same command goes on."""
    name = list(cluster.brokers)[0]
    disk = cluster.on(name, "findmnt --noheadings --output TARGET | grep -o '/var/lib/kafka/.*' | head -1")
    filling = cluster.scratch / "fill.yml"
    filling.write_text(
        "- name: Fill the disk\n  ansible.builtin.command:\n    argv: [sh, -c, %s]\n  changed_when: true\n"
        % json.dumps(FILL % disk)
    )
    cluster.need_a_restart([name])

    def work() -> None:
        run = cluster.run(roll_node_tasks=str(filling), roll_stall_seconds=STALL, roll_only=[name])
        said = " ".join(run.stdout.split())
        expect(run.returncode != 0 and UNTOUCHED in said, "a full disk did not stop the roll: " + said[-4000:])
        expect(cluster.out() == [cluster.ids[name]], "others were stopped: %s" % cluster.out())
        cluster.on(name, "rm %s/full.*" % disk)
        fine(cluster.run())

    cluster.under_load("disk-full", work, faults=True)
    cluster.heal()


def blind(cluster: Nine) -> None:
    """Positive controls: a roller that trusts racks, and one that forgets who is out, are seen by the ledger."""
    first, second, _third = cluster.by_rack.values()
    inner = [cluster.ids[name] for name in first[:2]]

    def note(event: str, names: list[str]) -> None:
        events.append(
            str(cluster.happened), events.stamped({"event": event, "broker": cluster.ids[name]} for name in names)
        )

    def restart(names: list[str]) -> None:
        note("stopping", names)
        cluster.each(names, "systemctl stop kafka")
        note("stopped", names)
        cluster.each(names, "systemctl start kafka")
        note("started", names)
        cluster.heal()
        note("back", names)

    def trusting() -> None:
        with cluster.admin() as admin:
            topic_admin.create_topic(
                admin,
                "blind",
                0,
                0,
                {"min.insync.replicas": "2"},
                {0: [*inner, cluster.ids[second[0]]]},
                validate_only=False,
            )
        seen = cluster.scratch / "ledger-trusting" / "isr.jsonl"
        # Once when it appears, and once when its minimum is known.
        until(lambda: seen.read_text().count('"blind"') > 1, "the ledger to see the new topic", 30)
        restart(first)

    report = cluster.ledger("trusting", trusting)
    found = {each["topic"] for each in report["isr"]["violations"] if each["self_inflicted"]}
    expect(
        not report["ok"] and found == {"blind"}, "that racks were trusted was seen as %s" % report["isr"]["violations"]
    )
    with cluster.admin() as admin:
        topic_admin.delete_topic(admin, "blind")
    report = cluster.ledger("forgetting", lambda: restart(first + second))
    expect(
        not report["ok"] and report["isr"]["self_inflicted"] > 10,
        "nobody saw that two racks were out at once: %s" % report["isr"]["violations"],
    )


STOPPING = (reassignment, misplaced, killed_elsewhere, paused, cut_off, killed_runner)


def chain(cluster: Nine) -> None:
    """One roll, through every fault."""
    under_faults(cluster, "chain", [*STOPPING, the_rest])


def alone(fault: Callable[[Nine], None]) -> Callable[[Nine], None]:
    """One fault, for whoever looks at it."""
    return lambda cluster: under_faults(cluster, fault.__name__, [fault, the_rest])


CASES: dict[str, Callable[[Any], None]] = {fault.__name__: alone(fault) for fault in STOPPING}
CASES.update({case.__name__: case for case in (chain, disk_full, blind)})


if __name__ == "__main__":
    rolls.main({**rolls.CASES, **CASES}, Nine)
