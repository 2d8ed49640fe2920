"""Who used which key and who changed what guards it, from CloudTrail's events as AWS documents them."""

from __future__ import annotations

import gzip
import io
import json
import re
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.stub import ANY, Stubber

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client as aws_client
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import decrypt_events
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import trail as aws_trail
from ansible_collections.rackaware.kafka.plugins.modules import kms_unlock_info

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONTEXT = {"app": "kafka", "cluster_id": "demo", "node_id": "3", "volume": "d0", "purpose": "luks"}


numbers = iter(range(1000000))


def event(
    time="2026-03-01T10:00:00Z",
    who="arn:aws:sts::123456789012:assumed-role/kafka-demo/i-0123456789abcdef0",
    context=CONTEXT,
    **more,
):
    content = {
        "eventTime": time,
        "eventName": "Decrypt",
        "userIdentity": {"type": "AssumedRole", "arn": who},
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"encryptionContext": context, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
        "requestID": "r-1",
        "eventID": "e-%d" % next(numbers),
        "resources": [{"accountId": "123456789012", "type": "AWS::KMS::Key", "ARN": KEY}],
        **more,
    }
    return {"EventId": "e", "EventName": content["eventName"], "CloudTrailEvent": json.dumps(content)}


ADMIN = "arn:aws:iam::123456789012:role/admin"
BUCKET = "kafka-keys"


class Aws:
    """KMS, CloudTrail with these pages for each resource that is asked for, and the trail's bucket with these files."""

    def __init__(self, pages=(), of_bucket=(), files=None):
        self.files, self.read = files or {}, []
        self.asked = []
        keys = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        self.kms, self.cloudtrail = (boto3.client(name, **keys) for name in ("kms", "cloudtrail"))
        self.stubs = [Stubber(client) for client in (self.kms, self.cloudtrail)]
        self.stubs[0].add_response("describe_key", {"KeyMetadata": {"KeyId": "1234abcd", "Arn": KEY}})
        for name, found in ((KEY, pages or [[]]), *(((BUCKET, of_bucket),) if of_bucket else ())):
            for number, page in enumerate(found, 1):
                attributes = [{"AttributeKey": "ResourceName", "AttributeValue": name}]
                asked = {
                    "LookupAttributes": attributes,
                    "StartTime": ANY,
                    "EndTime": ANY,
                    **({"NextToken": "t%d" % (number - 1)} if number > 1 else {}),
                }
                self.stubs[1].add_response(
                    "lookup_events",
                    {"Events": page, **({"NextToken": "t%d" % number} if number < len(found) else {})},
                    asked,
                )
        for stub in self.stubs:
            stub.activate()

    def client(self, service, **_more):
        return self if service == "s3" else getattr(self, service)

    def get_paginator(self, name):
        assert name == "list_objects_v2"
        return self

    def paginate(self, **asked):
        assert (asked["Bucket"], asked["ExpectedBucketOwner"]) == (BUCKET + "-trail", "123456789012")
        self.asked.append(asked["Prefix"])
        return [{"Contents": [{"Key": name} for name in self.files if name.startswith(asked["Prefix"])]}]

    def get_object(self, **asked):
        self.read.append(asked["Key"])
        return {"Body": io.BytesIO(self.files[asked["Key"]])}


@pytest.fixture()
def asked(monkeypatch, capsys):
    """The module, with these pages as CloudTrail's answer for the KMS key, those in of_bucket for the bucket."""
    monkeypatch.setattr(decrypt_events, "PACE_SECONDS", 0)

    def call(*pages, of_bucket=(), files=None, now=None, **params):
        aws = Aws(pages, of_bucket, files)
        monkeypatch.setattr(aws_client, "client", aws.client)
        if now:
            monkeypatch.setattr(decrypt_events, "span", lambda hours: (now - timedelta(hours=hours), now))
        with patch_module_args({**({"bucket": BUCKET} if of_bucket else {}), **params}), pytest.raises(SystemExit):
            kms_unlock_info.main()
        result = json.loads(capsys.readouterr().out)
        if not result.get("failed"):
            for stub in aws.stubs:
                stub.assert_no_pending_responses()
        return {**result, "aws": aws}

    return call


def test_an_unlock_names_instance_node_and_volume_the_oldest_first(asked):
    found = asked([event()], [event(time="2026-03-01T09:00:00Z")], cluster="demo")
    assert [each["time"] for each in found["unlocks"]] == ["2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"]
    first = found["unlocks"][0]
    assert (first["instance"], first["cluster"], first["node"], first["volume"], first["key_arn"]) == (
        "i-0123456789abcdef0",
        "demo",
        "3",
        "d0",
        KEY,
    )
    assert found["lines"][1] == "2026-03-01T10:00:00Z  demo 3 d0  i-0123456789abcdef0 from 198.51.100.7"


def test_a_person_and_a_denial_stand_out(asked):
    found = asked([event(who="arn:aws:iam::123456789012:user/eve", errorCode="AccessDenied", resources=None)])
    assert found["unlocks"][0]["instance"] == "" and found["unlocks"][0]["error"] == "AccessDenied"
    assert found["lines"][0].endswith(
        "arn:aws:iam::123456789012:user/eve (no instance) from 198.51.100.7: AccessDenied"
    )


@pytest.mark.parametrize(
    "other",
    [
        event(context={"aws:s3:arn": "arn:aws:s3:::bucket"}),
        event(context={**CONTEXT, "cluster_id": "another"}),
        event(eventName="DescribeKey", requestParameters={"keyId": KEY}),
        event(eventName="GenerateDataKeyWithoutPlaintext"),
        {"CloudTrailEvent": "{"},
        {"CloudTrailEvent": "[]"},
        {},
    ],
    ids=["of S3", "of another cluster", "a look", "a new key", "damaged", "of no shape", "empty"],
)
def test_what_is_no_use_of_the_clusters_keys_is_left_out(asked, other):
    assert asked([other], cluster="demo")["events"] == []


def test_an_unlock_without_parameters_or_context_is_of_our_key_and_shown(asked):
    found = asked(
        [
            event(requestParameters=None, errorCode="AccessDenied"),
            event(context={}, errorCode="InvalidCiphertextException"),
        ],
        cluster="demo",
    )
    assert [each["error"] for each in found["unlocks"]] == ["AccessDenied", "InvalidCiphertextException"]
    assert "  unknown key  i-0123456789abcdef0 from" in found["lines"][0]


def test_without_a_cluster_all_are_listed(asked):
    assert len(asked([event(), event(context={**CONTEXT, "cluster_id": "another"})])["unlocks"]) == 2


OTHER = "arn:aws:kms:eu-west-1:999999999999:key/9999abcd-12ab-34cd-56ef-1234567890ab"
AWAY = {"sourceEncryptionContext": CONTEXT, "destinationEncryptionContext": {}, "destinationKeyId": OTHER}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"eventName": "ReEncrypt", "requestParameters": AWAY}, "ReEncrypt to %s  demo 3 d0" % OTHER),
        (
            {
                "eventName": "CreateGrant",
                "requestParameters": {
                    "keyId": KEY,
                    "operations": ["Decrypt"],
                    "granteePrincipal": "arn:aws:iam::9:root",
                },
            },
            "CreateGrant of Decrypt to arn:aws:iam::9:root",
        ),
        *(
            ({"eventName": name, "requestParameters": {"keyId": KEY}}, name)
            for name in (
                "PutKeyPolicy",
                "ScheduleKeyDeletion",
                "DisableKey",
                "EnableKey",
                "RevokeGrant",
                "GenerateDataKey",
                "Encrypt",
                "SomethingNew",
            )
        ),
    ],
    ids=lambda value: value["eventName"] if isinstance(value, dict) else "",
)
def test_whatever_else_is_done_with_the_key_is_shown_for_every_cluster(asked, given, line):
    found = asked([event(who=ADMIN, **given)], cluster="demo")
    assert found["unlocks"] == [] and [each["event"] for each in found["events"]] == [given["eventName"]]
    assert found["lines"] == ["2026-03-01T10:00:00Z  %s  %s (no instance) from 198.51.100.7" % (line, ADMIN)]


def of_s3(name, key=None, bucket=BUCKET, category="Management", **more):
    asked = {"bucketName": bucket, **({"key": key} if key else {})}
    return event(
        eventName=name,
        eventSource="s3.amazonaws.com",
        requestParameters=asked,
        resources=[],
        eventCategory=category,
        **more,
    )


def test_a_change_of_the_bucket_is_shown_and_a_look_at_it_is_not(asked):
    found = asked(
        [event()],
        of_bucket=[[of_s3("PutBucketPolicy", who=ADMIN), of_s3("GetBucketPolicy", who=ADMIN)]],
        cluster="demo",
    )
    assert [each["event"] for each in found["events"]] == ["Decrypt", "PutBucketPolicy"]
    assert "PutBucketPolicy kafka-keys  arn:aws:iam::123456789012:role/admin" in found["lines"][1]


# The trail's files.

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=timezone.utc)
WRAPPED = "demo/3/LuksInternalStorageKey-d0"


def path(stamp):
    place = "AWSLogs/123456789012/CloudTrail/eu-west-1/%s/%s/%s/" % (stamp[:4], stamp[4:6], stamp[6:8])
    return place + "123456789012_CloudTrail_eu-west-1_%sZ_AbCdEf.json.gz" % stamp


def zipped(*events):
    return gzip.compress(json.dumps({"Records": [json.loads(each["CloudTrailEvent"]) for each in events]}).encode())


def test_reading_of_a_wrapped_key_is_found_in_the_trail_and_nothing_is_shown_twice(asked):
    changed = of_s3("PutBucketPolicy", time="2026-03-01T23:00:00Z", who=ADMIN)
    read = of_s3("GetObject", WRAPPED, time="2026-03-01T23:10:00Z", category="Data", who=ADMIN)
    others = [
        of_s3("GetObject", "other/3/LuksInternalStorageKey-d0", category="Data", time="2026-03-01T23:10:00Z"),
        of_s3("GetObject", WRAPPED, bucket="elsewhere", category="Data", time="2026-03-01T23:10:00Z"),
        of_s3("GetObject", WRAPPED, category="Data", time="2026-02-01T00:00:00Z"),
    ]
    files = {
        path("20260301T2315"): zipped(read, changed, event(), *others),
        path("20260302T0005"): zipped(read),
        path("20260302T0010"): b"damaged",
        path("20260228T0000"): zipped(read),
        path("20260301T2315").replace(".json.gz", ".json"): b"",
    }
    found = asked([], of_bucket=[[changed]], files=files, now=NOW, cluster="demo", trail_bucket=BUCKET + "-trail")
    assert [each["event"] for each in found["events"]] == ["PutBucketPolicy", "GetObject"]
    assert found["lines"][1] == "2026-03-01T23:10:00Z  GetObject %s  demo 3 d0  %s (no instance) from 198.51.100.7" % (
        WRAPPED,
        ADMIN,
    )
    assert found["aws"].read == [path("20260301T2315"), path("20260302T0005"), path("20260302T0010")]
    assert [re.search(r"\d{4}/\d\d/\d\d", prefix)[0] for prefix in found["aws"].asked] == ["2026/03/01", "2026/03/02"]
    assert len(found["hints"]) == 1


def test_only_so_many_files_are_read_the_newest_and_that_is_said(asked):
    files = {path("20260301T%02d00" % hour): zipped() for hour in range(2, 22)}
    found = asked([], of_bucket=[[]], files=files, now=NOW, trail_bucket=BUCKET + "-trail", most_files=5)
    assert found["aws"].read == [path("20260301T%02d00" % hour) for hour in range(17, 22)]
    assert "15 older files of the trail were not read" in found["hints"][1]


def test_what_cannot_be_seen_is_said_with_how_to_see_it(asked):
    refused, reading = asked([])["hints"]
    assert (
        "aws cloudtrail lookup-events --region eu-west-1 --lookup-attributes AttributeKey=EventName,AttributeValue=Decrypt"
        in refused
    )
    assert "set key_custody_trail" in reading


def test_the_time_is_what_was_asked_for_and_pages_come_at_the_pace_of_cloudtrail():
    class Trail:
        def get_paginator(self, name):
            return self

        def paginate(self, **asked):
            self.asked = asked
            return [{"NextToken": "a"}, {"NextToken": "b"}, {}]

    trail, slept = Trail(), []
    start, end = decrypt_events.span(48, datetime(2026, 3, 3, tzinfo=timezone.utc))
    decrypt_events.look_up(trail, KEY, start=start, end=end, sleep=slept.append)
    assert (trail.asked["StartTime"].isoformat(), trail.asked["EndTime"].isoformat()) == (
        "2026-03-01T00:00:00+00:00",
        "2026-03-03T00:00:00+00:00",
    )
    assert trail.asked["LookupAttributes"] == [{"AttributeKey": "ResourceName", "AttributeValue": KEY}] and slept == [
        0.5,
        0.5,
    ]


@pytest.mark.parametrize("hours", [0, 2161])
def test_more_than_cloudtrail_remembers_is_refused(asked, hours):
    assert "CloudTrail remembers 90 days" in asked(hours=hours)["msg"]


# What a trail records.

OBJECTS = "arn:aws:s3:::kafka-keys/"
MANAGEMENT = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
DATA = {"Type": "AWS::S3::Object", "Values": [OBJECTS]}
WRITES = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": False, "DataResources": [DATA]}
ADVANCED = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


ANOTHER = {**MANAGEMENT, "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::x/"]}]}


@pytest.mark.parametrize("present", [[], [MANAGEMENT], [WRITES], [ANOTHER]])
def test_a_selector_is_added_once_and_what_was_recorded_still_is(present):
    after = aws_trail.plan(present, [], OBJECTS)["EventSelectors"]
    assert aws_trail.plan(after, [], OBJECTS) == {}
    assert any(each["ReadWriteType"] == "All" and DATA in each["DataResources"] for each in after)
    assert any(each["IncludeManagementEvents"] for each in after) == (present != [WRITES])
    assert {str(value) for each in present for value in each["DataResources"]} <= {
        str(value) for each in after for value in each["DataResources"]
    }


def test_a_trail_that_records_all_buckets_is_left_alone():
    assert (
        aws_trail.plan(
            [{**MANAGEMENT, "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}], [], OBJECTS
        )
        == {}
    )


def test_advanced_selectors_stay_advanced():
    after = aws_trail.plan([], [ADVANCED], OBJECTS)["AdvancedEventSelectors"]
    assert after[0] == ADVANCED and aws_trail.plan([], after, OBJECTS) == {}
    reads = {"FieldSelectors": [*after[1]["FieldSelectors"], {"Field": "readOnly", "Equals": ["false"]}]}
    assert aws_trail.plan([], [reads], OBJECTS)
