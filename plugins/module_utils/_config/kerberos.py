# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Kerberos on listeners for clients: the mechanism GSSAPI, which name a principal has, and the files of a broker.

A broker only takes tickets. It asks no KDC for that, so that its krb5.conf names none, and a KDC that is away keeps no
broker from starting.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

SCRAM, GSSAPI = "SCRAM-SHA-512", "GSSAPI"
MECHANISMS = (SCRAM, GSSAPI)
SERVICE = "kafka"
DIRECTORY = "/etc/kafka/kerberos"
KEYTAB, CONFIG = DIRECTORY + "/kafka.keytab", DIRECTORY + "/krb5.conf"
REALM = re.compile(r"[A-Z0-9](?:[A-Z0-9.-]*[A-Z0-9])?")
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?")
RULES = "sasl.kerberos.principal.to.local.rules"
# One part of a principal's name. Without = and commas it is no node's, nor the operator's, whose names are DNs.
PART = "[A-Za-z0-9._-]+"
SOURCES = ("secret", "parameter", "file")


def mechanisms(listener: Mapping[str, Any]) -> list[str]:
    """What clients log in by, at a listener with SASL_SSL."""
    return list(listener.get("mechanisms") or (SCRAM,))


def used(listeners: Sequence[Mapping[str, Any]]) -> bool:
    """Whether clients show tickets at one of the listeners."""
    return any(GSSAPI in (item.get("mechanisms") or ()) for item in listeners)


def principal(host: str, realm: str) -> str:
    """Whose key a broker has; host is what clients call it."""
    return "%s/%s@%s" % (SERVICE, host, realm)


def rules(realm: str) -> list[str]:
    """Who a principal is for ACLs: alice@REALM is alice, app/host@REALM is app:host, and all others are no one.

    DEFAULT would make kafka/host@REALM, and every other principal of two parts, a name of one. Patterns are of the whole
    name (KerberosRule of Kafka); a closing parenthesis would end one, and a backslash is the properties file's.
    """
    anchored = realm.replace(".", "[.]")
    return [
        "RULE:[1:$1@$0](%s@%s)s/@.*//" % (PART, anchored),
        "RULE:[2:$1:$2@$0](%s@%s)s/@.*//" % (":".join((PART, PART)), anchored),
    ]


def login(prefix: str, host: str, realm: str) -> dict[str, str]:
    """The settings of a listener with tickets, whose names begin with prefix."""
    options = {
        "useKeyTab": "true",
        "storeKey": "true",
        "isInitiator": "false",
        "refreshKrb5Config": "true",
        "keyTab": '"%s"' % KEYTAB,
        "principal": '"%s"' % principal(host, realm),
    }
    module = "com.sun.security.auth.module.Krb5LoginModule required"
    return {
        prefix + "sasl.kerberos.service.name": SERVICE,
        prefix + "gssapi.sasl.jaas.config": "%s %s;" % (module, " ".join("%s=%s" % item for item in options.items())),
    }


def config(realm: str, comment: str) -> str:
    """The krb5.conf of a broker."""
    lines = [
        "# %s" % comment,
        "[libdefaults]",
        "  default_realm = %s" % realm,
        *("  %s = false" % name for name in ("dns_lookup_kdc", "dns_lookup_realm", "rdns")),
        "  dns_canonicalize_hostname = false",
    ]
    return "\n".join(lines) + "\n"


def findings(secured: bool, listeners: Sequence[Mapping[str, Any]], internal: Sequence[str], realm: Any) -> list[str]:
    """What is wrong with the mechanisms of listeners, each with its protocol, one sentence each."""
    out = []
    for item in listeners:
        name, given = item["name"], item.get("mechanisms")
        if given is None:
            continue
        if not isinstance(given, (list, tuple)) or not given or not set(map(str, given)) <= set(MECHANISMS):
            out.append(
                "The listener %s has mechanisms: %s, but it must be a list of one or both of %s; correct it, or leave it out."
                % (name, given, " and ".join(MECHANISMS))
            )
        elif not secured:
            out.append(
                "The listener %s has mechanisms, but with kafka_security: none no client logs in; leave mechanisms out, or"
                " secure the cluster. See docs/security.md." % name
            )
        elif name in internal:
            out.append(
                "The listener %s has mechanisms, but nodes know each other by certificates, and need no KDC for that; leave"
                " mechanisms out, and add a listener for clients." % name
            )
        elif item["protocol"] != "SASL_SSL":
            out.append(
                "The listener %s has mechanisms and the protocol %s, by which no client logs in; leave one of them out."
                % (name, item["protocol"])
            )
    if not out and used(listeners) and not REALM.fullmatch(str(realm or "")):
        out.append(
            "kafka_kerberos_realm is %r, but a listener has the mechanism GSSAPI; set it to the realm of the KDC, in capital"
            " letters as in EXAMPLE.COM." % (realm or "",)
        )
    return out


def keytab_finding(given: Any) -> str:
    """What is wrong with kafka_keytab of a broker whose clients show tickets, empty when nothing is."""
    given = given if isinstance(given, Mapping) else {}
    host = given.get("host")
    if host is not None and not HOST.fullmatch(str(host)):
        return "kafka_keytab has the host %r; write what clients call this broker, in small letters." % (host,)
    if len([kind for kind in SOURCES if given.get(kind)]) == 1:
        return ""
    return (
        "kafka_keytab must say where the key of this broker is, as one of secret, parameter and file, because a listener has"
        " the mechanism GSSAPI; set it. See docs/security.md."
    )
