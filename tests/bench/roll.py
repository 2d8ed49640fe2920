"""A roll of nine brokers in three racks with 1,000 partitions under load, ours and one broker after another; one JSON object as the last line.

    python tests/bench/roll.py [--partitions 1000] [--rate 100] [--processors 0.2]

Each broker has a share of a processor that is its own, as on an instance of its own: nine on two cores would otherwise lend each other what they do
not use, so that one that starts alone is faster than one that starts beside others. Nine shares of 0.2 are what two cores can keep. Both rolls stop,
promote and start with the same tasks, and seconds are those of the whole ansible-playbook. The serial one asks Kafka's own tool for under-replicated
partitions every five seconds, as is usual.
overhead_share is the part of ours in which no broker was stopping, starting or catching up: systemd of each host says when it stopped and started, and
the ledger's sampler when it was in sync everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterable

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "cases")]

from bench.converge import environment, play
from kafka import KafkaAdminClient
from ledger.records import entries

TOPICS = 20
# Of the ledger's own two topics.
LEDGER = 24
SHARE = """
set -e
cat >/usr/local/sbin/broker-share <<'END'
#!/bin/sh
# systemd has let go of the cpu controller of version 1; on version 2, CPUQuota does the same.
[ -e /sys/fs/cgroup/cpu/cgroup.procs ] || exit 0
own=/sys/fs/cgroup/cpu$(sed -n 's/^[0-9]*:cpu\\(,cpuacct\\)*://p' /proc/1/cgroup)/broker
mkdir -p "$own" && echo %(quota)d >"$own/cpu.cfs_quota_us" && echo "$MAINPID" >"$own/cgroup.procs"
END
chmod +x /usr/local/sbin/broker-share
mkdir -p /etc/systemd/system/kafka.service.d
printf '[Service]\\nCPUQuota=%(percent)d%%%%\\nExecStartPost=+/usr/local/sbin/broker-share\\n' >/etc/systemd/system/kafka.service.d/60-share.conf
systemctl daemon-reload
MAINPID=$(systemctl show --property=MainPID --value kafka) /usr/local/sbin/broker-share
"""
WHEN = "systemctl show --timestamp=us+utc --property=ActiveExitTimestamp,InactiveEnterTimestamp,InactiveExitTimestamp kafka"


def fill(cluster: Any, partitions: int) -> None:
    """Topics, so that with the ledger's there are so many partitions."""
    counts = [(partitions - LEDGER) // TOPICS + (number < (partitions - LEDGER) % TOPICS) for number in range(TOPICS)]
    admin = KafkaAdminClient(**cluster.client_options)
    try:
        wanted = {"num_partitions": 0, "replication_factor": 3, "configs": {"min.insync.replicas": "2"}}
        admin.create_topics(
            {"bench-%d" % number: {**wanted, "num_partitions": count} for number, count in enumerate(counts)},
            wait_for_metadata=True,
        )
    finally:
        admin.close()


def measure(cluster: Any, title: str, playbook: str, events: Path, rate: int, **extra: Any) -> dict[str, Any]:
    """One roll under load: seconds, those in which a broker was at work, and the ledger's verdict."""
    with cluster.ledger(title, rate=rate) as report:
        begun = time.monotonic()
        run = cluster.start(playbook, **extra).ended()
        taken = time.monotonic() - begun
        if run.process.returncode:
            sys.exit("%s\nThe %s roll ended with %d." % (run.text[-6000:], title, run.process.returncode))
        cluster.happened.write_text(events.read_text())
    busy = sum(end - begin for begin, end in merged(work(cluster, cluster.scratch / ("ledger-" + title) / "isr.jsonl")))
    print(
        "%s: %.1f s, of which brokers were at work %.1f s; %s"
        % (title, taken, busy, report["problems"] or "no problem"),
        file=sys.stderr,
    )
    return {
        "seconds": taken,
        "busy": busy,
        "lost": report["lost"],
        "violations": report["isr"]["min_isr_violations"],
        "gap": report["gaps"]["worst_ms"],
    }


def work(cluster: Any, isr: Path) -> Iterable[tuple[float, float]]:
    """When each broker was stopping, and when starting or catching up."""
    in_sync: dict[int, float] = {}
    seen: dict[tuple[str, int], set[int]] = {}
    for kind, when, topic, partition, *more in entries(isr):
        if kind == "isr":
            now = set(more[3])
            for broker in now - seen.get((topic, partition), now):
                in_sync[broker] = when
            seen[topic, partition] = now
    for name, said in cluster.each(cluster.brokers, WHEN).items():
        times = {line.split("=")[0]: moment(line.split("=")[1]) for line in said.splitlines()}
        begin = times["InactiveExitTimestamp"]
        yield times["ActiveExitTimestamp"], times["InactiveEnterTimestamp"]
        yield begin, max(begin, in_sync[cluster.ids[name]])


def moment(text: str) -> float:
    """Epoch seconds of systemd's time, such as Wed 2026-11-25 14:00:00.123456 UTC."""
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=timezone.utc).timestamp()


def merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same time, each moment once."""
    out: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


def main() -> None:
    """A cluster, the serial roll, ours, the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partitions", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=100, help="records a second")
    parser.add_argument(
        "--processors", type=float, default=0.2, help="how much of a processor each broker has; 0: whatever there is"
    )
    parser.add_argument(
        "--here", action="store_true", help="on the cluster that runs in this environment, instead of a new one"
    )
    options = parser.parse_args()
    if not options.here:
        os.environ.update(environment("roll"))
        play("provision", dict(os.environ))
        play("site", dict(os.environ))
    from cluster import Cluster

    cluster = Cluster(Path(tempfile.mkdtemp(prefix="bench-roll-")))
    fill(cluster, options.partitions)
    if options.processors:
        cluster.each(
            cluster.brokers, SHARE % {"quota": options.processors * 100000, "percent": options.processors * 100}
        )
    serial_events = cluster.scratch / "serial.jsonl"
    port, file = cluster.operator_tools(*cluster.brokers)
    serial = measure(
        cluster,
        "serial",
        "../tests/bench/serial",
        serial_events,
        options.rate,
        serial_events=str(serial_events),
        serial_port=port,
        serial_login=["--command-config", file] if file else [],
    )
    ours = measure(
        cluster,
        "ours",
        "rolling_restart",
        cluster.events,
        options.rate,
        roll_all=True,
        roll_only=list(cluster.brokers),
        roll_canary=False,
    )
    result = {
        "ours_seconds": round(ours["seconds"], 1),
        "serial_seconds": round(serial["seconds"], 1),
        "ratio": round(serial["seconds"] / ours["seconds"], 2),
        "lost": ours["lost"] + serial["lost"],
        "min_isr_violations": ours["violations"] + serial["violations"],
        "worst_gap_ms": {"ours": ours["gap"], "serial": serial["gap"]},
        "overhead_share": round(1 - ours["busy"] / ours["seconds"], 3),
    }
    print(json.dumps(result, separators=(",", ":")))
    if not options.here:
        subprocess.run([sys.executable, "-m", "lab", "down"], cwd=ROOT, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
