# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of nodes as a person gives them to a playbook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_named_nodes
short_description: Ids of nodes as a person gives them to a playbook
version_added: "0.1.0"
description:
  - Reads the option C(nodes) of the playbooks, which is a list, a number, or a text with commas as a survey gives it.
  - Fails on what is no id, because another node would be meant than the one that was named.
author:
  - rackaware.kafka contributors (@rackaware)
options:
  _input:
    description: The ids.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show which nodes are meant
  ansible.builtin.debug:
    msg: "{{ '3,12' | rackaware.kafka.kafka_named_nodes }}"
"""

RETURN = r"""
_value:
  description: Ids, each once, in the given order.
  type: list
  elements: int
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError


def kafka_named_nodes(given: Any) -> list[int]:
    """Ids, each once."""
    items = given.split(",") if isinstance(given, str) else given if isinstance(given, (list, tuple)) else [given]
    texts = ["" if item is None or isinstance(item, (bool, dict, list)) else str(item).strip() for item in items]
    wrong = [item for item, text in zip(items, texts) if not (text.isascii() and text.isdigit()) and not (isinstance(given, str) and text == "")]
    if wrong:
        raise AnsibleFilterError("nodes has %r, which is no id of a node; name ids, as in -e '{\"nodes\": [3, 12]}' or -e nodes=3,12." % wrong[0])
    return list(dict.fromkeys(int(text) for text in texts if text))


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_named_nodes": kafka_named_nodes}
