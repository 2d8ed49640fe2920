# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The user's variables against the roles' specifications: unknown names and wrong types, before any host is touched."""

from __future__ import annotations

import difflib
from typing import Any, Iterable, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import playbook_inputs

# What the inventory says about hosts and clusters, beyond the inputs of roles and playbooks.
INVENTORY = (
    "kafka_cluster",
    "kafka_node_id",
    "kafka_rack",
    "kafka_instance_type",
    "kafka_instance_id",
    "kafka_data_volumes",
    "kafka_topology",
)
# Prefixes of this collection alone. Under the other roles' prefixes (java_, network_ …) only near misses are typos.
OWN = (
    "kafka_",
    "broker_",
    "zookeeper_",
    "controller_",
    "os_tuning_",
    "data_volume_",
    "encrypted_store_",
    "key_custody_",
    "objects_",
)
# What a run itself reads, on localhost.
RUN = ("roll_", "upgrade_", "key_custody_", "objects_", "kafka_topics", "kafka_users", "kafka_quotas", "kafka_acls")
NEAR = 0.85
# Lists that a survey gives as a text, and that are split where they are read; and one with a sentence of its own.
SPLIT = ("roll_only", "roll_allow_topics", "kafka_listeners", "kafka_selected_nodes", "kafka_quorum_removed")


def inputs(specs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every input by name: those of the roles, from their argument_specs files, and those of the playbooks."""
    roles = {
        name: option
        for spec in specs
        for entry in spec["argument_specs"].values()
        for name, option in (entry.get("options") or {}).items()
    }
    return {**roles, **playbook_inputs.options()}


def findings(
    variables: Mapping[str, Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]], roles: Iterable[str] = ()
) -> list[str]:
    """What is wrong with the variables of these hosts, one sentence each; a mistake that many hosts share is said once.

    variables: host to its variables; known: name to option as in argument_specs; roles: the names whose prefixes are
    ours, too.
    """
    prefixes = OWN + tuple(role + "_" for role in roles)
    names = set(known) | set(INVENTORY)
    said: dict[str, list[str]] = {}
    for host, values in variables.items():
        for name in values:
            # An old name has a sentence of its own.
            if name in names or name in playbook_inputs.RENAMED:
                continue
            sentence = _unknown(name, names, prefixes)
            if sentence:
                said.setdefault(sentence, []).append(host)
        for sentence in _types(values, known):
            said.setdefault(sentence, []).append(host)
    return ["%s (%s)" % (sentence, _hosts(hosts, len(variables))) for sentence, hosts in said.items()]


def misplaced(
    variables: Mapping[str, Mapping[str, Any]],
    local: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """One sentence for each variable that nodes have and the run does not see, because it is read on localhost.

    variables: host to its variables; local: those of localhost; known: name to option as in argument_specs. What holds
    for the whole cluster is not among them: it is read from the nodes (_config.cluster_settings).
    """
    ours = {name for name in known if name.startswith(RUN) or name in playbook_inputs.OPTIONS} - set(
        playbook_inputs.OF_NODES
    )
    hosts: dict[str, list[str]] = {}
    for host, values in variables.items():
        for name in sorted(ours & set(values)):
            if name not in local or values[name] != local[name]:
                hosts.setdefault(name, []).append(host)
    return [
        "%s is set for %s, but the run reads it on localhost, where it is %s; set it in group_vars/all, or with -e."
        % (name, _hosts(names, len(variables)), "another" if name in local else "missing")
        for name, names in hosts.items()
    ]


def _unknown(name: str, names: Iterable[str], prefixes: tuple[str, ...]) -> str | None:
    if not name.startswith(prefixes):
        return None
    near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=NEAR)
    if near:
        return "The variable %s is unknown; did you mean %s?" % (name, near[0])
    if name.startswith(OWN):
        return (
            "The variable %s is unknown; docs/variables.md lists all, and names of your own should not begin with %s."
            % (name, name.split("_")[0] + "_")
        )
    return None


def _types(values: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    given = {name: values[name] for name in values if name in known and values[name] is not None}
    texts = [
        name
        for name in given
        if isinstance(given[name], str) and known[name].get("type") == "list" and name not in SPLIT
    ]
    if texts:
        # A module would split it at its commas; a filter takes it letter by letter.
        out = [
            "%s is the text %r, but must be a list; write it as [%s]." % (name, given[name][:60], given[name][:60])
            for name in sorted(texts)
        ]
        return out + _types({name: value for name, value in values.items() if name not in texts}, known)
    # Required inputs are the roles' own business: here only what was given is looked at.
    spec = {
        name: {key: value for key, value in known[name].items() if key in ("type", "elements", "choices", "options")}
        for name in given
    }
    result = ArgumentSpecValidator(spec).validate(given)
    return [
        "The variables do not fit: %s; docs/variables.md has their types." % message.rstrip(".")
        for message in result.error_messages
    ]


def _hosts(hosts: list[str], total: int) -> str:
    if len(hosts) == total and total > 1:
        return "all hosts"
    return some(hosts)


def some(hosts: list[str]) -> str:
    """The first of them by name, and how many more there are."""
    return ", ".join(hosts[:3]) + (" and %d more" % (len(hosts) - 3) if len(hosts) > 3 else "")
