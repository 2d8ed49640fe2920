"""A broker on an encrypted instance store: mounted, guarded, and nothing readable on the disk itself."""

from __future__ import annotations

import json
import uuid

import boto3
import client_file
import pytest
from kafka import KafkaProducer

from lab import raw
from lab.settings import INSTANCES

testinfra_hosts = ["ansible://encrypted-broker-3"]
CANARY = b"CANARY-" + uuid.uuid4().hex.encode()


@pytest.fixture(scope="module")
def instance():
    found = boto3.client("ec2").describe_instances(
        Filters=[
            {"Name": "tag:Name", "Values": ["encrypted-broker-3"]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )
    return found["Reservations"][0]["Instances"][0]


def test_kafka_runs_on_a_mounted_luks_volume(host):
    assert host.service("kafka").is_running and host.service("kafka").is_enabled
    mount = host.mount_point("/var/lib/kafka/data0")
    assert (mount.device, mount.filesystem) == ("/dev/mapper/kafka-d0", "xfs")
    assert {"noatime", "nodev", "nosuid", "noexec"} <= set(mount.options)
    assert host.file("/var/lib/kafka/data0/logs/meta.properties").user == "kafka"
    status = host.check_output("cryptsetup status kafka-d0")
    assert "LUKS2" in status and "aes-xts-plain64" in status and "512 bits" in status


def test_kafka_cannot_start_without_it(host):
    unit = host.check_output("systemctl cat kafka")
    assert "BindsTo=var-lib-kafka-data0.mount" in unit and "AssertPathIsEncrypted=/var/lib/kafka/data0" in unit
    assert host.run("systemd-analyze condition 'AssertPathIsEncrypted=/var/lib/kafka/data0'").rc == 0
    assert host.check_output("systemctl is-enabled kafka-luks@d0.service var-lib-kafka-data0.mount").split() == [
        "enabled",
        "enabled",
    ]


def test_the_configuration_is_roots_alone(host):
    file = host.file("/etc/kafka-luks/d0.json")
    assert (file.user, file.mode) == ("root", 0o600)


def test_nothing_waits_and_nothing_failed(host):
    assert host.run("find /etc/kafka /etc/systemd/system -name '*.staged'").stdout == ""
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""


def test_records_are_in_the_store_and_neither_they_nor_the_key_on_the_raw_disk(host, instance):
    others = boto3.client("ec2").describe_instances(Filters=[{"Name": "tag:KafkaCluster", "Values": ["encrypted"]}])[
        "Reservations"
    ]
    servers = [
        each["PrivateIpAddress"] + ":9092"
        for reservation in others
        for each in reservation["Instances"]
        if each["State"]["Name"] == "running"
    ]
    login = client_file.client_options(client_file.find("encrypted"))
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", **login)
    for partition in range(3):
        producer.send("rackaware-proof", CANARY, partition=partition).get(30)
    producer.close()
    host.check_output("sync")
    assert host.run(
        "grep --recursive --files-with-matches %s /var/lib/kafka/data0/logs", CANARY.decode()
    ).stdout.strip()
    wrapped = json.loads(host.file("/etc/kafka-luks/d0.json").content_string)["keys"][-1]
    content = (
        boto3.client("s3")
        .get_object(Bucket=wrapped["bucket"], Key=wrapped["key"], VersionId=wrapped["version_id"])["Body"]
        .read()
    )
    key = boto3.client("kms").decrypt(
        CiphertextBlob=content, KeyId=wrapped["key_arn"], EncryptionContext=wrapped["encryption_context"]
    )["Plaintext"]
    assert len(key) == 64
    assert raw.found(
        INSTANCES / instance["InstanceId"] / "store0.img", {"record": CANARY, "key": key, "header": b"LUKS\xba\xbe"}
    ) == {"header"}
