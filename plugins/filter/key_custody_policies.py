# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what with the keys of encrypted stores, as policies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: key_custody_policies
short_description: Who may do what with the keys of encrypted stores, as policies
version_added: "0.1.0"
description:
  - Gives the policies of the KMS key, of the buckets, and of the instances' roles.

author:
  - rackaware.kafka contributors (@rackaware)
positional: _input
options:
  _input:
    description:
      - C(account), C(region), C(bucket), C(cluster), and optionally C(app), C(key_arn), C(patterns) (of the IAM roles that may ever unwrap), C(admins) (ARN
        patterns of who may write objects), C(rewrappers) (ARNs of who may wrap keys anew) and C(rewrap_elsewhere) (also under another KMS key), C(trail),
        C(partition), and C(strict), which is false only against a stand-in of AWS.
    type: dict
    required: true
  known:
    description: The policy of the KMS key as it is; whom it lets unwrap keeps that.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the policy of an instance's role
  ansible.builtin.debug:
    msg: "{{ (custody | rackaware.kafka.key_custody_policies).unlock }}"
"""

RETURN = r"""
_value:
  description: C(findings), sentences on what cannot be meant, and the policies C(key), C(bucket), C(trail) and C(unlock).
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._aws import policies
from ..module_utils._errors import RackawareError


def key_custody_policies(given: Any, known: Any = None) -> dict[str, Any]:
    """Who may do what with the keys of encrypted stores, as policies."""
    try:
        return policies.policies(given, known)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"key_custody_policies": key_custody_policies}
