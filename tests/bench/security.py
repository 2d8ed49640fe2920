"""What TLS costs: producing and consuming through a plaintext and a TLS listener of one broker, in turn, in one run.

    python tests/bench/security.py [--pairs 3] [--records 200000] [--rate 5000]

Throughput is unbounded, the 99th percentile is at a fixed rate; the first pair only warms up. Beside the seconds, which
depend on what else the machine does, are the broker's processor seconds for each GB. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".collections"), str(ROOT / "tests"), str(ROOT / "tests/system")]

import kafka_cluster
from kafka_cluster import free_ports, write_properties
from tls_broker import TlsBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import topic, topic_admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection

# So that the disk of this machine does not count.
MEMORY = "/dev/shm"
RECORD_BYTES = 1000
TOPIC = "bench"
KINDS = ("plaintext", "tls")
# "200000 records sent, 61236.9 records/sec (58.40 MB/sec), 480.98 ms avg latency, …, 903 ms 99th, 945 ms 99.9th."
SENT = re.compile(r"records sent, ([\d.]+) records/sec .* ([\d.]+) ms 99th,")


class BothBroker(TlsBroker):
    """With a plaintext listener beside those of a secured broker."""

    def properties(self, node: int) -> Path:
        path = super().properties(node)
        lines = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        self.at["PLAIN"] = "127.0.0.1:%d" % free_ports(1)[0]
        for name in ("listeners", "advertised.listeners"):
            lines[name] += ",PLAIN://" + self.at["PLAIN"]
        lines["listener.security.protocol.map"] += ",PLAIN:PLAINTEXT"
        lines["super.users"] += ";User:ANONYMOUS"
        write_properties(path, lines)
        return path


def processor_seconds(pid: int) -> float:
    """What a process has used; unlike seconds, other work on the machine does not change it."""
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start a broker, write and read in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("pairs", 3), ("records", 200000), ("rate", 5000)):
        parser.add_argument("--" + name, type=int, default=number)
    options = parser.parse_args()
    # Only the optimising compiler uses the processor's instructions for AES.
    kafka_cluster.JVM = ("-Xms1g", "-Xmx1g", "-XX:+UseG1GC")
    with tempfile.TemporaryDirectory(dir=MEMORY) as home, BothBroker("kraft", Path(home)) as broker:
        broker.start_all()
        with Admin(Connection((broker.at["REPLICATION"],), **broker.tls(broker.operator_file))) as admin:
            wanted = [topic.Wanted(TOPIC, partitions=6, replication_factor=1)]
            topic_admin.create_topics(admin, wanted, validate_only=False)
        connections = {"plaintext": [broker.at["PLAIN"]], "tls": [broker.at["REPLICATION"]]}
        stores = {"keystore": broker.operator_file, "truststore": broker.authority.file}
        secured = ["security.protocol=SSL"]
        for store, file in stores.items():
            secured += ["ssl.%s.type=PEM" % store, "ssl.%s.location=%s" % (store, file)]
        pid = broker.processes["broker-1"].pid
        runs = [
            measure(broker, pid, connections, {"plaintext": [], "tls": secured}, options)
            for _ in range(options.pairs + 1)
        ]
    medians = {
        kind: {what: round(statistics.median(run[kind][what] for run in runs[1:]), 2) for what in runs[1][kind]}
        for kind in KINDS
    }
    ratios = {what: round(medians["tls"][what] / medians["plaintext"][what], 2) for what in medians["tls"]}
    print(json.dumps({"pairs": options.pairs, **medians, "tls_to_plaintext": ratios}, indent=2))


def measure(
    broker: TlsBroker,
    pid: int,
    servers: dict[str, list[str]],
    properties: dict[str, list[str]],
    options: argparse.Namespace,
) -> dict[str, dict[str, float]]:
    """One pair: both kinds, one after the other."""
    out = {}
    gigabytes = options.records * RECORD_BYTES / 1e9
    for kind in KINDS:
        given = ["bootstrap.servers=" + servers[kind][0], *properties[kind]]
        begun = processor_seconds(pid)
        records, _ = produce(broker, given, options.records, -1)
        written = processor_seconds(pid)
        read = consume(broker, given, options.records)
        end = processor_seconds(pid)
        _, latency = produce(broker, given, options.rate * 10, options.rate)
        out[kind] = {
            "produced_records_per_second": records,
            "consumed_mb_per_second": read,
            "p99_ms": latency,
            "produce_processor_seconds_per_gb": (written - begun) / gigabytes,
            "consume_processor_seconds_per_gb": (end - written) / gigabytes,
        }
    return out


def java(broker: TlsBroker, *arguments: str) -> str:
    words = ["java", "-Xmx512m", "-cp", "%s/*" % broker.libs, *arguments]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=600).stdout


def produce(broker: TlsBroker, properties: list[str], records: int, rate: int) -> tuple[float, float]:
    """Records for each second, and the 99th percentile of the latency in ms."""
    words = ["--topic", TOPIC, "--num-records", str(records), "--record-size", str(RECORD_BYTES)]
    words += ["--throughput", str(rate), "--producer-props", "acks=all", *properties]
    found = SENT.findall(java(broker, "org.apache.kafka.tools.ProducerPerformance", *words))
    return float(found[-1][0]), float(found[-1][1])


def consume(broker: TlsBroker, properties: list[str], records: int) -> float:
    """MB for each second."""
    file = broker.home / "consumer.properties"
    file.write_text("\n".join(properties) + "\n")
    server = properties[0].partition("=")[2]
    words = ["--bootstrap-server", server, "--topic", TOPIC, "--messages", str(records), "--consumer.config", str(file)]
    lines = java(broker, "org.apache.kafka.tools.ConsumerPerformance", *words).splitlines()
    header = [name.strip() for name in next(line for line in lines if "MB.sec" in line).split(",")]
    return float(lines[-1].split(",")[header.index("MB.sec")])


if __name__ == "__main__":
    main()
