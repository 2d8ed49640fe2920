# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the policies of the keys of encrypted stores, and of users' passwords."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def key_custody_policies(given: Any, known: Any = None) -> dict[str, Any]:
    """The policies for the keys of encrypted stores, and findings."""
    from ..module_utils._aws import policies

    return policies.policies(given, known)


def key_custody_bucket(given: str, account: str, region: str) -> str:
    """The bucket of the wrapped keys."""
    return given or "kafka-keys-%s-%s" % (account, region)


def key_custody_revoked(given: Any, policy: Any, revoke: Any = (), grant: Any = ()) -> dict[str, Any]:
    """The policy that denies single nodes their keys."""
    from ..module_utils._aws import policies

    return policies.change_revoked(given, policy, revoke, grant)


def kafka_passwords_policy(role: str, region: str, cluster: str, rotate: bool = False) -> dict[str, Any]:
    """The policy that lets the brokers' role read users' passwords, and change them with rotate."""
    from ..module_utils._aws import policies

    return policies.passwords_policy(role, region, cluster, rotate=rotate)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(key_custody_policies, key_custody_bucket, key_custody_revoked, kafka_passwords_policy)
