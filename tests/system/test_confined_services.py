"""Brokers, controllers and ZooKeeper nodes work under the system calls that their units permit, with a real JVM and codecs in native code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from secured_broker import SecuredBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._config import sizing, units
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import round_trip, topic, topic_admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection

CONFINED = Path(__file__).with_name("confined.py")
CODECS = ("producer", "gzip", "lz4", "snappy", "zstd")
MACHINE = {"vcpus": 2, "memory_mb": 8192, "network_gbps": 5}
ASKED = {"role": "broker", "replication_factor": 1, "producers": 1, "consumers": 1, "cross_az_rtt_ms": 1}


class Confined(SecuredBroker):
    """The same, each JVM under the filter of its unit and with the options that it is sized to."""

    def _java(self, name, *command):
        kind = "zookeeper" if name == "zookeeper" else "broker"
        unit = self.home / units.service(kind).unit
        unit.write_text(units.unit(kind, version="4.3.1", open_files=1000, writes=[], mounts=[]))
        flags = sizing.size(MACHINE, {**ASKED, "data_disks": 1})["jvm_flags"]["value"]
        java = ["java", "-Xmx256m", "-Xms64m", *flags, "-Djava.io.tmpdir=%s" % self.home]
        with open(self.home / (name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, str(CONFINED), str(unit), *java, "-cp", "%s/*" % self.libs, *command],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def status(process: subprocess.Popen) -> dict[str, str]:
    """What the kernel says about a process."""
    lines = Path("/proc/%d/status" % process.pid).read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("mode", ["kraft", "zookeeper"])
def test_a_cluster_serves_under_the_filter_of_its_units(tmp_path, mode):
    """Each topic has its records compressed by the broker, so that its native code is unpacked and run."""
    with Confined(mode, tmp_path, authorizer=False) as cluster:
        cluster.start_all()
        assert {(status(each)["Seccomp"], status(each)["NoNewPrivs"]) for each in cluster.processes.values()} == {
            ("2", "1")
        }
        with cluster.ask(cluster.plain) as admin:
            wanted = [topic.Wanted(name, partitions=1, config={"compression.type": name}) for name in CODECS]
            topic_admin.create_topics(admin, wanted, validate_only=False)
        where = Connection((cluster.plain,), request_timeout_seconds=30)
        for name in CODECS:
            assert round_trip.produce(where, name, {0: b"a" * 10000}, key=b"k") == {0: 0}
        assert round_trip.consume(where, "producer", {0: 0})[0][1] == b"a" * 10000
        # A clean end writes down that it was one.
        cluster.stop("broker-1")
        assert list(tmp_path.rglob(".kafka_cleanshutdown"))
        denied = [log.name for log in tmp_path.glob("*.log") if "Operation not permitted" in log.read_text()]
        assert denied == []


def test_the_filter_refuses_what_a_service_has_no_business_with(tmp_path):
    unit = tmp_path / "kafka.service"
    unit.write_text(units.unit("broker", version="4.3.1", open_files=1000, writes=[], mounts=[]))

    def ends(*command):
        done = subprocess.run([sys.executable, CONFINED, unit, *command], capture_output=True, text=True, check=False)
        return done.returncode, "Operation not permitted" in done.stderr

    assert ends("true") == (0, False)
    for command in (("nice", "-n", "1", "true"), ("chown", str(os.getuid()), unit)):
        assert ends(*command)[1], command
