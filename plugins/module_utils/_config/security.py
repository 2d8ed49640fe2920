# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a secured cluster is: protocols, identities and files, and the settings that follow from them.

Everything inside the cluster (brokers, controllers, ZooKeeper nodes, the operator's modules) is known by a certificate
of the cluster's own CA, and by nothing else; clients log in by SCRAM, or by certificates of a CA of their own.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping, Sequence

from .._tls import identity
from . import kerberos

TLS, NONE = "tls", "none"
CHOICES = (TLS, NONE)
# Between the two, while secure_cluster works: doors of both kinds are open, and nodes talk to each other in plaintext,
# or by TLS.
OPENED, MOVED = "opened", "moved"
STEPS = (NONE, OPENED, MOVED, TLS)
# The listener between brokers and the one of the controllers: which certificate of the cluster's CA is shown decides.
# Each has a second name, because nodes look each other up by name, and expect their own protocol behind it: in a
# cluster that runs, no name can change its protocol.
REPLICATION, CONTROLLERS = "REPLICATION", "CONTROLLER"
OF_BROKERS, OF_CONTROLLERS = (REPLICATION, REPLICATION + "_TLS"), (CONTROLLERS, CONTROLLERS + "_TLS")
INTERNAL = (*OF_BROKERS, *OF_CONTROLLERS)
ANONYMOUS = "User:ANONYMOUS"
PLAINTEXT, SSL, SASL_SSL = "PLAINTEXT", "SSL", "SASL_SSL"
ENCRYPTED = (SSL, SASL_SSL)
PROTOCOLS = "TLSv1.3,TLSv1.2"
# ZooKeeper 3.8.4 speaks TLS 1.2 only, unless a cipher of TLS 1.3 is named.
ZOOKEEPER_CIPHERS = ",".join(
    (
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    )
)
# The stem of the file of the CA that signs clients' certificates.
CLIENTS = "clients"
PROPERTY = "-Dzookeeper."
# The class follows from how the node keeps its metadata: AclAuthorizer beside controllers ends a broker's start.
AUTHORIZERS = {
    "kraft": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "zookeeper": "kafka.security.authorizer.AclAuthorizer",
}
# With kafka_security: tls these are the collection's, whole or by their beginning.
RESERVED = frozenset(
    (
        "allow.everyone.if.no.acl.found",
        "authorizer.class.name",
        "principal.builder.class",
        kerberos.RULES,
        "sasl.kerberos.service.name",
        "sasl.mechanism.controller.protocol",
        "sasl.mechanism.inter.broker.protocol",
        "super.users",
        "zookeeper.clientCnxnSocket",
        "zookeeper.set.acl",
    )
)
RESERVED_BEGINNINGS = (
    *("listener.name.%s." % name.lower() for name in INTERNAL),
    "ssl.",
    "zookeeper.ssl.",
)
# What a listener can say for itself as well.
OF_A_LISTENER = re.compile(r"listener\.name\.[^.]+\.(.+)")
MAPPING = "ssl.principal.mapping.rules"
# ssl.cipher.suites and the like weaken nothing that the two versions of TLS allow.
FREE = frozenset(("ssl.cipher.suites", "ssl.secure.random.implementation"))
ZOOKEEPER_RESERVED = (
    "DigestAuthenticationProvider.",
    "X509AuthenticationProvider.",
    "authProvider.",
    "client.portUnification",
    "dynamicConfigFile",
    "portUnification",
    "secureClientPort",
    "serverCnxnFactory",
    "skipACL",
    "ssl",
)


def encrypts(security: Any) -> bool:
    """Whether nodes have certificates, and listeners that ask for a name."""
    return security in (OPENED, MOVED, TLS)


def inside(security: Any) -> bool:
    """Whether nodes talk to each other by TLS."""
    return security in (MOVED, TLS)


def among(listeners: Iterable[Mapping[str, Any]], names: Sequence[str], security: Any) -> list[Mapping[str, Any]]:
    """Of the listeners {name, protocol} those with these names, the one first by which nodes talk to each other."""
    found = [item for item in listeners if item["name"] in names]
    return sorted(found, key=lambda item: (protocol(item, security) in ENCRYPTED) != inside(security))


def protocol(listener: Mapping[str, Any], security: str) -> str:
    """The security protocol of a listener {name, protocol}, which need not name it."""
    if listener.get("protocol"):
        return str(listener["protocol"])
    if not encrypts(security):
        return PLAINTEXT
    return SSL if listener.get("name") in INTERNAL else SASL_SSL


def with_protocols(listeners: Any, security: str) -> Any:
    """The listeners, each with its protocol; what is no list of listeners is left as it is."""
    if not isinstance(listeners, (list, tuple)):
        return listeners
    return [{**item, "protocol": protocol(item, security)} if isinstance(item, Mapping) else item for item in listeners]


def super_users(cluster: str, more: Iterable[str] = ()) -> list[str]:
    """Who may do anything: the nodes, the operator, and more."""
    return list(dict.fromkeys([*identity.super_users(cluster), *map(str, more)]))


def folder(directory: str) -> str:
    """Where a service whose files are in this directory has its certificates."""
    return directory + "/tls"


# Of brokers and controllers.
DIRECTORY = folder("/etc/kafka")


def reads(directory: str, *, clients: bool = False) -> list[str]:
    """The files of a service below its directory that its certificates are in; clients: whether some show one."""
    names = (identity.KEYSTORE, identity.TRUSTSTORE, *((CLIENTS,) if clients else ()))
    return [identity.path(folder(directory), name) for name in names]


def shows_clients_certificates(listeners: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a listener for clients asks them for a certificate."""
    return any(item["name"] not in INTERNAL and item.get("protocol") == SSL for item in listeners)


def kafka(cluster: Mapping[str, Any], *, broker: bool, host: str = "") -> dict[str, Any]:
    """The settings of a node of a secured cluster, or of one on the way.

    cluster: {security, cluster: its name, listeners, controllers, super_users, kerberos_realm}; broker: whether the
    node is one, also besides a controller; host: what clients that show tickets call it.
    """
    # Who comes in by plaintext has no name, nodes among them. Those who log in are judged by the ACLs already.
    nameless = () if cluster["security"] == TLS else (ANONYMOUS,)
    mode = "kraft" if cluster["controllers"] else "zookeeper"
    out: dict[str, Any] = {
        **_stores("ssl.%s."),
        "ssl.enabled.protocols": PROTOCOLS,
        "authorizer.class.name": AUTHORIZERS[mode],
        # The names have commas.
        "super.users": ";".join(super_users(cluster["cluster"], (*(cluster.get("super_users") or ()), *nameless))),
    }
    for item in cluster["listeners"]:
        name, prefix = item["name"], "listener.name.%s." % str(item["name"]).lower()
        if item["protocol"] not in ENCRYPTED:
            continue
        if name in OF_CONTROLLERS and cluster["controllers"] or name in OF_BROKERS and broker:
            out[prefix + "ssl.client.auth"] = "required"
        elif name in INTERNAL or not broker:
            continue
        elif item["protocol"] == SSL:
            out[prefix + "ssl.client.auth"] = "required"
            out[prefix + MAPPING] = [_clients_only(cluster["cluster"]), "DEFAULT"]
            out[prefix + "ssl.truststore.type"] = "PEM"
            out[prefix + "ssl.truststore.location"] = identity.path(DIRECTORY, CLIENTS)
        else:
            mechanisms = kerberos.mechanisms(item)
            out[prefix + "sasl.enabled.mechanisms"] = mechanisms
            if kerberos.SCRAM in mechanisms:
                out[prefix + "scram-sha-512.sasl.jaas.config"] = (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                )
            if kerberos.GSSAPI in mechanisms:
                out.update(kerberos.login(prefix, host, cluster["kerberos_realm"]))
                out[kerberos.RULES] = kerberos.rules(cluster["kerberos_realm"])
    if mode == "zookeeper" and inside(cluster["security"]):
        out.update(
            {
                "zookeeper.clientCnxnSocket": "org.apache.zookeeper.ClientCnxnSocketNetty",
                "zookeeper.ssl.client.enable": True,
                **_stores("zookeeper.ssl.%s."),
                "zookeeper.ssl.protocol": "TLSv1.3",
                "zookeeper.ssl.enabled.protocols": PROTOCOLS,
                # Not before all brokers have that name.
                **({"zookeeper.set.acl": True} if cluster["security"] == TLS else {}),
                # On a loaded host the first handshake outlasts Kafka's 18 s.
                "zookeeper.connection.timeout.ms": 60000,
            }
        )
    return out


def own_settings(own: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    """A user's settings, in which rules for the names of clients come after ours."""
    return {
        key: [_clients_only(cluster), value] if str(key).endswith("." + MAPPING) else value
        for key, value in own.items()
    }


def _clients_only(cluster: str) -> str:
    """The rule that keeps a client whose certificate has a node's name from being one: its CA may sign any name."""
    names = identity.SERVICE, identity.OPERATOR
    nodes = identity.dn(identity.subject("(%s|%s)" % names, cluster))
    return "RULE:^(%s)$/client:$1/" % nodes


def zookeeper(directory: str, secured: str) -> dict[str, Any]:
    """The settings of a ZooKeeper node of a secured cluster, or of one on the way, whose files are below directory; secured
    is kafka_security.
    """
    netty = "org.apache.zookeeper.server.NettyServerCnxnFactory"
    store, trust = reads(directory)
    both = {
        "keyStore.location": store,
        "keyStore.type": "PEM",
        "trustStore.location": trust,
        "trustStore.type": "PEM",
        "enabledProtocols": PROTOCOLS,
        "ciphersuites": ZOOKEEPER_CIPHERS,
        "clientAuth": "need",
    }
    return {
        "serverCnxnFactory": netty,
        "authProvider.x509": "org.apache.zookeeper.server.auth.X509AuthenticationProvider",
        "sslQuorum": inside(secured),
        # TLS and plaintext on the same ports.
        **({} if secured == TLS else {"client.portUnification": True, "portUnification": True}),
        **{"ssl." + key: value for key, value in both.items()},
        **{"ssl.quorum." + key: value for key, value in both.items()},
    }


def _stores(pattern: str) -> dict[str, str]:
    return {
        pattern % store + key: value
        for store in (identity.KEYSTORE, identity.TRUSTSTORE)
        for key, value in (("type", "PEM"), ("location", identity.path(DIRECTORY, store)))
    }


def reserved(own: Mapping[str, Any]) -> set[str]:
    """Of a user's settings for brokers or controllers those that a secured cluster decides."""
    return {str(key) for key, value in own.items() if _reserved(str(key), value)}


def _reserved(key: str, value: Any) -> bool:
    if key.startswith(RESERVED_BEGINNINGS):
        return key not in FREE
    own = OF_A_LISTENER.fullmatch(key)
    name = own[1] if own else key
    # Who comes in without a certificate has no name.
    return name in RESERVED or name == "ssl.client.auth" and value != "required"


def zookeeper_reserved(own: Mapping[str, Any]) -> set[str]:
    """Of a user's settings for ZooKeeper those that a secured cluster decides."""
    return {str(key) for key in own if str(key).startswith(ZOOKEEPER_RESERVED)}


def option_findings(name: str, options: Iterable[Any]) -> list[str]:
    """What is wrong with a secured cluster's options for the JVM, where ZooKeeper's code looks for settings as well."""
    words = re.sub(r"[\"']", "", " ".join(map(str, options))).split()
    given = [word.partition("=")[0] for word in words if word.startswith(PROPERTY)]
    return [
        "%s has %s, which kafka_security decides; remove it from %s." % (name, option, name)
        for option in given
        if zookeeper_reserved({option[len(PROPERTY) :]: None})
    ]


def findings(security: Any, listeners: Any, super_users_: Any, client_ca: Any, realm: Any = "") -> list[str]:
    """What is wrong with the security of a cluster, one sentence each; listeners are some that can work otherwise."""
    # secure_cluster has judged the aim, and adds what runs.
    if security in (OPENED, MOVED):
        return []
    if security not in CHOICES:
        return ["kafka_security is %r, but must be %s or %s; correct it." % (security, TLS, NONE)]
    out = [
        "kafka_listeners has %s and %s, which are two names for one listener; leave one of them out." % names
        for names in (OF_BROKERS, OF_CONTROLLERS)
        if {item["name"] for item in listeners}.issuperset(names)
    ]
    out += kerberos.findings(security == TLS, with_protocols(listeners, security), INTERNAL, realm)
    if security != TLS:
        return out
    named = {item["name"]: protocol(item, security) for item in listeners}
    for name, its in named.items():
        if name in INTERNAL:
            if its != SSL:
                out.append(
                    "The listener %s has the protocol %s, but with kafka_security: tls nodes know each other by"
                    " certificates, which is SSL; leave its protocol out." % (name, its)
                )
        elif its not in ENCRYPTED:
            out.append(
                "The listener %s has the protocol %s, which a cluster with kafka_security: tls does not have; leave its"
                " protocol out for SASL_SSL, or make it SSL. See docs/security.md." % (name, its)
            )
    if not set(OF_BROKERS) & set(named):
        out.append(
            "kafka_listeners has no listener %s, by which brokers and the collection's modules know each other with"
            " kafka_security: tls; add {name: %s, port: 9091}." % (REPLICATION, REPLICATION)
        )
    clients = [{"name": name, "protocol": its} for name, its in named.items()]
    if shows_clients_certificates(clients) and "BEGIN CERTIFICATE" not in str(client_ca or ""):
        out.append(
            "kafka_client_ca_certificates has no certificate, but a listener for clients has the protocol SSL; set it"
            " to the PEM text of the CA that signs the clients' certificates."
        )
    if "PRIVATE KEY-----" in str(client_ca or ""):
        out.append(
            "kafka_client_ca_certificates has a private key, which would go to all brokers; leave the certificates"
            " only, and replace the key."
        )
    for user in super_users_ or ():
        if not str(user).startswith("User:") or len(str(user)) <= len("User:") or ";" in str(user):
            out.append(
                "kafka_super_users has %r, but a super user is User: and its name, as in User:alice; correct it."
                % (user,)
            )
        elif str(user) == ANONYMOUS:
            out.append(
                "kafka_super_users has User:ANONYMOUS, which is every client without a name; remove it, and name those"
                " who may do anything."
            )
    return out
