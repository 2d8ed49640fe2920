"""One real broker on loopback that lets no one in without a name: its cluster by certificate, its clients by SCRAM or by certificate.

In ZooKeeper mode its ZooKeeper server speaks TLS only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from certificates import Authority
from kafka_cluster import LoneBroker, free_ports, run_module, write_properties
from secured_broker import AUTHORIZERS

from ansible_collections.rackaware.kafka.plugins.module_utils._config import properties as config
from ansible_collections.rackaware.kafka.plugins.module_utils._config import security
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import zookeeper
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until

SCRAM = "SCRAM-SHA-512"
MAPPING = "listener.name.certificate.ssl.principal.mapping.rules"
SECURED = {
    "security": "tls",
    "cluster": "demo",
    "controllers": [1],
    "listeners": [{"name": "CERTIFICATE", "protocol": "SSL"}],
}
LISTENERS = {"REPLICATION": "SSL", "CLIENT": "SASL_SSL", "CERTIFICATE": "SSL"}


class TlsBroker(LoneBroker):
    """A context manager; .authority signs the cluster's certificates, .client_authority those of its clients."""

    listeners: Mapping[str, str] = LISTENERS

    def __init__(self, mode: str, home: Path) -> None:
        super().__init__(mode, home)
        names = (*self.listeners, "INTERNAL")
        self.at = {name: "127.0.0.1:%d" % port for name, port in zip(names, free_ports(len(names)))}
        self.authority, self.client_authority = Authority(home, "authority"), Authority(home, "client-authority")
        self.keystore, self.operator_file = self.authority.sign("kafka"), self.authority.sign("operator")

    def tls(self, certificate: Path, authority: Authority | None = None) -> dict:
        """The connection of a client with a certificate."""
        pair = {"ssl_certfile": str(certificate), "ssl_keyfile": str(certificate)}
        return {"security_protocol": "SSL", "ssl_cafile": str((authority or self.authority).file), **pair}

    @property
    def operator(self) -> dict:
        """The options of modules that work on the cluster: by certificate, at the brokers' own listener."""
        return {"bootstrap_servers": [self.at["REPLICATION"]], **self.tls(self.operator_file)}

    def run(self, name: str, **params) -> dict:
        """A module, as the operator."""
        return run_module(name, **{**self.operator, "request_timeout_seconds": 30, **params})

    def properties(self, node: int) -> Path:
        own = {"location": self.keystore, "type": "PEM"}
        trusted = {"location": self.authority.file, "type": "PEM"}
        listening = {name: self.at[name] for name in self.listeners}
        values: dict = {
            "log.dirs": self.home / "data",
            "inter.broker.listener.name": "REPLICATION",
            "sasl.enabled.mechanisms": SCRAM,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "auto.create.topics.enable": "false",
            "authorizer.class.name": AUTHORIZERS[self.mode],
            "super.users": "User:CN=kafka;User:CN=operator;" + ";".join(security.super_users("demo")),
            "listener.name.replication.ssl.client.auth": "required",
            "listener.name.controller.ssl.client.auth": "required",
            "listener.name.certificate.ssl.client.auth": "required",
            "listener.name.certificate.ssl.truststore.location": self.client_authority.file,
            "listener.name.certificate.ssl.truststore.type": "PEM",
            MAPPING: config.text(security.kafka(SECURED, broker=True)[MAPPING]),
            "listener.name.client.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            **{"ssl.keystore.%s" % name: value for name, value in own.items()},
            **{"ssl.truststore.%s" % name: value for name, value in trusted.items()},
            "advertised.listeners": ",".join("%s://%s" % item for item in listening.items()),
            "listener.security.protocol.map": ",".join(
                "%s:%s" % item for item in {**self.listeners, "CONTROLLER": "SSL"}.items()
            ),
        }
        if self.mode == "kraft":
            listening["CONTROLLER"] = self.at["INTERNAL"]
            values["process.roles"] = "broker,controller"
            values["node.id"] = node
            values["controller.listener.names"] = "CONTROLLER"
            values["controller.quorum.voters"] = "%d@%s" % (node, self.at["INTERNAL"])
        else:
            values["broker.id"] = node
            values["zookeeper.connect"] = self.at["INTERNAL"]
            values["zookeeper.clientCnxnSocket"] = "org.apache.zookeeper.ClientCnxnSocketNetty"
            values["zookeeper.ssl.client.enable"] = "true"
            values["zookeeper.set.acl"] = "true"
            values["zookeeper.connection.timeout.ms"] = 60000
            values.update({"zookeeper.ssl.keystore.%s" % name: value for name, value in own.items()})
            values.update({"zookeeper.ssl.truststore.%s" % name: value for name, value in trusted.items()})
        values["listeners"] = ",".join("%s://%s" % item for item in listening.items())
        values.update(self.more())
        path = self.home / "broker.properties"
        write_properties(path, values)
        return path

    def more(self) -> dict:
        """Settings beside these."""
        return {}

    def start_zookeeper(self, node: int) -> None:
        host, port = kafka_client.address(self.at["INTERNAL"])
        values = {
            "dataDir": self.home / "zookeeper",
            "secureClientPort": port,
            "secureClientPortAddress": host,
            "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
            "ssl.keyStore.location": self.keystore,
            "ssl.keyStore.type": "PEM",
            "ssl.trustStore.location": self.authority.file,
            "ssl.trustStore.type": "PEM",
            "ssl.clientAuth": "need",
            "ssl.enabledProtocols": "TLSv1.3,TLSv1.2",
            "ssl.ciphersuites": "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "authProvider.x509": "org.apache.zookeeper.server.auth.X509AuthenticationProvider",
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "srvr,mntr",
        }
        write_properties(self.home / "zoo.cfg", values)
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        self._java("zookeeper", main, str(self.home / "zoo.cfg"))
        secure = zookeeper.client({**self.operator, "ssl_check_hostname": True})
        wait_until(
            lambda: zookeeper.look(self.at["INTERNAL"], 2, secure),
            lambda seen: seen["ok"],
            what="ZooKeeper",
            timeout=120,
        )

    def _answers(self) -> bool:
        try:
            with kafka_client.Admin(
                kafka_client.Connection(
                    (self.at["REPLICATION"],), request_timeout_seconds=10, **self.tls(self.operator_file)
                )
            ):
                return True
        except kafka_client.KafkaError:
            return False
