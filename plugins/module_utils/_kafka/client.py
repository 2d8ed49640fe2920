# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A conversation with a Kafka cluster: whom it asks, and how a message gets there.

What is asked lies in the files beside this one, one a subject: a function for each request, whose first argument is an
Admin. Results are plain data, and failures are a KafkaError.

Requests are sent as protocol messages to one chosen broker, not through KafkaAdminClient's methods. Those pick a random
broker, which may be the one that is being restarted, and report errors in four forms: text, an error class, a code in a
raw answer, a code in a dict. Here each function checks its answer once, with raise_for.
"""

from __future__ import annotations

import logging
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Iterable, Iterator, Sequence

from .._errors import RackawareError

try:
    import kafka
    from kafka import errors as kafka_errors
except ImportError:
    kafka = None
    kafka_errors = None

# The private attribute _manager is used, and each minor release may change it.
SUPPORTED = ((3, 0, 12), (3, 1))
# Threads; each waits for one broker.
ASKED_AT_ONCE = 64
DESCRIBE_QUORUM = 55
# Codes of org.apache.kafka.common.protocol.Errors.
UNKNOWN_TOPIC, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED, NOT_CONTROLLER = 3, 29, 31, 41

CONNECTION_SPEC: dict[str, dict[str, Any]] = {
    "bootstrap_servers": {"type": "list", "elements": "str", "required": True},
    "security_protocol": {
        "type": "str",
        "choices": ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        "default": "PLAINTEXT",
    },
    "sasl_mechanism": {"type": "str", "choices": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]},
    "sasl_username": {"type": "str"},
    "sasl_password_file": {"type": "path", "no_log": False},
    "ssl_cafile": {"type": "path"},
    "ssl_certfile": {"type": "path"},
    "ssl_keyfile": {"type": "path", "no_log": False},
    "ssl_check_hostname": {"type": "bool", "default": True},
    "request_timeout_seconds": {"type": "int", "default": 30},
}


class KafkaError(RackawareError):
    """Kafka could not be asked, or refused; code is the protocol's error code, or None."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class LibraryError(KafkaError):
    """kafka-python is missing or does not fit, so that asking again does not help."""


@dataclass(frozen=True)
class Connection:
    """How to reach a cluster; the password stays in its file until a client is described.

    sasl_password is for a password that is in no file, and is shown nowhere.
    """

    bootstrap_servers: tuple[str, ...]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password_file: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_check_hostname: bool = True
    request_timeout_seconds: int = 30
    bootstrap_timeout_seconds: int | None = None
    sasl_password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """The arguments that every client of kafka-python takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap_servers),
            "client_id": "rackaware",
            "security_protocol": self.security_protocol,
            "request_timeout_ms": self.request_timeout_seconds * 1000,
            "bootstrap_timeout_ms": (self.bootstrap_timeout_seconds or self.request_timeout_seconds) * 1000,
            # The default of 30 s would outlast a broker's restart.
            "reconnect_backoff_max_ms": 1000,
        }
        if self.security_protocol.endswith("SSL"):
            options.update(
                ssl_check_hostname=self.ssl_check_hostname,
                ssl_cafile=self.ssl_cafile,
                ssl_certfile=self.ssl_certfile,
                ssl_keyfile=self.ssl_keyfile,
            )
        if self.security_protocol.startswith("SASL"):
            options.update(
                sasl_mechanism=self.sasl_mechanism,
                sasl_plain_username=self.sasl_username,
                sasl_plain_password=self._password(),
            )
        return options

    def _password(self) -> str:
        if self.sasl_password is not None:
            return self.sasl_password
        try:
            with open(str(self.sasl_password_file), encoding="utf-8") as stream:
                return stream.read().rstrip("\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise KafkaError(
                "The file with the SASL password, %s, cannot be read: %s; correct sasl_password_file."
                % (self.sasl_password_file, reason)
            ) from None


def connection(params: dict[str, Any]) -> Connection:
    """The connection that a module's parameters (CONNECTION_SPEC) describe; raises KafkaError when they contradict."""
    described = Connection(
        bootstrap_servers=tuple(params["bootstrap_servers"]),
        **{key: params[key] for key in CONNECTION_SPEC if key != "bootstrap_servers"},
    )
    if not described.bootstrap_servers:
        raise KafkaError(
            "There is no broker to ask, because bootstrap_servers is empty; name at least one as host:port."
        )
    for server in described.bootstrap_servers:
        address(server)
    if described.security_protocol.startswith("SASL"):
        missing = [
            key for key in ("sasl_mechanism", "sasl_username", "sasl_password_file") if not getattr(described, key)
        ]
        if missing:
            raise KafkaError(
                "The security protocol %s needs %s; set %s."
                % (described.security_protocol, " and ".join(missing), "them" if missing[1:] else "it")
            )
    if described.request_timeout_seconds < 1:
        raise KafkaError("request_timeout_seconds is %d, but must be at least 1." % described.request_timeout_seconds)
    return described


def address(text: str) -> tuple[str, int]:
    """Host and port of host:port or [host]:port; raises KafkaError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise KafkaError("%s is not an address of a broker; write it as host:port." % text)
    return host.strip("[]"), int(port)


def dials(server: str) -> bool:
    """Whether anything listens there."""
    try:
        socket.create_connection(address(server), timeout=1).close()
    except OSError:
        return False
    return True


def listening(servers: Sequence[str]) -> Iterator[str]:
    """The servers where anything listens, in their order.

    All are dialled at once, and none that listens waits for those after it.
    """
    pool = ThreadPoolExecutor(len(servers))
    try:
        for server, listens in zip(servers, pool.map(dials, servers)):
            if listens:
                yield server
    finally:
        pool.shutdown(wait=False)


def at_once(ask: Callable[[int], Any], brokers: Iterable[int], threads: int = ASKED_AT_ONCE) -> dict[int, Any]:
    """What ask(broker) returns for each of these brokers, or the KafkaError that it raises.

    Many brokers that hang take no more time than one.
    """

    def answer(broker: int) -> Any:
        try:
            return ask(broker)
        except KafkaError as error:
            return error

    ids = list(brokers)
    with ThreadPoolExecutor(max(1, min(len(ids), threads))) as pool:
        return dict(zip(ids, pool.map(answer, ids)))


def require_library() -> None:
    """Raise LibraryError unless there is a kafka-python that fits."""
    lowest, above = (".".join(str(part) for part in version) for version in SUPPORTED)
    advice = (
        "put kafka-python >= %s, < %s there, or set ansible_python_interpreter to /opt/kafka-admin/bin/python, which the role kafka_install makes."
        % (
            lowest,
            above,
        )
    )
    if kafka is None:
        raise LibraryError("The Python interpreter %s has no kafka-python; %s" % (sys.executable, advice))
    version = str(kafka.__version__)
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if not SUPPORTED[0] <= numbers < SUPPORTED[1]:
        raise LibraryError(
            "The Python interpreter %s has kafka-python %s, which does not fit; %s" % (sys.executable, version, advice)
        )
    # kafka-python logs each failed attempt; without a handler Python would print them.
    logging.getLogger("kafka").addHandler(logging.NullHandler())


def error_name(code: int) -> str:
    """Kafka's name of an error code, as its logs write it."""
    error = kafka_errors.for_code(code)
    return str(getattr(error, "message", None) or error.__name__)


def raise_for(code: int, message: str | None, what: str) -> None:
    """Raise for any code but 0; what completes "Kafka refused …"."""
    if code != 0:
        raise KafkaError(
            "Kafka refused %s: %s%s" % (what, error_name(code), " (%s)" % message.rstrip(".") if message else "") + ".",
            code,
        )


def reason(error: BaseException) -> str:
    """An exception in words."""
    name, text = type(error).__name__, str(error).strip().rstrip(".")
    # kafka-python's texts begin with the class already.
    return text if text.startswith(name) else "%s: %s" % (name, text) if text else name


class Admin:
    """A conversation with one cluster, over one chosen broker; use it as a context manager.

    ask says whom: None (the first bootstrap server that answers), a broker id, or (host, port). Brokers in exclude are
    never asked on the cluster's behalf; name there whatever is being restarted. Every read is that broker's own view.
    """

    def __init__(
        self, where: Connection, *, ask: int | tuple[str, int] | None = None, exclude: Iterable[int] = ()
    ) -> None:
        require_library()
        self._exclude = frozenset(exclude)
        if isinstance(ask, tuple):
            where = replace(where, bootstrap_servers=("%s:%d" % ask,))
        self._servers = ", ".join(where.bootstrap_servers)
        self.timeout_ms = where.request_timeout_seconds * 1000
        self._protocol = where.security_protocol
        self._begin(where, ask)

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation; doing it twice is fine."""
        self._client.close()

    def _begin(self, where: Connection, ask: int | tuple[str, int] | None) -> None:
        """Begin at the first bootstrap server that answers.

        kafka-python picks one of them at random and waits for it until the time for all is over, so that a single
        broker that hangs would fail a question as often as it is picked. A server that refuses costs nothing here, one
        that hangs a third of the time for one request.
        """
        each = max(2, where.request_timeout_seconds // 3)
        failed: KafkaError | None = None
        for server in listening(where.bootstrap_servers) if len(where.bootstrap_servers) > 1 else ():
            try:
                return self._begin_at(replace(where, bootstrap_servers=(server,), bootstrap_timeout_seconds=each), ask)
            except KafkaError as error:
                failed = error
        if failed:
            raise failed
        self._begin_at(where, ask)

    def _begin_at(self, where: Connection, ask: int | tuple[str, int] | None) -> None:
        self._client = self._connect(where.options())
        try:
            self._node = self._choose(ask, where.bootstrap_servers)
        except BaseException:
            self.close()
            raise

    def _connect(self, options: dict[str, Any]) -> Any:
        from kafka.admin import KafkaAdminClient

        try:
            return KafkaAdminClient(**options)
        except (kafka_errors.KafkaError, OSError, ValueError) as error:
            raise KafkaError(
                "No broker answered at %s (%s, within %d s): %s; check that a broker runs there and that its listener speaks that protocol."
                % (self._servers, self._protocol, options["bootstrap_timeout_ms"] // 1000, reason(error))
            ) from None

    def _choose(self, ask: int | tuple[str, int] | None, begun: Sequence[str]) -> Any:
        """The node that is asked from now on: the one that just answered, or the first candidate that answers."""
        cluster = self._client._manager.cluster
        at = {broker.node_id: "%s:%d" % (broker.host, broker.port) for broker in cluster.brokers()}
        known = sorted(at)
        if isinstance(ask, int):
            if ask in self._exclude:
                raise KafkaError(
                    "Broker %d is to be asked and to be left alone at once; take it out of one of them." % ask
                )
            if ask not in known:
                raise KafkaError(
                    "The cluster does not know broker %d; it knows %s." % (ask, ", ".join(map(str, known)) or "none")
                )
            candidates: list[Any] = [ask]
        elif ask is not None or not self._exclude:
            # A bootstrap node is the address itself, whatever the broker there says its id is.
            candidates = [broker.node_id for broker in cluster.bootstrap_brokers()]
        else:
            candidates = sorted(
                (node for node in known if node not in self._exclude), key=lambda node: at[node] not in begun
            )
        last: KafkaError | None = None
        for node in candidates:
            try:
                self.metadata([], node)
                return node
            except KafkaError as error:
                last = error
        if last is not None:
            raise last
        raise KafkaError(
            "No broker is left to ask: the cluster knows %s, and all of them are to be left alone; bring one back first."
            % ", ".join(map(str, known))
        )

    def send(self, request: Any, node: Any = None) -> Any:
        """One request to one node; raises KafkaError when no answer comes."""
        manager = self._client._manager
        node = self._node if node is None else node
        try:
            if isinstance(node, int) and manager.cluster.broker_metadata(node) is None:
                # A broker that came after we connected.
                manager.run(manager.cluster.refresh_metadata, self._node)
            return manager.run(manager.send, request, node)
        except kafka_errors.UnknownBrokerIdError:
            raise KafkaError(
                "The cluster does not know broker %s; check that it runs and has registered." % node
            ) from None
        except (kafka_errors.KafkaError, OSError) as error:
            target = "Broker %d" % node if isinstance(node, int) else "The broker at %s" % self._servers
            raise KafkaError(
                "%s did not answer %s: %s; check that it runs."
                % (target, type(request).__name__.replace("Request", ""), reason(error)),
                getattr(error, "errno", None),
            ) from None

    def send_to_controller(self, request: Callable[[], Any], code: Callable[[Any], int]) -> Any:
        """Send to the controller; under KRaft the broker that is asked forwards it.

        request makes a new message, because each is sent once.
        """
        if self.is_kraft:
            return self.send(request())
        answer = self.send(request(), self.metadata([]).controller_id)
        if code(answer) == NOT_CONTROLLER:
            # It moved between the two requests: KafkaAdminClient too asks once more.
            answer = self.send(request(), self.metadata([]).controller_id)
        return answer

    def metadata(self, topics: Sequence[str] | None, node: Any = None) -> Any:
        """Ask for brokers, the controller and these topics (None: all); the raw answer."""
        from kafka.protocol.metadata import MetadataRequest

        named = None if topics is None else [MetadataRequest.MetadataRequestTopic(name=name) for name in topics]
        # Authorized operations cost the broker a check for each topic, and are not used here.
        return self.send(
            MetadataRequest(
                topics=named,
                allow_auto_topic_creation=False,
                include_cluster_authorized_operations=False,
                include_topic_authorized_operations=False,
            ),
            node,
        )

    def api_versions(self) -> dict[int, tuple[int, int]]:
        """The versions (lowest, highest) of each request that the broker takes, by the request's key."""
        manager = self._client._manager
        try:
            return self._client.get_broker_version_data(self._node).api_versions
        except (kafka_errors.KafkaError, OSError):
            return manager.broker_version_data.api_versions

    @property
    def asked(self) -> int | None:
        """The id of the broker that answers; None when only its address is known."""
        return self._node if isinstance(self._node, int) else None

    @property
    def is_kraft(self) -> bool:
        """Whether the cluster keeps its metadata in KRaft: only then do brokers offer DescribeQuorum."""
        return DESCRIBE_QUORUM in self.api_versions()
