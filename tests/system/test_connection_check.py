"""Each way to be refused by a real broker has a sentence of its own."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest
from certificates import Authority
from kafka_cluster import Cluster, free_ports, write_properties

from ansible_collections.rackaware.kafka.plugins.module_utils._host import storage
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import connection_check
from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until

LISTENERS = {
    "PLAIN": "PLAINTEXT",
    "TLS": "SSL",
    "MTLS": "SSL",
    "EXPIRED": "SSL",
    "OTHERNAME": "SSL",
    "SCRAM": "SASL_SSL",
    "OPENSCRAM": "SASL_PLAINTEXT",
}
SCRAM, SHA256 = "SCRAM-SHA-512", "SCRAM-SHA-256"


class Broker(Cluster):
    """One KRaft node with a listener of each kind, and the user alice."""

    def __init__(self, home) -> None:
        super().__init__("kraft", home)
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.authority, self.stranger = Authority(home, "authority"), Authority(home, "stranger")
        self.password = home / "password"
        self.password.write_text("right\n")
        self.wrong_password = home / "wrong-password"
        self.wrong_password.write_text("wrong\n")

    def properties(self, node):
        controller = self.controllers[node]
        kinds = [*LISTENERS.items(), ("CONTROLLER", "PLAINTEXT")]
        values = {
            "process.roles": "broker,controller",
            "node.id": node,
            "log.dirs": self.home / "data",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": "%d@127.0.0.1:%d" % (node, controller),
            "listeners": ",".join(
                "%s://127.0.0.1:%d" % item for item in [*self.ports.items(), ("CONTROLLER", controller)]
            ),
            "listener.security.protocol.map": ",".join("%s:%s" % item for item in kinds),
            "inter.broker.listener.name": "PLAIN",
            "sasl.enabled.mechanisms": SCRAM,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.authority.sign("broker"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
            "listener.name.mtls.ssl.client.auth": "required",
        }
        for name, certificate in (
            ("expired", self.authority.sign("expired", days=-1)),
            ("othername", self.authority.sign("other", address="127.0.0.9")),
        ):
            values["listener.name.%s.ssl.keystore.type" % name] = "PEM"
            values["listener.name.%s.ssl.keystore.location" % name] = certificate
        for name in ("scram", "openscram"):
            values["listener.name.%s.scram-sha-512.sasl.jaas.config" % name] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
        path = self.home / "broker.properties"
        write_properties(path, values)
        return path

    def start_all(self):
        """Format with the user, start, and wait until the plaintext listener serves."""
        user = "%s=[name=alice,password=right,iterations=4096]" % SCRAM
        tool = ["java", "-cp", "%s/*" % self.libs, "kafka.tools.StorageTool", "format", "--add-scram", user]
        tool += ["--cluster-id", storage.new_cluster_id(), "--config", str(self.properties(1))]
        subprocess.run(tool, check=True, capture_output=True)
        self.start(1)
        wait_until(lambda: self.failure("PLAIN"), lambda why: why is None, what="the broker", timeout=120, interval=0.5)

    def failure(self, listener, protocol=None, **more):
        """What the check says of a listener, for a client with these options."""
        server = "127.0.0.1:%d" % self.ports.get(listener, 0) if listener in self.ports else listener
        options = {
            "security_protocol": protocol or LISTENERS[listener],
            "ssl_cafile": str(self.authority.file),
            "sasl_mechanism": SCRAM,
            "sasl_username": "alice",
            "sasl_password_file": str(self.password),
            **more,
        }
        return connection_check.failure(kafka_client.Connection((server,), **options), server, 5)


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("broker")) as made:
        made.start_all()
        yield made


@pytest.mark.parametrize("listener", ["PLAIN", "TLS", "SCRAM", "OPENSCRAM"])
def test_who_gets_in_has_no_failure(broker, listener):
    assert broker.failure(listener) is None


def test_a_certificate_of_the_client_opens_a_listener_that_asks_for_one(broker):
    pair = str(broker.authority.sign("client"))
    assert broker.failure("MTLS", ssl_certfile=pair, ssl_keyfile=pair) is None


@pytest.mark.parametrize(
    ("listener", "options", "said"),
    [
        ("SCRAM", {"sasl_password_file": "wrong_password"}, "refuses the password of the user alice; correct the file"),
        ("OPENSCRAM", {"sasl_password_file": "wrong_password"}, "refuses the password of the user alice"),
        ("SCRAM", {"sasl_username": "bob"}, "knows no user bob for SCRAM-SHA-512; correct sasl_username"),
        ("SCRAM", {"sasl_mechanism": SHA256}, "does not offer the SASL mechanism SCRAM-SHA-256, but SCRAM-SHA-512"),
        ("TLS", {"ssl_cafile": "stranger"}, "is not trusted (unable to get local issuer certificate); set ssl_cafile"),
        ("EXPIRED", {}, "or of its authority, has expired; renew it"),
        ("OTHERNAME", {}, "does not name that host; connect by a name or address"),
        ("MTLS", {}, "does not take this client's certificate"),
        ("MTLS", {"ssl_certfile": "foreign", "ssl_keyfile": "foreign"}, "does not take this client's certificate"),
        ("MTLS", {"ssl_certfile": "old", "ssl_keyfile": "old"}, "does not take this client's certificate"),
        ("TLS", {"protocol": "PLAINTEXT"}, "speaks TLS; take the port of a plaintext listener, or set"),
        ("SCRAM", {"protocol": "SASL_PLAINTEXT"}, "set security_protocol to SASL_SSL"),
        (
            "PLAIN",
            {"protocol": "SSL"},
            "speaks no TLS; take the port of a TLS listener, or set security_protocol to PLAI",
        ),
        ("OPENSCRAM", {"protocol": "SASL_SSL"}, "speaks no TLS; take the port of a TLS listener, or set"),
        ("SCRAM", {"protocol": "SSL"}, "if it asks for a login, set security_protocol to SASL_SSL"),
        ("OPENSCRAM", {"protocol": "PLAINTEXT"}, "if it asks for a login, set security_protocol to SASL_PLAINTEXT"),
        ("TLS", {"protocol": "SASL_SSL"}, "asks for no login; set security_protocol to SSL"),
    ],
)
def test_each_refusal_says_which_it_is(broker, listener, options, said):
    files = {
        "wrong_password": broker.wrong_password,
        "stranger": broker.stranger.file,
        "foreign": broker.stranger.sign("foreign"),
        "old": broker.authority.sign("old", days=-1),
    }
    chosen = {key: str(files.get(value, value)) for key, value in options.items()}
    why = broker.failure(listener, **chosen)
    assert why and said in why
    assert "wrong" not in why.replace("wrong-password", "") and "\n" not in why


def test_a_port_without_a_broker_is_not_a_refusal_of_a_user(broker):
    (port,) = free_ports(1)
    assert "nothing listens on port %d of 127.0.0.1; start the broker" % port in broker.failure(
        "127.0.0.1:%d" % port, "SASL_SSL"
    )


def test_a_listener_that_never_answers_ends_in_time(broker):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        why = broker.failure("127.0.0.1:%d" % silent.getsockname()[1], "PLAINTEXT")
        assert "did not answer within 5 s" in why and time.monotonic() - begun < 15
