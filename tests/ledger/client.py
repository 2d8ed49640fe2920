# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Producers that write down every acknowledgement, topics to produce to, and a consumer that reads everything back."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError

from .records import Ack, Failure, Journal, LedgerError, Row, decode, encode

# Brokers come and go while we run: a client that waits the default 30 s before it tries a broker again, or a paused leader again,
# would measure its own patience. All three are ordinary settings of a client that cares.
PATIENCE = {"reconnect_backoff_max_ms": 500, "request_timeout_ms": 10_000, "metadata_max_age_ms": 5_000}
# A partition that does not answer keeps at most so many records waiting, so that it neither eats the memory nor stops the others.
WAITING = 500
# How long a producer waits before it looks again at a broker that has not answered its last request.
BREATH_MS = 10


def connect(make: Callable[..., Any], connection: Mapping[str, Any], **settings: Any) -> Any:
    """A kafka-python client; raises LedgerError where no broker of the bootstrap list answers."""
    try:
        return make(**connection, **settings)
    except KafkaError as error:
        raise LedgerError(
            "No broker among %s answered (%s); check the addresses and that one of them runs."
            % (connection["bootstrap_servers"], error)
        ) from None


def prepare(
    connection: Mapping[str, Any], names: Sequence[str], *, partitions: int, replication: int, min_isr: int
) -> None:
    """Create the topics that are not there; raises LedgerError if one is there with another number of partitions."""
    wanted = {
        name: {
            "num_partitions": partitions,
            "replication_factor": replication,
            # Nothing may expire before it is read.
            "configs": {
                "min.insync.replicas": str(min_isr),
                "retention.ms": "-1",
                "retention.bytes": "-1",
                "cleanup.policy": "delete",
            },
        }
        for name in names
    }
    with connect(KafkaAdminClient, connection, **PATIENCE) as admin:
        try:
            there = set(admin.list_topics()) & set(names)
            missing = {name: wanted[name] for name in names if name not in there}
            if missing:
                try:
                    admin.create_topics(missing, wait_for_metadata=True)
                except TopicAlreadyExistsError:
                    admin.wait_for_topics(list(missing))
            for topic in _described(admin, names):
                if len(topic["partitions"]) != partitions:
                    raise LedgerError(
                        "Topic %s has %d partitions, not %d; name others with --prefix or ask for as many."
                        % (topic["name"], len(topic["partitions"]), partitions)
                    )
        except KafkaError as error:
            raise LedgerError(
                "The topics %s to %s could not be made: %s; check the number of brokers and their health."
                % (names[0], names[-1], error)
            ) from None


def _described(admin: Any, names: Sequence[str]) -> list[Any]:
    """The topics with their partitions; a broker that has not heard of a new topic yet shows it without any."""
    end = time.monotonic() + 30
    while True:
        topics = admin.describe_topics(list(names))
        if all(topic["partitions"] for topic in topics) or time.monotonic() > end:
            return topics
        time.sleep(0.2)


@dataclass(frozen=True)
class Load:
    """How much to send: records a second (of all producers together) until seconds or count (0: no limit) is reached."""

    run: str
    topics: tuple[str, ...]
    partitions: int
    rate: float
    seconds: float
    count: int = 0
    keys: int = 4
    size: int = 200
    seed: int = 1

    @property
    def places(self) -> list[tuple[str, int]]:
        return [(topic, partition) for topic in self.topics for partition in range(self.partitions)]

    def plan(self, producer: str) -> Iterator[tuple[str, int, str, int]]:
        """Endlessly topic, partition, key, sequence: each round takes every partition once, in an order and with keys that the seed decides."""
        chance = random.Random("%s/%s" % (self.seed, producer))
        sequences: Counter[str] = Counter()
        places = self.places
        while True:
            chance.shuffle(places)
            for topic, partition in places:
                key = "%s:%d:%d" % (topic, partition, chance.randrange(self.keys))
                sequences[key] += 1
                yield topic, partition, key, sequences[key]


class Producer:
    """One producer with acks=all on its own thread; counts what it sent, and writes every end of a record into the journal."""

    def __init__(
        self, name: str, load: Load, share: float, connection: Mapping[str, Any], journal: Journal, *, idempotent: bool
    ) -> None:
        self.name, self.idempotent = name, idempotent
        self.sent = self.acked = self.failed = self.held_back = 0
        self.heard: set[tuple[str, int]] = set()
        self._load, self._rate, self._share, self._journal = load, load.rate * share, share, journal
        self._waiting: Counter[tuple[str, int]] = Counter()
        self._stop = threading.Event()
        self._producer = connect(
            KafkaProducer,
            connection,
            **PATIENCE,
            acks="all",
            enable_idempotence=idempotent,
            # Without idempotence only one request at a time keeps the order over retries.
            max_in_flight_requests_per_connection=5 if idempotent else 1,
            # The client retries until this is over, so that a roll is never seen as a failure, and a failure never goes unseen.
            delivery_timeout_ms=(load.seconds + 120) * 1000,
            allow_auto_create_topics=False,
            linger_ms=5,
            client_id="ledger-%s" % name,
        )
        self._count_answers()
        self._rest()
        self.thread = threading.Thread(target=self._run, name="ledger-%s" % name, daemon=True)

    def _count_answers(self) -> None:
        """Write down what the client retries by itself: kafka-python 3.0 has no other place where a NOT_ENOUGH_REPLICAS can be seen."""
        sender = self._producer._sender
        dispatch = sender._dispatch_error

        def seen(batch: Any, exception: BaseException, partition_response: Any) -> None:
            where = batch.topic_partition
            entry = Failure(
                self.name,
                where.topic,
                where.partition,
                type(exception).__name__,
                batch.record_count,
                time.time(),
                resent=True,
            )
            self._journal.add("error", entry)
            dispatch(batch, exception, partition_response)

        sender._dispatch_error = seen

    def _rest(self) -> None:
        """Keep the sender from spinning while a broker cannot take more: kafka-python 3.0 reads the answer's seconds as milliseconds, and 0 as now."""
        client = self._producer._sender._client
        delay = client.connection_delay
        client.connection_delay = lambda node: max(BREATH_MS, delay(node) * 1000)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        begun = time.monotonic()
        limit = int(self._load.count * self._share) if self._load.count else 0
        plan = self._load.plan(self.name)
        turn = 0
        while not self._stop.is_set():
            elapsed = time.monotonic() - begun
            if elapsed >= self._load.seconds or (limit and self.sent >= limit):
                return
            due = int(elapsed * self._rate) + 1
            while turn < due and not self._stop.is_set() and not (limit and self.sent >= limit):
                turn += 1
                self._send(*next(plan))
            self._stop.wait(max(0.001, turn / self._rate - (time.monotonic() - begun)))

    def _send(self, topic: str, partition: int, key: str, sequence: int) -> None:
        where = (topic, partition)
        if self._waiting[where] >= WAITING:
            # The number is burnt, which is no loss: only what was acknowledged must be there.
            self.held_back += 1
            return
        sent = time.time()
        self.sent += 1
        self._waiting[where] += 1
        value = encode(self._load.run, self.name, key, sequence, self._load.size)
        try:
            future = self._producer.send(topic, value=value, key=key.encode(), partition=partition)
        except (KafkaError, ValueError) as error:
            self._ended(where, sent, error)
            return
        future.add_callback(self._answered, where, key, sequence, sent)
        future.add_errback(lambda error: self._ended(where, sent, error))

    def _answered(self, where: tuple[str, int], key: str, sequence: int, sent: float, answer: Any) -> None:
        self._journal.add(
            "ack",
            Ack(
                self.name, *where, answer.offset if answer.offset is not None else -1, key, sequence, sent, time.time()
            ),
        )
        self.acked += 1
        self.heard.add(where)
        self._waiting[where] -= 1

    def _ended(self, where: tuple[str, int], sent: float, error: BaseException) -> None:
        self._journal.add("fail", Failure(self.name, *where, type(error).__name__, 1, time.time(), resent=False))
        self.failed += 1
        self._waiting[where] -= 1

    def finish(self, seconds: float) -> None:
        """Wait for what is on its way, at most so long; what has no end then is neither acknowledged nor failed."""
        self.thread.join()
        deadline = time.monotonic() + seconds
        try:
            self._producer.flush(timeout=seconds)
        except KafkaError:
            # Told by the difference between sent, acked and failed.
            pass
        finally:
            self._producer.close(timeout=max(0.5, min(5.0, deadline - time.monotonic())))


def read_all(
    run: str, connection: Mapping[str, Any], places: Sequence[tuple[str, int]], *, seconds: float
) -> tuple[list[Row], dict[tuple[str, int], str]]:
    """Everything in the partitions up to the end that they have now, and why where that was not possible in so many seconds."""
    wanted = [TopicPartition(*where) for where in places]
    deadline = time.monotonic() + seconds
    rows: list[Row] = []
    consumer = connect(
        KafkaConsumer,
        connection,
        **PATIENCE,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=5000,
    )
    try:
        begin, end = _bounds(consumer, wanted, deadline)
        consumer.assign(wanted)
        for where in wanted:
            consumer.seek(where, begin[where])
        position = dict(begin)
        left = {where for where in wanted if begin[where] < end[where]}
        while left and time.monotonic() < deadline:
            for where, records in consumer.poll(timeout_ms=500).items():
                for record in records:
                    if record.offset < end[where]:
                        rows.append(decode(run, where.topic, where.partition, record.offset, record.key, record.value))
                # Past the last record there may be a control batch or a gap: position knows, the last record does not.
                position[where] = max(records[-1].offset + 1, consumer.position(where, timeout_ms=1000) or 0)
            for where in [where for where in left if position[where] >= end[where]]:
                left.discard(where)
                consumer.pause(where)
        unread = {
            (where.topic, where.partition): "read to offset %d of %d in %.0f s" % (position[where], end[where], seconds)
            for where in left
        }
    except KafkaError as error:
        unread = {where: "%s: %s" % (type(error).__name__, error) for where in places}
    finally:
        consumer.close(timeout_ms=5000)
    return rows, unread


def _bounds(
    consumer: Any, wanted: Sequence[TopicPartition], deadline: float
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Begin and end of each partition; leaders that are away are asked again until the deadline, then the error goes up."""
    while True:
        try:
            return consumer.beginning_offsets(wanted, timeout_ms=15_000), consumer.end_offsets(
                wanted, timeout_ms=15_000
            )
        except KafkaError:
            if time.monotonic() > deadline:
                raise
