"""The lab's metadata service: version 2 only, each caller its own instance, credentials of its role."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws
from werkzeug.test import Client

from lab.imds import Metadata
from lab.server import credentials
from lab.settings import ACCOUNT, REGION
from lab.world import World

TTL = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}


@pytest.fixture
def instance(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        iam, ec2 = boto3.client("iam", region_name=REGION), boto3.client("ec2", region_name=REGION)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
        iam.create_instance_profile(InstanceProfileName="p")
        iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        made = ec2.run_instances(
            ImageId=image, MinCount=1, MaxCount=1, UserData="#!/bin/sh\ntrue\n", IamInstanceProfile={"Name": "p"}
        )
        yield made["Instances"][0]


def client(instance, now=lambda: 0.0):
    service = Metadata(World(print).by_address, credentials, now)
    http = Client(service)
    caller = {"REMOTE_ADDR": instance["PrivateIpAddress"]}
    token = http.put("/latest/api/token", headers=TTL, environ_overrides=caller).text

    def ask(path, **headers):
        return http.get(
            "/latest/" + path, headers={"X-aws-ec2-metadata-token": token, **headers}, environ_overrides=caller
        )

    return http, caller, ask


def test_it_tells_each_caller_who_it_is(instance):
    _http, _caller, ask = client(instance)
    assert ask("meta-data/instance-id").text == instance["InstanceId"]
    assert ask("meta-data/local-ipv4").text == instance["PrivateIpAddress"]
    assert json.loads(ask("dynamic/instance-identity/document").text)["instanceId"] == instance["InstanceId"]
    assert ask("user-data").text == "#!/bin/sh\ntrue\n"
    assert ask("meta-data/nothing").status_code == 404


def test_the_role_of_the_instance_gives_its_credentials(instance):
    _http, _caller, ask = client(instance)
    assert ask("meta-data/iam/security-credentials/").text == "r"
    given = json.loads(ask("meta-data/iam/security-credentials/r").text)
    who = boto3.client(
        "sts",
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    ).get_caller_identity()["Arn"]
    assert who.endswith("assumed-role/r/" + instance["InstanceId"])


def test_version_1_strangers_and_old_tokens_get_nothing(instance):
    clock = [0.0]
    http, caller, ask = client(instance, lambda: clock[0])
    assert http.get("/latest/meta-data/instance-id", environ_overrides=caller).status_code == 401
    assert http.put("/latest/api/token", environ_overrides=caller).status_code == 400
    assert (
        http.put("/latest/api/token", headers=TTL, environ_overrides={"REMOTE_ADDR": "198.18.200.1"}).status_code == 404
    )
    clock[0] = 61.0
    assert ask("meta-data/instance-id").status_code == 401
