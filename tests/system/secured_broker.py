"""One real broker on loopback with an authorizer and two listeners: a plaintext one for the operator without a name, and one that asks for SCRAM."""

from __future__ import annotations

from pathlib import Path

from kafka_cluster import LoneBroker, free_ports, write_properties

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import connection, zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until

AUTHORIZERS = {
    "kraft": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "zookeeper": "kafka.security.authorizer.AclAuthorizer",
}
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256")


class SecuredBroker(LoneBroker):
    """A context manager; authorizer=False leaves the authorizer out."""

    def __init__(self, mode: str, home: Path, *, authorizer: bool = True) -> None:
        super().__init__(mode, home)
        self.authorizer = authorizer
        self.plain, self.scram, self.internal = ("127.0.0.1:%d" % port for port in free_ports(3))

    def properties(self, node: int) -> Path:
        listeners = {"PLAIN": self.plain, "SCRAM": self.scram}
        values: dict = {
            "log.dirs": self.home / "data",
            "inter.broker.listener.name": "PLAIN",
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "auto.create.topics.enable": "false",
        }
        for mechanism in MECHANISMS:
            values["listener.name.scram.%s.sasl.jaas.config" % mechanism.lower()] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
        if self.authorizer:
            # Brokers speak to each other, and controllers to brokers, without a name here.
            values["authorizer.class.name"] = AUTHORIZERS[self.mode]
            values["super.users"] = "User:ANONYMOUS;User:operator"
        protocols = "PLAIN:PLAINTEXT,SCRAM:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
        if self.mode == "kraft":
            values.update(
                {
                    "process.roles": "broker,controller",
                    "node.id": node,
                    "controller.listener.names": "CONTROLLER",
                    "controller.quorum.voters": "%d@%s" % (node, self.internal),
                    "advertised.listeners": ",".join("%s://%s" % item for item in listeners.items()),
                }
            )
            listeners = {**listeners, "CONTROLLER": self.internal}
        else:
            values.update({"broker.id": node, "zookeeper.connect": self.internal})
        values["listeners"] = ",".join("%s://%s" % item for item in listeners.items())
        values["listener.security.protocol.map"] = protocols
        path = self.home / "broker.properties"
        write_properties(path, values)
        return path

    def start_zookeeper(self, node: int) -> None:
        host, port = connection.address(self.internal)
        values = {
            "dataDir": self.home / "zookeeper",
            "clientPort": port,
            "clientPortAddress": host,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "srvr,mntr",
        }
        write_properties(self.home / "zoo.cfg", values)
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        self._java("zookeeper", main, str(self.home / "zoo.cfg"))
        wait_until(lambda: zookeeper.look(self.internal, 2), lambda seen: seen["ok"], what="ZooKeeper", timeout=120)

    def _answers(self) -> bool:
        try:
            with self.ask(self.plain):
                return True
        except kafka_client.KafkaError:
            return False

    def ask(self, server: str, **options) -> kafka_client.Admin:
        """A conversation through one of the listeners."""
        return kafka_client.Admin(kafka_client.Connection((server,), request_timeout_seconds=10, **options))
