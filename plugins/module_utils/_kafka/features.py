# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Versions and features of brokers."""

from __future__ import annotations

from typing import Any

from .client import Admin, check
from .configs import broker_configs


def _api_versions(admin: Admin, broker_id: int | None = None) -> Any:
    from kafka.protocol.metadata import ApiVersionsRequest

    answer = admin.send(
        ApiVersionsRequest(client_software_name="rackaware", client_software_version="1", min_version=3), broker_id
    )
    check(answer, "to name its versions")
    return answer


def levels(admin: Admin) -> dict[str, dict[str, Any]]:
    """Features of the broker asked: {name: {supported: [min, max], finalized: level or None}}."""
    answer = _api_versions(admin)
    out: dict[str, dict[str, Any]] = {
        feature.name: {"supported": [feature.min_version, feature.max_version], "finalized": None}
        for feature in answer.supported_features or []
    }
    for feature in answer.finalized_features or []:
        out.setdefault(feature.name, {"supported": None})["finalized"] = feature.max_version_level
    return dict(sorted(out.items()))


def versions_of(admin: Admin, broker_id: int) -> dict[str, Any]:
    """What one broker says about its version: {series, newest_known, supported: {feature: [min, max]}, protocol}.

    series is the release that its requests' versions fit, [3, 9]. newest_known is whether that is the newest that
    kafka-python can tell: a newer broker looks the same. protocol is inter.broker.protocol.version, None under
    KRaft.
    """
    from kafka.protocol.broker_version_data import BROKER_API_VERSIONS, infer_broker_version_from_api_versions

    answer = _api_versions(admin, broker_id)
    release = infer_broker_version_from_api_versions(
        {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
    )[:2]
    protocol = (
        None
        if admin.is_kraft
        else broker_configs(admin, broker_id, ["inter.broker.protocol.version"])["inter.broker.protocol.version"]
    )
    return {
        "series": list(release),
        "newest_known": release >= max(BROKER_API_VERSIONS)[:2],
        "supported": {
            feature.name: [feature.min_version, feature.max_version] for feature in answer.supported_features or []
        },
        "protocol": protocol,
    }


def finalize(admin: Admin, wanted: dict[str, int], *, validate_only: bool) -> None:
    """Raise finalized feature levels, as metadata.version; only upgrades."""
    from kafka.protocol.admin import UpdateFeaturesRequest as Request

    updates = [
        Request.FeatureUpdateKey(feature=name, max_version_level=level, allow_downgrade=False, upgrade_type=1)
        for name, level in sorted(wanted.items())
    ]
    answer = admin.send_to_controller(
        lambda: Request(
            timeout_ms=admin.timeout_ms, feature_updates=updates, validate_only=validate_only, min_version=1
        )
    )
    check(answer, "to finalize features")
    for result in answer.results or []:
        check(result, "to finalize feature %s" % result.feature)
