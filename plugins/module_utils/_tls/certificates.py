# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Certificates as they are: what one says, whether a CA stands behind it, and why a host needs another one."""

from __future__ import annotations

import datetime
import traceback
from typing import Any, Iterable, Mapping, Sequence

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    # cryptography parses keys and extensions when they are asked for.
    UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
    CRYPTOGRAPHY_ERROR = None
except ImportError:
    CRYPTOGRAPHY_ERROR = traceback.format_exc()
    x509 = None

from .._text import counted
from .identity import AUTHORITY_NAME, Identity, TlsError, canonical, dn, subject

DAY = datetime.timedelta(days=1)
# Longer chains do not exist in practice, and a circle must end.
LONGEST_CHAIN = 8


def read(text: str, what: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, the leaf first; what begins a sentence. Raises TlsError."""
    if "PRIVATE KEY-----" in text:
        raise TlsError(
            "%s has a private key in it; a key is made on its host and never leaves it, so take it out." % what
        )
    try:
        found = list(x509.load_pem_x509_certificates(text.encode("utf-8", "replace")))
        for each in found:
            public_key(each), names(each), is_authority(each), _for_both(each)
        return found
    except UNREADABLE:
        raise TlsError("%s has no certificate that can be read; write it as PEM (BEGIN CERTIFICATE)." % what) from None


def pem(certificates: Iterable[x509.Certificate]) -> str:
    """Their text."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in certificates)


def public_key(holder: Any) -> bytes:
    """The public key of a certificate or a request, as it can be compared."""
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def names(holder: Any) -> set[str]:
    """The addresses and DNS names that a certificate or a request claims; others, such as an email, as they are."""
    try:
        found = holder.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(canonical(str(getattr(name, "value", name)) for name in found))


def days_left(certificate: x509.Certificate, now: datetime.datetime) -> int:
    """Whole days until it expires, negative afterwards."""
    return (certificate.not_valid_after_utc - now) // DAY


def day(moment: datetime.datetime) -> str:
    """A day as text."""
    return moment.strftime("%Y-%m-%d")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign others."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def is_own(certificate: x509.Certificate, cluster: str) -> bool:
    """Whether its name is that of a CA of the cluster's own."""
    return is_own_name(certificate.subject.rfc4514_string(), cluster)


def is_own_name(name: str, cluster: str) -> bool:
    """The same of a distinguished name as text."""
    common = name.partition(",")[0].partition("=")[2]
    return bool(AUTHORITY_NAME.fullmatch(common)) and name == dn(subject(common, cluster))


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return is_authority(issuer)


def trusted(chain: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate], now: datetime.datetime) -> bool:
    """Whether one of the authorities signed the leaf, directly or by the others of the chain."""
    at = chain[0]
    for _ in range(LONGEST_CHAIN):
        if any(_issued(at, authority) and days_left(authority, now) >= 0 for authority in authorities):
            return True
        above = [other for other in chain[1:] if other != at and _issued(at, other) and days_left(other, now) >= 0]
        if not above:
            return False
        at = above[0]
    return False


def faults(
    chain: Sequence[x509.Certificate],
    identity: Identity,
    authorities: Sequence[x509.Certificate],
    now: datetime.datetime,
    *,
    exact: bool,
) -> list[str]:
    """Why a certificate is none for an identity, as what follows "its certificate".

    exact: further names are a fault as well; a user's own CA may add some.
    """
    leaf, has, wanted = chain[0], names(chain[0]), set(identity.names)
    out = []
    if leaf.not_valid_after_utc <= now:
        out.append("expired on %s" % day(leaf.not_valid_after_utc))
    elif leaf.not_valid_before_utc > now:
        out.append("is not valid before %s" % day(leaf.not_valid_before_utc))
    if wanted - has:
        out.append("lacks the name %s" % sorted(wanted - has)[0])
    elif exact and has - wanted:
        out.append("has the name %s, which the host does not" % sorted(has - wanted)[0])
    if leaf.subject.rfc4514_string() != identity.dn:
        out.append("is for %s, not for %s" % (leaf.subject.rfc4514_string(), identity.dn))
    if not trusted(chain, authorities, now):
        out.append("is not signed by the CA of the cluster")
    if not _for_both(leaf):
        out.append("is not for servers and clients (extended key usage)")
    return out


def _for_both(leaf: x509.Certificate) -> bool:
    """A node is a server to some peers and a client of others. A certificate that does not say is for everything."""
    try:
        usages = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return True
    return {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= usages


def why(
    answer: Mapping[str, Any],
    identity: Identity,
    authorities: Sequence[x509.Certificate],
    now: datetime.datetime,
    *,
    renew_days: int,
    exact: bool = True,
) -> str:
    """Why a host needs another certificate, as a clause; empty where what it has is good.

    answer: what tls_request says of the identity.
    """
    if not answer.get("certificate"):
        return "it has none"
    chain = read(answer["certificate"], "The host's file")
    found = faults(chain, identity, authorities, now, exact=exact)
    if not answer.get("key_matches"):
        found.append("is of another key")
    left = days_left(chain[0], now)
    if found:
        return "its certificate %s" % found[0]
    if left < renew_days:
        return "its certificate expires in %s" % counted(left, "day")
    # Its request says so: made for a renewal, or left by a run that broke off.
    return "a new key waits for its certificate" if answer.get("waiting") else ""
