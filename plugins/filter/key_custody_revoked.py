# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy that takes keys away from single nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: key_custody_revoked
short_description: The policy that takes keys away from single nodes
version_added: "0.1.0"
description:
  - Adds nodes to, or removes them from, what such a policy names already.

author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, policy
options:
  _input:
    description: As for P(rackaware.kafka.key_custody_policies#filter).
    type: dict
    required: true
  policy:
    description: The policy as it is, empty when there is none.
    type: dict
    required: true
  revoke:
    description: The ids of nodes to add.
    type: list
    default: []
  grant:
    description: The ids of nodes to remove.
    type: list
    default: []
"""

EXAMPLES = r"""
- name: Show the policy
  ansible.builtin.debug:
    msg: "{{ custody | rackaware.kafka.key_custody_revoked({}, revoke=[1]) }}"
"""

RETURN = r"""
_value:
  description: C(nodes), those that are revoked, and C(policy), which is V(none) when there are none.
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._aws import policies
from ..module_utils._errors import RackawareError


def key_custody_revoked(given: Any, policy: Any, revoke: Any = (), grant: Any = ()) -> dict[str, Any]:
    """The policy that takes keys away from single nodes."""
    try:
        return policies.change_revoked(given, policy, revoke, grant)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"key_custody_revoked": key_custody_revoked}
