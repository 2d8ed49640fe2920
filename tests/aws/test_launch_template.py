"""The AWS article as a launch template, as a person makes it; that an instance of it works is tried in the lab."""

from __future__ import annotations

import base64
import hashlib
import json

import boto3
import pytest

BUCKET = "kafka-keys-123456789012-eu-west-1"


@pytest.fixture(scope="module")
def aws(account):
    class Aws:
        pass

    keys = {
        "endpoint_url": account.env["AWS_ENDPOINT_URL"],
        "region_name": "eu-west-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    for name in ("ec2", "s3", "iam"):
        setattr(Aws, name, boto3.client(name, **keys))
    return Aws


@pytest.fixture()
def make(account, aws):
    def run(*options, **more):
        given = {
            "kafka_secretfs_role": "web",
            "kafka_secretfs_region": "eu-west-1",
            "kafka_secretfs_image": "ami-0123456789abcdef0",
            "kafka_secretfs_instance_type": "i3.large",
        }
        variables = {**given, "kafka_secretfs_name": "articles", "key_custody_strict_policies": False, **more}
        return account.play("launch_template", None, "-e", json.dumps(variables), *options)

    return run


def versions(aws):
    try:
        return aws.ec2.describe_launch_template_versions(LaunchTemplateName="articles")["LaunchTemplateVersions"]
    except aws.ec2.exceptions.ClientError:
        return []


def test_what_is_not_said_is_asked_for(make):
    make(kafka_secretfs_image="").refused("Say what to launch: add -e kafka_secretfs_role=")


def test_an_instance_profile_that_is_not_there_is_refused(make):
    make().refused("There is no instance profile web; make one with the role web")


def test_a_role_that_is_not_there_is_refused(make, aws):
    aws.iam.create_instance_profile(InstanceProfileName="web")
    make().refused("There is no IAM role web")


def test_check_mode_makes_nothing(make, aws):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    aws.iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(trust))
    aws.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    run = make("--check")
    assert run.code == 0, run.text
    assert versions(aws) == []


def test_it_is_made_once_and_its_user_data_name_an_archive_by_its_digest(make, aws):
    first, again = make(), make()
    assert (first.code, again.code, again.changed) == (0, 0, 0), first.text + again.text
    (version,) = versions(aws)
    data = version["LaunchTemplateData"]
    assert (
        data["InstanceType"],
        data["IamInstanceProfile"]["Arn"].rsplit("/", 1)[-1],
        data["MetadataOptions"]["HttpTokens"],
    ) == (
        "i3.large",
        "web",
        "required",
    )
    text = base64.b64decode(data["UserData"]).decode()
    (listed,) = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix="secretfs/launch/")["Contents"]
    content = aws.s3.get_object(Bucket=BUCKET, Key=listed["Key"])["Body"].read()
    assert listed["Key"] == "secretfs/launch/%s.tar.gz" % hashlib.sha256(content).hexdigest() and listed["Key"] in text
    policy = aws.iam.get_role_policy(RoleName="web", PolicyName="secretfs-unlock")["PolicyDocument"]
    assert policy["Statement"][1]["Resource"] == "arn:aws:s3:::%s/secretfs/*" % BUCKET


def test_another_size_is_another_version(make, aws):
    run = make(kafka_secretfs_size="4G")
    assert run.code == 0, run.text
    assert sorted(version["VersionNumber"] for version in versions(aws)) == [1, 2]
    aws.ec2.delete_launch_template(LaunchTemplateName="articles")
    # The account is shared with other tests.
    aws.iam.delete_role_policy(RoleName="web", PolicyName="secretfs-unlock")
    aws.iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
    aws.iam.delete_instance_profile(InstanceProfileName="web")
    aws.iam.delete_role(RoleName="web")
