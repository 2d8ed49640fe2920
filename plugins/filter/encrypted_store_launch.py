# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted stores that an instance sets up itself at its first boot."""

from __future__ import annotations

DOCUMENTATION = r"""
name: encrypted_store_launch
short_description: Encrypted stores that an instance sets up itself at its first boot
version_added: "0.1.0"
description:
  - Gives user data for a launch template, and the archive in S3 that they fetch by its digest. No Ansible runs on the instance.
  - Neither holds a secret.
author:
  - rackaware.kafka contributors (@rackaware)
options:
  _input:
    description: The stores, as P(rackaware.kafka.encrypted_store_files#filter) takes them.
    type: list
    elements: dict
    required: true
  bucket:
    description: The bucket of the archive; the instances' role must be allowed to read it there.
    type: str
    required: true
  prefix:
    description: How the archive's name begins.
    type: str
    required: true
  region:
    description: The bucket's Region.
    type: str
    required: true
  owner:
    description: The account that must own the bucket.
    type: str
    required: true
  guarded:
    description: The unit that uses the stores, and must not start without them.
    type: str
    default: ""
  environment:
    description: Environment of the program, as for a proxy or a private endpoint.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the user data
  ansible.builtin.debug:
    msg: "{{ (stores | rackaware.kafka.encrypted_store_launch(bucket='demo-keys', prefix='secretfs', region='eu-west-1', owner='123456789012')).user_data }}"
"""

RETURN = r"""
_value:
  description: C(object_key), C(content) and C(user_data) in base64, and C(sha256) of the content.
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import RackawareError
from ..module_utils._stores import launch_template


def encrypted_store_launch(stores: list[dict[str, Any]], **more: Any) -> dict[str, str]:
    """User data, and the archive that they fetch."""
    try:
        return launch_template.launch(stores, **more)
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"encrypted_store_launch": encrypted_store_launch}
