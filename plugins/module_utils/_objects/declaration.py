# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The file that declares topics, users, quotas and ACLs: what is wrong with it, and how it is written."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._errors import RackawareError
from . import acls, password_rotation, quotas, topics, users
from .declared import ObjectsError, check_principal, owned

KINDS: dict[str, tuple[dict[str, Any], Callable[[list[dict[str, Any]]], Any]]] = {
    "kafka_topics": (topics.TOPIC_OPTIONS, topics.wanted),
    # A file with a password is on the host, so that it is read there.
    "kafka_users": (users.USER_OPTIONS, lambda entries: users.wanted(entries, lambda _path: "unread")),
    "kafka_quotas": (quotas.QUOTA_OPTIONS, quotas.wanted),
    "kafka_acls": (acls.ACL_OPTIONS, acls.wanted),
}
VARIABLES = (*KINDS, "objects_owned_prefixes", "objects_purge", "objects_protected_principals")
HEAD = """---
# The topics, users, quotas and ACLs of the cluster %s, as export_objects read them. Passwords are not among them: a
# user without password_file and password_from keeps the one that it has.
"""
IMPORTED = """---
# The topics, users, quotas and ACLs out of %s, as import_objects read them. Passwords are not among them: give a user
# that does not exist yet password_file or password_from.
"""


def findings(variables: Mapping[str, Any]) -> list[str]:
    """What no cluster could be like; one sentence for each variable. Wrong types are the preflight's to say."""
    out: list[str] = []
    read: dict[str, list[dict[str, Any]]] = {}
    for name, (options, wanted) in KINDS.items():
        spec = {name: {"type": "list", "elements": "dict", "options": options}}
        result = ArgumentSpecValidator(spec).validate({name: variables.get(name) or []})
        if result.error_messages:
            # Kept from here is what was given: a password may be in it.
            out.append("%s has an entry with a wrong type or name; docs/objects.md has an example." % name)
            continue
        read[name] = result.validated_parameters[name]
        try:
            wanted(read[name])
        except RackawareError as error:
            out.append(str(error))
    try:
        # A file without ACLs leaves those of the cluster alone.
        password_rotation.check_pairs(read.get("kafka_users", ()), read.get("kafka_acls", ()))
    except RackawareError as error:
        out.append(str(error))
    try:
        owned(variables.get("objects_owned_prefixes") or [], purge=bool(variables.get("objects_purge")))
    except RackawareError as error:
        out.append(str(error))
    for kind in variables.get("objects_purge") or []:
        # An empty list is meant; a file that was not given is not.
        if "kafka_%s" % kind not in variables:
            out.append(
                "objects_purge has %s, but kafka_%s is not set, so that all of them inside objects_owned_prefixes would"
                " be removed; give the file that has them, or set kafka_%s to []." % (kind, kind, kind)
            )
    try:
        for principal in variables.get("objects_protected_principals") or []:
            check_principal(principal)
    except RackawareError as error:
        out.append(str(error))
    return out


def rotated(variables: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """The users that get a new password, without passwords; raises ObjectsError for what findings has or who cannot."""
    found = findings(variables)
    if found:
        raise ObjectsError(" ".join(found))
    spec = {"kafka_users": {"type": "list", "elements": "dict", "options": users.USER_OPTIONS}}
    read = ArgumentSpecValidator(spec).validate({"kafka_users": variables.get("kafka_users") or []})
    return password_rotation.selected(read.validated_parameters["kafka_users"], names)


def text(objects: Mapping[str, Any], origin: str, head: str = HEAD) -> str:
    """The file; head names its origin. Raises ObjectsError for names that Ansible would evaluate when it reads them."""
    import yaml

    for each in _texts(objects):
        if "{{" in each or "{%" in each or "{#" in each:
            raise ObjectsError(
                "There is the name %r, which Ansible would evaluate as a template when it reads the file; remove"
                " that object first." % each
            )
    # JSON and back takes away what templating hangs on a value, and YAML cannot write.
    plain = json.loads(json.dumps(objects))
    parts = [yaml.safe_dump({name: plain[name]}, sort_keys=False, width=120, allow_unicode=True) for name in plain]
    return head % origin.replace("\n", " ") + "\n".join(parts)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
