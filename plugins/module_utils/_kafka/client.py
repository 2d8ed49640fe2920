# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Kafka's protocol: the only file that knows kafka-python.

Arguments and results are plain data, and failures are a KafkaError.

Requests are sent as protocol messages to one chosen broker, not through KafkaAdminClient's methods. Those pick a random
broker, which may be the one that is being restarted, and report errors in four forms: text, an error class, a code in a
raw answer, a code in a dict. Here each answer is checked once, in _Answer.
"""

from __future__ import annotations

import base64
import logging
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Callable, Iterable, Iterator, Sequence

from .._address import join, split
from .._errors import RackawareError
from . import zstd

try:
    import kafka
    from kafka import errors as kafka_errors
except ImportError:
    kafka = None
    kafka_errors = None

# The private attribute _manager is used, and each minor release may change it.
SUPPORTED = ((3, 0, 12), (3, 1))
TOPIC_RESOURCE, BROKER_RESOURCE = 2, 4
SET, DELETE = 0, 1
MIN_ISR = "min.insync.replicas"
# ConfigSource in Kafka's DescribeConfigsResponse.java.
DYNAMIC_TOPIC_SOURCE = 1
# Threads; each waits for one broker.
ASKED_AT_ONCE = 64
# A controller of KRaft refuses a whole request that makes more than 10,000 records
# (QuorumController.MAX_RECORDS_PER_USER_OP).
ELECTED_AT_ONCE = 1000
DESCRIBE_QUORUM, DESCRIBE_TOPIC_PARTITIONS = 55, 75
# Codes of org.apache.kafka.common.protocol.Errors.
UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED = 3, 5, 29, 31
NOT_CONTROLLER, ELECTION_NOT_NEEDED, NO_REASSIGNMENT = 41, 84, 85

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
    """How to reach a cluster; the password stays in its file until a client is described."""

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
    """Host and port of host:port or [host]:port; raises AddressError."""
    return split(text, "a broker")


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


def _require_library() -> None:
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


def _name(code: int) -> str:
    """Kafka's name of an error code, as its logs write it."""
    error = kafka_errors.for_code(code)
    return str(getattr(error, "message", None) or error.__name__)


def _raise(code: int, message: str | None, what: str) -> None:
    """Raise for any code but 0; what completes "Kafka refused …"."""
    if code != 0:
        raise KafkaError(
            "Kafka refused %s: %s%s" % (what, _name(code), " (%s)" % message.rstrip(".") if message else "") + ".", code
        )


def _reason(error: BaseException) -> str:
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
        _require_library()
        # kafka-python logs each failed attempt; without a handler Python would print them.
        logging.getLogger("kafka").addHandler(logging.NullHandler())
        self._exclude = frozenset(exclude)
        if isinstance(ask, tuple):
            where = replace(where, bootstrap_servers=(join(*ask),))
        self._servers = ", ".join(where.bootstrap_servers)
        self._timeout_ms = where.request_timeout_seconds * 1000
        self._protocol = where.security_protocol
        self._begin(where, ask)

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation; doing it twice is fine."""
        self._client.close()

    # Asking

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
                % (self._servers, self._protocol, options["bootstrap_timeout_ms"] // 1000, _reason(error))
            ) from None

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
                self._metadata([], node)
                return node
            except KafkaError as error:
                last = error
        if last is not None:
            raise last
        raise KafkaError(
            "No broker is left to ask: the cluster knows %s, and all of them are to be left alone; bring one back first."
            % ", ".join(map(str, known))
        )

    def _send(self, request: Any, node: Any = None) -> Any:
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
                % (target, type(request).__name__.replace("Request", ""), _reason(error)),
                getattr(error, "errno", None),
            ) from None

    def _send_to_controller(self, request: Callable[[], Any], code: Callable[[Any], int]) -> Any:
        """Send to the controller; under KRaft the broker that is asked forwards it.

        request makes a new message, because each is sent once.
        """
        if self.is_kraft:
            return self._send(request())
        answer = self._send(request(), self._metadata([]).controller_id)
        if code(answer) == NOT_CONTROLLER:
            # It moved between the two requests: KafkaAdminClient too asks once more.
            answer = self._send(request(), self._metadata([]).controller_id)
        return answer

    def _metadata(self, topics: Sequence[str] | None, node: Any = None) -> Any:
        from kafka.protocol.metadata import MetadataRequest

        named = None if topics is None else [MetadataRequest.MetadataRequestTopic(name=name) for name in topics]
        # Authorized operations cost the broker a check for each topic, and are not used here.
        return self._send(
            MetadataRequest(
                topics=named,
                allow_auto_topic_creation=False,
                include_cluster_authorized_operations=False,
                include_topic_authorized_operations=False,
            ),
            node,
        )

    def _versions(self) -> dict[int, tuple[int, int]]:
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
        return DESCRIBE_QUORUM in self._versions()

    # Reading

    def cluster(self) -> dict[str, Any]:
        """The cluster: {cluster_id, controller_id, brokers: [{id, host, port, rack, fenced}]}, brokers by id.

        controller_id is what the broker says, which under KRaft is any broker: the active controller there is
        quorum()["leader"]. fenced is known from Kafka 4.0 on; before, a broker that is down is missing from the list.
        """
        from kafka.protocol.admin import DescribeClusterRequest

        # IncludeFencedBrokers came with version 2 (KIP-1073, Kafka 4.0); older brokers would refuse a message that
        # carries it.
        fenced = self._versions().get(60, (0, 0))[1] >= 2
        answer = self._send(
            DescribeClusterRequest(include_cluster_authorized_operations=False, include_fenced_brokers=fenced)
        )
        _raise(answer.error_code, answer.error_message, "to describe the cluster")
        brokers = [
            {
                "id": broker.broker_id,
                "host": broker.host,
                "port": broker.port,
                "rack": broker.rack,
                "fenced": bool(fenced and broker.is_fenced),
            }
            for broker in answer.brokers
        ]
        return {
            "cluster_id": answer.cluster_id,
            "controller_id": answer.controller_id,
            "brokers": sorted(brokers, key=lambda broker: broker["id"]),
        }

    def partitions(self, topics: Sequence[str] | None = None) -> dict[str, list[dict[str, Any]]]:
        """Partitions of the topics named (None: all) that exist.

        {topic: [{partition, leader, replicas, isr, offline}]}; leader is -1 for none.
        """
        return self._partitions(self._metadata(topics))

    def metadata_from(self, broker_id: int, topics: Sequence[str] | None = None) -> dict[str, Any]:
        """One broker's own view: {brokers: [ids it knows], partitions: as partitions(), those it holds}.

        Raises KafkaError when it does not answer.
        """
        answer = self._metadata(topics, broker_id)
        return {
            "brokers": sorted(broker.node_id for broker in answer.brokers),
            "partitions": self._partitions(answer, broker_id),
        }

    def view_of(self, broker_id: int) -> dict[str, Any]:
        """One broker's view of the cluster.

        {controller_id, brokers: [{id, host, port, rack}], partitions: as partitions()}.

        Under KRaft controller_id is that of any broker.
        """
        answer = self._metadata(None, broker_id)
        brokers = [
            {"id": broker.node_id, "host": broker.host, "port": broker.port, "rack": broker.rack}
            for broker in answer.brokers
        ]
        return {"controller_id": answer.controller_id, "brokers": brokers, "partitions": self._partitions(answer)}

    def controllers_named(self, brokers: Iterable[int]) -> dict[int, int]:
        """The active controller of a cluster with ZooKeeper, by each of these brokers that answers; -1 for none."""
        said = at_once(lambda broker: self._metadata([], broker), brokers)
        return {broker: answer.controller_id for broker, answer in said.items() if not isinstance(answer, KafkaError)}

    def silent(self, brokers: Iterable[int]) -> list[int]:
        """Those of these brokers that do not answer, in their order; all are asked at once."""
        return [
            broker
            for broker, said in at_once(lambda broker: self._metadata([], broker), brokers).items()
            if isinstance(said, KafkaError)
        ]

    def own_minimums(self, brokers: Iterable[int]) -> dict[int, int]:
        """min.insync.replicas of each of these brokers that answers, for topics that set none.

        A broker enforces its own value where it leads.
        """
        said = at_once(lambda broker: int(self.broker_configs(broker, [MIN_ISR])[MIN_ISR] or 1), brokers)
        for answer in said.values():
            if isinstance(answer, KafkaError) and answer.code == CLUSTER_AUTHORIZATION_FAILED:
                raise answer
        return {broker: least for broker, least in said.items() if not isinstance(least, KafkaError)}

    @staticmethod
    def _partitions(answer: Any, holder: int | None = None) -> dict[str, list[dict[str, Any]]]:
        out = {}
        for topic in answer.topics:
            if topic.error_code == UNKNOWN_TOPIC:
                continue
            # A new topic has no leader yet: its partitions say so themselves.
            if topic.error_code != LEADER_NOT_AVAILABLE:
                _raise(topic.error_code, None, "to describe topic %s" % topic.name)
            partitions = [
                {
                    "partition": partition.partition_index,
                    "leader": partition.leader_id,
                    "replicas": partition.replica_nodes,
                    "isr": partition.isr_nodes,
                    "offline": partition.offline_replicas,
                }
                for partition in topic.partitions
                if holder is None or holder in partition.replica_nodes
            ]
            partitions.sort(key=lambda partition: partition["partition"])
            out[topic.name] = partitions
        return out

    def eligible_leader_replicas(self, topics: Sequence[str]) -> dict[tuple[str, int], list[int]]:
        """The eligible leader replicas (KIP-966) by (topic, partition), where there are any.

        Empty on brokers without them.
        """
        from kafka.protocol.admin import DescribeTopicPartitionsRequest as Request

        if not topics or DESCRIBE_TOPIC_PARTITIONS not in self._versions():
            return {}
        out: dict[tuple[str, int], list[int]] = {}
        cursor = None
        while True:
            answer = self._send(
                Request(
                    topics=[Request.TopicRequest(name=name) for name in sorted(topics)],
                    response_partition_limit=2000,
                    cursor=cursor,
                )
            )
            for topic in answer.topics:
                if topic.error_code == TOPIC_AUTHORIZATION_FAILED:
                    _raise(topic.error_code, None, "to describe topic %s" % topic.name)
                for partition in topic.partitions:
                    if partition.eligible_leader_replicas:
                        out[topic.name, partition.partition_index] = partition.eligible_leader_replicas
            if answer.next_cursor is None:
                return out
            cursor = Request.Cursor(
                topic_name=answer.next_cursor.topic_name, partition_index=answer.next_cursor.partition_index
            )

    def topic_configs(
        self, topics: Sequence[str], keys: Sequence[str] | None = None, broker_id: int | None = None
    ) -> dict[str, dict[str, dict[str, Any]]]:
        """Configurations of the topics that exist: {topic: {key: {value, own}}}.

        own is whether the topic itself sets it.
        """
        return self._configs(TOPIC_RESOURCE, topics, keys, broker_id)

    def broker_configs(self, broker_id: int, keys: Sequence[str] | None = None) -> dict[str, str | None]:
        """Configuration values of one broker, as it has them; {key: value}."""
        configs = self._configs(BROKER_RESOURCE, [str(broker_id)], keys, broker_id)
        return {key: entry["value"] for key, entry in configs[str(broker_id)].items()}

    def _configs(
        self, kind: int, names: Sequence[str], keys: Sequence[str] | None, node: int | None
    ) -> dict[str, dict[str, dict[str, Any]]]:
        from kafka.protocol.admin import DescribeConfigsRequest as Request

        if not names:
            return {}
        keys_asked = None if keys is None else list(keys)
        # Every value is asked for, as defaults count too; KafkaAdminClient.describe_configs would leave them out.
        resources = [
            Request.DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys_asked)
            for name in names
        ]
        answer = self._send(Request(resources=resources, include_synonyms=False, include_documentation=False), node)
        out = {}
        for result in answer.results:
            if result.error_code == UNKNOWN_TOPIC:
                continue
            _raise(
                result.error_code, result.error_message, "to describe the configuration of %s" % result.resource_name
            )
            out[result.resource_name] = {
                config.name: {"value": config.value, "own": config.config_source == DYNAMIC_TOPIC_SOURCE}
                for config in result.configs
            }
        return out

    def min_insync_replicas(self, topics: Sequence[str], broker_id: int | None = None) -> dict[str, tuple[int, bool]]:
        """min.insync.replicas of each existing topic, and whether the topic itself sets it.

        If not, it is the value of the broker that is asked.
        """
        configs = self.topic_configs(topics, [MIN_ISR], broker_id)
        return {topic: (int(entries[MIN_ISR]["value"]), entries[MIN_ISR]["own"]) for topic, entries in configs.items()}

    def reassignments(self, topics: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Reassignments under way: [{topic, partition, replicas, adding, removing}]."""
        from kafka.protocol.admin import ListPartitionReassignmentsRequest as Request

        answer = self._send_to_controller(
            lambda: Request(timeout_ms=self._timeout_ms, topics=None), lambda got: got.error_code
        )
        _raise(answer.error_code, answer.error_message, "to list reassignments")
        return sorted(
            (
                {
                    "topic": topic.name,
                    "partition": partition.partition_index,
                    "replicas": partition.replicas,
                    "adding": partition.adding_replicas,
                    "removing": partition.removing_replicas,
                }
                for topic in answer.topics
                if topics is None or topic.name in topics
                for partition in topic.partitions
            ),
            key=lambda move: (move["topic"], move["partition"]),
        )

    def quorum(self) -> dict[str, Any] | None:
        """The KRaft quorum, None under ZooKeeper: {leader, epoch, high_watermark, voters, observers}; each of these

        {id, directory_id, log_end_offset, last_caught_up_ms} (milliseconds since 1970, -1 when unknown).
        """
        from kafka.protocol.admin import DescribeQuorumRequest as Request

        if not self.is_kraft:
            return None
        asked = Request.TopicData(
            topic_name="__cluster_metadata", partitions=[Request.TopicData.PartitionData(partition_index=0)]
        )
        answer = self._send(Request(topics=[asked]))
        _raise(answer.error_code, getattr(answer, "error_message", None), "to describe the quorum")
        partition = answer.topics[0].partitions[0]
        _raise(partition.error_code, getattr(partition, "error_message", None), "to describe the quorum")

        def members(replicas: Any) -> list[dict[str, Any]]:
            plain = [
                {
                    "id": member.replica_id,
                    # As meta.properties writes it.
                    "directory_id": base64.urlsafe_b64encode(getattr(member, "replica_directory_id", None).bytes)
                    .decode()
                    .rstrip("=")
                    if getattr(member, "replica_directory_id", None)
                    else None,
                    "log_end_offset": member.log_end_offset,
                    "last_caught_up_ms": member.last_caught_up_timestamp,
                }
                for member in replicas
            ]
            return sorted(plain, key=lambda member: member["id"])

        return {
            "leader": partition.leader_id,
            "epoch": partition.leader_epoch,
            "high_watermark": partition.high_watermark,
            "voters": members(partition.current_voters),
            "observers": members(partition.observers),
        }

    def features(self) -> dict[str, dict[str, Any]]:
        """Features of the broker asked: {name: {supported: [min, max], finalized: level or None}}."""
        from kafka.protocol.metadata import ApiVersionsRequest

        answer = self._send(
            ApiVersionsRequest(client_software_name="rackaware", client_software_version="1", min_version=3)
        )
        _raise(answer.error_code, None, "to name its versions")
        out: dict[str, dict[str, Any]] = {
            feature.name: {"supported": [feature.min_version, feature.max_version], "finalized": None}
            for feature in answer.supported_features or []
        }
        for feature in answer.finalized_features or []:
            out.setdefault(feature.name, {"supported": None})["finalized"] = feature.max_version_level
        return dict(sorted(out.items()))

    def versions_of(self, broker_id: int) -> dict[str, Any]:
        """What one broker says about its version: {series, newest_known, supported: {feature: [min, max]}, protocol}.

        series is the release that its requests' versions fit, [3, 9]. newest_known is whether that is the newest that
        kafka-python can tell: a newer broker looks the same. protocol is inter.broker.protocol.version, None under
        KRaft.
        """
        from kafka.protocol.broker_version_data import BROKER_API_VERSIONS, infer_broker_version_from_api_versions
        from kafka.protocol.metadata import ApiVersionsRequest

        answer = self._send(
            ApiVersionsRequest(client_software_name="rackaware", client_software_version="1", min_version=3), broker_id
        )
        _raise(answer.error_code, None, "to name its versions")
        release = infer_broker_version_from_api_versions(
            {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
        )[:2]
        protocol = (
            None
            if self.is_kraft
            else self.broker_configs(broker_id, ["inter.broker.protocol.version"])["inter.broker.protocol.version"]
        )
        return {
            "series": list(release),
            "newest_known": release >= max(BROKER_API_VERSIONS)[:2],
            "supported": {
                feature.name: [feature.min_version, feature.max_version] for feature in answer.supported_features or []
            },
            "protocol": protocol,
        }

    def group_members(self, broker_id: int) -> list[dict[str, Any]]:
        """Members of the consumer groups that one broker coordinates: [{group, client_id, host, subscription}].

        subscription is the version in which a member of a classic group wrote its subscription
        (ConsumerProtocolSubscription), None for others.
        """
        from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest

        overview = self._send(ListGroupsRequest(states_filter=[], types_filter=[]), broker_id)
        _raise(overview.error_code, None, "to list groups")
        names = sorted(group.group_id for group in overview.groups if group.protocol_type == "consumer")
        if not names:
            return []
        answer = self._send(DescribeGroupsRequest(groups=names, include_authorized_operations=False), broker_id)
        return [
            {
                "group": group.group_id,
                "client_id": member.client_id,
                "host": member.client_host.lstrip("/"),
                "subscription": int.from_bytes(member.member_metadata[:2], "big")
                if isinstance(member.member_metadata, bytes)
                else None,
            }
            for group in answer.groups
            # A group of the new protocol (KIP-848) is not described this way, and only clients from 3.7 on are in one.
            if group.error_code == 0
            for member in group.members
        ]

    def log_dirs(self, broker_id: int, partitions: Iterable[tuple[str, int]] | None = None) -> list[dict[str, Any]]:
        """Log directories of one broker.

        [{path, error, total_bytes, usable_bytes, replicas: [{topic, partition, size_bytes, lag, future}]}].

        replicas are those of these partitions, None for all.
        error is None or Kafka's name of what is wrong with the directory; bytes of the file system are -1 when unknown.
        """
        from kafka.protocol.admin import DescribeLogDirsRequest as Request

        named: dict[str, list[int]] = {}
        for name, index in sorted(partitions or ()):
            named.setdefault(name, []).append(index)
        topics = (
            None
            if partitions is None
            else [Request.DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in named.items()]
        )
        answer = self._send(Request(topics=topics), broker_id)
        _raise(getattr(answer, "error_code", 0) or 0, None, "to describe the log directories of broker %d" % broker_id)
        return [
            {
                "path": directory.log_dir,
                "error": _name(directory.error_code) if directory.error_code else None,
                "total_bytes": directory.total_bytes,
                "usable_bytes": directory.usable_bytes,
                "replicas": [
                    {
                        "topic": topic.name,
                        "partition": partition.partition_index,
                        "size_bytes": partition.partition_size,
                        "lag": partition.offset_lag,
                        "future": partition.is_future_key,
                    }
                    for topic in directory.topics
                    for partition in topic.partitions
                ],
            }
            for directory in answer.results
        ]

    def held_by(self, broker_id: int) -> set[tuple[str, int]]:
        """The partitions that one broker has on its disks; raises KafkaError when it does not say.

        Replicas that are being moved to another disk are left out. A principal that may describe the cluster sees all
        of them, also those of topics that it may not describe. A broker always has a log directory, so an answer
        without one means that the principal may not see it: before version 3 of the answer there was no error for that.
        """
        from kafka.protocol.admin import DescribeLogDirsRequest as Request

        answer = self._send(Request(topics=None), broker_id)
        _raise(getattr(answer, "error_code", 0) or 0, None, "to describe the log directories of broker %d" % broker_id)
        if not answer.results:
            _raise(CLUSTER_AUTHORIZATION_FAILED, None, "to describe the log directories of broker %d" % broker_id)
        return {
            (topic.name, partition.partition_index)
            for directory in answer.results
            for topic in directory.topics
            for partition in topic.partitions
            if not partition.is_future_key
        }

    # Changing

    def create_topic(
        self,
        name: str,
        partitions: int,
        replication_factor: int,
        config: dict[str, str],
        assignment: dict[int, list[int]] | None,
        *,
        validate_only: bool,
    ) -> None:
        """Create a topic, or only have Kafka validate it.

        With an assignment (partition: broker ids) the two numbers follow from that.
        """
        from kafka.protocol.admin import CreateTopicsRequest as Request

        topic = Request.CreatableTopic
        creatable = topic(
            name=name,
            # Kafka refuses an assignment together with numbers.
            num_partitions=-1 if assignment else partitions,
            replication_factor=-1 if assignment else replication_factor,
            assignments=[
                topic.CreatableReplicaAssignment(partition_index=index, broker_ids=ids)
                for index, ids in sorted((assignment or {}).items())
            ],
            configs=[topic.CreatableTopicConfig(name=key, value=value) for key, value in sorted(config.items())],
        )
        answer = self._send_to_controller(
            lambda: Request(topics=[creatable], timeout_ms=self._timeout_ms, validate_only=validate_only),
            lambda got: got.topics[0].error_code,
        )
        _raise(answer.topics[0].error_code, answer.topics[0].error_message, "to create topic %s" % name)

    def add_partitions(self, name: str, count: int, assignment: list[list[int]] | None, *, validate_only: bool) -> None:
        """Raise a topic's number of partitions to count; the assignment lists the broker ids of the new ones only."""
        from kafka.protocol.admin import CreatePartitionsRequest as Request

        topic = Request.CreatePartitionsTopic
        places = (
            None if assignment is None else [topic.CreatePartitionsAssignment(broker_ids=ids) for ids in assignment]
        )
        answer = self._send_to_controller(
            lambda: Request(
                topics=[topic(name=name, count=count, assignments=places)],
                timeout_ms=self._timeout_ms,
                validate_only=validate_only,
            ),
            lambda got: got.results[0].error_code,
        )
        _raise(answer.results[0].error_code, answer.results[0].error_message, "to add partitions to topic %s" % name)

    def delete_topic(self, name: str) -> None:
        """Delete a topic and everything in it."""
        from kafka.protocol.admin import DeleteTopicsRequest as Request

        answer = self._send_to_controller(
            lambda: Request(
                topics=[Request.DeleteTopicState(name=name, topic_id=None)],
                topic_names=[name],
                timeout_ms=self._timeout_ms,
            ),
            lambda got: got.responses[0].error_code,
        )
        _raise(
            answer.responses[0].error_code,
            getattr(answer.responses[0], "error_message", None),
            "to delete topic %s" % name,
        )

    def alter_topic_config(self, name: str, config: dict[str, str | None], *, validate_only: bool) -> None:
        """Set keys of a topic's configuration, and remove those whose value is None; others stay."""
        self._alter(TOPIC_RESOURCE, name, config, None, validate_only)

    def alter_broker_config(self, broker_id: int | None, config: dict[str, str | None], *, validate_only: bool) -> None:
        """The same for one broker's dynamic configuration, or with None for the default of all brokers."""
        self._alter(BROKER_RESOURCE, "" if broker_id is None else str(broker_id), config, broker_id, validate_only)

    def _alter(
        self, kind: int, name: str, config: dict[str, str | None], node: int | None, validate_only: bool
    ) -> None:
        # KafkaAdminClient.alter_configs looks up names first, but brokers list no replication throttle that is not set.
        from kafka.protocol.admin import IncrementalAlterConfigsRequest as Request

        resource = Request.AlterConfigsResource
        changes = [
            resource.AlterableConfig(name=key, config_operation=DELETE if value is None else SET, value=value)
            for key, value in sorted(config.items())
        ]
        answer = self._send(
            Request(
                resources=[resource(resource_type=kind, resource_name=name, configs=changes)],
                validate_only=validate_only,
            ),
            node,
        )
        for result in answer.responses:
            _raise(
                result.error_code, result.error_message, "to change the configuration of %s" % (name or "all brokers")
            )

    def reassign(self, targets: dict[tuple[str, int], list[int] | None]) -> None:
        """Move partitions to these replicas, or with None cancel the move; raises KafkaError with the first refusal."""
        from kafka.protocol.admin import AlterPartitionReassignmentsRequest as Request

        topic = Request.ReassignableTopic
        named: dict[str, list[Any]] = {}
        for (name, index), replicas in sorted(targets.items()):
            named.setdefault(name, []).append(topic.ReassignablePartition(partition_index=index, replicas=replicas))
        answer = self._send_to_controller(
            lambda: Request(
                timeout_ms=self._timeout_ms,
                topics=[topic(name=name, partitions=changes) for name, changes in named.items()],
            ),
            lambda got: got.error_code,
        )
        _raise(answer.error_code, answer.error_message, "the reassignment")
        for result in answer.responses:
            for partition in result.partitions:
                cancelled = (
                    targets.get((result.name, partition.partition_index), ()) is None
                    and partition.error_code == NO_REASSIGNMENT
                )
                if not cancelled:
                    _raise(
                        partition.error_code,
                        partition.error_message,
                        "to reassign %s-%d" % (result.name, partition.partition_index),
                    )

    def elect_preferred(
        self, partitions: Iterable[tuple[str, int]] | None = None, *, tolerant: bool = False
    ) -> dict[tuple[str, int], str]:
        """Elect preferred leaders of these partitions (None: all).

        Returns Kafka's reason for each that could not be, by (topic, partition).

        A partition that its preferred replica leads already is no failure, and one whose preferred replica is out is no
        reason to stop. A request that fails as a whole raises KafkaError; tolerant: it is the reason of all partitions
        that are left then.
        """
        if partitions is None:
            return self._elect(None)
        waiting, refused = list(partitions), {}
        for start in range(0, len(waiting), ELECTED_AT_ONCE):
            try:
                refused.update(self._elect(waiting[start : start + ELECTED_AT_ONCE]))
            except KafkaError as error:
                if not tolerant:
                    raise
                return {**refused, **dict.fromkeys(waiting[start:], str(error))}
        return refused

    def _elect(self, partitions: list[tuple[str, int]] | None) -> dict[tuple[str, int], str]:
        from kafka.protocol.admin import ElectionType, ElectLeadersRequest

        named: dict[str, list[int]] = {}
        for name, index in partitions or ():
            named.setdefault(name, []).append(index)
        answer = self._send_to_controller(
            lambda: ElectLeadersRequest(
                election_type=ElectionType.PREFERRED,
                topic_partitions=None
                if partitions is None
                else [(name, sorted(indexes)) for name, indexes in sorted(named.items())],
                timeout_ms=self._timeout_ms,
            ),
            lambda got: got.error_code,
        )
        _raise(answer.error_code, None, "the election of preferred leaders")
        return {
            (result.topic, partition.partition_id): _name(partition.error_code)
            for result in answer.replica_election_results
            for partition in result.partition_result
            if partition.error_code not in (0, ELECTION_NOT_NEEDED)
        }

    def finalize_features(self, levels: dict[str, int], *, validate_only: bool) -> None:
        """Raise finalized feature levels, as metadata.version; only upgrades."""
        from kafka.protocol.admin import UpdateFeaturesRequest as Request

        updates = [
            Request.FeatureUpdateKey(feature=name, max_version_level=level, allow_downgrade=False, upgrade_type=1)
            for name, level in sorted(levels.items())
        ]
        answer = self._send_to_controller(
            lambda: Request(
                timeout_ms=self._timeout_ms, feature_updates=updates, validate_only=validate_only, min_version=1
            ),
            lambda got: got.error_code,
        )
        _raise(answer.error_code, answer.error_message, "to finalize features")
        for result in answer.results or []:
            _raise(result.error_code, result.error_message, "to finalize feature %s" % result.feature)


def _lend_zstd() -> None:
    """Register _kafka.zstd: kafka-python speaks Zstandard only with a library that /opt/kafka-admin does not have.

    It is enough for what is written here.
    """
    from kafka import codec

    if codec.zstd is None:
        codec.zstd = zstd


def produce(
    where: Connection, topic: str, values: dict[int, bytes], *, key: bytes, compression: str | None = None
) -> dict[int, int]:
    """Write one record to each partition, each acknowledged by all in-sync replicas; {partition: offset}.

    compression is None or "zstd", which only makes smaller what has runs of equal bytes. Raises KafkaError that names
    the first partition which did not take its record within the request timeout.
    """
    _require_library()
    _lend_zstd()
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    from kafka import KafkaProducer

    timeout = where.request_timeout_seconds
    options = where.options()
    limits = {
        "acks": "all",
        "compression_type": compression,
        "delivery_timeout_ms": timeout * 1000,
        "max_block_ms": timeout * 1000,
        "linger_ms": 0,
    }
    # delivery_timeout_ms must not be shorter than one request with its linger.
    options["request_timeout_ms"] = max(1000, timeout * 1000 // 2)
    partition = None
    producer = None
    try:
        producer = KafkaProducer(**options, **limits)
        futures = {}
        for partition, value in sorted(values.items()):
            futures[partition] = producer.send(topic, value=value, key=key, partition=partition)
        offsets = {}
        for partition, future in futures.items():
            offsets[partition] = future.get(timeout=timeout).offset
        return offsets
    except (kafka_errors.KafkaError, OSError, AssertionError) as error:
        place = topic if partition is None else "%s-%d" % (topic, partition)
        raise KafkaError(
            "A record for %s was not acknowledged by all in-sync replicas within %d s: %s; look at that partition's leader and in-sync replicas."
            % (place, timeout, _reason(error))
        ) from None
    finally:
        if producer is not None:
            producer.close(timeout=1)


def consume(
    where: Connection, topic: str, offsets: dict[int, int], *, clock: Callable[[], float] = time.monotonic
) -> dict[int, tuple[bytes, bytes]]:
    """Read the records at these offsets back: {partition: (key, value)}.

    Records that did not come within the request timeout are missing.
    """
    _require_library()
    _lend_zstd()
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    from kafka import KafkaConsumer, TopicPartition

    places = {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
    read: dict[int, tuple[bytes, bytes]] = {}
    consumer = None
    try:
        consumer = KafkaConsumer(
            **where.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,
            isolation_level="read_uncommitted",
        )
        consumer.assign(list(places))
        for place, offset in places.items():
            consumer.seek(place, offset)
        end = clock() + where.request_timeout_seconds
        while len(read) < len(places) and clock() < end:
            for place, records in consumer.poll(timeout_ms=500).items():
                for record in records:
                    if record.offset == places[place]:
                        read[place.partition] = (record.key, record.value)
                        consumer.pause(place)
        return read
    # A frame that the broker has recompressed is not one of _kafka.zstd's.
    except (kafka_errors.KafkaError, OSError, zstd.ZstdError) as error:
        raise KafkaError(
            "Records of topic %s could not be read back: %s; check that every leader answers." % (topic, _reason(error))
        ) from None
    finally:
        if consumer is not None:
            consumer.close()
