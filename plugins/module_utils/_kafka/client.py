# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A conversation with a Kafka cluster: whom it asks, and how a message gets there.

What is asked lies in the files beside this one, one a subject: a function for each request, whose first argument is an
Admin. Results are plain data, and failures are a KafkaError.

Requests are sent as protocol messages to one chosen broker, not through KafkaAdminClient's methods. Those pick a random
broker, which may be the one that is being restarted, and report errors in four forms: text, an error class, a code in a
raw answer, a code in a dict. Here each function checks its answer once, with check.
"""

from __future__ import annotations

import logging
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Callable, Iterable, Iterator, Sequence

from .._address import join
from . import connection_check
from .connection import Connection, KafkaError, LastingError, address

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
# For each step of a connection that says why there is none.
CHECK_SECONDS = 5
DESCRIBE_QUORUM = 55
# Codes of org.apache.kafka.common.protocol.Errors.
UNKNOWN_TOPIC, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED, NOT_CONTROLLER = 3, 29, 31, 41


class LibraryError(LastingError):
    """kafka-python is missing or does not fit."""


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


def by_topic(partitions: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """The indexes of these partitions by topic, in their order."""
    named: dict[str, list[int]] = {}
    for name, index in partitions:
        named.setdefault(name, []).append(index)
    return named


def require_library() -> None:
    """Raise LibraryError unless there is a kafka-python that fits."""
    lowest, above = (".".join(str(part) for part in version) for version in SUPPORTED)
    advice = (
        "put kafka-python >= %s, < %s there, or set ansible_python_interpreter to /opt/kafka-admin/bin/python, which"
        " the role kafka_install makes." % (lowest, above)
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


def refusal(code: int, message: str | None, what: str) -> KafkaError:
    """The error for a code; what completes "Kafka refused …"."""
    why = error_name(code) + (" (%s)" % message.rstrip(".") if message else "")
    return KafkaError("Kafka refused %s: %s." % (what, why), code)


def check(answer: Any, what: str) -> None:
    """Raise KafkaError when an answer, or a part of it, has an error code."""
    if answer.error_code:
        raise refusal(answer.error_code, getattr(answer, "error_message", None), what)


def reason(error: BaseException) -> str:
    """An exception in words."""
    name, text = type(error).__name__, str(error).strip().rstrip(".")
    # kafka-python's texts begin with the class already.
    return text if text.startswith(name) else "%s: %s" % (name, text) if text else name


class _NoAnswer(Exception):
    """A client got nowhere; why is looked at only when no other server answers, because that takes seconds."""

    def __init__(self, where: Connection, error: BaseException) -> None:
        super().__init__()
        self.where, self.error = where, error


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
            where = replace(where, bootstrap_servers=(join(*ask),))
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
        failed: KafkaError | _NoAnswer | None = None
        for server in listening(where.bootstrap_servers) if len(where.bootstrap_servers) > 1 else ():
            try:
                return self._begin_at(replace(where, bootstrap_servers=(server,), bootstrap_timeout_seconds=each), ask)
            except (KafkaError, _NoAnswer) as error:
                failed = error
        if failed is None:
            try:
                return self._begin_at(where, ask)
            except _NoAnswer as error:
                failed = error
        raise self._why(failed) if isinstance(failed, _NoAnswer) else failed from None

    def _begin_at(self, where: Connection, ask: int | tuple[str, int] | None) -> None:
        self._client = self._connect(where)
        try:
            self._node = self._choose(ask, where.bootstrap_servers)
        except BaseException:
            self.close()
            raise

    def _connect(self, where: Connection) -> Any:
        from kafka.admin import KafkaAdminClient

        try:
            return KafkaAdminClient(**where.options())
        except (kafka_errors.KafkaError, OSError, ValueError) as error:
            raise _NoAnswer(where, error) from None

    def _why(self, failed: _NoAnswer) -> KafkaError:
        where = failed.where
        seconds = min(where.request_timeout_seconds, CHECK_SECONDS)
        why = connection_check.failure(where, where.bootstrap_servers[0], seconds)
        return KafkaError(
            "No broker answered at %s (%s, within %d s): %s."
            % (
                self._servers,
                self._protocol,
                where.bootstrap_timeout_seconds or where.request_timeout_seconds,
                why or reason(failed.error) + "; check that a broker runs there",
            )
        )

    def _choose(self, ask: int | tuple[str, int] | None, begun: Sequence[str]) -> Any:
        """The node that is asked from now on: the one that just answered, or the first candidate that answers."""
        cluster = self._client._manager.cluster
        at = {broker.node_id: join(broker.host, broker.port) for broker in cluster.brokers()}
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
            "No broker is left to ask: the cluster knows %s, and all of them are to be left alone; bring one back"
            " first." % ", ".join(map(str, known))
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

    def send_to_controller(
        self, request: Callable[[], Any], parts: Callable[[Any], Iterable[Any]] = lambda answer: [answer]
    ) -> Any:
        """Send to the controller; under KRaft the broker that is asked forwards it.

        request makes a new message, because each is sent once; parts are what has an error code in the answer.
        """
        if self.is_kraft:
            return self.send(request())
        answer = self.send(request(), self.metadata([]).controller_id)
        if any(part.error_code == NOT_CONTROLLER for part in parts(answer)):
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
