# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an operation has failed so far, for the plays that come after."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_operation_failures
short_description: Why an operation of several plays has failed so far
version_added: "0.1.0"
description:
  - Gives what the plays before have kept in C(__operation_failure), and the hosts that have not come as far as they had to.
  - Iterating over C(hostvars) leaves out an implicit localhost, on which plays fail, too; this does not.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.filter_options.hostvars
positional: _input, names, done
options:
  names:
    description: Hosts that must have come as far as O(done).
    type: list
    default: []
  done:
    description: The name of a fact that is true on a host that has.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Go on where nothing has failed
  ansible.builtin.debug:
    msg: Going on.
  when: hostvars | rackaware.kafka.kafka_operation_failures | length == 0
"""

RETURN = r"""
_value:
  description: One sentence for each failure, each once.
  type: list
  elements: str
"""

from typing import Any, Callable, Iterable

LOCALHOST = "localhost"


def kafka_operation_failures(hosts: Any, names: Iterable[str] = (), done: str = "") -> list[str]:
    """One sentence each."""
    kept = [hosts[name].get("__operation_failure") for name in dict.fromkeys([*hosts, LOCALHOST])]
    lost = [name for name in names if done and not hosts[name].get(done) and not hosts[name].get("__operation_failure")]
    missing = ["%s was lost in the middle; look at the host." % ", ".join(lost)] if lost else []
    return list(dict.fromkeys([sentence for sentence in kept if sentence] + missing))


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_operation_failures": kafka_operation_failures}
