"""What a ZooKeeper node's host looks like after site."""

from __future__ import annotations

testinfra_hosts = ["ansible://kafka_zookeepers"]


def test_the_service_runs_and_starts_at_boot(host):
    assert host.service("zookeeper").is_running
    assert host.service("zookeeper").is_enabled


def test_the_id_is_the_one_in_the_name(host):
    myid = host.file("/var/lib/zookeeper/data/myid")
    name = host.check_output("hostname -I").split()
    lines = host.file("/etc/zookeeper/zoo.cfg").content_string.splitlines()
    mine = [line for line in lines if line.startswith("server.") and line.split("=")[1].split(":")[0] in name]
    assert mine[0].startswith("server.%s=" % myid.content_string.strip())
    assert myid.user == "kafka"


def test_the_data_lies_on_its_volume(host):
    mount = host.mount_point("/var/lib/zookeeper")
    assert mount.exists
    assert mount.filesystem == "xfs"


def test_clients_are_served(host):
    assert host.socket("tcp://2181").is_listening


def test_the_admin_server_is_off(host):
    assert not host.socket("tcp://8080").is_listening


def test_nothing_waits_for_a_restart(host):
    assert host.run("find /etc/zookeeper /etc/systemd/system -name '*.staged'").stdout == ""
