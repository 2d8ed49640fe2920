"""The ledger's producer against a broker that does not answer.

It waits for it, and leaves the processor to the brokers.
"""

from __future__ import annotations

import signal
import time

import pytest
from kafka_cluster import Cluster
from ledger.client import Load, Producer, prepare
from ledger.records import Journal, entries

SECONDS = 3
RATE = 60


@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
def test_producer_rests_while_a_broker_does_not_answer(cluster, tmp_path, idempotent):
    connection = {"bootstrap_servers": cluster.bootstrap}
    journal = Journal(tmp_path / "acks.jsonl")
    producer = Producer("one", Load("run", ("ledger-0",), 6, RATE, 60), 1.0, connection, journal, idempotent=idempotent)
    rounds = count_rounds(producer)
    producer.start()
    wait(lambda: len(producer.heard) == 6)
    cluster.signal("broker-2", signal.SIGSTOP)
    try:
        begun = len(rounds)
        time.sleep(SECONDS)
        turned = (len(rounds) - begun) / SECONDS
    finally:
        cluster.signal("broker-2", signal.SIGCONT)
    producer.stop()
    producer.finish(30)
    journal.close()
    assert turned < 10 * RATE
    assert (
        producer.sent
        == producer.acked
        == sum(kind == "ack" for kind, *_ in entries(tmp_path / "acks.jsonl"))
        > RATE * SECONDS
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster("kraft", tmp_path_factory.mktemp("ledger")) as made:
        made.start_all()
        prepare({"bootstrap_servers": made.bootstrap}, ["ledger-0"], partitions=6, replication=3, min_isr=2)
        yield made


def count_rounds(producer):
    """Each time that the client's sender looks for something to send."""
    rounds = []
    sender = producer._producer._sender
    once = sender.run_once

    def counted():
        rounds.append(None)
        once()

    sender.run_once = counted
    return rounds


def wait(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
