# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that read an inventory: who its nodes are, how they are reached, and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping

from ansible.errors import AnsibleError
from ansible.release import __version__
from jinja2 import Undefined

from ..module_utils._errors import RackawareError
from ..plugin_utils.filters import as_filters

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Their inputs come from other roles, never from an inventory.
PRIVATE_ROLES = frozenset({"service"})
KEPT = "__kafka_cluster"


def kafka_role(host: str, groups: dict[str, list[str]]) -> str:
    """broker, controller, combined or zookeeper."""
    from ..module_utils._config import nodes

    return nodes.role(host, groups)


def kafka_nodes(names: list[str], hosts: Any, port: int) -> list[dict[str, Any]]:
    """[{id, host, port}] by id."""
    from ..module_utils._config import nodes

    return nodes.nodes(hosts, names, int(port))


def kafka_bootstrap_servers(names: list[str], hosts: Any, port: int) -> list[str]:
    """host:port of each node, by id."""
    from ..module_utils._config import nodes

    return nodes.servers(nodes.nodes(hosts, names, int(port)))


def kafka_connection(names: list[str], hosts: Any, groups: Any) -> dict[str, Any]:
    """The connection options of the modules that ask a cluster."""
    from ..module_utils._config import nodes

    settings = kafka_cluster_settings(hosts, groups)
    port = nodes.operator_listener(settings["listeners"], settings["security"])["port"]
    options = nodes.operator_connection(settings["listeners"], settings["security"])
    return {"bootstrap_servers": kafka_bootstrap_servers(names, hosts, port), **options}


def kafka_login_servers(names: list[str], hosts: Any, groups: Any) -> list[str]:
    """host:port of each node where passwords are asked for, none where they are not."""
    listeners = kafka_cluster_settings(hosts, groups)["listeners"]
    from ..module_utils._config import kerberos

    logins = [item for item in listeners if item["protocol"] == "SASL_SSL"]
    ports = [item["port"] for item in logins if kerberos.SCRAM in kerberos.mechanisms(item)]
    return kafka_bootstrap_servers(names, hosts, ports[0]) if ports else []


def kafka_named_nodes(given: Any) -> list[int]:
    """Ids, each once, in their order."""
    items = given.split(",") if isinstance(given, str) else given if isinstance(given, (list, tuple)) else [given]
    texts = ["" if item is None or isinstance(item, (bool, dict, list)) else str(item).strip() for item in items]
    # A text may end with a comma.
    ignored = {""} if isinstance(given, str) else set()
    ids = {text for text in texts if text.isascii() and text.isdigit()}
    wrong = [item for item, text in zip(items, texts) if text not in ids | ignored]
    if wrong:
        text = (
            "kafka_selected_nodes has %r, which is no id of a node; name ids, "
            "as in -e '{\"kafka_selected_nodes\": [3, 12]}' or -e kafka_selected_nodes=3,12."
        )
        raise RackawareError(text % wrong[0])
    return list(dict.fromkeys(int(text) for text in texts if text))


def kafka_hosts(
    hosts: Any,
    groups: dict[str, list[str]],
    instance_types: Any = None,
    ebs_volumes: Any = None,
) -> list[dict[str, Any]]:
    """One row for each node."""
    from ..module_utils._config import nodes
    from ..module_utils._stores import stores

    rows = nodes.summary_hosts(hosts, groups)
    return stores.with_layers(rows, hosts, groups, instance_types or {}, ebs_volumes or [])


def kafka_cluster_settings(hosts: Any, groups: Any, play: dict[str, Any] | None = None) -> dict[str, Any]:
    """The settings that the preflight kept, or those of the nodes."""
    from ..module_utils._config import cluster_settings

    local = hosts.get("localhost", {})
    if play is None and KEPT in local:
        return _plain(local[KEPT])
    members = cluster_settings.by_role(groups)
    names = {name for role_members in members.values() for name in role_members}
    inventory = _cluster_variables(local)
    # A variable that localhost has in the play, and not in the inventory, is the play's own.
    given = {name: _plain(value) for name, value in (play or {}).items() if value is not None}
    own = {name: value for name, value in given.items() if value != inventory.get(name)}
    read = {name: _cluster_variables(hosts[name]) for name in names}
    # Without nodes localhost is the only source.
    settings = cluster_settings.read(read, members, own if names else {**inventory, **own})
    # A module on localhost would take a relative path as one beside the playbook.
    reports = os.path.expanduser(settings["report_dir"] or "reports")
    return {**settings, "report_dir": os.path.join(os.environ.get("PWD", ""), reports)}


def kafka_default_version(zookeepers: list[str]) -> str:
    """The version of Kafka where the inventory names none."""
    from ..module_utils._config import cluster_settings

    return cluster_settings.DEFAULT_VERSION[bool(zookeepers)]


def _cluster_variables(variables: Any) -> dict[str, Any]:
    """Of a host's variables those of the whole cluster; one that needs what only a role knows is left to the role."""
    from ..module_utils._config import cluster_settings

    out = {}
    for name in cluster_settings.NAMES:
        try:
            value = _plain(variables[name]) if name in variables else None
        except AnsibleError:
            value = None
        if value is not None:
            out[name] = value
    return out


def _plain(value: Any, undefined: Callable[[Any], Any] = lambda _value: None) -> Any:
    """Without what templating hangs on a value: ansible-core 2.19 would copy its whole templating engine with each list
    that is validated. undefined says what becomes of a value that is not defined."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, undefined) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, undefined) for item in value]
    return undefined(value) if isinstance(value, Undefined) else value


def kafka_site_findings(hosts: Any, cluster: dict[str, Any], instances: dict[str, Any] | None = None) -> list[str]:
    """One sentence for each thing that is wrong."""
    from ..module_utils._config import checks
    from ..module_utils._config import variables as config_variables
    from ..module_utils._disk import probe
    from ..module_utils._stores import stores

    def volume_fault(volume: str) -> str:
        return "" if stores.store_of(volume) else probe.name_finding(volume)

    old = checks.core_findings(__version__)
    if old:
        return old
    names = {name for members in cluster["groups"].values() for name in members or ()}
    roles = _role_names()
    variables = {name: _host_variables(hosts[name], roles) for name in names}
    known = _known_inputs()
    out = checks.findings(variables, cluster, instances or {}, known, roles, volume_fault)
    if "localhost" in hosts:
        out += config_variables.misplaced(variables, _host_variables(hosts["localhost"], roles), known)
    return out + _renamed_inputs(variables.values(), known, roles)


def kafka_input_findings(hosts: Any) -> list[str]:
    """One sentence for each variable of localhost that is wrong, and for each old name."""
    from ..module_utils._config import checks
    from ..module_utils._config import variables as config_variables

    old = checks.core_findings(__version__)
    if old:
        return old
    roles = _role_names()
    seen = {"localhost": _host_variables(hosts["localhost"], roles)}
    known = _known_inputs()
    faults = {"localhost": config_variables.unfit(seen["localhost"], known)}
    return config_variables.findings(seen, known, faults, roles) + _renamed_inputs(seen.values(), known, roles)


def _renamed_inputs(hosts: Iterable[Mapping[str, Any]], known: Mapping[str, Any], roles: list[str]) -> list[str]:
    """One sentence for each input that is given by the name that it had before, for each that is none, and each whose
    beginning is misspelled with -e."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.utils.vars import load_extra_vars

    from ..module_utils._config import playbook_inputs
    from ..module_utils._config import variables as config_variables

    names = {name: value for variables in hosts for name, value in variables.items()}
    extra = load_extra_vars(DataLoader())
    misspelled = config_variables.misspelled(extra, known, roles, names.get(config_variables.OWN_NAMES) or ())
    return playbook_inputs.renamed(names, extra) + playbook_inputs.facts_given(extra) + misspelled


def _role_names() -> list[str]:
    return [path.name for path in sorted(ROLES.iterdir()) if path.is_dir() and path.name not in PRIVATE_ROLES]


def _known_inputs() -> dict[str, dict[str, Any]]:
    """The inputs of all roles and playbooks, as their specifications declare them."""
    import yaml

    from ..module_utils._config import variables as config_variables

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    specifications = [ROLES / role / "meta" / "argument_specs.yml" for role in _role_names()]
    return config_variables.inputs(yaml.load(path.read_text(encoding="utf-8"), loader) for path in specifications)


def _host_variables(variables: Any, roles: list[str]) -> dict[str, Any]:
    """The variables of a host that may be ours; one that needs what only a role knows is None, and left to the role."""
    from ..module_utils._config import playbook_inputs
    from ..module_utils._config import variables as config_variables

    out = {"ansible_host": variables.get("ansible_host")}
    for name in variables:
        if name in playbook_inputs.RENAMED:
            out[name] = None
        elif name.startswith(config_variables.OWN + tuple(role + "_" for role in roles)):
            try:
                value = variables[name]
            except AnsibleError:
                value = None
            out[name] = None if isinstance(value, Undefined) else _plain(value, lambda undefined: undefined)
    return out


def kafka_identity_findings(hosts: Any, groups: Any, securing: bool = False) -> list[str]:
    """One sentence for each difference from the inventory."""
    from ..module_utils._config import cluster_settings
    from ..module_utils._host import identity

    members = cluster_settings.by_role(groups)
    answers = {}
    for name in {name for role_members in members.values() for name in role_members}:
        variables = hosts[name]
        results = [(variables.get("__kafka_host") or {}).get("identity") or {}, variables.get("__kafka_storage") or {}]
        answers[name] = [item for item in results if "directories" in item]
    settings = kafka_cluster_settings(hosts, groups)
    protocols = identity.wanted_protocols(settings["listeners"])
    wanted = None if securing else settings["security"]
    return identity.findings(hosts, members, answers, settings["quorum_removed"], protocols, wanted=wanted)


def kafka_securing_plan(hosts: Any, groups: Any, connections: str, confirmed: bool) -> dict[str, Any]:
    """{step, security, listeners, lines, findings}."""
    from ..module_utils import _address
    from ..module_utils._config import cluster_settings, securing

    # What the inventory says: the preflight of a step keeps that of the step.
    aim = kafka_cluster_settings(hosts, groups, {})
    names = {name for members in cluster_settings.by_role(groups).values() for name in members}
    own = {_address.canonical(hosts[name].get("ansible_host") or name) for name in names}
    return securing.plan(
        {name: hosts[name]["__kafka_service"]["identity"] for name in sorted(names)},
        aim,
        {name: (hosts[name].get(connections) or {}).get("connections") or [] for name in names},
        own,
        confirmed=confirmed,
    )


def kafka_services_findings(hosts: Any, names: list[str], groups: Any = None) -> list[str]:
    """One sentence for each host that did not answer, or differs from the inventory."""
    from ..module_utils._config import cluster_settings, nodes
    from ..module_utils._host import identity as host_identity

    silent = nodes.unanswered(hosts, names, cluster_settings.by_role(groups or {"kafka_brokers": names}))
    if silent or groups is None:
        return silent
    answers = {name: [identity] for name in names if (identity := hosts[name]["__kafka_service"].get("identity"))}
    settings = kafka_cluster_settings(hosts, groups)
    protocols = host_identity.wanted_protocols(settings["listeners"])
    return host_identity.findings(
        hosts, cluster_settings.by_role(groups), answers, settings["quorum_removed"], protocols
    )


def kafka_cluster_identity(nodes: Any) -> dict[str, Any]:
    """{cluster_id, quorum_exists}."""
    from ..module_utils._host import storage

    try:
        identity = {"cluster_id": storage.identity(nodes), "quorum_exists": storage.quorum_exists(nodes)}
    except (KeyError, TypeError) as error:
        text = "kafka_cluster_identity takes the results of kafka_storage_info, one for each node: %s."
        raise RackawareError(text % error) from None
    return {**identity, "cluster_id": identity["cluster_id"] or storage.new_cluster_id()}


def kafka_cluster_exists(hosts: Any, names: list[str]) -> bool:
    """Whether a broker runs or has run."""
    from ..module_utils._host import storage

    return storage.brokers_have_run([hosts[name] for name in names])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return as_filters(
            kafka_role,
            kafka_nodes,
            kafka_bootstrap_servers,
            kafka_connection,
            kafka_login_servers,
            kafka_named_nodes,
            kafka_hosts,
            kafka_cluster_settings,
            kafka_default_version,
            kafka_site_findings,
            kafka_input_findings,
            kafka_identity_findings,
            kafka_securing_plan,
            kafka_services_findings,
            kafka_cluster_identity,
            kafka_cluster_exists,
        )
