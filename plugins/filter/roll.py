# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of rolls, and of other operations that take nodes away."""

from __future__ import annotations

import os
from typing import Any, Callable, Iterable

from ansible.errors import AnsibleError

from ..module_utils._errors import RackawareError
from ..plugin_utils.filters import as_filters

LOCALHOST = "localhost"


def kafka_roll_status(
    hosts: Any,
    names: list[str],
    cluster: dict[str, Any] | None = None,
    everything: bool = False,
    only: list[str] | None = None,
    version: str | None = None,
) -> dict[str, Any]:
    """{restart, down}, and with cluster {recovering, restarted_by_systemd}."""
    from ..module_utils._roll import steps

    return steps.status(hosts, names, cluster, everything=bool(everything), only=only or [], version=version)


def kafka_roll_findings(
    cluster: dict[str, Any],
    hosts: Any,
    names: list[str],
    others: list[str] | None = None,
    only: list[str] | None = None,
    version: str | None = None,
    controllers: list[str] | None = None,
    restart: list[str] | None = None,
    stops: list[str] | None = None,
) -> list[str]:
    """One sentence for each thing that blocks the start."""
    from ..module_utils._roll import steps

    try:
        nodes = [*names, *(others or [])]
        steps.check_names(only or [], nodes)
        steps.check_version({name: hosts[name] for name in nodes}, version)
        voting = [int(hosts[name]["kafka_node_id"]) for name in controllers or []]
        healed = [int(hosts[name]["kafka_node_id"]) for name in restart or [] if name in names]
        brokers = {int(hosts[name]["kafka_node_id"]): hosts[name] for name in names}
        stopping = [int(hosts[name]["kafka_node_id"]) for name in stops or [] if not steps.down(hosts[name])]
        out = steps.findings(cluster, brokers, voting, healed, stopping)
        return out + steps.expiring({name: hosts[name] for name in nodes})
    except RackawareError as error:
        return [str(error)]


def kafka_roll_plan_text(
    plan: dict[str, Any],
    names: dict[Any, str],
    quorum_nodes: list[str] | None = None,
    kind: str = "controller",
    hosts: Any = None,
) -> dict[str, list[str]]:
    """{refusals, lines}."""
    from ..module_utils._roll import steps

    absent = steps.out_of_service(hosts, names.values()) if hosts else []
    by_id = {int(id_): name for id_, name in names.items()}
    return {"refusals": steps.refusals(plan), "lines": steps.lines(plan, by_id, quorum_nodes or [], kind, absent)}


def kafka_roll_steps(
    plan: dict[str, Any],
    brokers: dict[Any, str],
    quorum_nodes: dict[Any, str],
    kind: str,
    quorum_first: bool = True,
    roll: int = 1,
) -> list[dict[str, Any]]:
    """Steps."""
    from ..module_utils._roll import steps

    named = [{int(id_): str(name) for id_, name in names.items()} for names in (brokers, quorum_nodes)]
    return steps.steps(plan, *named, kind, quorum_first=bool(quorum_first), roll=int(roll))


def kafka_roll_ending(hosts: Any, steps: list[dict[str, Any]]) -> list[str]:
    """The reasons."""
    from ..module_utils._roll import steps as roll_steps

    return roll_steps.ending(hosts, steps)


def kafka_tasks_findings(path: str) -> list[str]:
    """One sentence for what is wrong."""
    from ansible.parsing.dataloader import DataLoader

    place = os.path.abspath(str(path))
    if not os.path.isfile(place):
        why = "give its path from the directory in which you run this, or its full path."
        return ["There is no file %s on this machine; %s" % (place, why)]
    try:
        tasks = DataLoader().load_from_file(place)
    except AnsibleError as error:
        return ["The file %s cannot be read: %s Correct it." % (place, str(error).splitlines()[0])]
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        return ["The file %s is no list of tasks; write tasks as for include_tasks, without a play." % place]
    if any("hosts" in task for task in tasks):
        return ["The file %s is a playbook; write only its tasks, as for include_tasks." % place]
    return []


def kafka_operation_failures(hosts: Any, lost: Iterable[str] = ()) -> list[str]:
    """One sentence each."""
    kept = [hosts[name].get("__operation_failure") for name in dict.fromkeys([*hosts, LOCALHOST])]
    lost = [name for name in lost if not hosts[name].get("__operation_failure")]
    missing = ["%s was lost in the middle; look at the host." % ", ".join(lost)] if lost else []
    return list(dict.fromkeys([sentence for sentence in kept if sentence] + missing))


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(
            kafka_roll_status,
            kafka_roll_findings,
            kafka_roll_plan_text,
            kafka_roll_steps,
            kafka_roll_ending,
            kafka_tasks_findings,
            kafka_operation_failures,
        )
