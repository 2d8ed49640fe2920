# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether a cluster is complete, and what to say while it is not; decided without asking it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from .._host import out_of_service
from .._kafka.connection import CONNECTION_SPEC, address
from .._kafka.snapshot import TROUBLES
from .._kafka.topic import Topic, Wanted

SPEC: dict[str, dict[str, Any]] = {
    **CONNECTION_SPEC,
    "brokers": {"type": "list", "elements": "dict", "required": True},
    "topic": {"type": "str", "default": "rackaware-proof"},
    "replication_factor": {"type": "int", "default": 3},
    "min_racks": {"type": "int", "default": 1},
    "stall_seconds": {"type": "float", "default": 180},
    "timeout_seconds": {"type": "float", "default": 1800},
    "visit_seconds": {"type": "float", "default": 5},
}
# The producer's own compression is kept, so that what is read back is what was written. An hour is enough to read it.
TOPIC_CONFIG: dict[str, str | None] = {"compression.type": "producer", "retention.ms": "3600000"}
NAMED = 5
# systemd's words for a service that does not run, and that nothing is about to start.
STOPPED = ("inactive", "failed", "deactivating", "absent")
# A broker listens only when it has read its logs and caught up with the metadata.
YOUNG_SECONDS = 120
LISTENERS = re.compile(r"^\s*listeners\s*=\s*(.+)$", re.MULTILINE)
PORT = re.compile(r":(\d+)\s*$")


class VerifyError(RackawareError):
    """The cluster is not as it should be."""


def stopped(brokers: Sequence[Mapping[str, Any]]) -> str | None:
    """The sentence about brokers whose service does not run, None when all do.

    brokers: [{id, name, unit_state, out_of_service}].
    """
    excluded = [
        out_of_service.sentence(broker["name"], broker["out_of_service"])
        for broker in brokers
        if broker.get("out_of_service")
    ]
    if excluded:
        return "The cluster is not complete: %s See docs/runbooks/broker_down.md." % " ".join(excluded)
    down = [broker for broker in brokers if broker.get("unit_state") in STOPPED]
    if not down:
        return None
    named = listed(["broker %s (%s: %s)" % (broker["id"], broker["name"], broker["unit_state"]) for broker in down])
    return (
        "%s %s not run, so that the cluster cannot be complete; see journalctl -u kafka there, and run"
        " rackaware.kafka.rolling_restart, which starts %s. See docs/runbooks/broker_down.md."
        % (
            named[:1].upper() + named[1:],
            "does" if len(down) == 1 else "do",
            "it" if len(down) == 1 else "them",
        )
    )


def listed(items: Sequence[str], most: int = NAMED) -> str:
    """The first few, and how many more."""
    return ", ".join(items[:most]) + (" and %d more" % (len(items) - most) if items[most:] else "")


def silence(servers: Sequence[str], age: float | None, config: str | None) -> tuple[bool, str]:
    """Nothing listens at any of the servers: whether it may yet, and the sentence.

    age: for how many seconds this host's broker runs, None when it does not. config: its broker.properties, None
    without one.
    """
    asked = {address(server)[1] for server in servers}
    own = ports(config or "")
    sentence = "Nothing listens at %s" % listed(list(servers), 3)
    if own and not asked & own:
        more = (
            ": the listeners of the broker on this host are at port %s. Set kafka_listeners to what the brokers have,"
            " in the variables of all hosts."
        )
        return False, sentence + more % ", ".join(map(str, sorted(own)))
    if age is None:
        return (
            False,
            sentence + ", and no broker runs on this host; check the inventory's addresses, and that the brokers run."
            " See docs/runbooks/broker_down.md.",
        )
    more = (
        ", although the broker on this host has run for %d s; check ansible_host and kafka_listeners of the inventory,"
        " and the broker's log there."
    )
    return age < YOUNG_SECONDS, sentence + more % age


def wanted(topic: str, before: Topic | None, brokers: int, factor: int) -> Wanted:
    """The topic to write to: a partition for each broker, and never fewer than it has.

    Only new partitions get the replication factor.
    """
    count = 0 if before is None else len(before.replicas)
    return Wanted(topic, max(count, brokers), factor if count < brokers else None, dict(TOPIC_CONFIG))


def ports(config: str) -> set[int]:
    """The ports of the listeners in a broker.properties."""
    declared = LISTENERS.findall(config)
    return {int(port.group(1)) for port in map(PORT.search, declared[-1].split(",")) if port} if declared else set()


def missing(snapshot: Mapping[str, Any], ids: Sequence[int]) -> list[int]:
    """Those of the brokers that are not registered, or fenced."""
    there = {broker["id"] for broker in snapshot["brokers"] if not broker["fenced"]}
    return sorted(set(ids) - there)


def behind(summary: Mapping[str, Any]) -> str | None:
    """The partitions that are not as they should be, as half a sentence; None when all are."""
    words = {"offline": "without a leader", "under_min_isr": "below min.insync.replicas", "under_replicated": "behind"}
    out = []
    for kind in TROUBLES:
        count, examples = summary["counts"][kind], summary["examples"][kind]
        if count:
            named = " (%s%s)" % (", ".join(examples), ", …" if count > len(examples) else "") if examples else ""
            out.append("%d partition%s %s%s" % (count, "" if count == 1 else "s", words[kind], named))
    return ", ".join(out) or None


@dataclass
class Watch:
    """What was seen while a cluster became complete; all times are seconds of one clock that never goes back.

    A broker that is there, or a partition less that is behind, than ever before restarts the time without progress.
    """

    names: Mapping[int, str]
    stall_seconds: float
    timeout_seconds: float
    begun: float
    since: float = field(init=False)
    now: float = field(init=False)
    best: tuple[int, int] | None = field(init=False, default=None)
    seen: Mapping[str, Any] | None = field(init=False, default=None)
    why: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.since = self.now = self.begun

    def answered(self, now: float, answer: Mapping[str, Any]) -> None:
        """The answer of one visit to the host: {missing, cluster: a summary}, or {reason} when it could not ask."""
        self.now, self.why = now, answer.get("reason")
        if self.why is not None:
            return
        self.seen = answer
        rank = (len(answer["missing"]), answer["cluster"]["counts"]["under_replicated"])
        if self.best is None or rank < self.best:
            self.best, self.since = rank, now

    @property
    def over(self) -> bool:
        """Whether it took too long."""
        return self.now - self.since >= self.stall_seconds or self.now - self.begun >= self.timeout_seconds

    def state(self) -> str:
        """What was seen last."""
        if self.why is not None:
            return self.why.rstrip(".")
        seen: Mapping[str, Any] = self.seen or {}
        named = ["broker %s (%s)" % (id_, self.names.get(id_, "?")) for id_ in seen.get("missing") or ()]
        parts = ["%s %s not registered" % (listed(named), "is" if len(named) == 1 else "are")] if named else []
        parts += [text for text in [behind(seen["cluster"]) if seen else None] if text]
        return "; ".join(parts) or "nothing"

    def line(self) -> str:
        """For the screen."""
        return "waiting for the cluster, %d s: %s" % (self.now - self.begun, self.state())

    def sentence(self) -> str:
        """Why it ended."""
        return (
            "The cluster is not complete after %d s, the last %d of them without progress: %s. Look at %s, and run the"
            " same command again. See docs/runbooks/under_replicated.md."
            % (
                self.now - self.begun,
                self.now - self.since,
                self.state(),
                "the log of each of these brokers (journalctl -u kafka)"
                if (self.seen or {}).get("missing")
                else "the logs of the brokers (journalctl -u kafka)",
            )
        )
