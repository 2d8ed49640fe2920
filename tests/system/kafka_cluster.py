"""Real Kafka on loopback for tests: three nodes in three racks, in either metadata mode, from the lab's archives."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from ansible_collections.rackaware.kafka.plugins.module_utils._host import storage as host_storage
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import metadata, zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until
from lab import archives

VERSIONS = {"kraft": "4.3.1", "zookeeper": "3.9.2"}
RACKS = {1: "eu-west-1a", 2: "eu-west-1b", 3: "eu-west-1c"}
COMMON = {
    "auto.create.topics.enable": "false",
    "min.insync.replicas": 2,
    "default.replication.factor": 3,
    "offsets.topic.replication.factor": 3,
}
START_SECONDS = 120
# They live for minutes: what the optimising compiler and a parallel collector save later, they never get back.
JVM = ("-Xmx256m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


def write_properties(path: Path, values: dict) -> None:
    """A Java properties file."""
    path.write_text("".join("%s=%s\n" % item for item in values.items()))


def run_module(name: str, /, *, check: bool = False, **params) -> dict:
    """Run a module of the collection in a process of its own, as on a host; its result."""
    arguments = {"ANSIBLE_MODULE_ARGS": dict(params, _ansible_check_mode=check)}
    command = [sys.executable, "-m", "ansible_collections.rackaware.kafka.plugins.modules." + name]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        command,
        input=json.dumps(arguments),
        env=dict(os.environ, PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr
    return json.loads(lines[-1])


class Cluster:
    """A context manager: nodes 1, 2, 3 as broker and controller (KRaft), or as broker and ZooKeeper server."""

    def __init__(self, mode: str, home: Path) -> None:
        self.mode, self.home, self.processes = mode, home, {}
        self.clients = dict(zip(RACKS, free_ports(3)))
        self.controllers = dict(zip(RACKS, free_ports(3)))
        self.zookeeper_ports = dict(zip(RACKS, free_ports(3)))
        archive = archives.ensure(VERSIONS[mode], print)
        with tarfile.open(archive) as packed:
            # Python 3.11.2, as Debian 12 has it, does not know filters yet.
            packed.extractall(home, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        self.libs = home / ("kafka_2.13-" + VERSIONS[mode]) / "libs"

    @property
    def bootstrap(self) -> list[str]:
        """All client addresses."""
        return ["127.0.0.1:%d" % port for port in self.clients.values()]

    @property
    def zookeepers(self) -> list[str]:
        """All addresses of ZooKeeper."""
        return ["127.0.0.1:%d" % port for port in self.zookeeper_ports.values()]

    def log_dirs(self, node: int) -> list[str]:
        """The two log directories of a node."""
        return [str(self.home / ("%d" % node) / name) for name in ("data0", "data1")]

    def storage(self, node: int) -> dict:
        """Parameters of kafka_storage for a node."""
        return {
            "node_id": node,
            "roles": ["broker", "controller"],
            "log_dirs": self.log_dirs(node),
            "initial_controllers": [
                {"id": each, "host": "127.0.0.1", "port": port} for each, port in self.controllers.items()
            ],
            "properties": str(self.properties(node)),
            "libs": str(self.libs),
        }

    def properties(self, node: int) -> Path:
        """Write and name a node's configuration."""
        path = self.home / ("broker-%d.properties" % node)
        values = dict(
            COMMON,
            **{
                "broker.rack": RACKS[node],
                "log.dirs": ",".join(self.log_dirs(node)),
                "inter.broker.listener.name": "CLIENT",
            },
        )
        client = "CLIENT://127.0.0.1:%d" % self.clients[node]
        if self.mode == "kraft":
            values.update(
                {
                    "process.roles": "broker,controller",
                    "node.id": node,
                    "listeners": "%s,CONTROLLER://127.0.0.1:%d" % (client, self.controllers[node]),
                    "advertised.listeners": client,
                    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                    "controller.listener.names": "CONTROLLER",
                    "controller.quorum.bootstrap.servers": ",".join(
                        "127.0.0.1:%d" % port for port in self.controllers.values()
                    ),
                }
            )
        else:
            values.update(
                {
                    "broker.id": node,
                    "listeners": client,
                    "listener.security.protocol.map": "CLIENT:PLAINTEXT",
                    "zookeeper.connect": ",".join(self.zookeepers),
                }
            )
        write_properties(path, values)
        return path

    def start(self, node: int) -> None:
        """Start a broker."""
        self._java("broker-%d" % node, "kafka.Kafka", str(self.properties(node)))

    def start_all(self) -> None:
        """Format (KRaft) or start the ZooKeeper servers, start every broker, and wait until they are in sync."""
        if self.mode == "kraft":
            self.cluster_id = host_storage.new_cluster_id()
            for node in RACKS:
                assert run_module("kafka_storage", cluster_id=self.cluster_id, **self.storage(node))["changed"]
        else:
            self.start_zookeepers()
        for node in RACKS:
            self.start(node)
        self.wait_in_sync()

    def start_zookeeper(self, node: int) -> None:
        """Start one ZooKeeper server, whose configuration start_zookeepers wrote."""
        # Servers that start at once may miss each other's first votes, and then wait up to a minute for the next
        # (FastLeaderElection).
        self._java(
            "zookeeper-%d" % node,
            "-Dzookeeper.fastleader.maxNotificationInterval=1000",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            str(self.home / ("zookeeper-%d" % node) / "zoo.cfg"),
        )

    def start_zookeepers(self) -> None:
        """Start the ZooKeeper servers and wait for their quorum."""
        first, second = dict(zip(RACKS, free_ports(3))), dict(zip(RACKS, free_ports(3)))
        for node, port in self.zookeeper_ports.items():
            home = self.home / ("zookeeper-%d" % node)
            home.mkdir()
            (home / "myid").write_text("%d" % node)
            values = {
                "dataDir": home,
                "clientPort": port,
                "clientPortAddress": "127.0.0.1",
                "tickTime": 2000,
                "initLimit": 5,
                "syncLimit": 2,
            }
            values.update({"admin.enableServer": "false", "4lw.commands.whitelist": "srvr,mntr"})
            values.update({"server.%d" % each: "127.0.0.1:%d:%d" % (first[each], second[each]) for each in RACKS})
            write_properties(home / "zoo.cfg", values)
            self.start_zookeeper(node)
        wait_until(
            lambda: zookeeper.quorum([zookeeper.look(server, 2) for server in self.zookeepers]),
            lambda seen: seen["serving"] == 3,
            what="ZooKeeper's quorum",
            timeout=START_SECONDS,
        )

    def _java(self, name: str, *command: str) -> None:
        with open(self.home / (name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                ["java", *JVM, "-cp", "%s/*" % self.libs, *command],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, name: str) -> None:
        """Stop one process that this cluster started, and wait for it."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self, name: str) -> None:
        """End one process without any goodbye."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def signal(self, name: str, number: int) -> None:
        """Pause (SIGSTOP) or continue (SIGCONT) one process."""
        self.processes[name].send_signal(number)

    def runs(self, name: str) -> bool:
        """Whether a process that was started has not ended by itself."""
        return self.processes[name].poll() is None

    def admin(self, **arguments) -> kafka_client.Admin:
        """Ask the cluster."""
        return kafka_client.Admin(
            kafka_client.Connection(tuple(self.bootstrap), request_timeout_seconds=20), **arguments
        )

    def wait(self, what: str, predicate, *, exclude=()) -> None:
        """Wait until a predicate over the answers of metadata.cluster and metadata.partitions holds."""

        def look():
            try:
                with self.admin(exclude=exclude) as admin:
                    return metadata.cluster(admin), metadata.partitions(admin)
            except kafka_client.KafkaError as error:
                return str(error)

        wait_until(
            look,
            lambda seen: not isinstance(seen, str) and predicate(*seen),
            what=what,
            timeout=START_SECONDS,
            interval=0.5,
            clock=time.monotonic,
        )

    def wait_in_sync(self) -> None:
        """Wait until three brokers serve and every replica is in sync."""
        self.wait(
            "three brokers in sync",
            lambda cluster, topics: (
                len([broker for broker in cluster["brokers"] if not broker["fenced"]]) == 3
                and all(len(each["isr"]) == len(each["replicas"]) for listed in topics.values() for each in listed)
            ),
        )

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_) -> None:
        # Killed, not stopped: the last nodes would wait minutes for a quorum that is gone.
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()


class LoneBroker(Cluster):
    """One broker, with a ZooKeeper server of its own in that mode; _answers says whether a client gets in."""

    def start_all(self) -> None:
        """Format (KRaft) or start ZooKeeper, start the one broker, and wait until it answers."""
        properties = self.properties(1)
        if self.mode == "kraft":
            tool = ["java", "-cp", "%s/*" % self.libs, "kafka.tools.StorageTool", "format"]
            tool += ["--cluster-id", host_storage.new_cluster_id(), "--config", str(properties)]
            subprocess.run(tool, check=True, capture_output=True)
        else:
            self.start_zookeeper(1)
        self.start(1)
        self.wait_until_answers()

    def wait_until_answers(self) -> None:
        """Wait until a client gets in."""
        wait_until(self._answers, lambda answered: answered, what="the broker", timeout=120, interval=0.5)
