# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What others declare objects in, as our file has them: resources of Strimzi, and what kafka-acls --list prints.

What cannot be carried is refused: a file that lacks something would let its purge, or a client's surprise, find it.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Mapping

from .._kafka.acls import OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES, Acl
from . import acls, declaration
from .declared import ObjectsError

# AclCommand of Kafka 3.9 and 4.3. A name and a principal may have commas, so that only what follows ends them.
RESOURCE = re.compile(
    r"Current ACLs for resource `ResourcePattern\(resourceType=(\w+), name=(.*), patternType=(\w+)\)`:"
)
ENTRY = re.compile(r"\(principal=(.*), host=([^,]*), operation=(\w+), permissionType=(\w+)\)")
PRINCIPAL = re.compile(r"ACLs for principal `.*`")
CLUSTER_LABEL = "strimzi.io/cluster"
USER_QUOTAS = {
    "producerByteRate": "producer_byte_rate",
    "consumerByteRate": "consumer_byte_rate",
    "requestPercentage": "request_percentage",
    "controllerMutationRate": "controller_mutation_rate",
}


def imported(text: str) -> dict[str, Any]:
    """The variables of our file, from YAML of Strimzi or from what kafka-acls --list printed; raises ObjectsError."""
    # A tool's warnings may stand before what it prints.
    found = acl_list(text) if RESOURCE.search(text) else strimzi(_documents(text))
    if not found:
        raise ObjectsError(
            "The file has no topic, user or ACL, so that there is nothing to write; give the whole file."
        )
    wrong = declaration.findings(found)
    if wrong:
        raise ObjectsError(wrong[0])
    return found


def acl_list(text: str) -> dict[str, Any]:
    """The ACLs that kafka-acls --list printed."""
    rules: set[Acl] = set()
    resource: tuple[str, str, str] | None = None
    for line in filter(None, map(str.strip, text.splitlines())):
        header, entry = RESOURCE.fullmatch(line), ENTRY.fullmatch(line)
        if header:
            said = "The line %r" % line
            resource = _known(RESOURCE_TYPES, header[1], said), header[2], _known(PATTERN_TYPES, header[3], said)
        elif entry and resource:
            said = "The line %r" % line
            operation, permission = _known(OPERATIONS, entry[3], said), _known(PERMISSIONS, entry[4], said)
            rules.add(Acl(*resource, entry[1], entry[2], operation, permission))
        elif not PRINCIPAL.fullmatch(line):
            raise ObjectsError(
                "The line %r is not what kafka-acls --list prints; give its whole output, and take out what is not of"
                " it." % line
            )
    return {"kafka_acls": acls.entries(rules)}


def _known(table: Mapping[str, int], word: str, where: str) -> str:
    """A word of Kafka as our file has it, from READ_ME or ReadMe."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower()
    if name not in table:
        raise ObjectsError("%s has %s, which this file cannot declare; take that ACL out." % (where, word))
    return name


def _documents(text: str) -> Iterator[Mapping[str, Any]]:
    """The resources in a file of YAML, also those in lists, as kubectl prints them."""
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        raise ObjectsError(
            "The file is neither YAML nor what kafka-acls --list prints; give one of them, as it was made."
        ) from None
    for document in documents:
        items = document.get("items") if isinstance(document, Mapping) and "items" in document else [document]
        for item in items if isinstance(items, list) else [items]:
            if item is not None:
                if not isinstance(item, Mapping):
                    raise ObjectsError("The file has %r where a resource of Kubernetes belongs; correct it." % (item,))
                yield item


def strimzi(resources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The topics, users, quotas and ACLs of KafkaTopic and KafkaUser."""
    out: dict[str, list[dict[str, Any]]] = {name: [] for name in declaration.KINDS}
    clusters = set()
    for resource in resources:
        kind, metadata = resource.get("kind"), resource.get("metadata") or {}
        what = "%s %s" % (kind, metadata.get("name"))
        clusters.add((metadata.get("labels") or {}).get(CLUSTER_LABEL))
        try:
            spec = dict(resource.get("spec") or {})
            if kind == "KafkaTopic":
                out["kafka_topics"].append(_topic(metadata["name"], spec))
            elif kind == "KafkaUser":
                _user(metadata["name"], spec, what, out)
            else:
                raise ObjectsError("%s is neither a KafkaTopic nor a KafkaUser; take it out of the file." % what)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ObjectsError(
                "%s cannot be read (%s: %s); give it as Strimzi documents it." % (what, type(error).__name__, error)
            ) from None
        if spec:
            raise ObjectsError(
                "%s has %s, which this file cannot declare; take it out, and look what it was for."
                % (what, " and ".join(sorted(spec)))
            )
    if len(clusters) > 1:
        raise ObjectsError(
            "The file has resources of several clusters (%s); give those of one."
            % ", ".join(sorted(map(str, clusters)))
        )
    return {name: entries for name, entries in out.items() if entries}


def _topic(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The topic; what was read leaves spec, as everywhere below."""
    entry = {
        "name": spec.pop("topicName", name),
        "partitions": spec.pop("partitions", None),
        "replication_factor": spec.pop("replicas", None),
        "config": spec.pop("config", None),
    }
    return {key: value for key, value in entry.items() if value}


def _user(name: str, spec: dict[str, Any], what: str, out: dict[str, list[dict[str, Any]]]) -> None:
    login = spec.pop("authentication", None) or {}
    if login.get("type") != "scram-sha-512":
        raise ObjectsError(
            "%s has the authentication %s, but only scram-sha-512 is carried: a certificate's user is its whole name"
            " here, and another CA's; take it out, and declare ACLs for that name. See docs/security.md."
            % (what, login.get("type"))
        )
    if login.get("password"):
        raise ObjectsError(
            "%s takes its password from a secret of Kubernetes (authentication.password), which a broker does not read; take"
            " that key out, and give the user a password_from or password_file afterwards. See docs/objects.md." % what
        )
    out["kafka_users"].append({"name": name})
    limits = dict(spec.pop("quotas", None) or {})
    if limits:
        known = {USER_QUOTAS[key]: limits.pop(key) for key in list(limits) if key in USER_QUOTAS}
        spec.update({"quotas.%s" % key: value for key, value in limits.items()})
        if known:
            out["kafka_quotas"].append({"user": name, "limits": known})
    rules = dict(spec.pop("authorization", None) or {"type": "simple"})
    if rules.pop("type", None) != "simple":
        raise ObjectsError(
            "%s has another authorization than simple, which no list of ACLs says; take it out of the file." % what
        )
    for rule in rules.pop("acls", None) or []:
        out["kafka_acls"] += acls.entries(_rules("User:" + name, dict(rule), what))
    spec.update({"authorization.%s" % key: value for key, value in rules.items()})


def _rules(principal: str, rule: dict[str, Any], what: str) -> list[Acl]:
    resource = dict(rule.pop("resource"))
    said = "An ACL of %s" % what
    kind = _known(RESOURCE_TYPES, resource.pop("type"), said)
    # Before 0.36 each rule had one operation.
    operations = rule.pop("operations", None) or [rule.pop("operation")]
    pattern = resource.pop("patternType", "literal")
    pattern = _known(PATTERN_TYPES, "prefixed" if pattern == "prefix" else pattern, said)
    named = resource.pop("name", acls.CLUSTER if kind == "cluster" else None)
    if not named:
        raise ObjectsError("%s names no %s, and * would be all of them; write which it is for." % (said, kind))
    host, permission = rule.pop("host", "*"), _known(PERMISSIONS, rule.pop("type", "allow"), said)
    if rule or resource:
        raise ObjectsError(
            "%s has %s, which this file cannot declare; take it out." % (said, " and ".join({**rule, **resource}))
        )
    return [
        Acl(kind, named, pattern, principal, host, _known(OPERATIONS, each, said), permission) for each in operations
    ]
