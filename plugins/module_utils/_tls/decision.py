# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which hosts of a cluster need a certificate, and what they get; all hosts are looked at together."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence

from .._text import hosts_as_subject, some
from . import certificates
from .certificates import TlsError, x509
from .identity import PAGE, Identity, fingerprint, identity

# The way out for a host that missed a change of the CA.
AWAY = (
    "; where a host was away during a change of the CA, stop its service, remove its directory of certificates, and run"
    " site"
)


@dataclass(frozen=True)
class Host:
    """What a host must have, as the inventory says, and what it answered.

    authorities is what it will trust at its next start, trusted what it trusts now. shown are the chains in place, and
    loaded is whether its service, where it runs, was started with what is in place. clients is what signs clients.
    """

    name: str
    identities: tuple[Identity, ...]
    answers: Mapping[str, Mapping[str, Any]]
    authorities: tuple[x509.Certificate, ...]
    trusted: tuple[x509.Certificate, ...]
    shown: tuple[tuple[x509.Certificate, ...], ...] = ()
    loaded: bool = False
    clients: tuple[x509.Certificate, ...] = ()

    @property
    def trusted_keys(self) -> set[bytes]:
        """The public keys of the CAs that it trusts now."""
        return set(map(certificates.public_key, self.trusted))


@dataclass(frozen=True)
class Need:
    """A certificate that a host needs, and why."""

    host: Host
    identity: Identity
    reason: str

    @property
    def answer(self) -> Mapping[str, Any]:
        """What the host says of this identity."""
        return self.host.answers.get(self.identity.name) or {}

    @property
    def file(self) -> str:
        """The stem of the files of a request and of what a user's CA makes of it."""
        return self.host.name + ("" if self.identity == self.host.identities[0] else "." + self.identity.name)


def hosts(given: Mapping[str, Mapping[str, Any]]) -> list[Host]:
    """Read {host: {identities, answer}}; answer is what tls_request returned. Raises TlsError."""
    out = []
    for name, item in given.items():
        answer = item.get("answer") or {}
        if "identities" not in answer:
            raise TlsError("Host %s did not answer what certificates it has; run this again with all hosts." % name)
        out.append(
            Host(
                name,
                tuple(identity(each) for each in item["identities"]),
                answer["identities"],
                _readable(answer.get("authorities")),
                _readable(answer.get("trusted")),
                tuple(filter(None, (_readable(each.get("shown")) for each in answer["identities"].values()))),
                bool(answer.get("loaded")),
                tuple(certificates.read(item["client_ca"], "kafka_client_ca_certificates"))
                if str(item.get("client_ca") or "").strip()
                else (),
            )
        )
    return out


def _readable(text: str | None) -> tuple[x509.Certificate, ...]:
    """A damaged file is written again, as a missing one is."""
    try:
        return tuple(certificates.read(text, "The file")) if text else ()
    except TlsError:
        return ()


def shared_authority(
    all_hosts: Sequence[Host], cluster: str, now: datetime.datetime, days: int
) -> x509.Certificate | None:
    """The CA of our own that all hosts have, if it outlives what it would sign: then KMS need not be asked."""
    found = {each for host in all_hosts for each in host.authorities}
    if len(found) != 1 or not all(host.authorities for host in all_hosts):
        return None
    (only,) = found
    return only if certificates.is_own(only, cluster) and certificates.days_left(only, now) >= days else None


def needs(
    all_hosts: Iterable[Host],
    authorities: Sequence[x509.Certificate],
    now: datetime.datetime,
    *,
    renew_days: int,
    exact: bool,
) -> list[Need]:
    """Every certificate that a host needs."""
    found = [
        Need(host, each, _why(host, each, authorities, now, renew_days, exact)) for host, each in _pairs(all_hosts)
    ]
    return [need for need in found if need.reason]


def _pairs(all_hosts: Iterable[Host]) -> Iterable[tuple[Host, Identity]]:
    return ((host, each) for host in all_hosts for each in host.identities)


def _why(host: Host, each: Identity, authorities: Any, now: Any, renew_days: int, exact: bool) -> str:
    answer = host.answers.get(each.name) or {}
    try:
        return certificates.why(answer, each, authorities, now, renew_days=renew_days, exact=exact)
    except TlsError:
        return "its certificate cannot be read"


def urgent(need: Need, authorities: Sequence[x509.Certificate], now: datetime.datetime) -> bool:
    """Whether the host cannot do with what it has until then; what ends within a day may end before the run does."""
    answer = {**need.answer, "waiting": False}
    host = Host(need.host.name, (), {need.identity.name: answer}, (), ())
    return bool(_why(host, need.identity, authorities, now, 1, False))


def reasons(all_needs: Iterable[Need]) -> dict[str, str]:
    """Host to a sentence about what it needs and why."""
    out: dict[str, list[str]] = {}
    for need in all_needs:
        out.setdefault(need.host.name, []).append("%s: %s" % (need.identity.name, need.reason))
    return {name: "%s needs a certificate (%s)." % (name, "; ".join(clauses)) for name, clauses in out.items()}


def refuse_another_authority(all_hosts: Iterable[Host], authorities: Sequence[x509.Certificate]) -> None:
    """Raise TlsError where a host trusts only CAs that are not among these: its peers would refuse it, and it them."""
    public = {certificates.public_key(each) for each in authorities}
    other = [host.name for host in all_hosts if host.trusted and not public & host.trusted_keys]
    if other:
        raise TlsError(
            "The truststore of %s has another CA than the one that would sign, so that nodes would refuse each other;"
            " put the old CA beside the new one first, or give the cluster its old CA again%s."
            % (some(other), AWAY)
            + PAGE
        )


def refuse_unnamed(all_hosts: Iterable[Host], cluster: str, kept: Iterable[bytes], retired: bytes) -> None:
    """Raise TlsError where a CA of the cluster's own would be taken out of truststores, and its key is not the retired one.

    So whatever KMS says while names move, or says too late, takes nothing away. The CA is not kept on a host's word.
    """
    known = {*kept, retired}
    for host in all_hosts:
        for each in host.trusted:
            if certificates.is_own(each, cluster) and certificates.public_key(each) not in known:
                raise TlsError(
                    "Host %s trusts the CA %s, and no alias of the cluster's keys in KMS is that of its key, so that it"
                    " would be taken out of the truststores without rotate_ca; while another run changes the CA, run this again"
                    " when it has ended%s." % (host.name, fingerprint(certificates.public_key(each)), AWAY) + PAGE
                )


def refuse_shared_with_clients(all_hosts: Iterable[Host], authorities: Iterable[x509.Certificate]) -> None:
    """Raise TlsError where the CA of clients is one of these, which sign nodes, or below one: a client could be a node."""
    above = list(authorities)
    public = set(map(certificates.public_key, above))
    shared = [
        host.name
        for host in all_hosts
        if any(
            certificates.public_key(each) in public
            or certificates.trusted([each, *host.clients], above, each.not_valid_before_utc)
            for each in host.clients
        )
    ]
    if shared:
        raise TlsError(
            "kafka_client_ca_certificates of %s has the CA that signs nodes, or one below it, so that the nodes' listeners"
            " would let its clients in; have clients' certificates signed by another CA. See docs/security.md."
            % some(shared)
        )


def refuse_no_key(key: str) -> None:
    """Raise TlsError where a CA would be changed that is not there."""
    raise TlsError("There is no KMS key %s, so that there is no CA to change; run site first." % key + PAGE)


def refuse_lost_key(all_hosts: Iterable[Host], key: str) -> None:
    """Raise TlsError where there is no key, and hosts trust a CA already."""
    trusting = [host.name for host in all_hosts if host.trusted]
    if trusting:
        raise TlsError(
            "%s a CA already, but there is no KMS key %s; give the CA's key this alias again."
            % (hosts_as_subject(trusting, "trusts", "trust"), key)
            + PAGE
        )


def refuse_withdrawn(
    all_hosts: Sequence[Host], authorities: Sequence[x509.Certificate], now: datetime.datetime
) -> None:
    """Raise TlsError where nodes would stop trusting a CA whose certificate a node still shows, or may show.

    A roll restarts one node after another, so that those that have the new truststore meet those that show the old
    certificate.
    """
    left = set(map(certificates.public_key, authorities))
    if all(host.trusted_keys <= left for host in all_hosts):
        return
    still = [
        host.name
        for host in all_hosts
        if not host.loaded or any(_breaks(chain, host.trusted, authorities, now) for chain in host.shown)
    ]
    if still:
        raise TlsError(
            "A CA would be taken out of the truststores, and %s its certificates, or runs with other files than those in"
            " place, so that nodes would refuse each other; keep that CA until all nodes have restarted with certificates"
            " of another one%s." % (hosts_as_subject(still, "still shows", "still show"), AWAY) + PAGE
        )


def _breaks(chain: Any, before: Any, after: Any, now: datetime.datetime) -> bool:
    """Whether a certificate that is good loses its CA; one that has expired has lost its peers already."""
    return (
        chain[0].not_valid_after_utc > now
        and certificates.trusted(chain, before, now)
        and not certificates.trusted(chain, after, now)
    )


def refuse_signer(all_hosts: Iterable[Host], signer: x509.Certificate) -> None:
    """Raise TlsError where a host does not trust the CA that would sign."""
    public = certificates.public_key(signer)
    other = [host.name for host in all_hosts if host.trusted and public not in host.trusted_keys]
    if other:
        raise TlsError(
            "%s not trust the CA that would sign, so that nodes would refuse each other; let the CA that all trust sign until"
            " all nodes have restarted with both in their truststores." % hosts_as_subject(other, "does", "do") + PAGE
        )


def refuse_same_name(authorities: Sequence[x509.Certificate]) -> None:
    """Raise TlsError for two CAs of one name: of those ZooKeeper trusts the last only (PemReader.loadTrustStore)."""
    keys: dict[str, bytes] = {}
    for each in authorities:
        name, public = each.subject.rfc4514_string(), certificates.public_key(each)
        if keys.setdefault(name, public) != public:
            raise TlsError(
                "Two CAs have the name %s, and ZooKeeper trusts only one for each name; give the new one another name."
                % name
                + PAGE
            )


def refuse_what_others_do_not_trust(
    chains: Mapping[str, Sequence[x509.Certificate]], all_hosts: Iterable[Host], now: datetime.datetime
) -> None:
    """Raise TlsError for a new certificate whose CA a host does not trust yet; chains: name of a file to its chain."""
    seen: dict[tuple[x509.Certificate, ...], str] = {}
    for host in all_hosts:
        seen.setdefault(host.trusted, host.name)
    for trusted, name in seen.items():
        for file, chain in chains.items():
            if trusted and not certificates.trusted(chain, trusted, now):
                raise TlsError(
                    "%s is signed by a CA that %s does not trust yet; take it out of the directory, run site and"
                    " rolling_restart, so that all nodes trust what is in ca.pem, and put it back."
                    % (file, name)
                    + PAGE
                )


def outdated(all_hosts: Iterable[Host], authorities: Sequence[x509.Certificate]) -> list[str]:
    """The hosts whose truststore is not what it must be."""
    return [host.name for host in all_hosts if set(host.authorities) != set(authorities)]


def signed(
    need: Need,
    request: x509.CertificateSigningRequest,
    text: str | None,
    authorities: Sequence[x509.Certificate],
    now: datetime.datetime,
    file: str,
) -> list[x509.Certificate] | None:
    """What a user's CA made of a request, None while it is missing; raises TlsError for one that is no good.

    text: the content of file. What the host has already is left from the last time.
    """
    if text is None:
        return None
    chain = certificates.read(text, file)
    if certificates.public_key(chain[0]) != certificates.public_key(request):
        before = _readable(need.answer.get("certificate"))
        if before and certificates.public_key(before[0]) == certificates.public_key(chain[0]):
            return None
        raise TlsError(
            "%s is of another key than the request %s.csr; have this request signed." % (file, need.file) + PAGE
        )
    found = certificates.faults(chain, need.identity, authorities, now, exact=False)
    if found:
        raise TlsError("The certificate in %s %s; have it signed again." % (file, found[0]) + PAGE)
    return chain


def refuse_unlike(
    need: Need,
    request: x509.CertificateSigningRequest,
    chain: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    now: datetime.datetime,
) -> None:
    """Raise TlsError for a certificate of AWS Private CA that is not what was asked for."""
    found = certificates.faults(chain, need.identity, authorities, now, exact=False)
    if certificates.public_key(chain[0]) != certificates.public_key(request):
        found.append("is of another key")
    if found:
        raise TlsError(
            "What AWS Private CA made of the request of %s for %s %s, so that no host gets it; look at the CA."
            % (need.host.name, need.identity.name, found[0])
            + PAGE
        )


def refuse_missing(missing: Sequence[Need], directory: str) -> None:
    """Raise TlsError for certificates that hosts cannot do without."""
    if missing:
        raise TlsError(missing_sentence(missing, directory) + PAGE)


def missing_sentence(missing: Sequence[Need], directory: str) -> str:
    """Which signed certificates are missing, and where they are expected."""
    files = [need.file for need in missing]
    return (
        "Signed certificates are missing: have %s in %s signed, put what your CA makes of each beside it with the"
        " ending .pem, its chain included, and run this again." % (some(["%s.csr" % file for file in files]), directory)
    )


def same_request(text: str | None, request: x509.CertificateSigningRequest) -> bool:
    """Whether a file has this request already; each signature of it is another."""
    try:
        here = x509.load_pem_x509_csr((text or "").encode("utf-8", "replace"))
    except ValueError:
        return False
    return (
        certificates.public_key(here) == certificates.public_key(request)
        and here.subject == request.subject
        and certificates.names(here) == certificates.names(request)
    )


def all_checked(
    all_needs: Iterable[Need], check: Callable[..., x509.CertificateSigningRequest]
) -> list[tuple[Need, x509.CertificateSigningRequest]]:
    """Each need with its request; all are checked before any is signed. Raises TlsError."""
    out = []
    for need in all_needs:
        if not need.answer.get("csr"):
            raise TlsError("Host %s sent no request for %s; run this again." % (need.host.name, need.identity.name))
        out.append((need, check(need.answer["csr"], need.identity, need.host.name)))
    return out
