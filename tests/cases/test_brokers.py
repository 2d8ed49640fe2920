"""What a broker's host looks like after site."""

from __future__ import annotations

import os

import pytest
from cluster import NEW

testinfra_hosts = ["ansible://kafka_brokers"]


@pytest.fixture
def settings(host):
    lines = host.file("/etc/kafka/broker.properties").content_string.splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_the_service_runs_and_starts_at_boot(host):
    assert host.service("kafka").is_running
    assert host.service("kafka").is_enabled


def test_systemd_runs_java_itself_as_kafka(host):
    process = host.process.get(user="kafka", comm="java")
    assert "@/etc/kafka/broker.jvm.options kafka.Kafka /etc/kafka/broker.properties" in process.args


def test_only_root_and_kafka_read_the_configuration(host):
    for path in ("/etc/kafka/broker.properties", "/etc/kafka/broker.jvm.options"):
        file = host.file(path)
        assert (file.user, file.group, file.mode) == ("root", "kafka", 0o640)


def test_nothing_waits_for_a_restart(host):
    assert host.run("find /etc/kafka /etc/systemd/system -name '*.staged'").stdout == ""


def test_the_defaults_are_safe(settings):
    assert settings["default.replication.factor"] == "3"
    assert settings["min.insync.replicas"] == "2"
    assert settings["unclean.leader.election.enable"] == "false"
    assert settings["auto.create.topics.enable"] == "false"


def test_there_are_more_io_threads_than_disks(settings):
    assert int(settings["num.io.threads"]) > len(settings["log.dirs"].split(","))


def test_every_log_directory_lies_on_its_own_xfs_volume_mounted_by_uuid_without_access_times(host, settings):
    devices = set()
    for path in settings["log.dirs"].split(","):
        mount = host.mount_point(os.path.dirname(path))
        assert mount.exists, path
        assert mount.filesystem == "xfs"
        assert "noatime" in mount.options
        devices.add(mount.device)
        assert host.file(path).user == "kafka"
        uuid = host.check_output("blkid -o value -s UUID %s", mount.device)
        assert host.run("grep -rqs %s /etc/fstab /etc/systemd/system", uuid).rc == 0
    assert len(devices) == len(settings["log.dirs"].split(","))


def test_clients_and_brokers_are_listened_to(host, settings):
    # Java listens on IPv6 sockets, also for IPv4 addresses.
    listening = host.socket.get_listening_sockets()
    for listener in settings["listeners"].split(","):
        port = listener.rsplit(":", 1)[1]
        assert [socket for socket in listening if socket.endswith(":" + port)], (port, listening)


def test_the_limits_of_the_running_process_are_those_of_the_inventory(host):
    pid = host.check_output("systemctl show -P MainPID kafka")
    limits = host.file("/proc/%s/limits" % pid).content_string
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")] == ["20000"]


def test_nothing_kills_a_broker_that_is_writing(host):
    assert host.check_output("systemctl show -P TimeoutStopUSec kafka") == "10min"


def test_the_kernel_does_not_swap_kafka_out(host):
    assert host.sysctl("vm.swappiness") <= 1


def test_the_heap_is_small_and_does_not_move(host):
    options = host.file("/etc/kafka/broker.jvm.options").content_string.split()
    assert {"-Xms512m", "-Xmx512m", "-XX:+UseG1GC"} <= set(options)


def test_the_process_has_the_newest_version_open(host):
    """Whatever it was deployed with."""
    opened = "readlink /proc/$(systemctl show -P MainPID kafka)/fd/* | grep -o '/opt/kafka-[0-9.]*/' | sort -u"
    assert host.check_output(opened) == "/opt/kafka-%s/" % NEW
