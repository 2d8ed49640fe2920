# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as a self-contained HTML page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_page
short_description: A cluster as a self-contained HTML page
version_added: "0.1.0"
description:
  - Racks as columns, nodes as boxes, the health of the partitions, what needs attention, and what was proven.
  - The page loads nothing from elsewhere, and is light or dark as its reader prefers.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.model
positional: _input
"""

EXAMPLES = r"""
- name: Write the page
  ansible.builtin.copy:
    content: "{{ model | rackaware.kafka.kafka_page }}"
    dest: cluster.html
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._model import ModelError
from ..module_utils._report import page


def kafka_page(model: Any) -> str:
    """The model as a page."""
    try:
        return page(model)
    except ModelError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_page": kafka_page}
