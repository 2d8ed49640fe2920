# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From what a machine is and what a cluster asks of it to the settings of a service, each with its reason.

The rules are those of AWS's "Best Practices for Running Apache Kafka on AWS": G1, a heap below 4 GB, the rest of the
memory as page cache, num.io.threads above the number of disks, num.network.threads from producers, consumers and
replication factor, more num.replica.fetchers for acks=all, and socket and kernel buffers that fill the pipe between
Availability Zones.
"""

from __future__ import annotations

import math
import re
from typing import Any, Mapping

from .. import _secret_mask
from .._errors import RackawareError

BROKER, COMBINED, CONTROLLER, ZOOKEEPER = "broker", "combined", "controller", "zookeeper"
ROLES = (BROKER, COMBINED, CONTROLLER, ZOOKEEPER)
HEAP_LIMIT_MB = 4096
# Below the limit by what G1 and the JVM need beside the heap.
HEAP_CEILING_MB = {BROKER: 3840, COMBINED: 3840, CONTROLLER: 2048, ZOOKEEPER: 2048}
HEAP_SHARE = {BROKER: 0.25, COMBINED: 0.25, CONTROLLER: 0.5, ZOOKEEPER: 0.5}
# docs.aws.amazon.com/AWSEC2, "Amazon EC2 instance network bandwidth": one flow gets 5 Gbit/s outside a placement group.
FLOW_GBPS = 5.0
# Old types say "Moderate" or "High", and a machine elsewhere says nothing.
UNSTATED_GBPS = 10.0
CLIENTS_PER_NETWORK_THREAD = 32
# The default of Linux.
KERNEL_BUFFER = 212992
LINUX_RMEM, LINUX_WMEM = ("4096 131072", 6291456), ("4096 16384", 4194304)
# kafka.apache.org/documentation, "Java version": the flags LinkedIn runs its busiest clusters with.
G1 = (
    *(
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:InitiatingHeapOccupancyPercent=35",
        "-XX:+ExplicitGCInvokesConcurrent",
    ),
    *("-XX:MetaspaceSize=96m", "-XX:MinMetaspaceFreeRatio=50", "-XX:MaxMetaspaceFreeRatio=80"),
)
LARGE_REGIONS = "-XX:G1HeapRegionSize=16M"
LARGE_HEAP_MB = 2048
THREADS = ("num.io.threads", "num.network.threads", "num.replica.fetchers", "num.recovery.threads.per.data.dir")
SOCKETS = ("socket.send.buffer.bytes", "socket.receive.buffer.bytes", "replica.socket.receive.buffer.bytes")


class SizingError(RackawareError):
    """The machine or an override does not fit."""


def size(
    instance: Mapping[str, Any], topology: Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Size one service of one node: {name: {value, reason, overridden}}.

    The names are Kafka's and the kernel's own; heap_mb and jvm_flags are ours.

    instance: as instance_type_info returns it, vcpus and memory_mb at least. topology: role (broker by default), and
    for brokers data_disks, replication_factor, producers, consumers, cross_az_rtt_ms. overrides: name to value; names
    that are not sized are left alone. Raises SizingError for what cannot work.
    """
    role = topology.get("role", BROKER)
    if role not in ROLES:
        raise SizingError("There is no role %s to size; known are %s." % (role, ", ".join(ROLES)))
    vcpus = int(_positive(instance, "vcpus", "the instance"))
    memory = int(_positive(instance, "memory_mb", "the instance"))
    network = bandwidth(instance)
    sized = _heap(role, memory)
    if role in (BROKER, COMBINED):
        disks = int(_positive(topology, "data_disks", "the topology"))
        sized.update(_threads(vcpus, disks, topology))
        sized.update(_buffers(network, _positive(topology, "cross_az_rtt_ms", "the topology")))
        floors: dict[str, int] = {"num.io.threads": disks + 1}
    else:
        floors = {}
    out = {name: {"value": value, "reason": reason, "overridden": False} for name, (value, reason) in sized.items()}
    for name, own in (overrides or {}).items():
        if name in out and own is not None:
            value = _override(name, own, memory, floors)
            out[name] = {
                "value": value,
                "reason": "set by you; derived would be %s" % show(out[name]["value"]),
                "overridden": True,
            }
    if (
        not out["jvm_flags"]["overridden"]
        and out["heap_mb"]["value"] >= LARGE_HEAP_MB
        and LARGE_REGIONS not in out["jvm_flags"]["value"]
    ):
        out["jvm_flags"]["value"] = [*out["jvm_flags"]["value"], LARGE_REGIONS]
    return out


def bandwidth(instance: Mapping[str, Any]) -> float:
    """Gbit/s that the machine can reach: the more of the baseline and of the burst ("Up to 12.5 Gigabit").

    It is 10 where EC2 states neither.
    """
    burst = re.search(r"([0-9.]+) Gigabit", str(instance.get("network_performance") or ""))
    stated = float(burst.group(1)) if burst else 0.0
    if instance.get("network_gbps") is None:
        return stated or UNSTATED_GBPS
    return max(stated, _positive(instance, "network_gbps", "the instance"))


def show(value: Any) -> str:
    """A value as a person reads it in a table; a secret among the flags is left out."""
    return (
        " ".join(_secret_mask.masked(str(part)) for part in value) if isinstance(value, (list, tuple)) else str(value)
    )


def shown(sized: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sized settings without a secret among the flags, for what is kept and shown."""
    flags = [_secret_mask.masked(flag) for flag in sized["jvm_flags"]["value"]]
    return {**{name: dict(item) for name, item in sized.items()}, "jvm_flags": {**sized["jvm_flags"], "value": flags}}


def table(sized: Mapping[str, Mapping[str, Any]], title: str) -> list[str]:
    """Lines of a table of settings, their values and reasons."""
    width = max((len(name) for name in sized), default=0)
    # Flags are longer than a column; they go below their name.
    column = max((len(show(item["value"])) for item in sized.values() if len(show(item["value"])) <= 24), default=0)
    lines = [title]
    for name, item in sized.items():
        text = show(item["value"])
        mark = "*" if item["overridden"] else " "
        if len(text) <= 24:
            lines.append("%s %-*s  %*s  %s" % (mark, width, name, column, text, item["reason"]))
        else:
            lines.append("%s %-*s  %*s  %s:" % (mark, width, name, column, "", item["reason"]))
            lines += ["  %*s  %*s  %s" % (width, "", column, "", part) for part in text.split()]
    if any(item["overridden"] for item in sized.values()):
        lines.append("* set by you")
    return lines


def _positive(source: Mapping[str, Any], key: str, what: str) -> float:
    value = source.get(key)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not math.isfinite(number) or number <= 0:
        raise SizingError(
            "The sizing needs %s of %s as a number above zero, but got %r; correct it." % (key, what, value)
        )
    return number


def _count(source: Mapping[str, Any], key: str) -> int:
    value = source.get(key, 0)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or number < 0:
        raise SizingError(
            "The sizing needs %s of the topology as a whole number, zero or more, but got %r; correct it."
            % (key, value)
        )
    return number


def _heap(role: str, memory: int) -> dict[str, tuple[Any, str]]:
    share, ceiling = HEAP_SHARE[role], HEAP_CEILING_MB[role]
    heap = max(128, min(int(memory * share), ceiling) // 64 * 64)
    if role in (BROKER, COMBINED):
        why = "the rest of %d MB is page cache, from which Kafka reads; never 4 GB or more" % memory
    else:
        why = "all metadata is held in the heap, and a small one has short pauses"
    limit = "a quarter" if share == 0.25 else "half"
    bound = "%s of the memory" % limit if heap < ceiling else "the ceiling for this role"
    return {
        "heap_mb": (heap, "%s: %s" % (bound, why)),
        "jvm_flags": (list(G1), "G1 with short pauses, as Kafka's documentation advises"),
    }


def _threads(vcpus: int, disks: int, topology: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    factor = int(_positive(topology, "replication_factor", "the topology"))
    producers, consumers = _count(topology, "producers"), _count(topology, "consumers")
    io = max(8, 2 * disks, vcpus)
    ceiling = max(3, 2 * vcpus)
    asked = factor + math.ceil((producers + consumers) / CLIENTS_PER_NETWORK_THREAD)
    network = max(3, min(asked, ceiling))
    fetchers = 1 if factor == 1 else min(8, max(2, vcpus // 4))
    recovery = max(1, min(8, vcpus // disks))
    return {
        "num.io.threads": (
            io,
            "more than the %d data disk%s, so that no disk waits: the most of 8, two a disk, and %d vCPUs"
            % (disks, _s(disks), vcpus),
        ),
        "num.network.threads": (
            network,
            "%d for the replication factor and one for each %d of %d producers and %d consumers, from 3 to two a vCPU"
            % (factor, CLIENTS_PER_NETWORK_THREAD, producers, consumers),
        ),
        "num.replica.fetchers": (
            fetchers,
            "nothing to fetch with one replica"
            if factor == 1
            else "followers in other zones fetch in parallel, so that acks=all waits less: one for 4 vCPUs, 2 to 8",
        ),
        "num.recovery.threads.per.data.dir": (
            recovery,
            "%d vCPUs over %d data disk%s, when a broker reads its logs after a crash" % (vcpus, disks, _s(disks)),
        ),
    }


def _buffers(network_gbps: float, rtt_ms: float) -> dict[str, tuple[Any, str]]:
    flow = min(network_gbps, FLOW_GBPS)
    product = flow * 1e9 / 8 * rtt_ms / 1000
    buffer = max(102400, 2 ** math.ceil(math.log2(product)))
    kernel = max(KERNEL_BUFFER, 2 * buffer)
    why = "%g Gbit/s of one flow × %g ms between zones = %d KiB in flight" % (flow, rtt_ms, product // 1024)
    room = "room for the socket buffer, which the kernel doubles for its own bookkeeping"
    grow = "sockets that size themselves may grow as far, and never less than Linux lets them"
    return {
        **{name: (buffer, why) for name in SOCKETS},
        "net.core.rmem_max": (kernel, room),
        "net.core.wmem_max": (kernel, room),
        "net.ipv4.tcp_rmem": (_tcp(LINUX_RMEM, kernel), grow),
        "net.ipv4.tcp_wmem": (_tcp(LINUX_WMEM, kernel), grow),
    }


def _tcp(linux: tuple[str, int], kernel: int) -> str:
    return "%s %d" % (linux[0], max(linux[1], kernel))


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _override(name: str, own: Any, memory: int, floors: Mapping[str, int]) -> Any:
    if name == "jvm_flags":
        if not isinstance(own, (list, tuple)) or not all(isinstance(flag, str) for flag in own):
            # Not quoted: a flag may set a password.
            raise SizingError("jvm_flags must be a list of flags, each a text; correct it.")
        return [str(flag) for flag in own]
    if name.startswith("net.ipv4.tcp_"):
        return str(own)
    try:
        value = int(str(own))
    except ValueError:
        value = None
    if value is None or isinstance(own, bool):
        raise SizingError("%s is %r, but must be a whole number; correct it or leave it to the sizing." % (name, own))
    if name == "heap_mb":
        return _heap_override(value, memory)
    floor = floors.get(name, 1)
    if name in SOCKETS:
        # -1 leaves the buffer to the kernel.
        if value != -1 and value < 4096:
            raise SizingError(
                "%s is %d, but must be -1 (the kernel's choice) or 4096 and more; correct it or leave it to the sizing."
                % (name, value)
            )
    elif value < floor:
        why = "more than the %d data disks" % (floor - 1) if name in floors else "%d or more" % floor
        raise SizingError("%s is %d, but must be %s; raise it or leave it to the sizing." % (name, value, why))
    return value


def check_heap(own: Any) -> None:
    """Raise SizingError for a heap that no machine should have; None is no wish."""
    if own is not None:
        _override("heap_mb", own, 2 * HEAP_LIMIT_MB, {})


def _heap_override(value: int, memory: int) -> int:
    if value >= HEAP_LIMIT_MB:
        raise SizingError(
            "The heap is set to %d MB, but must stay below %d MB, because what the heap takes the page cache loses;"
            " lower it or leave it to the sizing." % (value, HEAP_LIMIT_MB)
        )
    if value < 64:
        raise SizingError(
            "The heap is set to %d MB, but nothing runs below 64 MB; raise it or leave it to the sizing." % value
        )
    if value > memory // 2:
        raise SizingError(
            "The heap is set to %d MB, but must not take more than half of the %d MB of memory, because the rest is"
            " page cache; lower it." % (value, memory)
        )
    return value


def tables(sized: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> list[str]:
    """Lines of one table for each kind of host; hosts with the same machine and the same settings share it."""
    kinds: dict[str, list[str]] = {}
    for host, settings in sorted(sized.items()):
        kinds.setdefault(repr((titles.get(host), settings)), []).append(host)
    lines: list[str] = []
    for hosts in kinds.values():
        machine = titles.get(hosts[0])
        lines += table(sized[hosts[0]], ", ".join(hosts) + (" (%s)" % machine if machine else "")) + [""]
    return lines[:-1]
