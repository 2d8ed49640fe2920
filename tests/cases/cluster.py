"""A cluster of the lab as a person at a shell sees it: playbooks, hosts, Kafka, and clients that write meanwhile."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Iterable, Iterator

import client_file
from hosts import ssh, until
from ledger import during

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / ".collections"))

from ansible_collections.rackaware.kafka.plugins.module_utils._config import cluster_settings, nodes
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import (
    configs,
    features,
    kraft,
    metadata,
    reassignments,
    topic,
    topic_admin,
)
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection, KafkaError

ZOOKEEPER = os.environ.get("KAFKA_METADATA", "zookeeper").endswith("zookeeper")
OLD, NEW = ("3.8.1", "3.9.2") if ZOOKEEPER else ("4.0.2", "4.3.1")
LOCK = "/var/lib/kafka-admin/roll.lock"
# roll_node_tasks: what a patch of the operating system ends with.
REBOOT = str(Path(__file__).with_name("reboot.yml"))
# Not the process's number: after a reboot the numbers begin at 1 again, and one may come back.
PROCESS = 'test "$(systemctl show -P MainPID {0})" -gt 0 2>/dev/null && systemctl show -P InvocationID {0} || true'


def plain(value: Any) -> str:
    """What ansible-inventory marks as unsafe is a dict."""
    return value["__ansible_unsafe"] if isinstance(value, dict) else value


class Run:
    """An ansible-playbook that runs, or has run."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            ["ansible-playbook", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=self.output,
            stderr=self.output,
            start_new_session=True,
        )

    def runs(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """To the runner, as a terminal sends it."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End the runner and its workers, as when their machine ends."""
        if self.runs():
            # Each worker has a session of its own, and would outlive the runner.
            workers = Path("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read_text().split()
            for group in (self.process.pid, *map(int, workers)):
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)

    def ended(self, seconds: float | None = None) -> Run:
        self.process.wait(seconds)
        return self

    @property
    def text(self) -> str:
        """Its output, once it has ended: before that, reading would move where it writes."""
        self.output.seek(0)
        return self.output.read()

    @property
    def said(self) -> str:
        """The same in one line, because a sentence may be wrapped."""
        return " ".join(self.text.split())

    def says(self, *sentences: str) -> Run:
        for sentence in sentences:
            assert sentence in self.said, "not said: %r in …\n%s" % (sentence, self.text[-4000:])
        return self

    def succeeded(self, *sentences: str) -> Run:
        """It ended well, and said these sentences."""
        assert self.ended().process.returncode == 0, self.text[-6000:]
        return self.says(*sentences)

    def refused(self, *sentences: str) -> Run:
        """It ended with an error, and said these sentences."""
        assert self.ended().process.returncode != 0, "nothing was refused: …\n" + self.text[-3000:]
        return self.says(*sentences)


class Cluster:
    """The cluster that the environment names (KAFKA_METADATA, KAFKA_CLUSTER)."""

    def __init__(self, scratch: Path, inventory: str = "inventories/lab") -> None:
        self.name = os.environ["KAFKA_CLUSTER"]
        self.scratch, self.inventory = scratch, inventory
        # A second inventory, which says more about the same hosts.
        self.more: Path | None = None
        listed = json.loads(
            subprocess.run(
                ["ansible-inventory", "-i", inventory, "--list"],
                cwd=ROOT,
                env=quiet(),
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )
        facts = listed["_meta"]["hostvars"]
        groups = {
            name: sorted(listed.get(name, {}).get("hosts", []))
            for name in ("kafka_brokers", "kafka_controllers", "kafka_zookeepers")
        }
        self.groups, self.facts = groups, facts
        self.nodes = {name: plain(facts[name]["ansible_host"]) for names in groups.values() for name in names}
        self.racks = {name: plain(facts[name]["kafka_rack"]) for name in self.nodes}
        self.ids = {name: int(plain(facts[name]["kafka_node_id"])) for name in self.nodes}
        self.instances = {name: plain(facts[name]["kafka_instance_id"]) for name in self.nodes}
        self.brokers = {name: self.nodes[name] for name in groups["kafka_brokers"]}
        # Those that are no brokers, too.
        self.quorum_nodes = {name: self.nodes[name] for name in self.nodes if name not in self.brokers}
        self.names = {self.ids[name]: name for name in self.brokers}
        self.quorum_service = "zookeeper" if groups["kafka_zookeepers"] else "kafka-controller"
        self.events = scratch / (self.name + "-roll.jsonl")
        # Where clients get in, and how where no file of the lab says so.
        self.client_port, self._client_file = 9092, None
        # What all rolls did since the ledger began: each roll writes a new file.
        self.happened = scratch / "happened.jsonl"

    # Playbooks

    def start(self, playbook: str, *options: str, environment: dict[str, str] | None = None, **extra: Any) -> Run:
        """Start one of our playbooks with extra variables."""
        extra = {"kafka_report_dir": str(self.scratch), "roll_canary_soak_seconds": 0, **extra}
        inventories = ["-i", self.inventory, *(["-i", str(self.more)] if self.more else [])]
        arguments = [*inventories, "-e", json.dumps(extra), *options, "playbooks/%s.yml" % playbook]
        return Run(arguments, {**quiet(), **(environment or {})})

    @contextmanager
    def playing(self, playbook: str, *options: str, **more: Any) -> Iterator[Run]:
        """Run a playbook during the block, which usually waits for something that the playbook wrote down."""
        self.events.unlink(missing_ok=True)
        run = self.start(playbook, *options, **more)
        try:
            yield run
        except BaseException:
            run.kill()
            print(run.ended().text[-4000:])
            raise
        run.ended()
        # What a roll did belongs to what the ledger is judged by.
        if self.events.exists():
            with open(self.happened, "a") as happened:
                happened.write(self.events.read_text())

    def play(self, playbook: str, *options: str, **more: Any) -> Run:
        """Run a playbook to its end."""
        with self.playing(playbook, *options, **more) as run:
            return run

    def break_off(self, playbook: str, stopped: int, **more: Any) -> None:
        """Kill the runner of a roll when it has stopped so many brokers."""
        with self.playing(playbook, **more) as run:
            until(lambda: len(self.seen("stopped")) >= stopped, "%d brokers to be stopped" % stopped, 400)
            run.kill()

    def seen(self, *kinds: str) -> list[dict[str, Any]]:
        """Events of the roll that runs, or of the last one."""
        if not self.events.exists():
            return []
        lines = self.events.read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if event["event"] in kinds]

    def stopped(self) -> list[int]:
        """The brokers that the roll has begun to stop."""
        return [event["broker"] for event in self.seen("stopping")]

    # Hosts

    def on(self, name: str, command: str) -> str:
        """What a command says on a host. A host under load may refuse a connection, which is no answer yet."""
        end = time.monotonic() + 60
        while True:
            done = ssh(self.nodes[name], command)
            if done.returncode == 0:
                return done.stdout.strip()
            assert done.returncode == 255 and time.monotonic() < end, "%s ended with %d on %s: %s" % (
                command,
                done.returncode,
                name,
                done.stderr[-1000:],
            )

    def each(self, names: Iterable[str], command: str) -> dict[str, str]:
        """The same on several hosts at once; what each said."""
        hosts = list(names)
        with concurrent.futures.ThreadPoolExecutor(9) as pool:
            return dict(zip(hosts, pool.map(lambda name: self.on(name, command), hosts)))

    def processes(self) -> dict[str, str]:
        """What systemd calls each run of a broker; another one means a restart, and none that it is down."""
        return self.each(self.brokers, PROCESS.format("kafka"))

    def quorum_processes(self) -> dict[str, str]:
        """The same of each quorum node."""
        return self.each(self.quorum_nodes, PROCESS.format(self.quorum_service))

    def versions(self) -> set[str]:
        """The versions that really run: what the brokers' processes have open."""
        pid = "$(systemctl show --property=MainPID --value kafka)"
        opened = self.each(self.brokers, "readlink /proc/%s/fd/* | grep -o '/opt/kafka-[0-9.]*/' | sort -u" % pid)
        return {line.strip("/").rpartition("-")[2] for lines in opened.values() for line in lines.splitlines()}

    def staged(self) -> list[str]:
        """What waits on the brokers for a restart."""
        staged = self.each(self.brokers, "find /etc/kafka /etc/systemd/system -name '*.staged'")
        return [line for lines in staged.values() for line in lines.splitlines()]

    @property
    def ports(self) -> dict[str, set[int]]:
        """The ports that each node is declared to open for others."""
        members = cluster_settings.by_role(self.groups)
        listeners = cluster_settings.read({name: self.facts[name] for name in self.nodes}, members)["listeners"]
        return {name: set(nodes.ports(listeners, nodes.role(name, members))) for name in self.nodes}

    @property
    def by_rack(self) -> dict[str, list[str]]:
        """The brokers of each rack."""
        racks = sorted({self.racks[name] for name in self.brokers})
        return {rack: [name for name in self.brokers if self.racks[name] == rack] for rack in racks}

    # Kafka

    def admin(self, *names: str) -> Admin:
        """A client of these brokers, or of all; it gives up soon, because brokers are down on purpose."""
        servers = tuple("%s:%d" % (self.brokers[name], self.client_port) for name in names or self.brokers)
        login = client_file.connection_options(self.client_file)
        return Admin(Connection(servers, request_timeout_seconds=6, **login))

    @property
    def client_file(self) -> Path | None:
        """How clients get in, as Kafka's tools read it; None where everyone does."""
        return self._client_file or client_file.find(self.name)

    def move_clients(self, port: int, file: Path) -> None:
        """From now on clients get in there, with this file."""
        self.client_port, self._client_file = port, file

    @property
    def client_options(self) -> dict[str, Any]:
        """The options of kafka-python's clients."""
        return {"bootstrap_servers": self.bootstrap.split(","), **client_file.client_options(self.client_file)}

    def operator_tools(self, *names: str) -> tuple[int, str]:
        """At which port Kafka's tools work as the operator on these brokers' hosts, and the file that they need there, if any."""
        if self.client_file is None:
            return 9092, ""
        self.each(names, "printf %%s '%s' > %s" % (client_file.OPERATOR, client_file.OPERATOR_FILE))
        return 9091, client_file.OPERATOR_FILE

    @property
    def bootstrap(self) -> str:
        return ",".join("%s:%d" % (address, self.client_port) for address in self.brokers.values())

    def agreed(self) -> dict[str, Any]:
        """What the brokers have agreed on: the protocols they speak, or the finalized level of metadata.version."""
        with self.admin() as admin:
            if not ZOOKEEPER:
                return {"metadata.version": features.levels(admin)["metadata.version"]["finalized"]}
            brokers = [broker["id"] for broker in metadata.cluster(admin)["brokers"]]
            return {"protocol": sorted({features.versions_of(admin, broker)["protocol"][:3] for broker in brokers})}

    def leader(self) -> str:
        """The node that leads the quorum of controllers or of ZooKeeper nodes."""
        if ZOOKEEPER:
            return next(
                name
                for name, address in self.quorum_nodes.items()
                if "Mode: leader" in self.on(name, client_file.zookeeper_word("srvr", address)).splitlines()
            )
        with self.admin() as admin:
            leader = kraft.quorum(admin)["leader"]
        return next(name for name in self.nodes if self.ids[name] == leader)

    def partitions(self, *names: str) -> list[dict[str, Any]]:
        """All partitions as these brokers see them, or as any does; none while they do not answer."""
        try:
            with self.admin(*names) as admin:
                return [partition for topic in metadata.partitions(admin).values() for partition in topic]
        except KafkaError:
            return []

    def in_sync(self, name: str, asked: Iterable[str] = ()) -> tuple[int, int]:
        """In how many in-sync sets a broker is, and of how many partitions it has replicas."""
        held = [part for part in self.partitions(*asked) if self.ids[name] in part["replicas"]]
        return sum(self.ids[name] in partition["isr"] for partition in held), len(held)

    def wait_until_in_sync(self, name: str, asked: Iterable[str] = (), seconds: float = 180) -> None:
        def caught_up() -> bool:
            count, held = self.in_sync(name, asked)
            return 0 < count == held

        until(caught_up, "%s to be in sync everywhere" % name, seconds, lambda: "%d of %d" % self.in_sync(name, asked))

    def healthy(self) -> bool:
        """Whether every broker is alive and in sync, and every partition has a leader."""
        try:
            with self.admin() as admin:
                alive = [broker for broker in metadata.cluster(admin)["brokers"] if not broker["fenced"]]
        except KafkaError:
            return False
        partitions = self.partitions()
        whole = [part for part in partitions if len(part["isr"]) == len(part["replicas"]) and part["leader"] >= 0]
        return len(alive) == len(self.brokers) and 0 < len(whole) == len(partitions)

    def heal(self) -> None:
        until(self.healthy, "the cluster to be healthy", 120)

    def create_topic(self, name: str, assignment: dict[int, list[int]]) -> None:
        """A topic with these replicas of each partition, of which two must be in sync."""
        with self.admin() as admin:
            replicas = [brokers for _, brokers in sorted(assignment.items())]
            want = topic.Wanted(name, replicas=replicas, config={"min.insync.replicas": "2"})
            topic_admin.create_topics(admin, [want], validate_only=False)

    def delete_topic(self, name: str) -> None:
        with self.admin() as admin:
            topic_admin.delete_topics(admin, [name])

    @contextmanager
    def slow_move(self, name: str, replicas: list[int]) -> Iterator[None]:
        """Partition 0 is being moved to these replicas during the block, to the last of them for the first time."""
        rate, new = "follower.replication.throttled.rate", replicas[-1]
        # Not with the topic: in ZooKeeper mode brokers hear only of changes. They do so in order, so that with the rate
        # this is in place, too.
        throttles = {"%s.replication.throttled.replicas" % side: "*" for side in ("leader", "follower")}
        with self.admin() as admin:
            configs.alter_topic_configs(admin, {name: throttles}, validate_only=False)
            configs.alter_broker_config(admin, new, {rate: "1"}, validate_only=False)
            until(
                lambda: configs.broker_configs(admin, new, [rate]).get(rate) == "1", "the throttle to be in place", 30
            )
            reassignments.reassign(admin, {(name, 0): replicas})
        try:
            yield
        finally:
            with self.admin() as admin:
                moving = reassignments.under_way(admin)
                if moving:
                    reassignments.reassign(admin, {(name, 0): None})
                configs.alter_broker_config(admin, new, {rate: None}, validate_only=False)
        assert moving, "the move has ended by itself"

    # Load

    @contextmanager
    def ledger(self, title: str, *, faults: bool = False, **options: float) -> Iterator[dict[str, Any]]:
        """Clients write and read during the block; after it, the dict has what the ledger says about them.

        faults: brokers are killed on purpose meanwhile. Options are the ledger's own, such as topics and rate.
        """
        self.happened.write_text("")
        report: dict[str, Any] = {}
        words = ["--bootstrap", self.bootstrap, "--events", str(self.happened), *["--faults"][: int(faults)]]
        if self.client_file:
            words += ["--client-config", str(self.client_file)]
        for name, value in {"rate": 100, **options}.items():
            words += ["--" + name, str(value)]
        with during.ledger(self.scratch / ("ledger-" + title), words) as found:
            yield report
        report.update(found)
        print(
            "%s: %d records acknowledged, longest gap %s ms"
            % (title, report["records"]["acked"], report["gaps"]["worst_ms"])
        )

    @contextmanager
    def load(self, title: str, *, faults: bool = False, downtime: bool = False, **options: float) -> Iterator[None]:
        """The same; no acknowledged record may be lost, and no partition fall below its minimum by our action.

        downtime: all brokers are stopped on purpose, so that partitions fall below their minimum.
        """
        with self.ledger(title, faults=faults, **options) as report:
            yield
        assert report["lost"] == 0 and report["records"]["acked"] > 100, "%s: %s" % (title, report["problems"])
        assert downtime or report["ok"], "%s: %s" % (title, report["problems"])


def quiet() -> dict[str, str]:
    """The environment without what molecule wants of its own runs."""
    own = ("ANSIBLE_LOG_PATH", "ANSIBLE_FORCE_COLOR", "PY_COLORS")
    return {**{name: value for name, value in os.environ.items() if name not in own}, "ANSIBLE_NOCOLOR": "1"}
