# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file that a host with encrypted stores needs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: encrypted_store_files
short_description: Every file that a host with encrypted stores needs
version_added: "0.1.0"
description:
  - Gives the program that opens the stores at boot, its configuration, and the systemd units, by their paths.
  - Refuses stores that are not whole or in each other's way.
author:
  - rackaware.kafka contributors (@rackaware)
options:
  _input:
    description:
      - The stores, each with C(store) (its name), C(mount), C(name) (of the mapping), C(uuid), C(subsystem), C(keys) (wrapped keys, during a rotation the
        old and the new one), and either C(device) or C(file) (C(path), C(size)).
      - Optional are C(label), C(sector_size), C(perf), C(allow_discards), C(allow_format), C(filesystem), C(credentials), C(mount_options),
        C(denied_seconds) (how often a store that was denied its key asks again), and, where the device is a pattern, C(slot) and C(slots) (which of
        how many disks a blank store takes).
    type: list
    elements: dict
    required: true
  guarded:
    description: The unit that uses the stores, and must not start without them.
    type: str
    default: ""
  user:
    description: Who owns O(directories), the user of O(guarded).
    type: str
    default: ""
  directories:
    description:
      - Directories below the mounts, made each time before O(guarded) starts, because a store may be new.
      - Their mounts become O(user)'s, too.
    type: list
    default: []
  prepare:
    description: Commands after that, as for kafka-storage.
    type: list
    default: []
  environment:
    description: Environment of the program, as for a proxy or a private endpoint.
    type: dict
    default: {}
  defaults:
    description: What stores that do not say it themselves have, as C(perf).
    type: dict
    default: {}
  as_file_set:
    description: Whether to give the options C(directories) and C(files) of M(rackaware.kafka.file_set) instead.
    type: bool
    default: false
  comment:
    description: The first line of the units.
    type: str
    default: Ansible managed
"""

EXAMPLES = r"""
- name: Show the paths
  ansible.builtin.debug:
    msg: "{{ stores | rackaware.kafka.encrypted_store_files(guarded='kafka.service', user='kafka') | list }}"
"""

RETURN = r"""
_value:
  description: For each path its C(content) and C(mode); with O(as_file_set) C(directories) and C(files).
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import RackawareError
from ..module_utils._stores import files


def encrypted_store_files(stores: list[dict[str, Any]], as_file_set: bool = False, **more: Any) -> dict[str, Any]:
    """{path: {content, mode}}, or the options of file_set."""
    try:
        found = files.files(stores, **more)
        return files.file_set(found) if as_file_set else found
    except RackawareError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"encrypted_store_files": encrypted_store_files}
