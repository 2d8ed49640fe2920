# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Who used which wrapped key and when, and who changed their policies, from the events of CloudTrail.

No host can change these events. There are two sources, because neither has all. LookupEvents has the management events
of 90 days, for one attribute per call, 50 per page, two pages per second for an account and Region (CloudTrail API,
LookupEvents); it is asked for our KMS key and our bucket only. Reading an object is a data event. Only a trail with a
selector for it records that (CloudTrail guide, "Logging data events"), in files in the trail's bucket.
"""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterable, Mapping

from .._errors import RackawareError
from .client import asking

# CloudTrail's own memory; older events are in the trail's bucket only.
DAYS = 90
PURPOSE = "luks"
DECRYPT = "Decrypt"
# Events of a key that are not shown: those that only read, and those that make keys without a plaintext. All else is
# shown, also events that AWS may add.
QUIET = re.compile(r"(Describe|List|Get)\w*|GenerateDataKeyWithoutPlaintext|RotateKey")
PACE_SECONDS = 0.5
# A file is delivered within about 15 minutes of its events (CloudTrail guide, "How CloudTrail works"); twice
# that is read.
DELIVERY = timedelta(minutes=30)
FILE = re.compile(r"_(\d{8}T\d{4})Z_[^/]+\.json\.gz$")


class DecryptEventsError(RackawareError):
    """CloudTrail cannot answer this request."""


@dataclass(frozen=True)
class Event:
    """One event.

    instance is the id of the instance whose role made the request, empty for other callers; error is empty for a
    request that succeeded; what is the name of a policy, a grant or an object, if any; cluster, node and volume are
    those of the encryption context, or of the object's name.
    """

    time: str
    event: str
    instance: str
    who: str
    source_ip: str
    cluster: str
    node: str
    volume: str
    what: str
    key_arn: str
    error: str
    request_id: str
    event_id: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return asdict(self)

    def line(self) -> str:
        """For people; a Decrypt, which is the rule, without its name."""
        who = self.instance or "%s (no instance)" % self.who
        place = " ".join(part for part in (self.cluster, self.node, self.volume) if part)
        name = "" if self.event == DECRYPT else "%s %s" % (self.event, self.what) if self.what else self.event
        middle = "  ".join(part for part in (name, place or ("" if name else "unknown key")) if part)
        return "%s  %s  %s from %s%s" % (
            self.time,
            middle,
            who,
            self.source_ip,
            ": " + self.error if self.error else "",
        )


def parse(content: Any) -> Event | None:
    """An event as CloudTrail records it; None where it says nothing of interest."""
    if not isinstance(content, Mapping):
        return None
    name, asked = str(content.get("eventName", "")), content.get("requestParameters") or {}
    if QUIET.fullmatch(name) and name != "GetObject" or not name:
        return None
    # ReEncrypt has two; a request that was denied early has no parameters at all.
    contexts = [
        asked.get(option) for option in ("encryptionContext", "sourceEncryptionContext", "destinationEncryptionContext")
    ]
    context = next((candidate for candidate in contexts if candidate and candidate.get("purpose") == PURPOSE), {})
    if name == DECRYPT and asked.get("encryptionContext") and not context:
        # Of another service that shares the key, such as S3. A request without any context is shown: it may be an
        # attempt to decrypt a wrapped key without it.
        return None
    place = [str(context.get(field_, "")) for field_ in ("cluster_id", "node_id", "volume")]
    object_key = str(asked.get("key", "")) if content.get("eventSource") == "s3.amazonaws.com" else ""
    match = re.fullmatch(r"([^/]+)/([^/]+)/[^/-]+-(.+)", object_key)
    if match:
        place = list(match.groups())
    identity = content.get("userIdentity") or {}
    who = str(identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "")
    session = re.search(r":assumed-role/[^/]+/(i-[0-9a-f]{8,17})$", who)
    arns = [
        str(resource.get("ARN"))
        for resource in content.get("resources") or []
        if str(resource.get("ARN", "")).find(":key/") > 0
    ]
    return Event(
        time=str(content.get("eventTime", "")),
        event=name,
        instance=session[1] if session else "",
        who=who,
        source_ip=str(content.get("sourceIPAddress", "")),
        cluster=place[0],
        node=place[1],
        volume=place[2],
        what=_what(name, asked, arns, object_key),
        key_arn=(arns or [str(asked.get("keyId", ""))])[0],
        error=str(content.get("errorCode") or ""),
        request_id=str(content.get("requestID", "")),
        event_id=str(content.get("eventID", "")),
    )


def _what(name: str, asked: Mapping[str, Any], arns: list[str], object_key: str) -> str:
    if name == "ReEncrypt":
        other = str(asked.get("destinationKeyId") or (arns[-1] if arns else ""))
        return "to %s" % other if other else ""
    if name == "CreateGrant":
        operations = ", ".join(str(operation) for operation in asked.get("operations") or ())
        return "of %s to %s" % (operations or "?", asked.get("granteePrincipal") or "?")
    return object_key or str(asked.get("bucketName") or "")


def check(hours: int) -> None:
    """Refuse what CloudTrail cannot answer; raises DecryptEventsError."""
    if not 1 <= hours <= DAYS * 24:
        raise DecryptEventsError(
            "CloudTrail remembers %d days, not %d hours; ask for 1 to %d, and read the trail's bucket for more."
            % (DAYS, hours, DAYS * 24)
        )


def look_up(
    cloudtrail: Any, name: str, *, start: datetime, end: datetime, sleep: Callable[[float], None] = time.sleep
) -> list[Event]:
    """The management events of this resource, a KMS key's ARN or a bucket's name; raises RackawareError."""
    asked = {
        "LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": name}],
        "StartTime": start,
        "EndTime": end,
    }
    out: list[Event | None] = []
    with asking("look up the events of %s" % name):
        for page in cloudtrail.get_paginator("lookup_events").paginate(**asked):
            for event in page.get("Events", []):
                try:
                    out.append(parse(json.loads(event["CloudTrailEvent"])))
                except (KeyError, ValueError):
                    continue
            if page.get("NextToken"):
                sleep(PACE_SECONDS)
    return [parsed for parsed in out if parsed is not None]


@dataclass(frozen=True)
class Trail:
    """A trail's files: its bucket, the account and Region of the events, and how many files may be read."""

    bucket: str
    account: str
    region: str
    most_files: int

    def read(self, s3: Any, of_bucket: str, *, start: datetime, end: datetime) -> tuple[list[Event], int]:
        """The data events of the objects of a bucket, and how many older files were not read; raises RackawareError."""
        names = []
        with asking("list the trail's files in s3://%s" % self.bucket):
            for days in range((end + DELIVERY).toordinal() - start.toordinal() + 1):
                day = start + timedelta(days=days)
                prefix = "AWSLogs/%s/CloudTrail/%s/%s/" % (self.account, self.region, day.strftime("%Y/%m/%d"))
                for page in s3.get_paginator("list_objects_v2").paginate(
                    Bucket=self.bucket, Prefix=prefix, ExpectedBucketOwner=self.account
                ):
                    names += [entry["Key"] for entry in page.get("Contents", [])]
        stamped = sorted((match[1], name) for name in names for match in [FILE.search(name)] if match)
        in_period = [
            name
            for stamp, name in stamped
            if start.strftime("%Y%m%dT%H%M") <= stamp <= (end + DELIVERY).strftime("%Y%m%dT%H%M")
        ]
        out = []
        for name in in_period[-self.most_files :]:
            with asking("read s3://%s/%s" % (self.bucket, name)):
                content = s3.get_object(Bucket=self.bucket, Key=name, ExpectedBucketOwner=self.account)["Body"].read()
            out += [event for event in map(parse, _records(content, of_bucket)) if event is not None]
        first, last = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end))
        return [event for event in out if first <= event.time <= last], max(0, len(in_period) - self.most_files)


def _records(content: bytes, bucket: str) -> list[Any]:
    """The events of a file that are of objects in this bucket.

    A damaged file has none; CloudTrail's digests show the damage.
    """
    try:
        records = json.loads(gzip.decompress(content)).get("Records", [])
    except (OSError, EOFError, zlib.error, ValueError, AttributeError):
        return []
    return [
        record
        for record in records
        if record.get("eventSource") == "s3.amazonaws.com"
        and record.get("eventCategory", "Data") == "Data"
        and (record.get("requestParameters") or {}).get("bucketName") == bucket
    ]


def chosen(events: Iterable[Event], cluster: str) -> list[Event]:
    """The events of the cluster and those of no cluster, such as a change of the key's policy.

    Each event is there once, oldest first.
    """
    once = {event.event_id or event: event for event in events if cluster in ("", event.cluster) or not event.cluster}
    return sorted(once.values(), key=lambda event: event.time)


def span(hours: int, now: datetime | None = None) -> tuple[datetime, datetime]:
    """The first and the last moment of the period."""
    end = now or datetime.now(timezone.utc)
    return end - timedelta(hours=hours), end


def hints(region: str, *, traced: bool, more: int, most: int) -> list[str]:
    """What the two sources do not show, and how to see it."""
    out = [
        "Requests that were refused before KMS knew the key are recorded without it; to see them: aws cloudtrail"
        " lookup-events --region %s --lookup-attributes AttributeKey=EventName,AttributeValue=Decrypt" % region
    ]
    if not traced:
        out.append(
            "Reading of wrapped keys (GetObject) is a data event, which CloudTrail's event history does not have: set"
            " key_custody_trail, and run key_custody; from then on the trail records it, and unlock_log shows it."
        )
    if more:
        out.append(
            "%d older files of the trail were not read; give fewer hours, or more than %d for most_files "
            "(-e kafka_unlock_log_files=%d)." % (more, most, most + more)
        )
    return out
