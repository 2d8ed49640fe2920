# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that say who may do what with the keys of encrypted stores."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def key_custody_policies(given: Any, known: Any = None) -> dict[str, Any]:
    """Who may do what with the keys of encrypted stores, as policies."""
    from ..module_utils._aws import policies

    return policies.policies(given, known)


def key_custody_revoked(given: Any, policy: Any, revoke: Any = (), grant: Any = ()) -> dict[str, Any]:
    """The policy that takes keys away from single nodes."""
    from ..module_utils._aws import policies

    return policies.change_revoked(given, policy, revoke, grant)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(key_custody_policies, key_custody_revoked)
