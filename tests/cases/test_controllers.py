"""What a dedicated controller's host looks like after site."""

from __future__ import annotations

testinfra_hosts = ["ansible://kafka_controllers"]


def test_the_service_runs_and_starts_at_boot(host):
    assert host.service("kafka-controller").is_running
    assert host.service("kafka-controller").is_enabled


def test_the_metadata_lies_on_its_volume(host):
    mount = host.mount_point("/var/lib/kafka/metadata")
    assert mount.exists
    assert mount.filesystem == "xfs"
    assert host.file("/var/lib/kafka/metadata/logs/meta.properties").user == "kafka"


def test_it_listens_for_brokers_only(host):
    listening = host.socket.get_listening_sockets()
    assert any(socket.endswith(":9093") for socket in listening)
    assert not any(socket.endswith((":9091", ":9092")) for socket in listening)


def test_nothing_waits_for_a_restart(host):
    assert host.run("find /etc/kafka /etc/systemd/system -name '*.staged'").stdout == ""
