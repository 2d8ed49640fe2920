# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Who unwrapped which key and when, from the events of CloudTrail. Whoever administers the account can read them; no host can change them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping

from ._aws import asking
from ._errors import RackawareError

# CloudTrail's own memory; older events are in the trail's bucket only.
DAYS = 90
PURPOSE = "luks"


class UnlocksError(RackawareError):
    """The question cannot be asked so."""


@dataclass(frozen=True)
class Unlock:
    """One Decrypt: instance is the id of the instance whose role asked, empty for anybody else; error is empty where the key was given."""

    time: str
    instance: str
    who: str
    source_ip: str
    cluster: str
    node: str
    volume: str
    key_arn: str
    error: str
    request_id: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return asdict(self)

    def line(self) -> str:
        """For people."""
        who = self.instance or "%s (no instance)" % self.who
        return "%s  %s %s %s  %s from %s%s" % (self.time, self.cluster, self.node, self.volume, who, self.source_ip, ": " + self.error if self.error else "")


def parse(event: Mapping[str, Any]) -> Unlock | None:
    """An event as LookupEvents gives it; None when it is no unwrapping of a key of ours."""
    try:
        content = json.loads(event["CloudTrailEvent"])
    except (KeyError, ValueError):
        return None
    # A request that was denied early has no parameters.
    context = (content.get("requestParameters") or {}).get("encryptionContext") or {}
    if context.get("purpose") != PURPOSE:
        return None
    identity = content.get("userIdentity") or {}
    who = str(identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "")
    session = re.search(r":assumed-role/[^/]+/(i-[0-9a-f]{8,17})$", who)
    keys = [str(each.get("ARN")) for each in content.get("resources") or [] if str(each.get("ARN", "")).find(":key/") > 0]
    return Unlock(
        time=str(content.get("eventTime", "")),
        instance=session[1] if session else "",
        who=who,
        source_ip=str(content.get("sourceIPAddress", "")),
        cluster=str(context.get("cluster_id", "")),
        node=str(context.get("node_id", "")),
        volume=str(context.get("volume", "")),
        key_arn=(keys or [str((content.get("requestParameters") or {}).get("keyId", ""))])[0],
        error=str(content.get("errorCode") or ""),
        request_id=str(content.get("requestID", "")),
    )


def unlocks(cloudtrail: Any, *, cluster: str, hours: int, now: datetime | None = None) -> list[Unlock]:
    """All of a cluster (or other application) in the last hours, the oldest first; of every one where cluster is empty. Raises RackawareError."""
    if not 1 <= hours <= DAYS * 24:
        raise UnlocksError("CloudTrail remembers %d days, not %d hours; ask for 1 to %d, and read the trail's bucket for more." % (DAYS, hours, DAYS * 24))
    end = now or datetime.now(timezone.utc)
    # Only one attribute may be asked for; whose key it was is told apart here.
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "Decrypt"}], "StartTime": end - timedelta(hours=hours), "EndTime": end}
    found = []
    with asking("look up who decrypted"):
        for page in cloudtrail.get_paginator("lookup_events").paginate(**asked):
            found += [parse(event) for event in page.get("Events", [])]
    return sorted((each for each in found if each is not None and cluster in ("", each.cluster)), key=lambda each: each.time)
