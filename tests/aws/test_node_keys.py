"""Stores of hosts that are gone, crypto-erased by their keys alone: as a person runs it, and call by call."""

from __future__ import annotations

import json

import boto3
import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client as aws_client
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import node_keys
from ansible_collections.rackaware.kafka.plugins.modules import kms_node_keys

OWNER, CLUSTER = "123456789012", "demo"
BUCKET = "kafka-keys-%s-eu-west-1" % OWNER
KEYS = ["demo/7/LuksInternalStorageKey-d0", "demo/7/LuksInternalStorageKey-d1", "demo/8/LuksInternalStorageKey-d0"]
OTHERS = [
    "demo/70/LuksInternalStorageKey-d0",
    "demo/7/notes.txt",
    "demo/7/old/LuksInternalStorageKey-d0",
    "other/7/LuksInternalStorageKey-d0",
]


@pytest.fixture()
def s3(account, monkeypatch):
    """A bucket with the keys of three nodes and two clusters, two versions each, the first of them behind a delete marker."""
    for name, value in account.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    if BUCKET not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for name in [*KEYS, *OTHERS]:
        for number in range(2):
            client.put_object(Bucket=BUCKET, Key=name, Body=b"%d" % number)
    client.delete_object(Bucket=BUCKET, Key=KEYS[0])
    yield client
    found = client.list_object_versions(Bucket=BUCKET)
    for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        client.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])


def names(s3):
    found = s3.list_object_versions(Bucket=BUCKET)
    return sorted({each["Key"] for kind in ("Versions", "DeleteMarkers") for each in found.get(kind, [])})


@pytest.fixture()
def erase(s3, capsys, monkeypatch):
    """The module; calls has what was asked of S3."""

    def run(nodes, check=False, **more):
        run.calls = []
        real = aws_client.client

        def watched(service, **how):
            made = real(service, **how)
            made.meta.events.register("before-call", lambda model, **_: run.calls.append(model.name))
            return made

        monkeypatch.setattr(aws_client, "client", watched)
        params = {
            "bucket": BUCKET,
            "expected_bucket_owner": OWNER,
            "cluster": CLUSTER,
            "nodes": nodes,
            "_ansible_check_mode": check,
            **more,
        }
        with patch_module_args(params), pytest.raises(SystemExit):
            kms_node_keys.main()
        monkeypatch.setattr(aws_client, "client", real)
        return json.loads(capsys.readouterr().out)

    return run


def test_check_mode_says_what_would_go_and_needs_no_confirmation(erase, s3):
    result = erase([7], check=True)
    assert result["changed"] and [
        (each["object_key"], each["versions"], each["markers"]) for each in result["keys"]
    ] == [(KEYS[0], 2, 1), (KEYS[1], 2, 0)]
    assert result["lines"][0] == KEYS[0] + ": 2 versions and 1 delete marker would be destroyed"
    assert result["left_alone"] == ["demo/7/notes.txt", "demo/7/old/LuksInternalStorageKey-d0"]
    assert names(s3) == sorted([*KEYS, *OTHERS])


def test_all_versions_and_markers_go_in_a_few_calls_and_nothing_else(erase, s3):
    result = erase([8, 7], confirm="erase-demo-7,8")
    assert result["changed"] and {each["object_key"] for each in result["keys"]} == set(KEYS)
    assert result["lines"][0].endswith("destroyed, and nothing is left")
    assert names(s3) == sorted(OTHERS)
    assert erase.calls == ["ListObjectVersions"] * 2 + ["DeleteObjects"] + ["ListObjectVersions"] * 2
    again = erase([8, 7])
    assert (again["changed"], again["keys"], again["lines"][0]) == (False, [], "Node 7: no wrapped key")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "2 wrapped keys of the cluster demo, node 7, would be destroyed for ever"),
        ({"confirm": "erase-demo-8"}, "to confirm, add -e kafka_confirm=erase-demo-7."),
        (
            {"present_nodes": [6, 7], "confirm": "erase-demo-7"},
            "Node 7 is in the inventory, so that its keys are not destroyed from here: use erase_stores",
        ),
        ({"nodes": [], "confirm": "erase-demo-"}, "No node is named"),
        ({"nodes": [-1]}, "No node is named, or one that is none"),
        ({"cluster": "demo/7", "confirm": "x"}, "is no name of a cluster"),
        ({"bucket": "no-such-bucket-of-ours"}, "NoSuchBucket"),
    ],
)
def test_what_is_not_meant_changes_nothing(erase, s3, given, sentence):
    result = erase(**{"nodes": [7], **given})
    assert result["failed"] and sentence in result["msg"], result
    assert names(s3) == sorted([*KEYS, *OTHERS])


class Big:
    """So many versions of one key, a page of 1000 at a time; refuses single ones, or has another after the deletion."""

    def __init__(self, count, refuses="", again=False):
        self.left = ["v%d" % number for number in range(count)]
        self.refuses, self.again, self.batches = refuses, again, []

    def get_paginator(self, name):
        assert name == "list_object_versions"
        return self

    def paginate(self, **asked):
        assert asked["Prefix"] == "demo/7/"
        pages = [self.left[start : start + 1000] for start in range(0, len(self.left), 1000)] or [[]]
        return [{"Versions": [{"Key": KEYS[0], "VersionId": version} for version in page]} for page in pages]

    def delete_objects(self, **asked):
        doomed = [each["VersionId"] for each in asked["Delete"]["Objects"]]
        self.batches.append(len(doomed))
        self.left = [version for version in self.left if version not in doomed or version == self.refuses] + (
            ["new"] if self.again else []
        )
        return (
            {"Errors": [{"Key": KEYS[0], "VersionId": self.refuses, "Code": "AccessDenied"}]}
            if self.refuses in doomed
            else {}
        )


def work(s3, monkeypatch):
    monkeypatch.setattr(aws_client, "client", lambda *_args, **_more: s3)
    params = {
        "bucket": BUCKET,
        "expected_bucket_owner": OWNER,
        "cluster": CLUSTER,
        "nodes": [7],
        "present_nodes": [],
        "region": None,
        "profile": None,
    }
    return kms_node_keys.work({**params, "confirm": "erase-demo-7"}, check_mode=False)


def test_thousands_of_versions_are_read_page_by_page_and_go_a_thousand_at_once(monkeypatch):
    s3 = Big(2500)
    assert work(s3, monkeypatch)["keys"][0]["versions"] == 2500
    assert s3.batches == [1000, 1000, 500] and s3.left == []


def test_a_version_that_stays_is_an_error_by_name(monkeypatch):
    with pytest.raises(
        node_keys.NodeKeysError,
        match="1 of 10 versions were not destroyed, the first of them version v3 of demo/7/.*AccessDenied",
    ):
        work(Big(10, refuses="v3"), monkeypatch)
    with pytest.raises(node_keys.NodeKeysError, match="is still there after all its versions were destroyed"):
        work(Big(10, again=True), monkeypatch)


@pytest.fixture()
def play(account, topology, tmp_path):
    """The playbook, with an inventory that has broker 3 only."""
    brokers = {"b3": {"kafka_cluster": CLUSTER, "kafka_node_id": 3, "kafka_data_volumes": ["/dev/mapper/kafka-d0"]}}
    (tmp_path / "inventory.yml").write_text(
        yaml.safe_dump({"all": {"children": {"kafka_brokers": {"hosts": brokers}}}})
    )

    def run(nodes, *options, inventory=True):
        more = ("-i", str(tmp_path / "inventory.yml")) if inventory else ()
        return account.play("erase_keys", topology, *more, "-e", json.dumps({"kafka_selected_nodes": nodes}), *options)

    return run


def test_a_node_of_the_inventory_is_for_erase_stores(play, s3):
    play([3], "-e", "kafka_confirm=erase-demo-3").refused(
        "Node 3 is in the inventory, so that its keys are not destroyed from here: use erase_stores"
    )


def test_nothing_is_destroyed_while_there_are_brokers_that_cannot_be_asked(play, s3):
    done = play([7], "-e", "kafka_confirm=erase-demo-7")
    assert done.code != 0 and names(s3) == sorted([*KEYS, *OTHERS]), done.text


def test_a_person_looks_first_is_asked_to_confirm_and_sees_that_nothing_is_left(play, s3):
    looked = play([7], "--check", inventory=False)
    assert looked.code == 0 and "would be destroyed" in looked.text, looked.text
    play([7], inventory=False).refused("to confirm, add -e kafka_confirm=erase-demo-7.")
    assert names(s3) == sorted([*KEYS, *OTHERS])
    done = play([7], "-e", "kafka_confirm=erase-demo-7", inventory=False)
    assert done.code == 0 and done.changed == 1 and "destroyed, and nothing is left" in " ".join(done.text.split()), (
        done.text
    )
    assert names(s3) == sorted([KEYS[2], *OTHERS])
    again = play([7], "-e", "kafka_confirm=erase-demo-7", inventory=False)
    assert again.code == 0 and again.changed == 0 and "Node 7: no wrapped key" in again.text, again.text
