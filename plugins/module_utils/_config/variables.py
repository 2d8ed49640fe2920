# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The user's variables against the roles' specifications: unknown names and wrong types, before any host is touched."""

from __future__ import annotations

import difflib
import math
from functools import lru_cache
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS

from .._text import some
from . import playbook_inputs

# What the inventory says about hosts and clusters, beyond the inputs of roles and playbooks.
INVENTORY: dict[str, dict[str, Any]] = {
    "kafka_cluster": {"type": "str"},
    "kafka_instance_type": {"type": "str"},
    "kafka_instance_id": {"type": "str"},
    # What is in it _config.topology reads.
    "kafka_topology": {"type": "dict"},
}
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
RUN = (
    "roll_",
    "upgrade_",
    "key_custody_",
    "objects_",
    "instances_",
    "network_",
    "kafka_topics",
    "kafka_users",
    "kafka_quotas",
    "kafka_acls",
)
# What confirms a single run, so that no file may hold it.
ONE_RUN = ("kafka_confirm", "kafka_selected_nodes", "kafka_selected_users", "kafka_accept_loss", "kafka_revoke_urgent")
# The list of names, and beginnings of names with _ at their end, that are the user's.
OWN_NAMES = "kafka_own_variables"
NEAR = 0.85
# Lists that a survey gives as a text, and that are split where they are read.
SPLIT = ("roll_only", "roll_allow_topics", "kafka_selected_nodes", "kafka_selected_users", "kafka_quorum_removed")
# _config.topology and _config.nodes have sentences of their own for these.
ELSEWHERE = ("kafka_node_id", "kafka_listeners", "kafka_replication_factor", "kafka_min_insync_replicas")
WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "path": "a path",
    "list": "a list, as in [a, b]",
    "dict": "a mapping, as in {a: 1}",
}


def inputs(specs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every input of users by name: those of the inventory, of the roles, from their argument_specs files, and of the
    playbooks.

    What begins with an underscore comes from the collection's playbooks.
    """
    roles = {
        name: option
        for spec in specs
        for entry in spec["argument_specs"].values()
        for name, option in (entry.get("options") or {}).items()
        if not name.startswith("_")
    }
    return {**INVENTORY, **roles, **playbook_inputs.options()}


def findings(
    variables: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
    faults: Mapping[str, Mapping[str, str]],
    roles: Iterable[str] = (),
) -> list[str]:
    """What is wrong with the variables of these hosts, one sentence each; a mistake that many hosts share is said once.

    variables: host to its variables; known: name to option as in argument_specs; faults: host to what unfit says of it;
    roles: the names whose prefixes are ours, too.
    """
    prefixes = OWN + tuple(role + "_" for role in roles)
    names, nearest = set(known), _nearest(known)
    said: dict[str, list[str]] = {}
    for host, values in variables.items():
        own = [] if OWN_NAMES in faults[host] else [str(name) for name in values.get(OWN_NAMES) or ()]
        sentences = [_not_own(name, names) for name in own]
        # An old name has a sentence of its own. A fact may come from a playbook that ran before.
        known_names = names.union(playbook_inputs.RENAMED, playbook_inputs.FACTS, own)
        sentences += [_unknown(name, nearest, prefixes, own) for name in values if name not in known_names]
        for sentence in filter(None, [*sentences, *faults[host].values()]):
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
        "%s is set for %s, but the run reads it on localhost, where it is %s; set it %s."
        % (
            name,
            _hosts(names, len(variables)),
            "another" if name in local else "missing",
            "with -e" if name in ONE_RUN else "in group_vars/all, or with -e",
        )
        for name, names in hosts.items()
    ]


def misspelled(
    extra: Mapping[str, Any], known: Mapping[str, Any], roles: Iterable[str], own: Iterable[Any]
) -> list[str]:
    """One sentence for each variable of -e whose beginning is a misspelled one of ours, which findings passes over.

    own: the user's own names. A variable of an inventory may well look like one of ours, and -e is for us.
    """
    passed = OWN + tuple(role + "_" for role in roles)
    nearest = _nearest(known)
    return [
        "The variable %s is unknown; did you mean %s? If it is your own, put the whole name into %s."
        % (name, near, OWN_NAMES)
        for name in extra
        if not name.startswith(passed) and name not in {*known, *playbook_inputs.RENAMED, *playbook_inputs.FACTS, *own}
        # my_kafka_version is no misspelled kafka_version.
        if (near := nearest(name)) and not name.endswith("_" + near)
    ]


def _nearest(known: Iterable[str]) -> Callable[[str], str | None]:
    """The input that a name looks like. It is looked for once for each name: hundreds of hosts have the same ones."""
    listed = sorted(known)
    return lru_cache(None)(lambda name: next(iter(difflib.get_close_matches(name, listed, n=1, cutoff=NEAR)), None))


def _unknown(
    name: str, nearest: Callable[[str], str | None], prefixes: tuple[str, ...], own: Sequence[str]
) -> str | None:
    if not name.startswith(prefixes):
        return None
    near = nearest(name)
    is_own = name.startswith(tuple(item for item in own if item.endswith("_")))
    if near:
        # A beginning may not hide a misspelled name of ours; a whole name says that it is meant.
        hint = " If it is your own, put the whole name into %s." % OWN_NAMES if is_own else ""
        return "The variable %s is unknown; did you mean %s?%s" % (name, near, hint)
    if name.startswith(OWN) and not is_own:
        return (
            "The variable %s is unknown; docs/variables.md lists all, and a name of your own that begins with %s"
            " must stand in %s." % (name, name.split("_")[0] + "_", OWN_NAMES)
        )
    return None


def _not_own(name: str, names: Iterable[str]) -> str | None:
    """Why a name, or the beginning of names, cannot be the user's own."""
    taken = sorted(item for item in names if item == name or (name.endswith("_") and item.startswith(name)))
    if not taken:
        return None
    return "%s has %s, but %s is a variable of this collection; write whole names, or longer beginnings." % (
        OWN_NAMES,
        name,
        taken[0],
    )


def unfit(values: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name to sentence, for each of a host's variables that is of another type than its option, or out of its bounds.

    Required inputs are the roles' own business: here only what was given is looked at.
    """
    given = [name for name in values if name in known and name not in ELSEWHERE and values[name] is not None]
    faults = {name: _fault(name, values[name], known[name]) for name in given}
    return {name: fault for name, fault in faults.items() if fault}


def _fault(name: str, value: Any, option: Mapping[str, Any]) -> str:
    kind, elements, choices = option.get("type", "str"), option.get("elements", "raw"), option.get("choices")
    low, high = option.get("range", (None, None))
    if not _is(value, kind):
        if name in SPLIT and not _shape(value):
            return ""
        wanted = WORDS[kind]
    elif kind == "list" and not all(_is(item, elements) for item in value):
        wanted = "a list in which each is " + WORDS[elements]
    elif choices and not set(value if kind == "list" else [value]) <= set(choices):
        wanted = ("a list of " if kind == "list" else "one of ") + ", ".join(choices)
    elif low is not None and not low <= DEFAULT_TYPE_VALIDATORS["int"](value) <= (math.inf if high is None else high):
        wanted = "at least %d" % low if high is None else "from %d to %d" % (low, high)
    else:
        return _inside(name, value, option)
    # What stands in lists and mappings, or should, is not quoted: there may be a password.
    hidden = isinstance(value, str) and kind in ("list", "dict")
    shown = {"list": "a list", "dict": "a mapping", "": "a text" if hidden else repr(value)[:60]}[_shape(value)]
    return "%s is %s, but must be %s; correct it." % (name, shown, wanted)


def _inside(name: str, value: Any, option: Mapping[str, Any]) -> str:
    """The same for what stands in mappings whose keys are options themselves; the library says it of their values."""
    if not option.get("options"):
        return ""
    spec = {key: option[key] for key in ("type", "elements", "options") if key in option}
    messages = ArgumentSpecValidator({name: spec}).validate({name: value}).error_messages
    return "%s does not fit: %s; correct it." % (name, "; ".join(messages).rstrip(".")) if messages else ""


def _shape(value: Any) -> str:
    return "list" if isinstance(value, (list, tuple)) else "dict" if isinstance(value, Mapping) else ""


def _is(value: Any, kind: str) -> bool:
    """Whether a value is of a type of argument specs, or is read as one: "30" is a whole number.

    Roles validate and do not convert, so what the library would split, parse, or take for a number is not.
    """
    shape = _shape(value)
    if kind == "raw":
        return True
    if shape or kind in ("list", "dict"):
        return shape == kind
    if isinstance(value, bool) and kind in ("int", "float"):
        return False
    try:
        DEFAULT_TYPE_VALIDATORS[kind](value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _hosts(hosts: list[str], total: int) -> str:
    if len(hosts) == total and total > 1:
        return "all hosts"
    return some(hosts)
