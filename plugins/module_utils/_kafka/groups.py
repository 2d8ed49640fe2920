# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Consumer groups."""

from __future__ import annotations

from typing import Any

from .client import Admin, check


def members(admin: Admin, broker_id: int) -> list[dict[str, Any]]:
    """Members of the consumer groups that one broker coordinates: [{group, client_id, host, subscription}].

    subscription is the version in which a member of a classic group wrote its subscription
    (ConsumerProtocolSubscription), None for others.
    """
    from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest

    overview = admin.send(ListGroupsRequest(states_filter=[], types_filter=[]), broker_id)
    check(overview, "to list groups")
    names = sorted(group.group_id for group in overview.groups if group.protocol_type == "consumer")
    if not names:
        return []
    answer = admin.send(DescribeGroupsRequest(groups=names, include_authorized_operations=False), broker_id)
    return [
        {
            "group": group.group_id,
            "client_id": member.client_id,
            "host": member.client_host.lstrip("/"),
            "subscription": int.from_bytes(member.member_metadata[:2], "big")
            if isinstance(member.member_metadata, bytes)
            else None,
        }
        for group in answer.groups
        # A group of the new protocol (KIP-848) is not described this way, and only clients from 3.7 on are in one.
        if group.error_code == 0
        for member in group.members
    ]
