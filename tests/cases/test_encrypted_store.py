"""What happens to a broker on an encrypted instance store. test_store_erased.py is the end of that store."""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.request

import boto3
import pytest
from encrypted_broker import EncryptedBroker
from hosts import until


@pytest.fixture(scope="module")
def broker(cluster):
    return EncryptedBroker(cluster)


def enforce(on: bool) -> None:
    """Whether the API asks for permissions."""
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth",
        data=b"0" if on else b"inf",
        method="POST",
        headers={"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def administrator():
    """Credentials of an administrator, while the API asks all callers for permissions."""
    iam, name = boto3.client("iam"), "administrator"
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    enforce(True)
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    enforce(False)


def test_after_a_stop_and_start_it_has_other_disks_and_catches_up(cluster, broker):
    """It is the same node, and no acknowledged record is lost."""
    store, disks = broker.file_system(), broker.says("ls /dev/disk/by-id")
    with cluster.load("stop-start", faults=True, topics=1, partitions=6, rate=40):
        ec2, boot = boto3.client("ec2"), broker.boot()
        ec2.stop_instances(InstanceIds=[broker.instance])
        ec2.start_instances(InstanceIds=[broker.instance])
        until(lambda: broker.boot() not in ("", boot), "another boot", 180)
        until(broker.runs, "Kafka running", 180)
        assert broker.says("ls /dev/disk/by-id") != disks
        assert broker.file_system() != store
        broker.wait_until_in_sync()


def test_without_permission_the_store_stays_locked_over_a_reboot_and_opens_by_itself_with_it(broker, administrator):
    store, boot = broker.file_system(), broker.boot()
    as_administrator = boto3.session.Session(**{name.lower(): value for name, value in administrator.items()})
    ec2, iam = as_administrator.client("ec2"), as_administrator.client("iam")
    machine = ec2.describe_instances(InstanceIds=[broker.instance])["Reservations"][0]["Instances"][0]
    policy = {
        "RoleName": machine["IamInstanceProfile"]["Arn"].rsplit("/", 1)[-1],
        "PolicyName": broker.cluster.name + "-unlock",
    }
    document = iam.get_role_policy(**policy)["PolicyDocument"]
    iam.delete_role_policy(**policy)
    ec2.reboot_instances(InstanceIds=[broker.instance])
    until(lambda: broker.boot() not in ("", boot), "another boot", 120)
    journal = "journalctl --boot --output cat --unit kafka-luks@d0"
    until(lambda: "locked:" in broker.says(journal), "a store that stays locked", 60)
    status = "systemctl show -P StatusText kafka-luks@d0"
    until(lambda: broker.says(status).startswith("locked:"), "a status that says so", 5)
    # Long enough for a second attempt, which says nothing new.
    time.sleep(20)
    (line,) = [line for line in broker.says(journal).splitlines() if "locked:" in line]
    assert "AccessDenied" in line
    assert broker.says("systemctl is-active kafka") in ("inactive", "activating")
    assert broker.says("pgrep -u kafka java") == ""
    place = "/var/lib/kafka/data0"
    assert broker.says("mountpoint %s; ls /dev/mapper" % place).split("\n") == [
        place + " is not a mountpoint",
        "control",
    ]
    assert broker.says("stat -c '%%U %%a' %s; lsattr -d %s | cut -c5" % (place, place)).split() == ["root", "0", "i"]
    assert broker.says("touch %s/x && echo written" % place) == ""
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))
    until(broker.runs, "Kafka running, without help", 120)
    assert broker.file_system() == store
    assert broker.says("ls /run/kafka-luks/d0.fresh") == "", "the store was formatted"
    broker.wait_until_in_sync()


def test_what_revoke_takes_stays_taken_until_grant_gives_it_back(broker, administrator):
    broker.play("revoke", kafka_confirm=broker.cluster.name, environment=administrator).says("AccessDenied")
    assert broker.says("systemctl is-active kafka") == "inactive"
    assert broker.says("ls /dev/mapper") == "control"
    # Nothing that builds the AWS side gives it back.
    broker.cluster.play("key_custody", environment=administrator).succeeded()
    assert "AccessDenied" in broker.says("kafka-luks check d0 2>&1")
    # A roll goes on without it, and says so; by hand it does not start either.
    broker.cluster.play("rolling_restart", environment=administrator).succeeded("is out of service since")
    broker.says("systemctl start --no-block kafka")
    assert broker.says("systemctl is-active kafka") == "inactive"
    broker.play("grant", kafka_confirm=broker.cluster.name, environment=administrator)
    until(broker.runs, "Kafka running", 60)
    broker.wait_until_in_sync()


def test_a_rotated_key_opens_the_store_and_the_old_one_is_gone_everywhere(broker):
    """From copies of the header, too; and Kafka does not notice."""
    process, before = broker.says("systemctl show -P MainPID kafka"), broker.wrapped_key()
    broker.cluster.play("backup_headers").succeeded()
    old = broker.header()
    assert broker.header(broker.COPY) == old
    assert broker.says("stat -c %a " + broker.COPY) == "400"
    broker.cluster.play("rotate_keys", kafka_confirm=broker.cluster.name).succeeded()
    assert broker.wrapped_key()["version_id"] != before["version_id"]
    now = broker.header()
    assert len(now["keyslots"]) == 1
    assert now["keyslots"] != old["keyslots"]
    assert broker.header(broker.COPY) == now
    assert broker.says("systemctl show -P MainPID kafka") == process
    broker.cluster.play("verify_unlock").succeeded("the key can be unwrapped and opens the volume")


def test_a_copy_of_the_header_saves_a_damaged_one(broker):
    store, keyslots = broker.file_system(), broker.header()["keyslots"]
    broker.says(
        "systemctl stop kafka kafka-luks@d0 && dd if=/dev/urandom of=%s bs=1M count=16 conv=fsync"
        " && systemctl start kafka-luks@d0" % broker.DISK
    )
    journal = broker.says("journalctl --boot --output cat --unit kafka-luks@d0 --lines 20")
    assert "refused, and nothing was changed" in journal
    broker.play("restore_headers", kafka_confirm=broker.cluster.name)
    assert broker.runs()
    assert broker.file_system() == store
    assert broker.header()["keyslots"] == keyslots
    broker.wait_until_in_sync()


def test_a_renewed_store_has_another_volume_key_and_everything_is_back_before_the_play_ends(broker):
    store, before, digests = broker.file_system(), broker.wrapped_key(), broker.digests()
    broker.play("renew_stores", kafka_confirm=broker.cluster.name)
    count, held = broker.in_sync()
    assert 0 < count == held
    assert broker.file_system() not in ("", store)
    assert broker.wrapped_key()["version_id"] != before["version_id"]
    assert broker.digests() != digests
    assert broker.says("ls /var/lib/kafka-luks/headers") == "", "a copy of the old header is left"
