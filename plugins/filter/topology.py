# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that read a topology, and plan its resources in AWS."""

from __future__ import annotations

from typing import Any, Callable

from ..plugin_utils.filters import as_filters


def kafka_topology(raw: Any) -> dict[str, Any]:
    """The topology as plain data, and what the roles query in AWS."""
    from ..module_utils._aws import provision
    from ..module_utils._config import topology as config_topology

    topology = config_topology.parse(raw)
    return {
        **topology.as_dict(),
        "instance_types": sorted({node.instance_type for node in topology.nodes}),
        "image_queries": provision.image_queries(topology),
        "profiles": {role: provision.profile_name(topology, role) for role in topology.roles},
        "cluster_tags": provision.resource_tags(topology),
        "made_tags": {**provision.resource_tags(topology), **provision.MADE_BY},
    }


def kafka_topology_findings(raw: Any) -> list[str]:
    """One sentence for each thing that is wrong."""
    from ..module_utils._config import topology

    return topology.findings(raw)


def kafka_network_plan(
    raw: Any,
    vpcs: list,
    subnets: list,
    listeners: list,
    group_ids: dict | None = None,
    others: dict | None = None,
) -> dict[str, Any]:
    """Findings, missing subnets, and security groups with their rules."""
    from ..module_utils._aws import provision
    from ..module_utils._config import topology as config_topology

    try:
        topology = config_topology.parse(raw)
        groups = provision.security_groups(topology, listeners, dict(group_ids or {}))
    except provision.ListenerError as error:
        return {"findings": [str(error)], "subnets": [], "groups": []}
    return {
        "findings": provision.network_findings(topology, vpcs, subnets, others),
        "subnets": provision.missing_subnets(topology, subnets),
        "groups": groups,
    }


def kafka_instances_plan(
    raw: Any,
    instances: list,
    volumes: list,
    types: dict,
    images: list,
    iam_roles: list | None = None,
    iam_profiles: list | None = None,
) -> dict[str, Any]:
    """Findings, notes, and what has to be made or changed."""
    from ..module_utils._aws import provision
    from ..module_utils._config import topology as config_topology

    topology = config_topology.parse(raw)
    account = provision.Account(instances, volumes)
    return {
        "findings": [
            *provision.instance_findings(topology, account, types, images),
            *provision.iam_findings(topology, iam_roles or [], iam_profiles or []),
        ],
        "notes": provision.notes(topology, account, types),
        "nodes": provision.nodes_to_build(topology, account, images, types),
        "instances": provision.instances_to_change(topology, account, types),
    }


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(kafka_topology, kafka_topology_findings, kafka_network_plan, kafka_instances_plan)
