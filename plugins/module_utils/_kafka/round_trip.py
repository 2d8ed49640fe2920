# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A record written to every partition of a topic and read back, once as it is and once compressed."""

from __future__ import annotations

import time
import uuid
from typing import Any, Callable

from . import check_records, zstd
from .client import reason, require_library
from .connection import Connection, KafkaError


def run(where: Connection, topic: str, placed: list[dict[str, Any]]) -> tuple[str, dict[int, int]]:
    """The marker in each record, and the offset of each partition's record; raises KafkaError or CheckError.

    placed is what check_records.places returned.
    """
    marker = str(uuid.uuid4())
    offsets: dict[int, int] = {}
    for compression in (None, check_records.COMPRESSION):
        values = check_records.values(placed, marker, padded=compression is not None)
        try:
            wrote = produce(where, topic, values, key=marker.encode(), compression=compression)
        except KafkaError as error:
            if compression is None:
                raise
            raise KafkaError("%s %s" % (error, check_records.NOT_COMPRESSED), error.code) from None
        check_records.compare(topic, placed, wrote, values, marker, consume(where, topic, wrote))
        offsets = offsets or wrote
    return marker, offsets


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
    require_library()
    _lend_zstd()
    from kafka import KafkaProducer
    from kafka.errors import KafkaError as Failed

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
    except (Failed, OSError, AssertionError) as error:
        place = topic if partition is None else "%s-%d" % (topic, partition)
        raise KafkaError(
            "A record for %s was not acknowledged by all in-sync replicas within %d s: %s; look at that partition's"
            " leader and in-sync replicas." % (place, timeout, reason(error))
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
    require_library()
    _lend_zstd()
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError as Failed

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
    except (Failed, OSError, zstd.ZstdError) as error:
        raise KafkaError(
            "Records of topic %s could not be read back: %s; check that every leader answers." % (topic, reason(error))
        ) from None
    finally:
        if consumer is not None:
            consumer.close()
