"""key_custody as a person runs it: everything made, nothing twice, and what an administrator took away stays away."""

from __future__ import annotations

import json

import boto3
import pytest

CLUSTER = "vault"
BUCKET = "kafka-keys-123456789012-eu-west-1"
STORE = {
    "object_key": "vault/1/LuksInternalStorageKey-d0",
    "encryption_context": {"app": "kafka", "cluster_id": CLUSTER, "node_id": "1", "volume": "d0", "purpose": "luks"},
}
VARIABLES = {
    "key_custody_region": "eu-west-1",
    "key_custody_cluster": CLUSTER,
    "key_custody_role_names": ["kafka-eu-west-1-vault-broker"],
    "key_custody_alias": "VaultKey",
    "key_custody_trail": "vault-trail",
    "key_custody_keys": [STORE],
}


@pytest.fixture(scope="module")
def aws(account):
    """Clients, and the role of an instance."""

    class Aws:
        pass

    keys = {
        "endpoint_url": account.env["AWS_ENDPOINT_URL"],
        "region_name": "eu-west-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    for name in ("kms", "s3", "iam", "cloudtrail"):
        setattr(Aws, name, boto3.client(name, **keys))
    return Aws


@pytest.fixture()
def custody(account):
    def run(*options, strict=False, **more):
        variables = {**VARIABLES, "key_custody_strict_policies": strict, **more}
        return account.play("key_custody", None, "-e", json.dumps(variables), *options)

    return run


def key(aws):
    listed = {alias["AliasName"]: alias.get("TargetKeyId") for alias in aws.kms.list_aliases()["Aliases"]}
    return listed.get("alias/VaultKey")


def test_no_cluster_is_meant(account):
    account.play("key_custody").refused("The cluster or the Region of the keys is not set")


def test_a_role_that_is_not_there_is_refused(custody):
    custody().refused("There is no IAM role kafka-eu-west-1-vault-broker; provision makes those of a cluster")


def test_a_key_open_to_everybody_is_refused(custody, aws):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    aws.iam.create_role(RoleName="kafka-eu-west-1-vault-broker", AssumeRolePolicyDocument=json.dumps(trust))
    custody(key_custody_role_patterns=["*"]).refused("The key would be open to every role of the account")


def test_check_mode_makes_nothing(custody, aws):
    run = custody("--check")
    assert run.code == 0, run.text
    assert run.changed > 0 and key(aws) is None
    assert BUCKET not in [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]]


def test_everything_is_made(custody, aws):
    run = custody()
    assert run.code == 0, run.text
    ident = key(aws)
    assert aws.kms.get_key_rotation_status(KeyId=ident)["KeyRotationEnabled"]
    policy = json.loads(aws.kms.get_key_policy(KeyId=ident, PolicyName="default")["Policy"])
    administer, decrypt = policy["Statement"]
    assert not {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncrypt*", "kms:Create*", "kms:*"} & set(
        administer["Action"]
    )
    assert decrypt["Action"] == ["kms:Decrypt"]
    assert decrypt["Condition"]["ArnLike"] == {"aws:PrincipalArn": ["arn:aws:iam::123456789012:role/kafka-*"]}
    assert aws.s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert all(aws.s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert aws.s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    head = aws.s3.head_object(Bucket=BUCKET, Key=STORE["object_key"])
    assert json.loads(head["Metadata"]["encryption-context"]) == STORE["encryption_context"]
    assert aws.cloudtrail.get_trail_status(Name="vault-trail")["IsLogging"]
    (selector,) = aws.cloudtrail.get_event_selectors(TrailName="vault-trail")["EventSelectors"]
    assert selector["IncludeManagementEvents"] and selector["DataResources"] == [
        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::%s/" % BUCKET]}
    ]


def test_a_role_may_unwrap_and_read_what_is_its_clusters_and_nothing_more(aws):
    found = aws.iam.get_role_policy(RoleName="kafka-eu-west-1-vault-broker", PolicyName="vault-unlock")[
        "PolicyDocument"
    ]
    assert {action for statement in found["Statement"] for action in statement["Action"]} == {
        "kms:Decrypt",
        "s3:GetObject",
        "s3:GetObjectVersion",
    }
    assert found["Statement"][1]["Resource"] == "arn:aws:s3:::%s/vault/*" % BUCKET


def test_a_second_run_changes_nothing(custody):
    for options in ((), ("--check",)):
        run = custody(*options)
        assert run.code == 0 and run.changed == 0, run.text


def test_who_may_wrap_keys_anew_is_named_and_may_no_longer_without_the_name(custody, aws):
    custody(key_custody_rewrap_arns=["arn:aws:iam::123456789012:role/*"]).refused(
        "would allow more than one role or user to rewrap keys"
    )
    rewrapper = "arn:aws:iam::123456789012:role/rewrap"
    for arns, names in (
        ([rewrapper], ["AccountAdministers", "InstancesUnwrap", "Rewrap"]),
        ([], ["AccountAdministers", "InstancesUnwrap"]),
    ):
        run = custody(key_custody_rewrap_arns=arns)
        assert run.code == 0 and run.changed == 1, run.text
        policy = json.loads(aws.kms.get_key_policy(KeyId=key(aws), PolicyName="default")["Policy"])
        assert [statement["Sid"] for statement in policy["Statement"]] == names


def test_a_rotation_that_somebody_turned_off_is_turned_on_again(custody, aws):
    aws.kms.disable_key_rotation(KeyId=key(aws))
    run = custody()
    assert run.code == 0 and run.changed == 1, run.text
    assert aws.kms.get_key_rotation_status(KeyId=key(aws))["KeyRotationEnabled"]


def test_a_key_that_somebody_disabled_stays_disabled(custody, aws):
    aws.kms.disable_key(KeyId=key(aws))
    custody().refused("is Disabled; enable it, or cancel its deletion, by hand: the collection never does")
    assert aws.kms.describe_key(KeyId=key(aws))["KeyMetadata"]["KeyState"] == "Disabled"
    aws.kms.enable_key(KeyId=key(aws))


def test_conditions_are_there_on_aws(custody, aws):
    # A bucket of its own, because the stand-in takes the denial of requests without TLS for one of all requests.
    admins = ["arn:aws:iam::123456789012:role/key-admin"]
    run = custody(
        strict=True,
        key_custody_bucket="kafka-keys-strict",
        key_custody_keys=[],
        key_custody_trail="",
        key_custody_admin_arns=admins,
    )
    assert run.code == 0, run.text
    tls, write = json.loads(aws.s3.get_bucket_policy(Bucket="kafka-keys-strict")["Policy"])["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert write["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": admins}}
    unwrap, _read, old = aws.iam.get_role_policy(RoleName="kafka-eu-west-1-vault-broker", PolicyName="vault-unlock")[
        "PolicyDocument"
    ]["Statement"]
    assert unwrap["Resource"].endswith("key/" + key(aws))
    assert unwrap["Condition"] == {
        "StringEquals": {"kms:EncryptionContext:app": "kafka", "kms:EncryptionContext:cluster_id": CLUSTER}
    }
    assert old["Condition"] == {"NumericLessThan": {"ec2:RoleDelivery": "2.0"}}


def test_a_key_that_waits_for_its_deletion_is_not_saved(custody, aws):
    ident = key(aws)
    aws.kms.schedule_key_deletion(KeyId=ident)
    custody(strict=True).refused("is PendingDeletion; enable it, or cancel its deletion, by hand")
    assert aws.kms.describe_key(KeyId=ident)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    # The account is shared with the tests of provision.
    aws.kms.delete_alias(AliasName="alias/VaultKey")
    aws.iam.delete_role_policy(RoleName="kafka-eu-west-1-vault-broker", PolicyName="vault-unlock")
    aws.iam.delete_role(RoleName="kafka-eu-west-1-vault-broker")
