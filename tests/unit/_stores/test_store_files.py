"""Every file of a host with encrypted stores."""

from __future__ import annotations

import json

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.stores import encrypted_store_files as files
from ansible_collections.rackaware.kafka.plugins.module_utils import _program
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import unlocker
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import files as stores_files

KEY = {
    "bucket": "b",
    "key": "LuksInternalStorageKey-d0",
    "version_id": "v1",
    "sha256": "a" * 64,
    "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "encryption_context": {"n": "1"},
    "expected_bucket_owner": "123456789012",
}
UUIDS = ["6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a4%d" % number for number in range(3)]


def store(number=0, **more):
    return {
        "store": "d%d" % number,
        "mount": "/var/lib/kafka/data%d" % number,
        "name": "kafka-d%d" % number,
        "device": "/dev/disk/by-id/nvme-x%d" % number,
        "uuid": UUIDS[number],
        "subsystem": "kafka-demo-1",
        "keys": [KEY],
        **more,
    }


def test_two_stores_have_their_own_files_and_share_the_program():
    found = files(
        [store(0), store(1)],
        guarded="kafka.service",
        user="kafka",
        directories=["/var/lib/kafka/data0/logs"],
        environment={"B": "2", "A": "1"},
    )
    units = "/etc/systemd/system/"
    assert {path for path in found if not path.startswith("/usr/local")} == {
        "/etc/kafka-luks/d0.json",
        "/etc/kafka-luks/d1.json",
        "/etc/kafka-luks/environment",
        units + "kafka-luks@.service",
        units + "var-lib-kafka-data0.mount",
        units + "var-lib-kafka-data1.mount",
        units + "dev-mapper-kafka\\x2dd0.device.d/50-wait.conf",
        units + "dev-mapper-kafka\\x2dd1.device.d/50-wait.conf",
        units + "kafka.service.d/50-encrypted-store.conf",
    }
    assert found["/etc/kafka-luks/environment"] == {"content": "# Ansible managed\nA=1\nB=2\n", "mode": "0600"}
    assert found[unlocker.PROGRAM]["mode"] == "0755" and found["/etc/kafka-luks/d0.json"]["mode"] == "0600"
    assert {path for path in found if path.startswith(unlocker.PACKAGE)} == set(
        _program.package(unlocker.SOURCE, unlocker.PACKAGE)
    )


def test_what_is_written_is_what_the_program_reads():
    content = json.loads(
        files([store(perf=["no_read_workqueue"], allow_format="blank_only")])["/etc/kafka-luks/d0.json"]["content"]
    )
    config = unlocker.parse(content, "it")
    assert (config.wanted.device, config.wanted.perf, config.allow_format) == (
        "/dev/disk/by-id/nvme-x0",
        ("no_read_workqueue",),
        "blank_only",
    )
    assert config.keys[0].version_id == "v1"


@pytest.mark.parametrize("name", ["store", "name", "mount", "uuid", "device"])
def test_two_stores_never_share_what_must_be_their_own(name):
    with pytest.raises(RackawareError, match="Two stores have the same %s" % name):
        files([store(0), store(1, **{name: store(0)[name]})])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mount": ""}, "has no mount"),
        ({"device": "/dev/nvme1n1"}, "another disk after the next boot"),
        ({"keys": []}, "keys is missing"),
        ({"mount_options": ["nofail"]}, "not nofail"),
    ],
)
def test_a_store_that_is_not_whole_is_one_sentence(change, sentence):
    with pytest.raises(RackawareError, match=sentence):
        files([store(**change)])


def test_units_start_in_order():
    assert stores_files.units([store(0)]) == ["kafka-luks@d0.service", "var-lib-kafka-data0.mount"]
