# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Who a node of a cluster is in its certificates: distinguished names, and addresses and names that peers connect to.

A distinguished name is never mapped: Kafka and ZooKeeper compare it as a whole, in the text of RFC 2253.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Iterable, Mapping, Sequence

from .._errors import RackawareError

ORGANIZATION = "rackaware"
# The end of each refusal about certificates.
PAGE = " See docs/runbooks/certificates.md."
# One name for all nodes of a cluster. ZooKeeper knows a client by its whole name, so that a broker with another one
# could not change what the first has written; and with one name a new broker is a super user of running controllers.
SERVICE, OPERATOR, AUTHORITY = "kafka", "operator", "broker CA"
AUTHORITY_NAME = re.compile(r"%s(?: [0-9a-f]{8})?" % AUTHORITY)
# The names of the files of an identity, and of the CA's.
KEYSTORE, TRUSTSTORE = "keystore", "truststore"
# Part of a file's name, of an alias of KMS, and of distinguished names, in which none of these is escaped.
CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
# The last label has a letter: 300.1.1.1 is a wrong address, not a name.
DNS_NAME = re.compile(r"(?:\*\.)?(?:%s\.)*(?=[^.]*[A-Za-z])%s" % (LABEL, LABEL))
# Together they must fit into what KMS signs at once (4096 bytes).
MOST_NAMES, LONGEST_NAME = 20, 120
PRIVATE_CA = re.compile(r"arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[0-9a-f-]+")
# Less than half of the CA's own time.
MOST_DAYS = 1800


class TlsError(RackawareError):
    """A certificate, a request for one or its key cannot be made or used."""


@dataclass(frozen=True)
class Identity:
    """What a certificate must say: name is the stem of its files, names are its addresses and DNS names."""

    name: str
    subject: Mapping[str, str]
    names: tuple[str, ...]

    @property
    def dn(self) -> str:
        """The text of RFC 2253."""
        return dn(self.subject)


def path(directory: str, stem: str) -> str:
    """The file of key and certificate of an identity, or of a CA."""
    return "%s/%s.pem" % (directory, stem)


def subject(common_name: str, cluster: str) -> dict[str, str]:
    """The parts of a distinguished name."""
    return {"CN": common_name, "OU": cluster, "O": ORGANIZATION}


def dn(parts: Mapping[str, str]) -> str:
    """The text of RFC 2253, as Java's X500Principal.getName() gives it."""
    return ",".join("%s=%s" % (part, parts[part]) for part in ("CN", "OU", "O"))


def fingerprint(public: bytes) -> str:
    """By which people know a key; public is its public half in DER."""
    return hashlib.sha256(public).hexdigest()[:8]


def authority_name(public: bytes) -> str:
    """The common name of a CA of our own.

    No two have one name: of those that have, ZooKeeper trusts the last only, as it keeps them by their names
    (PemReader.loadTrustStore, 3.8.4).
    """
    return "%s %s" % (AUTHORITY, fingerprint(public))


def super_users(cluster: str) -> list[str]:
    """The principals that the cluster itself needs: its nodes, and our modules that ask it."""
    return ["User:" + dn(subject(name, cluster)) for name in (SERVICE, OPERATOR)]


def is_nodes_name(name: str) -> bool:
    """Whether a name is that of a cluster's nodes or of an operator, so that who has it may do anything."""
    common_name, _comma, rest = name.partition(",")
    cluster = rest[len("OU=") : -len(",O=" + ORGANIZATION)]
    return common_name in ("CN=" + SERVICE, "CN=" + OPERATOR) and name == dn(subject(common_name[3:], cluster))


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def canonical(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they can be compared, each once, in their order."""
    texts = (str(name).strip() for name in names)
    return tuple(dict.fromkeys(ip_address(text).compressed if is_address(text) else text.lower() for text in texts))


def identity(item: Mapping[str, Any]) -> Identity:
    """Read {name, subject: {CN, OU, O}, names}."""
    return Identity(item["name"], {part: item["subject"][part] for part in ("CN", "OU", "O")}, canonical(item["names"]))


def identities(cluster: str, address: str, names: Sequence[str], *, broker: bool) -> list[dict[str, Any]]:
    """[{name, subject, names}] of a node; address is where others connect to it, names are others of it.

    Brokers also have the operator, which comes in as a client and needs no names.
    """
    own = {"name": KEYSTORE, "subject": subject(SERVICE, cluster), "names": list(canonical([address, *names]))}
    operator = {"name": OPERATOR, "subject": subject(OPERATOR, cluster), "names": []}
    return [own, operator] if broker else [own]


def findings(cluster: str, hosts: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with names, one sentence each; hosts: host to its address and other names."""
    out = []
    if not CLUSTER.fullmatch(cluster):
        out.append(
            "kafka_cluster is %s, but a certificate names its cluster; use letters, digits, hyphens and underscores, 64"
            " at most." % (repr(cluster) if cluster else "not set")
        )
    for host, names in hosts.items():
        wrong = [name for name in names if not _fits(str(name))]
        if wrong:
            out.append(
                "Host %s has the name %r, which is neither an IP address nor a DNS name; correct ansible_host or"
                " kafka_tls_names." % (host, wrong[0])
            )
        if len(names) > MOST_NAMES:
            out.append("Host %s has %d names; %d are the most." % (host, len(names), MOST_NAMES))
    return out


def settings_findings(own: Mapping[str, Any], hosts: Iterable[str]) -> list[str]:
    """What is wrong with {source, days, renew_days, requests_dir, private_cas}, one sentence each; hosts are inventory names."""
    out = []
    if int(own["days"]) <= int(own["renew_days"]):
        out.append(
            "tls_days is %s and tls_renew_days %s, so that each run would renew all certificates; let them be valid for"
            " longer." % (own["days"], own["renew_days"])
        )
    if not 1 <= int(own["days"]) <= MOST_DAYS or int(own["renew_days"]) < 1:
        out.append("tls_days must be from 1 to %d, and tls_renew_days at least 1; correct them." % MOST_DAYS)
    if own["source"] == "requests" and not own["requests_dir"]:
        out.append("tls_source is requests, and tls_requests_dir is not set; set it to a directory for requests.")
    if own["source"] == "private_ca" and not own["private_cas"]:
        out.append("tls_source is private_ca, and tls_private_cas is empty; set it to the ARNs of CAs.")
    out += [
        "tls_private_cas has %r, which is no ARN of a CA of AWS Private CA; correct it." % arn
        for arn in (own["private_cas"] if own["source"] == "private_ca" else ())
        if not PRIVATE_CA.fullmatch(str(arn))
    ]
    for host in hosts if own["source"] == "requests" else ():
        if not FILE_NAME.fullmatch(host) or host.endswith(".%s" % OPERATOR):
            out.append(
                "The host %r gives its requests their file's name, which needs letters, digits, dots, hyphens and"
                " underscores, and no .%s at its end; give it another name in the inventory." % (host, OPERATOR)
            )
    return out


def _fits(name: str) -> bool:
    return is_address(name) or (len(name) <= LONGEST_NAME and bool(DNS_NAME.fullmatch(name)))
