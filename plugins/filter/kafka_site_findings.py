# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an inventory from being a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kafka_site_findings
short_description: What keeps an inventory from being a cluster
version_added: "0.1.0"
description:
  - Looks at ansible-core, groups, the topology, versions, replication, listeners, heaps, settings and the names and types of all variables.
  - Says everything that is wrong, one sentence each.
  - An empty list means that a deployment may begin.
author:
  - rackaware.kafka contributors (@rackaware)
positional: _input, cluster, instances
options:
  _input:
    description: C(hostvars), or the same shape.
    type: dict
    required: true
  cluster:
    description:
      - The C(groups) (C(broker), C(zookeeper), C(controller)), the C(version), C(replication_factor) and C(min_insync_replicas).
      - From the topology also C(allow_fewer_zones).
      - From P(rackaware.kafka.kafka_cluster_settings#filter) also C(listeners), C(topology) and C(findings).
      - With C(missing_ok) the topology may have nodes that the inventory lacks.
    type: dict
    required: true
  instances:
    description: What the EC2 API says about the instance types.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Refuse what cannot work
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ hostvars | rackaware.kafka.kafka_site_findings(cluster) }}"
"""

RETURN = r"""
_value:
  description: The findings.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any, Callable, Mapping

import yaml
from ansible.errors import AnsibleError
from ansible.release import __version__
from jinja2 import Undefined

from ..module_utils._config import checks
from ..module_utils._config import variables as config_variables

ROLES = Path(__file__).resolve().parents[2] / "roles"


def known_inputs() -> dict[str, dict[str, Any]]:
    """The inputs of all roles, as their specifications declare them."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return config_variables.inputs(yaml.load(path.read_text(encoding="utf-8"), loader) for path in sorted(ROLES.glob("*/meta/argument_specs.yml")))


def plain(value: Any) -> Any:
    """Without what templating hangs on a value: ansible-core 2.19 would copy its whole templating engine with each list that is validated."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def readable(variables: Any, roles: list[str]) -> dict[str, Any]:
    """The variables of a host that may be ours; one that needs what only a role knows is None, and the role looks at it."""
    out = {"ansible_host": variables.get("ansible_host")}
    for name in variables:
        if name.startswith(config_variables.OWN + tuple(role + "_" for role in roles)):
            try:
                value = variables[name]
            except AnsibleError:
                value = None
            out[name] = None if isinstance(value, Undefined) else plain(value)
    return out


def kafka_site_findings(hosts: Any, cluster: dict[str, Any], instances: dict[str, Any] | None = None) -> list[str]:
    """One sentence for each thing that is wrong."""
    old = checks.core_findings(__version__)
    if old:
        return old
    names = {name for members in cluster["groups"].values() for name in members or ()}
    roles = [path.name for path in sorted(ROLES.iterdir()) if path.is_dir()]
    return checks.findings({name: readable(hosts[name], roles) for name in names}, cluster, instances or {}, known_inputs(), roles)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kafka_site_findings": kafka_site_findings}
