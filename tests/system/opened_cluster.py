"""Three real nodes on loopback that are taken from plaintext to TLS step by step, with the settings that the collection gives them."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from certificates import Authority
from kafka_cluster import RACKS, START_SECONDS, Cluster, free_ports

from ansible_collections.rackaware.kafka.plugins.module_utils._config import nodes, security, settings
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._tls import identity
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until

NAME = "demo"


class OpenedCluster(Cluster):
    """A context manager; security is what a node gets at its next start, listeners are what runs and what shall run."""

    def __init__(self, mode: str, home: Path) -> None:
        super().__init__(mode, home)
        ports = iter(free_ports(6))
        self.plain = [{"name": name, "port": next(ports)} for name in ("CLIENT", "REPLICATION", "CONTROLLER")]
        self.aim = [{"name": name, "port": next(ports)} for name in ("CLIENT_TLS", "REPLICATION_TLS", "CONTROLLER_TLS")]
        self.security = security.NONE
        self.hosts = {node: "127.0.0.%d" % (10 + node) for node in RACKS}
        authority = Authority(home, "authority")
        for node, host in self.hosts.items():
            for name in (identity.KEYSTORE, identity.OPERATOR):
                dn = identity.dn(identity.subject({"keystore": "kafka"}.get(name, name), NAME))
                # Connections on loopback come from 127.0.0.1, and ZooKeeper compares where its peers come from.
                file = authority.sign(name, address=host, also=["127.0.0.1"], dn=dn)
                folder = self.folder(node) / "tls"
                folder.mkdir(parents=True, exist_ok=True)
                file.rename(folder / file.name)
            (self.folder(node) / "tls" / "truststore.pem").write_bytes(authority.file.read_bytes())

    def folder(self, node: int) -> Path:
        return self.home / ("etc-%d" % node)

    @property
    def listeners(self) -> list[dict]:
        """What a node opens: both doors on the way."""
        plain = [{**item, "protocol": "PLAINTEXT"} for item in self.plain]
        if self.security == security.NONE:
            return plain
        aim = security.with_protocols(self.aim, security.TLS)
        return aim if self.security == security.TLS else [*plain, *aim]

    def members(self, port: int) -> list[dict]:
        return [{"id": node, "host": host, "port": port} for node, host in self.hosts.items()]

    def properties(self, node: int) -> Path:
        path = self.home / ("broker-%d.properties" % node)
        controllers = nodes.controller_listeners(self.listeners, self.security)[0]["port"]
        cluster = {
            "security": self.security,
            "cluster": NAME,
            "super_users": ["User:app"],
            "listeners": self.listeners,
            "controllers": self.members(controllers) if self.mode == "kraft" else [],
            "zookeepers": [] if self.mode == "kraft" else self.members(nodes.ZOOKEEPER_PORT),
            "brokers": 3,
            "replication_factor": 3,
            "min_insync_replicas": 2,
        }
        this = {
            "role": nodes.COMBINED if self.mode == "kraft" else nodes.BROKER,
            "id": node,
            "rack": RACKS[node],
            "address": self.hosts[node],
            "data_dirs": self.log_dirs(node),
        }
        with mock.patch.object(security, "DIRECTORY", str(self.folder(node) / "tls")):
            path.write_text(settings.kafka(this, cluster, {}, {}))
        return path

    def storage(self, node: int) -> dict:
        controllers = self.members(self.plain[2]["port"])
        return {**super().storage(node), "initial_controllers": controllers}

    def write_zookeeper(self, node: int) -> None:
        """zoo.cfg; on one machine each server has an address of its own."""
        home = self.home / ("zookeeper-%d" % node)
        home.mkdir(exist_ok=True)
        (home / "myid").write_text("%d" % node)
        text = settings.zookeeper(
            str(home), self.members(0), {}, secured=self.security, directory=str(self.folder(node))
        )
        which = "secureClientPortAddress" if self.security == security.TLS else "clientPortAddress"
        (home / "zoo.cfg").write_text(text + "quorumListenOnAllIPs=false\n%s=%s\n" % (which, self.hosts[node]))

    def start_zookeepers(self) -> None:
        for node in RACKS:
            self.write_zookeeper(node)
            self.start_zookeeper(node)
        self.wait_for_zookeeper()

    @property
    def zookeepers(self) -> list[str]:
        return ["%s:%d" % (host, nodes.ZOOKEEPER_PORT) for host in self.hosts.values()]

    def wait_for_zookeeper(self) -> None:
        secure = zookeeper.client({**self.files(), "ssl_check_hostname": True}) if self.inside else None
        wait_until(
            lambda: zookeeper.quorum([zookeeper.look(server, 2, secure) for server in self.zookeepers]),
            lambda seen: seen["serving"] == 3 and seen["ok"],
            what="ZooKeeper's quorum",
            timeout=START_SECONDS,
        )

    @property
    def inside(self) -> bool:
        return security.inside(self.security)

    def files(self) -> dict:
        """The operator's certificate, as options of a connection; empty while the operator comes by plaintext."""
        with mock.patch.object(security, "DIRECTORY", str(self.folder(1) / "tls")):
            options = nodes.operator_connection(self.listeners, self.security)
        return {"ssl_certfile": None, "ssl_keyfile": None, **options}

    @property
    def bootstrap(self) -> list[str]:
        port = nodes.operator_listener(self.listeners, self.security)["port"]
        return ["%s:%d" % (host, port) for host in self.hosts.values()]

    def admin(self, **arguments) -> kafka_client.Admin:
        options = {key: value for key, value in self.files().items() if value}
        where = kafka_client.Connection(tuple(self.bootstrap), request_timeout_seconds=20, **options)
        return kafka_client.Admin(where, **arguments)

    def take(self, step: str) -> None:
        """Take a step: one node after another, quorum nodes first, as a roll does."""
        self.security = step
        if self.mode == "zookeeper":
            for node in RACKS:
                self.stop("zookeeper-%d" % node)
                self.write_zookeeper(node)
                self.start_zookeeper(node)
                self.wait_for_zookeeper()
        for node in RACKS:
            self.stop("broker-%d" % node)
            self.start(node)
            self.wait_in_sync()
