"""Wrapped keys against a stand-in of KMS and S3: made once, replaced in one go, bound to their context, destroyed on purpose only."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import data_key as aws_data_key
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import cryptsetup, key_source
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import kms as luks_kms
from ansible_collections.rackaware.kafka.plugins.modules import kms_data_key, kms_decrypt

REGION, OWNER = "eu-west-1", "123456789012"
CONTEXT = {"app": "kafka", "cluster_id": "demo", "node_id": "1", "volume": "d0", "purpose": "luks"}
ALIAS = "alias/EncFSForEC2InternalStorageKey"


@pytest.fixture()
def cloud(account, monkeypatch, request):
    """Two KMS keys, an alias and a bucket with versions, of this test alone."""
    for name, value in account.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", account.env["AWS_ENDPOINT_URL"])

    class Cloud:
        kms, s3 = boto3.client("kms"), boto3.client("s3")
        bucket = "keys-%s" % abs(hash(request.node.name))
        object_key = "demo/1/LuksInternalStorageKey-d0"

    Cloud.arn, Cloud.other_arn = (Cloud.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    Cloud.s3.create_bucket(Bucket=Cloud.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    Cloud.s3.put_bucket_versioning(Bucket=Cloud.bucket, VersioningConfiguration={"Status": "Enabled"})
    Cloud.kms.create_alias(AliasName=ALIAS, TargetKeyId=Cloud.arn)
    yield Cloud
    Cloud.kms.delete_alias(AliasName=ALIAS)


def call(capsys, module, **params):
    with patch_module_args({"_ansible_diff": True, **params}), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


@pytest.fixture()
def data_key(cloud, capsys):
    def run(check=False, **more):
        params = {
            "bucket": cloud.bucket,
            "object_key": cloud.object_key,
            "key_id": ALIAS,
            "encryption_context": CONTEXT,
            "expected_bucket_owner": OWNER,
        }
        return call(capsys, kms_data_key, **{**params, "_ansible_check_mode": check, **more})

    return run


@pytest.fixture()
def decrypt(cloud, capsys):
    def run(wrapped, **more):
        return call(capsys, kms_decrypt, wrapped=wrapped, **more)

    return run


def unwrap(wrapped) -> bytes:
    return bytes(luks_kms.connect(REGION).unwrap(luks_kms.wrapped(wrapped)))


def versions(cloud) -> list[str]:
    return [each["VersionId"] for each in cloud.s3.list_object_versions(Bucket=cloud.bucket).get("Versions", [])]


def test_check_mode_makes_nothing(data_key, cloud):
    result = data_key(check=True)
    assert (result["changed"], result["actions"], result["wrapped"], result["created"]) == (
        True,
        ["generate", "store"],
        None,
        False,
    )
    assert versions(cloud) == []


def test_a_key_is_made_once_and_opens_with_what_was_returned(data_key, decrypt, cloud):
    first = data_key()
    assert (
        first["created"]
        and first["key_arn"] == cloud.arn
        and first["encryption_context"] == CONTEXT
        and first["previous_version_id"] == ""
    )
    again = data_key()
    assert (again["changed"], again["created"], again["wrapped"]) == (False, False, first["wrapped"])
    assert versions(cloud) == [first["version_id"]]
    proof = decrypt(first["wrapped"])
    assert (proof["changed"], proof["valid"], proof["plaintext_length"], proof["key_arn"]) == (
        False,
        True,
        64,
        cloud.arn,
    )


def test_two_keys_are_two_keys(data_key):
    first = data_key()
    second = data_key(object_key="demo/2/LuksInternalStorageKey-d0", encryption_context={**CONTEXT, "node_id": "2"})
    assert unwrap(first["wrapped"]) != unwrap(second["wrapped"])


def test_a_race_is_won_by_the_first_and_noticed_by_the_second(data_key, cloud, monkeypatch):
    real = aws_data_key.Store.generate

    def slow(self, arn):
        monkeypatch.setattr(aws_data_key.Store, "generate", real)
        slow.first = data_key()
        return real(self, arn)

    monkeypatch.setattr(aws_data_key.Store, "generate", slow)
    second = data_key()
    assert (second["changed"], second["wrapped"]) == (False, slow.first["wrapped"])
    assert len(versions(cloud)) == 1


def test_a_rotation_adds_a_version_once(data_key, cloud):
    first = data_key()
    params = {"state": "rotated", "previous_version_id": first["version_id"]}
    assert data_key(check=True, **params)["changed"] and len(versions(cloud)) == 1
    second = data_key(**params)
    assert second["changed"] and second["previous_version_id"] == first["version_id"]
    assert data_key(**params)["wrapped"] == second["wrapped"] and len(versions(cloud)) == 2
    # Both can be unwrapped until the old one is removed on purpose, and they differ.
    assert unwrap(first["wrapped"]) != unwrap(second["wrapped"])


def test_every_version_that_may_open_a_volume_is_named_the_newest_last(data_key, cloud):
    first = data_key()
    assert first["wrapped_versions"] == [first["wrapped"]]
    second = data_key(state="rotated", previous_version_id=first["version_id"])
    assert data_key()["wrapped_versions"] == [first["wrapped"], second["wrapped"]]
    data_key(state="absent", version_id=first["version_id"], confirm_crypto_shred=cloud.object_key)
    assert data_key()["wrapped_versions"] == [second["wrapped"]]


def test_a_rotation_of_what_is_no_longer_current_is_refused(data_key):
    first = data_key()
    second = data_key(state="rotated", previous_version_id=first["version_id"])
    data_key(state="rotated", previous_version_id=second["version_id"])
    assert "it has been changed meanwhile" in data_key(state="rotated", previous_version_id=first["version_id"])["msg"]


def test_rewrapping_keeps_the_key_and_changes_the_kms_key(data_key, cloud):
    first = data_key()
    assert "use state rewrapped" in data_key(key_id=cloud.other_arn)["msg"]
    second = data_key(state="rewrapped", previous_version_id=first["version_id"], key_id=cloud.other_arn)
    assert second["key_arn"] == cloud.other_arn and second["ciphertext_sha256"] != first["ciphertext_sha256"]
    assert unwrap(first["wrapped"]) == unwrap(second["wrapped"])


def test_an_old_version_goes_alone_and_the_current_one_does_not(data_key, decrypt, cloud):
    first = data_key()
    second = data_key(state="rotated", previous_version_id=first["version_id"])
    params = {"state": "absent", "confirm_crypto_shred": cloud.object_key}
    assert "is the current one" in data_key(version_id=second["version_id"], **params)["msg"]
    assert data_key(check=True, version_id=first["version_id"], **params)["changed"] and len(versions(cloud)) == 2
    assert data_key(version_id=first["version_id"], **params)["actions"] == ["delete " + first["version_id"]]
    assert data_key(version_id=first["version_id"], **params)["changed"] is False
    assert "NoSuchVersion" in decrypt(first["wrapped"])["msg"] and decrypt(second["wrapped"])["valid"]


def test_a_key_is_destroyed_only_by_its_name(data_key, cloud):
    data_key()
    data_key(object_key=cloud.object_key + "0")
    assert (
        "set confirm_crypto_shred" in data_key(state="absent", confirm_crypto_shred="yes")["msg"]
        and len(versions(cloud)) == 2
    )
    assert data_key(state="absent", confirm_crypto_shred=cloud.object_key)["changed"]
    assert data_key(state="absent", confirm_crypto_shred=cloud.object_key)["changed"] is False
    # The object whose name merely begins alike is still there.
    assert len(versions(cloud)) == 1


def listed(cloud):
    found = cloud.s3.list_object_versions(Bucket=cloud.bucket)
    return sorted(each["VersionId"] for kind in ("Versions", "DeleteMarkers") for each in found.get(kind, []))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("state", ["present", "rotated", "rewrapped"])
def test_a_key_behind_a_delete_marker_is_not_replaced_and_the_sentence_brings_it_back(
    data_key, decrypt, cloud, state, times
):
    first = data_key()
    for _each in range(times):
        cloud.s3.delete_object(Bucket=cloud.bucket, Key=cloud.object_key)
    left = listed(cloud)
    params = {} if state == "present" else {"previous_version_id": first["version_id"]}
    for check in (True, False):
        refused = data_key(check=check, state=state, **params)
        assert refused["failed"] and "is hidden by a delete marker, and no new key is made" in refused["msg"], refused
        assert "bring version %s back with: aws s3api delete-object" % first["version_id"] in refused["msg"]
    assert listed(cloud) == left
    # What the sentence says, done: each of its commands has a bucket, a key and the version of a marker.
    commands = re.findall(r"delete-object --bucket (\S+) --key (\S+) --version-id ([^\s;]+)", refused["msg"])
    assert len(commands) == times
    for bucket, name, version in commands:
        cloud.s3.delete_object(Bucket=bucket, Key=name, VersionId=version)
    assert (data_key()["changed"], data_key()["wrapped"]) == (False, first["wrapped"]) and decrypt(first["wrapped"])[
        "valid"
    ]


def test_older_versions_without_a_current_one_are_copied_back(cloud):
    wanted = aws_data_key.Wanted("b", "demo/1/LuksInternalStorageKey-d0", ALIAS, CONTEXT, OWNER)
    one = {"version_id": "v1", "latest": False, "marker": False, "modified": "2026-01-01"}
    two = {**one, "version_id": "v2", "modified": "2026-01-02"}
    older_marker = {**one, "version_id": "m0", "marker": True, "modified": "2025-12-31"}
    with pytest.raises(
        aws_data_key.DataKeyError,
        match=r"has no current version, but older ones.*copy-object .*LuksInternalStorageKey-d0\?versionId=v2",
    ):
        aws_data_key.refuse_hidden([one, two, older_marker], wanted)
    with pytest.raises(aws_data_key.DataKeyError, match="has a delete marker and no version any more"):
        aws_data_key.refuse_hidden([older_marker], wanted)


def test_a_key_that_was_destroyed_on_purpose_leaves_nothing_and_is_made_anew(data_key, cloud):
    first = data_key()
    second = data_key(state="rotated", previous_version_id=first["version_id"])
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=cloud.object_key)
    gone = data_key(state="absent", confirm_crypto_shred=cloud.object_key)
    assert len(gone["actions"]) == 3 and listed(cloud) == []
    third = data_key()
    assert third["created"] and third["version_id"] not in (first["version_id"], second["version_id"])


def test_a_destruction_that_was_cut_off_is_not_covered_by_a_new_key(data_key, cloud, monkeypatch):
    first = data_key()
    data_key(state="rotated", previous_version_id=first["version_id"])
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=cloud.object_key)
    real, left = aws_data_key.Store.delete, [1]

    def once(self, version_id):
        if not left:
            raise client.AwsError("AWS could not delete it.")
        left.pop()
        real(self, version_id)

    monkeypatch.setattr(aws_data_key.Store, "delete", once)
    assert "could not delete" in data_key(state="absent", confirm_crypto_shred=cloud.object_key)["msg"]
    assert "if it shall be destroyed, finish that with state absent" in data_key()["msg"]
    monkeypatch.setattr(aws_data_key.Store, "delete", real)
    data_key(state="absent", confirm_crypto_shred=cloud.object_key)
    assert data_key()["created"]


@pytest.mark.parametrize("state", ["disabled", "waiting for its deletion"])
def test_a_key_that_somebody_took_away_is_not_given_back(data_key, cloud, state):
    key = cloud.arn.split("/")[1]
    cloud.kms.disable_key(KeyId=key) if state == "disabled" else cloud.kms.schedule_key_deletion(KeyId=key)
    before = cloud.kms.describe_key(KeyId=cloud.arn)["KeyMetadata"]["KeyState"]
    assert "by hand: the collection never does" in data_key()["msg"]
    assert cloud.kms.describe_key(KeyId=cloud.arn)["KeyMetadata"]["KeyState"] == before and versions(cloud) == []


def test_a_bucket_without_versions_is_refused(data_key, cloud):
    cloud.s3.put_bucket_versioning(Bucket=cloud.bucket, VersioningConfiguration={"Status": "Suspended"})
    assert "turn versioning on" in data_key()["msg"] and versions(cloud) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"object_key": "demo/key"}, "must begin with LuksInternalStorageKey"),
        ({"encryption_context": {}}, "is empty"),
        ({"expected_bucket_owner": "me"}, "is no AWS account"),
        ({"key_id": "alias/none"}, "NotFoundException"),
        ({"bucket": "no-such-bucket-of-ours"}, "NoSuchBucket"),
        ({"state": "rotated", "previous_version_id": "x"}, "does not exist, so that it cannot be rotated"),
    ],
)
def test_bad_input_is_one_sentence(data_key, cloud, given, sentence):
    assert sentence in data_key(**given)["msg"]
    assert versions(cloud) == []


def test_another_context_is_not_overlooked(data_key, decrypt, cloud):
    first = data_key()
    assert "is bound to another encryption context" in data_key(encryption_context={**CONTEXT, "node_id": "2"})["msg"]
    stolen = {**first["wrapped"], "encryption_context": {**CONTEXT, "node_id": "2"}}
    assert "InvalidCiphertextException" in decrypt(stolen)["msg"]


def test_a_replayed_or_swapped_object_is_refused(data_key, decrypt, cloud):
    first = data_key()
    second = data_key(state="rotated", previous_version_id=first["version_id"])
    replayed = {**second["wrapped"], "version_id": first["version_id"]}
    assert "its SHA-256 differs" in decrypt(replayed)["msg"]
    other = data_key(object_key="demo/2/LuksInternalStorageKey-d0", encryption_context={**CONTEXT, "node_id": "2"})
    swapped = {**first["wrapped"], **{name: other["wrapped"][name] for name in ("key", "version_id", "sha256")}}
    assert "InvalidCiphertextException" in decrypt(swapped)["msg"]


def test_a_truncated_object_is_refused(data_key, decrypt, cloud):
    first = data_key()
    content = cloud.s3.get_object(Bucket=cloud.bucket, Key=cloud.object_key)["Body"].read()
    cut = cloud.s3.put_object(Bucket=cloud.bucket, Key=cloud.object_key, Body=content[:-10])
    assert "its SHA-256 differs" in decrypt({**first["wrapped"], "version_id": cut["VersionId"]})["msg"]


def test_the_key_goes_to_memory_and_nowhere_else(data_key, decrypt, cloud, tmp_path):
    wrapped = data_key()["wrapped"]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        dest = Path(memory) / "key"
        assert decrypt(wrapped, validate_only=False, dest=str(dest))["changed"]
        assert dest.read_bytes() == unwrap(wrapped)
        key = key_source.read(str(dest))
        assert key == dest.read_bytes()
        cryptsetup.forget(key)
        assert (
            "may only be in a file system in memory"
            in decrypt(wrapped, validate_only=False, dest=str(tmp_path / "key"))["msg"]
        )


def test_the_controller_never_asks_for_a_plaintext(data_key, monkeypatch):
    asked = []
    real = client.client

    def watched(service, **how):
        made = real(service, **how)
        made.meta.events.register("before-call", lambda model, **_: asked.append(model.name))
        return made

    monkeypatch.setattr(client, "client", watched)
    first = data_key()
    data_key(state="rotated", previous_version_id=first["version_id"])
    data_key(state="rewrapped", previous_version_id=data_key()["version_id"])
    assert {"GenerateDataKeyWithoutPlaintext", "ReEncrypt", "PutObject"} <= set(asked)
    assert not {"Decrypt", "GenerateDataKey", "Encrypt"} & set(asked)
