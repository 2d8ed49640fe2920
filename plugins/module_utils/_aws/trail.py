# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which data events a trail records. amazon.aws makes trails, but has no event selectors (release 10.1)."""

from __future__ import annotations

import copy
from typing import Any, Mapping, Sequence

TYPE = "AWS::S3::Object"


def plan(selectors: Sequence[Mapping[str, Any]], advanced: Sequence[Mapping[str, Any]], arn: str) -> dict[str, Any]:
    """The input of PutEventSelectors that records reads and writes of all objects below arn.

    Empty where they are recorded. A trail has either basic or advanced selectors (CloudTrail API, PutEventSelectors);
    those that it has stay.
    """
    if advanced:
        return (
            {}
            if any(_covers(chosen, arn) for chosen in advanced)
            else {"AdvancedEventSelectors": [*copy.deepcopy(list(advanced)), _advanced(arn)]}
        )
    for selector in selectors:
        values = [
            value
            for resource in selector.get("DataResources") or []
            if resource.get("Type") == TYPE
            for value in resource.get("Values") or []
        ]
        # "arn:aws:s3" means all buckets, "arn:aws:s3:::name/" all objects of one.
        if selector.get("ReadWriteType", "All") == "All" and any(arn.startswith(value) for value in values):
            return {}
    # Without any selector a trail records the management events; said here, because the call replaces that.
    out = copy.deepcopy(list(selectors)) or [
        {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    ]
    target = next((chosen for chosen in out if chosen.get("ReadWriteType", "All") == "All"), None)
    if target is None:
        target = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": []}
        out.append(target)
    target["DataResources"] = [*(target.get("DataResources") or []), {"Type": TYPE, "Values": [arn]}]
    return {"EventSelectors": out}


def _covers(selector: Mapping[str, Any], arn: str) -> bool:
    fields = {selector_field["Field"]: selector_field for selector_field in selector.get("FieldSelectors", [])}
    wide = {"eventCategory", "resources.type", "resources.ARN"} >= set(fields)
    data = fields.get("eventCategory", {}).get("Equals") == ["Data"] and TYPE in (
        fields.get("resources.type", {}).get("Equals") or ()
    )
    where = fields.get("resources.ARN")
    return wide and data and (where is None or any(arn.startswith(value) for value in where.get("StartsWith") or ()))


def _advanced(arn: str) -> dict[str, Any]:
    fields = [
        ("eventCategory", "Equals", "Data"),
        ("resources.type", "Equals", TYPE),
        ("resources.ARN", "StartsWith", arn),
    ]
    return {"Name": "Wrapped keys", "FieldSelectors": [{"Field": field, how: [value]} for field, how, value in fields]}
