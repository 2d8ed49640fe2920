"""Who unwrapped which key, from CloudTrail's events as AWS documents them."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.stub import Stubber

from ansible_collections.rackaware.kafka.plugins.module_utils import _aws, _unlocks
from ansible_collections.rackaware.kafka.plugins.modules import kms_unlock_info

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONTEXT = {"app": "kafka", "cluster_id": "demo", "node_id": "3", "volume": "d0", "purpose": "luks"}


def event(time="2026-03-01T10:00:00Z", who="arn:aws:sts::123456789012:assumed-role/kafka-demo/i-0123456789abcdef0", context=CONTEXT, **more):
    content = {
        "eventTime": time,
        "eventName": "Decrypt",
        "userIdentity": {"type": "AssumedRole", "arn": who},
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"encryptionContext": context, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
        "requestID": "r-1",
        "resources": [{"accountId": "123456789012", "type": "AWS::KMS::Key", "ARN": KEY}],
        **more,
    }
    return {"EventId": "e", "EventName": "Decrypt", "CloudTrailEvent": json.dumps(content)}


@pytest.fixture()
def asked(monkeypatch, capsys):
    """The module, with these pages as CloudTrail's answer."""

    def call(*pages, **params):
        client = boto3.client("cloudtrail", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        with Stubber(client) as stub:
            for number, page in enumerate(pages, 1):
                stub.add_response("lookup_events", {"Events": page, **({"NextToken": "t%d" % number} if number < len(pages) else {})})
            monkeypatch.setattr(_aws, "client", lambda *_args, **_more: client)
            with patch_module_args(params), pytest.raises(SystemExit):
                kms_unlock_info.main()
        return json.loads(capsys.readouterr().out)

    return call


def test_an_unlock_names_instance_node_and_volume_the_oldest_first(asked):
    found = asked([event()], [event(time="2026-03-01T09:00:00Z")], cluster="demo")
    assert [each["time"] for each in found["unlocks"]] == ["2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"]
    first = found["unlocks"][0]
    assert (first["instance"], first["cluster"], first["node"], first["volume"], first["key_arn"]) == ("i-0123456789abcdef0", "demo", "3", "d0", KEY)
    assert found["lines"][1] == "2026-03-01T10:00:00Z  demo 3 d0  i-0123456789abcdef0 from 198.51.100.7"


def test_a_person_and_a_denial_stand_out(asked):
    found = asked([event(who="arn:aws:iam::123456789012:user/eve", errorCode="AccessDenied", resources=None)])
    assert found["unlocks"][0]["instance"] == "" and found["unlocks"][0]["error"] == "AccessDenied"
    assert found["lines"][0].endswith("arn:aws:iam::123456789012:user/eve (no instance) from 198.51.100.7: AccessDenied")


@pytest.mark.parametrize(
    "other",
    [
        event(context={"aws:s3:arn": "arn:aws:s3:::bucket"}),
        event(requestParameters=None),
        event(context={**CONTEXT, "cluster_id": "another"}),
        {"CloudTrailEvent": "{"},
        {},
    ],
    ids=["of S3", "without parameters", "of another cluster", "damaged", "empty"],
)
def test_what_is_no_unlock_of_the_cluster_is_left_out(asked, other):
    assert asked([other], cluster="demo")["unlocks"] == []


def test_without_a_cluster_all_are_listed(asked):
    assert len(asked([event(), event(context={**CONTEXT, "cluster_id": "another"})])["unlocks"]) == 2


def test_the_time_is_what_was_asked_for():
    class Trail:
        def get_paginator(self, name):
            return self

        def paginate(self, **asked):
            self.asked = asked
            return []

    trail = Trail()
    _unlocks.unlocks(trail, cluster="", hours=48, now=datetime(2026, 3, 3, tzinfo=timezone.utc))
    assert (trail.asked["StartTime"].isoformat(), trail.asked["EndTime"].isoformat()) == ("2026-03-01T00:00:00+00:00", "2026-03-03T00:00:00+00:00")
    assert trail.asked["LookupAttributes"] == [{"AttributeKey": "EventName", "AttributeValue": "Decrypt"}]


@pytest.mark.parametrize("hours", [0, 2161])
def test_more_than_cloudtrail_remembers_is_refused(asked, hours):
    assert "CloudTrail remembers 90 days" in asked(hours=hours)["msg"]
