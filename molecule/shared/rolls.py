"""Rolls on real Kafka under load, and what is broken on purpose meanwhile: rolls.py <inventory> <case> …

Each case ends with every record that was acknowledged still there, and no partition below its minimum by our action.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterable

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / ".collections"))
CLUSTER = os.environ["KAFKA_CLUSTER"]
ZOOKEEPER = os.environ["KAFKA_METADATA"].endswith("zookeeper")
KEEPER = "zookeeper" if ZOOKEEPER else "kafka-controller"
LOCK = "/var/lib/kafka-admin/roll.lock"
REBOOT = str(Path(__file__).parent / "tasks" / "reboot.yml")
OLD, NEW = ("3.8.1", "3.9.2") if ZOOKEEPER else ("4.0.2", "4.3.1")


class Cluster:
    """The cluster of the inventory, as a person at a shell sees it."""

    def __init__(self, inventory: str) -> None:
        self.inventory = inventory
        listed = json.loads(self.command("ansible-inventory", "--list").stdout)
        facts = listed["_meta"]["hostvars"]
        groups = {
            name: sorted(listed.get(name, {}).get("hosts", []))
            for name in ("kafka_brokers", "kafka_controllers", "kafka_zookeepers")
        }
        self.nodes = {name: plain(facts[name]["ansible_host"]) for names in groups.values() for name in names}
        self.racks = {name: plain(facts[name]["kafka_rack"]) for name in self.nodes}
        self.ids = {name: int(plain(facts[name]["kafka_node_id"])) for name in self.nodes}
        self.brokers = {name: self.nodes[name] for name in groups["kafka_brokers"]}
        self.keepers = {name: self.nodes[name] for name in self.nodes if name not in self.brokers}
        self.bootstrap = ",".join("%s:9092" % address for address in self.brokers.values())
        self.scratch = Path(tempfile.mkdtemp(prefix="rolls-"))
        self.events = self.scratch / (CLUSTER + "-roll.jsonl")
        # What all rolls did since the ledger began: each roll writes a new file.
        self.happened = self.scratch / "happened.jsonl"

    def command(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, "-i", self.inventory, *arguments],
            cwd=ROOT,
            env=quiet(),
            capture_output=True,
            text=True,
            check=False,
        )

    def roll(self, *options: str, playbook: str = "rolling_restart", **extra: Any) -> list[str]:
        """The command of a roll."""
        return [
            "-e",
            json.dumps({"kafka_report_dir": str(self.scratch), "roll_canary_soak_seconds": 0, **extra}),
            *options,
            "playbooks/%s.yml" % playbook,
        ]

    def run(
        self,
        *options: str,
        playbook: str = "rolling_restart",
        meanwhile: Callable[[], None] = lambda: None,
        **extra: Any,
    ) -> subprocess.CompletedProcess[str]:
        """A whole roll; meanwhile is done while it runs, and usually waits for something that it wrote down."""
        self.events.unlink(missing_ok=True)
        command = ["ansible-playbook", "-i", self.inventory, *self.roll(*options, playbook=playbook, **extra)]
        with tempfile.TemporaryFile("w+") as output:
            self.running = subprocess.Popen(
                command, cwd=ROOT, env=quiet(), stdout=output, stderr=output, start_new_session=True
            )
            try:
                meanwhile()
            except BaseException:
                if self.running.poll() is None:
                    os.killpg(self.running.pid, signal.SIGKILL)
                output.seek(0)
                print(output.read()[-4000:], flush=True)
                raise
            code = self.running.wait()
            output.seek(0)
            done = subprocess.CompletedProcess(command, code, output.read(), "")
        self.keep()
        return done

    def broken_off(self, stopped: int, **extra: Any) -> None:
        """A roll whose runner is killed when so many brokers have been stopped."""

        def kill() -> None:
            until(lambda: len(self.seen("stopped")) >= stopped, "%d brokers to be stopped" % stopped, 400)
            os.killpg(self.running.pid, signal.SIGKILL)

        self.run(meanwhile=kill, **extra)

    def keep(self) -> None:
        """What the last roll did belongs to what the ledger is judged by."""
        if self.events.exists():
            with open(self.happened, "a") as happened:
                happened.write(self.events.read_text())

    def seen(self, *kinds: str) -> list[dict[str, Any]]:
        """Events of the roll that runs, or of the last one."""
        if not self.events.exists():
            return []
        listed = [json.loads(line) for line in self.events.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [event for event in listed if event["event"] in kinds]

    def on(self, name: str, command: str) -> str:
        """What a command says on a host. A host under load may refuse a connection, which is no answer yet."""
        ssh = [
            "ssh",
            "-i",
            os.environ["ANSIBLE_PRIVATE_KEY_FILE"],
            *shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"]),
            "-o",
            "ConnectTimeout=10",
        ]
        end = time.monotonic() + 60
        while True:
            done = subprocess.run(
                [*ssh, "root@" + self.nodes[name], command], capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return done.stdout.strip()
            expect(
                done.returncode == 255 and time.monotonic() < end,
                "%s ended with %d on %s: %s" % (command, done.returncode, name, done.stderr[-1000:]),
            )

    def each(self, names: Iterable[str], command: str) -> dict[str, str]:
        """The same on several hosts at once; what each said."""
        listed = list(names)
        with concurrent.futures.ThreadPoolExecutor(9) as pool:
            return dict(zip(listed, pool.map(lambda name: self.on(name, command), listed)))

    def versions(self) -> set[str]:
        """What the brokers' processes have open: the versions that really run."""
        command = "readlink /proc/$(systemctl show --property=MainPID --value kafka)/fd/* | grep -o '/opt/kafka-[0-9.]*/' | sort -u"
        return {
            line.strip("/").rpartition("-")[2] for name in self.brokers for line in self.on(name, command).splitlines()
        }

    def admin(self, **options: float) -> Any:
        """A client of the whole cluster, to be used in a with statement."""
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection

        return Admin(Connection(tuple(self.bootstrap.split(",")), **options))

    def agreed(self) -> dict[str, Any]:
        """What the brokers have agreed on: the protocols that they speak, or the finalised level of metadata.version."""
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import features, metadata

        with self.admin() as admin:
            if ZOOKEEPER:
                return {
                    "protocol": sorted(
                        {
                            features.versions_of(admin, broker["id"])["protocol"][:3]
                            for broker in metadata.cluster(admin)["brokers"]
                        }
                    )
                }
            return {"metadata.version": features.levels(admin)["metadata.version"]["finalized"]}

    def staged(self) -> list[str]:
        """What waits for its turn on the brokers."""
        return [
            line
            for name in self.brokers
            for line in self.on(name, "find /etc/kafka /etc/systemd/system -name '*.staged'").splitlines()
        ]

    def processes(self, keepers: bool = False) -> dict[str, str]:
        """The process of each broker, or of each controller or ZooKeeper node; another one means a restart."""
        unit, names = ("kafka-controller zookeeper", self.keepers) if keepers else ("kafka", self.brokers)
        return self.each(
            names, "systemctl show --property=MainPID --value %s | grep -vxE '0?' | head -1 || true" % unit
        )

    def leader(self) -> str:
        """Who leads the quorum of controllers or of ZooKeeper nodes."""
        if ZOOKEEPER:
            ask = "bash -c 'exec 3<>/dev/tcp/%s/2181; echo srvr >&3; grep ^Mode <&3'"
            return next(
                name for name, address in self.keepers.items() if self.on(name, ask % address) == "Mode: leader"
            )
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import kraft

        with self.admin() as admin:
            leader = kraft.quorum(admin)["leader"]
        return next(name for name in self.nodes if self.ids[name] == leader)

    def under_load(
        self, title: str, work: Callable[[], None], *, faults: bool = False, rate: int = 100
    ) -> dict[str, Any]:
        """Do something while the ledger writes and reads, and hold it to its promise; faults: brokers are killed on purpose meanwhile."""
        report = self.ledger(title, work, faults=faults, rate=rate)
        expect(
            report["ok"] and report["lost"] == 0 and report["records"]["acked"] > 100,
            "%s: %s" % (title, report["problems"]),
        )
        return report

    def ledger(self, title: str, work: Callable[[], None], *, faults: bool = False, rate: int = 100) -> dict[str, Any]:
        """Do something while the ledger writes and reads; what it found."""
        self.happened.write_text("")
        out = self.scratch / ("ledger-" + title)
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        options = [
            "--bootstrap",
            self.bootstrap,
            "--out",
            str(out),
            "--events",
            str(self.happened),
            "--seconds",
            "900",
            "--rate",
            str(rate),
        ]
        command = [
            sys.executable,
            "-m",
            "ledger",
            "run",
            *options,
            "--stop-file",
            str(out / "stop"),
            *["--faults"][: int(faults)],
        ]
        with open(out / "log", "wb") as log:
            ledger = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}
            )
        try:
            until(
                lambda: (out / "ready").exists() or ledger.poll() is not None,
                "the ledger to write to every partition",
                120,
            )
            expect(ledger.poll() is None, "the ledger did not begin: " + (out / "log").read_text()[-2000:])
            work()
        finally:
            (out / "stop").touch()
            ledger.wait(300)
        expect((out / "report.json").exists(), "the ledger has no report: " + (out / "log").read_text()[-2000:])
        report: dict[str, Any] = json.loads((out / "report.json").read_text())
        print(
            "%s: %d records acknowledged, longest gap %s ms"
            % (title, report["records"]["acked"], report["gaps"]["worst_ms"]),
            flush=True,
        )
        return report


def quiet() -> dict[str, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("ANSIBLE_LOG_PATH", "ANSIBLE_FORCE_COLOR", "PY_COLORS")
    }
    return {**environment, "ANSIBLE_NOCOLOR": "1"}


def plain(value: Any) -> str:
    return value["__ansible_unsafe"] if isinstance(value, dict) else value


def until(true: Callable[[], bool], what: str, seconds: float, seen: Callable[[], str] = str) -> None:
    """Wait for a condition; seen says what is there instead, for the case that it does not come."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            expect(False, "waited %d s for %s %s" % (seconds, what, seen()))
        time.sleep(0.2)


def expect(true: bool, otherwise: str) -> None:
    if not true:
        sys.exit("rolls: " + otherwise)


def fine(run: subprocess.CompletedProcess[str]) -> None:
    expect(run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:])


def check(cluster: Cluster) -> None:
    """--check shows the plan, and stops nothing."""
    before = cluster.processes()
    run = cluster.run("--check", roll_all=True)
    fine(run)
    expect("step 1, batch 1 (the canary)" in run.stdout, run.stdout[-3000:])
    expect(cluster.processes() == before, "check mode restarted somebody")


def roll(cluster: Cluster) -> None:
    """Everybody is restarted once, in as many batches as there are racks, and a second run restarts nobody."""
    before = {**cluster.processes(), **cluster.processes(keepers=True)}
    cluster.under_load("roll", lambda: fine(cluster.run(roll_all=True, roll_canary_soak_seconds=5)))
    canary = cluster.seen("back")[0]["t"]
    follows = cluster.seen("gate_open")[1]["t"]
    expect(follows - canary >= 5, "others followed the canary after %.1f s" % (follows - canary))
    after = {**cluster.processes(), **cluster.processes(keepers=True)}
    expect(not {name for name in before if before[name] == after[name]}, "not everybody was restarted")
    report = json.loads((cluster.scratch / (CLUSTER + "-roll.json")).read_text())
    expect(
        report["state"] == "done" and len(report["plan"]["batches"]) == len(set(cluster.racks.values())),
        json.dumps(report["plan"])[:2000],
    )
    again = cluster.run()
    fine(again)
    expect("No node needs a restart." in again.stdout, again.stdout[-3000:])
    expect({**cluster.processes(), **cluster.processes(keepers=True)} == after, "a second roll restarted somebody")


def rolling_site(cluster: Cluster) -> None:
    """site stages a change; rolling_site rolls those that need it, and only those, and reboots their hosts meanwhile, as a patch would."""
    changed = {"broker_config": {"log.retention.hours": 47}}
    others = cluster.processes(keepers=True)
    before = cluster.processes()
    fine(cluster.run(playbook="site", **changed))
    expect(
        cluster.processes() == before and len(cluster.staged()) == len(before),
        "site restarted somebody, or staged nothing: %s" % cluster.staged(),
    )
    booted = cluster.each(before, "stat -c %Y /proc/1")
    # Each boot starts the service with what was in place before.
    cluster.under_load(
        "rolling-site", lambda: fine(cluster.run(playbook="rolling_site", roll_node_tasks=REBOOT, **changed))
    )
    after = cluster.processes()
    expect(
        all(time != booted[name] for name, time in cluster.each(before, "stat -c %Y /proc/1").items()),
        "not every host was rebooted",
    )
    runs = cluster.each(
        before,
        "test /etc/kafka/broker.properties -ot /proc/$(systemctl show --property=MainPID --value kafka) && echo yes || true",
    )
    expect(set(runs.values()) == {"yes"}, "somebody runs with what was there before its configuration: %s" % runs)
    expect(
        not {name for name in before if before[name] == after[name]} and cluster.staged() == [],
        "not everybody was restarted",
    )
    expect(cluster.processes(keepers=True) == others, "a node was restarted that nothing had changed for")


def refusals(cluster: Cluster) -> None:
    """What is not safe is refused in one sentence, and nobody is stopped."""
    from kafka import KafkaAdminClient

    before = cluster.processes()
    victim, other, *_ = cluster.brokers
    second = cluster.scratch / "second.json"
    second.write_text(json.dumps({"kafka_brokers": {"hosts": {other: {"ansible_port": 1}}}}))
    cases: dict[str, tuple[list[str], dict[str, Any], str]] = {
        "a limit": (["--limit", victim + ",localhost"], {}, "cut batches in two"),
        "a host that does not answer": (["-i", str(second)], {}, "%s cannot be reached" % other),
        "an unknown node": ([], {"roll_only": ["nobody"]}, "roll_only names nobody"),
        "tasks that are not there": ([], {"roll_node_tasks": "none.yml"}, "There is no file"),
        "an unknown topic": (
            [],
            {"roll_allow_topics": ["nothing"]},
            "allow names nothing, which the cluster does not have",
        ),
        "an unknown order": ([], {"roll_order": "sideways"}, "roll_order"),
    }
    for title, (options, extra, sentence) in cases.items():
        refused(cluster.run(*options, roll_all=True, **extra), title, sentence)
    held = {
        "owner": "somebody@elsewhere",
        "what": "rolling_restart",
        "since": "2026-01-01T00:00:00Z",
        "expires": "2999-01-01T00:00:00Z",
    }
    cluster.on(victim, "mkdir -p /var/lib/kafka-admin && cat > %s <<'END'\n%s\nEND" % (LOCK, json.dumps(held)))
    refused(
        cluster.run(roll_all=True),
        "a held lock",
        "is held by somebody@elsewhere for rolling_restart, since 2026-01-01T00:00:00Z and until",
    )
    cluster.on(victim, "rm %s" % LOCK)
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    try:
        admin.create_topics({"single": {"num_partitions": 1, "replication_factor": 1}})
        refused(cluster.run(roll_all=True), "one replica", "It has only one replica")
    finally:
        admin.delete_topics(["single"])
        admin.close()
    expect(cluster.processes() == before, "a refusal restarted somebody")


def refused(run: subprocess.CompletedProcess[str], title: str, sentence: str) -> None:
    said = " ".join((run.stdout + run.stderr).split())
    expect(run.returncode != 0 and sentence in said, "%s was not refused with %r: %s" % (title, sentence, said[-3000:]))
    print("refused: %s" % title, flush=True)


def killed(cluster: Cluster) -> None:
    """The runner dies with a broker stopped. The next run takes the dead run's lock and goes on from there; it waits when the quorum's leader is killed."""

    def kill_keeper() -> None:
        until(lambda: bool(cluster.seen("stopping", "started")), "a broker to be stopped or started", 120)
        cluster.on(cluster.leader(), "systemctl kill --signal=KILL " + KEEPER)

    def work() -> None:
        before = cluster.processes()
        cluster.broken_off(1, roll_all=True)
        out = cluster.seen("stopped")[0]["broker"]
        refused(cluster.run(), "a dead run's lock", "roll_break_lock")
        # The one that the dead run had out, and another.
        some = sorted(before, key=lambda name: cluster.ids[name] != out)[:2]
        fine(cluster.run(meanwhile=kill_keeper, roll_break_lock=True, roll_all=True, roll_only=some))
        after = cluster.processes()
        expect(
            "" not in after.values() and all(before[name] != after[name] for name in some),
            "the broken-off roll was not ended",
        )

    cluster.under_load("killed", work, faults=True)


def paused_runner(cluster: Cluster) -> None:
    """A runner stands still between the gate's yes and the stop, while another takes the lock and a broker out: it stops nothing when it goes on."""
    victim, other = sorted(cluster.brokers)[1:3]
    place = cluster.scratch / "paused"
    events = place / cluster.events.name
    # While it waits, the broker of the second run is down.
    hold = cluster.scratch / "hold.yml"
    hold.write_text("- name: Stay down\n  ansible.builtin.pause:\n    seconds: 20\n  delegate_to: localhost\n")

    def happened(kind: str) -> bool:
        return events.exists() and '"%s"' % kind in events.read_text()

    def work() -> None:
        before = cluster.processes()
        command = [
            "ansible-playbook",
            "-i",
            cluster.inventory,
            *cluster.roll(roll_only=[victim], roll_all=True, kafka_report_dir=str(place)),
        ]
        with tempfile.TemporaryFile("w+") as output:
            first = subprocess.Popen(
                command, cwd=ROOT, env=quiet(), stdout=output, stderr=output, start_new_session=True
            )
            try:
                end = time.monotonic() + 300
                while not happened("gate_open"):
                    expect(
                        first.poll() is None and time.monotonic() < end, "the first run ended before its gate was open"
                    )
                    time.sleep(0.02)
                os.killpg(first.pid, signal.SIGSTOP)
                expect(not happened("stopped"), "the first run was faster than its pause; run the case again")

                def go_on() -> None:
                    until(lambda: bool(cluster.seen("stopped")), "the second run to have a broker out", 300)
                    os.killpg(first.pid, signal.SIGCONT)
                    first.wait(120)
                    expect(not cluster.seen("started"), "the second run was over before the first one ended")

                fine(
                    cluster.run(
                        meanwhile=go_on,
                        roll_break_lock=True,
                        roll_all=True,
                        roll_only=[other],
                        roll_node_tasks=str(hold),
                    )
                )
            finally:
                if first.poll() is None:
                    os.killpg(first.pid, signal.SIGKILL)
            output.seek(0)
            said = " ".join(output.read().split())
        expect(first.returncode != 0 and "has claimed the host, not this run" in said, said[-3000:])
        after = cluster.processes()
        expect(before[victim] == after[victim], "the runner that slept stopped its broker")
        expect(before[other] != after[other] and "" not in after.values(), "the second run did not end")

    cluster.under_load("paused-runner", work)


def cut_off_from_zookeeper(cluster: Cluster) -> None:
    """A broker that has lost ZooKeeper only answers clients with what was so then: no roll believes it, and none stops a broker."""
    victim = sorted(cluster.brokers)[0]
    number = cluster.ids[victim]
    # Undone by the host itself, whatever becomes of this process.
    lost, found = (
        " && ".join("ip route %s blackhole %s/32" % (word, address) for address in cluster.keepers.values())
        for word in ("add", "del")
    )
    mend = "systemd-run --quiet --collect --on-active=300 --unit=mend sh -c '%s' && " % found

    def in_sync(count: int) -> bool:
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import metadata
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection

        others = tuple("%s:9092" % address for name, address in cluster.brokers.items() if name != victim)
        with Admin(Connection(others)) as admin:
            return all(
                (number in each["isr"]) == bool(count)
                for listed in metadata.partitions(admin).values()
                for each in listed
                if number in each["replicas"]
            )

    def work() -> None:
        before = cluster.processes()
        cluster.on(victim, mend + lost)
        try:
            until(lambda: in_sync(0), "the controller to have taken %s out of every in-sync set" % victim, 120)
            run = cluster.run(roll_all=True, roll_stall_seconds=20)
        finally:
            cluster.on(victim, found + " && { systemctl stop mend.timer || true; }")
        said = " ".join(run.stdout.split())
        expect(run.returncode != 0 and not cluster.seen("stopping", "stopped"), said[-3000:])
        reasons = (
            "may have lost ZooKeeper",
            "may have lost its session",
            "does not list it as alive",
            "The cluster is not healthy",
            "did not answer",
        )
        expect(any(reason in said for reason in reasons), said[-3000:])
        until(lambda: in_sync(1), "%s to be in sync again" % victim, 180)
        expect(cluster.processes() == before, "a broker was stopped on old metadata")

    cluster.under_load("cut-off-from-zookeeper", work, faults=True)


def bad_configuration(cluster: Cluster) -> None:
    """A broker that cannot start with its new configuration stops the roll at the canary; the old one brings it back."""
    bad = {"broker_config": {"compression.type": "nonsense"}}

    def work() -> None:
        before = cluster.processes()
        run = cluster.run(roll_stall_seconds=20, roll_all=True, **bad)
        said = " ".join(run.stdout.split())
        expect(run.returncode != 0 and "The roll stopped at" in said, said[-3000:])
        # Between two attempts systemd calls a service activating, and active during one.
        crashes = {
            name: int(cluster.on(name, "systemctl show --property=NRestarts --value kafka")) for name in cluster.brokers
        }
        touched = {name for name, process in cluster.processes().items() if process != before[name]}
        expect(
            {name for name, number in crashes.items() if number} == touched and len(touched) == 1,
            "not just the canary: %s, %s" % (crashes, touched),
        )
        fine(cluster.run())
        expect("" not in cluster.processes().values(), "somebody is down")

    cluster.under_load("bad-configuration", work)


def upgrade_refusals(cluster: Cluster) -> None:
    """An upgrade that cannot be is refused in one sentence, with nothing stopped and nothing staged anywhere."""
    before, found = cluster.processes(), cluster.agreed()
    victim = list(cluster.brokers)[1]
    second = cluster.scratch / "second.json"
    missing = {"kafka_install_url": "http://198.18.0.1:8000/kafka/none.tgz"}
    second.write_text(json.dumps({"kafka_brokers": {"hosts": {victim: missing}}}))
    none, older, skips = ("3.9.9", "3.7.2", "4.3.1") if ZOOKEEPER else ("4.3.9", "4.0.1", "3.9.2")
    skipped = "cannot run with ZooKeeper nodes" if ZOOKEEPER else "with controllers is not supported"
    cases: dict[str, tuple[list[str], dict[str, Any], str]] = {
        "a version that does not exist": ([], {"kafka_version": none}, "cannot be fetched"),
        "no version at all": ([], {"kafka_version": "4.x"}, "must be a full version"),
        "a version that skips": ([], {"kafka_version": skips}, skipped),
        "a downgrade": ([], {"kafka_version": older}, "Kafka %s is older than %s" % (older, OLD)),
        "an archive that is missing on one host": (
            ["-i", str(second)],
            {"kafka_version": NEW},
            "none.tgz cannot be fetched",
        ),
        "a limit": (["--limit", victim + ",localhost"], {"kafka_version": NEW}, "cut batches in two"),
        "a site that would upgrade": ([], {"kafka_version": NEW, "playbook": "site"}, "only an upgrade changes that"),
        "finalising what does not run": (
            [],
            {"kafka_version": NEW, "playbook": "finalize_upgrade"},
            "all nodes must run",
        ),
        "downtime without confirmation": (
            [],
            {"kafka_version": NEW, "playbook": "downtime_upgrade"},
            "to confirm, add -e kafka_confirm=",
        ),
    }
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = {
            title: pool.submit(cluster.run, *options, **{"playbook": "rolling_upgrade", **extra})
            for title, (options, extra, _) in cases.items()
        }
    for title, (_, _, sentence) in cases.items():
        refused(runs[title].result(), title, sentence)
    # Not beside the others, which would find its lock.
    refused(cluster.run(kafka_version=NEW), "a restart that would upgrade", "run rolling_upgrade")
    expect(
        cluster.processes() == before and cluster.staged() == [],
        "a refusal restarted somebody, or left something staged",
    )
    expect(cluster.agreed() == found and cluster.versions() == {OLD}, "a refusal changed the cluster")


def upgrade(cluster: Cluster) -> None:
    """Everybody gets the new version, also when the runner dies in the middle, and what the brokers have agreed on stays as it was."""
    found = cluster.agreed()

    def work() -> None:
        cluster.broken_off(2, playbook="rolling_upgrade", kafka_version=NEW)
        run = cluster.run(playbook="rolling_upgrade", kafka_version=NEW, roll_break_lock=True)
        fine(run)
        expect("An earlier run was broken off" in run.stdout, run.stdout[-3000:])

    cluster.under_load("upgrade", work)
    expect(cluster.versions() == {NEW}, "not everybody runs %s: %s" % (NEW, cluster.versions()))
    expect(cluster.agreed() == found, "the roll has finalised something: %s, %s before" % (cluster.agreed(), found))


def upgrade_check(cluster: Cluster) -> None:
    """--check shows the way and the plan, and stages nothing."""
    plan = cluster.run("--check", playbook="rolling_upgrade", kafka_version=NEW)
    fine(plan)
    expect(
        "From Kafka %s to %s" % (OLD, NEW) in plan.stdout and "step 1, batch 1 (the canary)" in plan.stdout,
        plan.stdout[-3000:],
    )
    expect(cluster.staged() == [] and cluster.versions() == {OLD}, "check mode changed something")


def upgraded(cluster: Cluster) -> None:
    """Once more, it moves nobody."""
    before = cluster.processes()
    run = cluster.run(playbook="rolling_upgrade", kafka_version=NEW)
    fine(run)
    expect(
        "All nodes run Kafka %s." % NEW in run.stdout and "No node needs a restart." in run.stdout, run.stdout[-3000:]
    )
    expect(cluster.processes() == before and cluster.staged() == [], "a second upgrade restarted somebody")


def roll_back(cluster: Cluster) -> None:
    """What was not finalised goes back the same way."""
    found = cluster.agreed()
    cluster.under_load("roll-back", lambda: fine(cluster.run(playbook="rolling_upgrade", kafka_version=OLD)))
    expect(cluster.versions() == {OLD} and cluster.agreed() == found, "not everybody is back at %s" % OLD)


def again(cluster: Cluster) -> None:
    """After the way back, the way up is open as before, also with a reboot of each host, which starts the old version once more."""
    found = cluster.agreed()
    cluster.under_load(
        "again", lambda: fine(cluster.run(playbook="rolling_upgrade", kafka_version=NEW, roll_node_tasks=REBOOT))
    )
    expect(cluster.versions() == {NEW} and cluster.agreed() == found, "not everybody runs %s" % NEW)


def downtime(cluster: Cluster) -> None:
    """All stopped, upgraded, started and proven, in two runs, as one node does not start; whatever was acknowledged before is there after it."""
    before, found = cluster.processes(), cluster.agreed()
    asked = {"playbook": "downtime_upgrade", "kafka_version": NEW, "kafka_confirm": CLUSTER}
    victim, place = next(iter(cluster.brokers)), "/etc/systemd/system/kafka.service.d"

    def work() -> None:
        cluster.on(
            victim,
            "mkdir -p %s && printf '[Unit]\\nAssertPathExists=/nowhere\\n' > %s/never.conf && systemctl daemon-reload"
            % (place, place),
        )
        run = cluster.run(**asked)
        said = " ".join(run.stdout.split())
        expect(
            run.returncode != 0 and "downtime_upgrade stopped at %s" % victim in said and "was not started" in said,
            said[-3000:],
        )
        expect(cluster.processes()[victim] == "", "a broker that cannot start runs")
        cluster.on(victim, "rm -r %s && systemctl daemon-reload" % place)
        fine(cluster.run(**asked))

    # Everybody is out, so that partitions are below their minimum as was asked for; what was acknowledged must be there all the same.
    report = cluster.ledger("downtime", work)
    expect(report["lost"] == 0 and report["records"]["acked"] > 100, "downtime: %s" % report["problems"])
    after = cluster.processes()
    expect(cluster.versions() == {NEW} and cluster.agreed() == found, "not everybody runs %s" % NEW)
    expect(not {name for name in before if before[name] == after[name]}, "not everybody was stopped")


def finalize(cluster: Cluster) -> None:
    """Finalising waits for the soak and for a confirmation, is done once, and ends the way back."""
    before, found = cluster.processes(), cluster.agreed()
    refused(
        cluster.run(playbook="finalize_upgrade", kafka_version=NEW, kafka_confirm=CLUSTER),
        "finalising too early",
        "it shall soak",
    )
    now = {"kafka_version": NEW, "upgrade_soak_seconds": 0}
    refused(
        cluster.run(playbook="finalize_upgrade", **now),
        "finalising without confirmation",
        "to confirm, add -e kafka_confirm=%s" % CLUSTER,
    )
    expect(cluster.processes() == before and cluster.agreed() == found, "a refusal changed something")
    cluster.under_load("finalize", lambda: fine(cluster.run(playbook="finalize_upgrade", kafka_confirm=CLUSTER, **now)))
    wanted = {"protocol": [NEW[:3]]} if ZOOKEEPER else {"metadata.version": 30}
    expect(cluster.agreed() == wanted, "finalised is %s, not %s" % (cluster.agreed(), wanted))
    after = cluster.processes()
    run = cluster.run(playbook="finalize_upgrade", **now)
    fine(run)
    expect(
        "Everything is finalized" in run.stdout and cluster.processes() == after, "a second finalisation did something"
    )
    refused(
        cluster.run(playbook="rolling_upgrade", kafka_version=OLD),
        "a way back after finalising",
        "there is no rollback",
    )
    expect(cluster.processes() == after, "a refusal restarted somebody")


def blank_store(cluster: Cluster) -> None:
    """The last in-sync replica comes back with a blank disk: it stays down, its followers keep everything, and what the runbook says heals it.

    ZooKeeper mode, in which Kafka itself would elect it. The disk is blank as after a stop and start of the instance.
    """
    first, second, victim = sorted(cluster.brokers)[:3]
    address = {name: "%s:9092" % cluster.brokers[name] for name in (second, victim)}
    elect = "java -cp '/opt/kafka-%s/libs/*' org.apache.kafka.tools.LeaderElectionCommand --bootstrap-server %s --election-type unclean --all-topic-partitions"

    def in_sync(bootstrap: str) -> list[set[int]]:
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import metadata
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
        from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection, KafkaError

        try:
            with Admin(Connection((bootstrap,), request_timeout_seconds=5)) as admin:
                return [set(each["isr"]) for listed in metadata.partitions(admin).values() for each in listed]
        except KafkaError:
            return []

    def alone() -> bool:
        seen = in_sync(address[victim])
        return bool(seen) and all(isr == {cluster.ids[victim]} for isr in seen)

    def healed() -> bool:
        seen = in_sync(address[second])
        return bool(seen) and all(isr >= {cluster.ids[name] for name in (first, second, victim)} for isr in seen)

    def state(name: str) -> str:
        return cluster.on(name, "systemctl show --property=ActiveState --value kafka")

    def status() -> str:
        return cluster.on(victim, "systemctl show --property=StatusText --value kafka")

    def work() -> None:
        # The second is the last to leave, so that it has all that was acknowledged.
        for name in (first, second):
            cluster.on(name, "systemctl stop kafka")
        until(alone, "%s to be alone in every in-sync set" % victim, 120)
        cluster.on(victim, "systemctl stop kafka && find /var/lib/kafka/data* -xdev -mindepth 1 -delete")
        size = cluster.on(second, "du -sb /var/lib/kafka/data0 | cut -f1")
        cluster.on(second, "systemctl start kafka")
        cluster.on(victim, "systemctl start --no-block kafka")
        until(
            lambda: "it is the last in-sync replica of" in status(),
            "%s to say why it stays down" % victim,
            300,
            seen=lambda: "%s is %s: %s; %s is %s" % (victim, state(victim), status(), second, state(second)),
        )
        print(status(), flush=True)
        expect(
            state(victim) != "active" and cluster.on(victim, "pgrep -u kafka java || true") == "",
            "%s runs on a blank disk" % victim,
        )
        kept = cluster.on(second, "du -sb /var/lib/kafka/data0 | cut -f1")
        expect(int(kept) >= int(size) // 2, "%s had %s bytes and has %s" % (second, size, kept))
        cluster.on(second, elect % (NEW, address[second]))
        until(lambda: state(victim) == "active", "%s to start by itself" % victim, 180)
        cluster.on(first, "systemctl start kafka")
        until(healed, "every replica to be in sync", 300)

    # All brokers are out on purpose, so that partitions are below their minimum; what was acknowledged must be there all the same.
    report = cluster.ledger("blank", work, faults=True)
    expect(report["lost"] == 0 and report["records"]["acked"] > 100, "blank: %s" % report["problems"])


RESTARTS = (check, roll, rolling_site, refusals, killed, paused_runner, cut_off_from_zookeeper, bad_configuration)
UPGRADES = (upgrade_refusals, upgrade_check, upgrade, upgraded, roll_back, again, downtime, finalize)
CASES = {case.__name__: case for case in (*RESTARTS, *UPGRADES, blank_store)}


def main(cases: dict[str, Callable[[Any], None]], kind: type[Cluster] = Cluster) -> None:
    """The cases that were named, one after another."""
    cluster = kind(sys.argv[1])
    for name in sys.argv[2:]:
        started = time.monotonic()
        cases[name](cluster)
        print("%s: passed in %d s" % (name, time.monotonic() - started), flush=True)
    shutil.rmtree(cluster.scratch)


if __name__ == "__main__":
    main(CASES)
