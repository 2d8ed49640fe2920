# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the brokers for their view of the partitions, one after another each fifth of a second, and writes down what changes."""

from __future__ import annotations

import threading
import time
from typing import Any, Mapping, Sequence

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.protocol.metadata import MetadataRequest

from .client import PATIENCE, connect
from .isr import Change, State, Watch
from .records import Journal

INTERVAL = 0.2
# Brokers asked when the last one did not answer. One is enough otherwise: with many partitions an answer costs as much as what is measured.
ASKED = 3
INTERNAL_DEFAULT = 1


class Sampler:
    """Follows the in-sync replicas of some topics (None: of all) on threads of its own."""

    def __init__(self, connection: Mapping[str, Any], journal: Journal, topics: Sequence[str] | None) -> None:
        self._journal, self._topics = journal, topics
        self._watch = Watch()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._busy: set[int] = set()
        self._min_isr: dict[str, int] = {}
        self._last_counts: tuple[int, ...] | None = None
        self._last_answer: float | None = None
        self._admin = connect(
            KafkaAdminClient,
            connection,
            **{**PATIENCE, "request_timeout_ms": 2000, "metadata_max_age_ms": 1000},
            client_id="ledger-sampler",
        )
        self._thread = threading.Thread(target=self._run, name="ledger-sampler", daemon=True)
        self._learn_minima()
        self._thread.start()

    def close(self) -> dict[str, Any]:
        """Stop and say how well it saw: answers, answers not believed, and the longest time without one in milliseconds."""
        self._stop.set()
        self._thread.join()
        self._admin.close()
        with self._lock:
            self._blind(time.time())
            return {
                "answers": self._answers,
                "distrusted": self._watch.distrusted,
                "longest_blind_ms": round(self._longest * 1000),
            }

    _answers = 0
    _longest = 0.0

    def _run(self) -> None:
        turn, answers = 0, -1
        while not self._stop.wait(INTERVAL):
            brokers = sorted(broker.node_id for broker in self._admin._manager.cluster.brokers())
            free = [broker for broker in brokers if broker not in self._busy]
            asked = ASKED if self._answers == answers else 1
            answers = self._answers
            for broker in [free[(turn + step) % len(free)] for step in range(min(asked, len(free)))]:
                self._ask(broker)
            turn += asked
            if self._unknown():
                self._learn_minima()

    def _ask(self, broker: int) -> None:
        named = (
            None if self._topics is None else [MetadataRequest.MetadataRequestTopic(name=name) for name in self._topics]
        )
        request = MetadataRequest(topics=named, allow_auto_topic_creation=False)
        manager = self._admin._manager
        with self._lock:
            self._busy.add(broker)
        future = manager.call_soon(lambda: manager.send(request, node_id=broker))
        future.add_callback(lambda response: self._take(broker, response))
        # A broker that does not answer is what rolls are made of; that none answers is seen as the longest blind time.
        future.add_errback(lambda _: self._free(broker))

    def _free(self, broker: int) -> None:
        with self._lock:
            self._busy.discard(broker)

    def _take(self, broker: int, response: Any) -> None:
        now = time.time()
        told = {
            (topic.name, partition.partition_index): State(
                partition.leader_id,
                partition.leader_epoch,
                tuple(sorted(partition.replica_nodes)),
                tuple(sorted(partition.isr_nodes)),
            )
            for topic in response.topics
            for partition in topic.partitions
            if partition.replica_nodes
        }
        alive = [node.node_id for node in response.brokers]
        with self._lock:
            self._busy.discard(broker)
            self._blind(now)
            self._answers += 1
            for topic, partition in self._watch.answer(now, broker, alive, told):
                state = self._watch.state((topic, partition))
                if not state.replicas:
                    self._min_isr.pop(topic, None)
                minimum = min(self._min_isr.get(topic, INTERNAL_DEFAULT), len(state.replicas))
                self._journal.add(
                    "isr", Change(now, topic, partition, state.leader, state.epoch, state.replicas, state.isr, minimum)
                )
            counts = self._watch.counts(self._min_isr)
            if counts != self._last_counts:
                self._last_counts = counts
                self._journal.add("curve", (now, *counts))

    def _blind(self, now: float) -> None:
        if self._last_answer is not None:
            self._longest = max(self._longest, now - self._last_answer)
        self._last_answer = now

    def _unknown(self) -> list[str]:
        with self._lock:
            return sorted({topic for topic, _ in self._watch.partitions} - set(self._min_isr))

    def _learn_minima(self) -> None:
        """min.insync.replicas of topics not seen before; asked again with the next answer if no broker could say it."""
        names = self._unknown() or list(self._topics or [])
        if not names:
            return
        try:
            told = self._admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name) for name in names], config_filter="all"
            )
        except KafkaError:
            return
        minima = {
            name: int(config["min.insync.replicas"]["value"])
            for name, config in told.get("topic", {}).items()
            if "min.insync.replicas" in config
        }
        with self._lock:
            self._min_isr.update(minima)
            for (topic, partition), state in self._watch.partitions.items():
                if topic in minima:
                    # Written again, now with its minimum.
                    entry = Change(
                        time.time(),
                        topic,
                        partition,
                        state.leader,
                        state.epoch,
                        state.replicas,
                        state.isr,
                        min(minima[topic], len(state.replicas)),
                    )
                    self._journal.add("isr", entry)
