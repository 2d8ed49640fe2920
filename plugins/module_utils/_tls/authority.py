# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The CA of a cluster, whose private key never exists here: each signature comes from a callable, which asks KMS."""

from __future__ import annotations

import datetime
from ipaddress import ip_address
from typing import Any, Callable, Sequence

from . import certificates
from .certificates import DAY, TlsError, x509
from .identity import Identity, authority_name, canonical, is_address, subject

if certificates.CRYPTOGRAPHY_ERROR is None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS = 10
# Clocks of hosts differ.
BACK = datetime.timedelta(minutes=5)


def remote_key(public: bytes, sign: Callable[[bytes], bytes]) -> Any:
    """A key of P-256 as cryptography takes it.

    public: the public key in DER; sign: what signs a text with ECDSA and SHA-256.
    """

    class RemoteKey(ec.EllipticCurvePrivateKey):
        """All that it can do is sign."""

        curve = ec.SECP256R1()
        key_size = 256

        def public_key(self) -> Any:
            return load_der_public_key(public)

        def sign(self, data: bytes, signature_algorithm: Any) -> bytes:
            return sign(data)

        def _absent(self, *_args: Any) -> Any:
            raise NotImplementedError("The private key is in KMS.")

        exchange = private_numbers = private_bytes = _absent

        def __copy__(self) -> Any:
            return self

        def __deepcopy__(self, _memo: Any) -> Any:
            return self

    return RemoteKey()


def _name(parts: Any) -> x509.Name:
    """The text of RFC 2253 names the last part first."""
    kinds = (("O", NameOID.ORGANIZATION_NAME), ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME), ("CN", NameOID.COMMON_NAME))
    return x509.Name([x509.NameAttribute(kind, parts[part]) for part, kind in kinds])


def make(cluster: str, key: Any, now: datetime.datetime, known: Sequence[x509.Certificate] = ()) -> x509.Certificate:
    """The CA's certificate, signed by its own key; with the name of an earlier one of this key among the known."""
    public = certificates.public_key(key)
    earlier = [each.subject for each in _of_key(known, cluster, public)]
    name = earlier[0] if earlier else _name(subject(authority_name(public), cluster))
    return (
        _builder(name, name, key.public_key(), now, now + YEARS * 365 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def choose(
    candidates: Sequence[x509.Certificate], cluster: str, public: bytes, now: datetime.datetime, days: int
) -> x509.Certificate | None:
    """Which of the certificates that hosts have is the CA's, and will be for as long as what it signs now.

    A host may have any, so only the key decides.
    """
    fit = [
        each
        for each in _of_key(candidates, cluster, public)
        if certificates.trusted([each], [each], now) and each.not_valid_after_utc >= now + days * DAY
    ]
    return max(fit, key=lambda each: (each.not_valid_after_utc, each.serial_number), default=None)


def _of_key(candidates: Sequence[x509.Certificate], cluster: str, public: bytes) -> list[x509.Certificate]:
    """Those that are of a CA of the cluster's own with this key."""
    return [
        each
        for each in candidates
        if certificates.public_key(each) == public
        and certificates.is_authority(each)
        and certificates.is_own(each, cluster)
    ]


def check_request(text: str, identity: Identity, host: str) -> x509.CertificateSigningRequest:
    """The request of a host, which must claim nothing that is not the host's; raises TlsError."""
    file = "The request of %s for %s" % (host, identity.name)
    try:
        request = x509.load_pem_x509_csr(text.encode("utf-8", "replace"))
        key, proven, has = request.public_key(), request.is_signature_valid, certificates.names(request)
    except certificates.UNREADABLE:
        raise TlsError("%s cannot be read; look at the host." % file) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise TlsError("%s is of another kind of key than EC P-256; remove the key on the host." % file)
    if not proven:
        raise TlsError("%s is not signed by its key; look at the host." % file)
    claimed = request.subject.rfc4514_string()
    if claimed != identity.dn:
        raise TlsError("%s claims to be %s instead of %s; look at the host." % (file, claimed, identity.dn))
    if has != set(identity.names):
        odd = sorted(has ^ set(identity.names))[0]
        raise TlsError(
            "%s %s the name %s, unlike the inventory; look at the host."
            % (file, "claims" if odd in has else "lacks", odd)
        )
    return request


def sign(
    request: x509.CertificateSigningRequest,
    identity: Identity,
    authority: x509.Certificate,
    key: Any,
    now: datetime.datetime,
    days: int,
) -> x509.Certificate:
    """A certificate for an identity; of the request only the public key counts."""
    public = request.public_key()
    until = min(now + days * DAY, authority.not_valid_after_utc)
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    built = (
        _builder(_name(identity.subject), authority.subject, public, now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    if identity.names:
        alternatives = [
            x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name)
            for name in canonical(identity.names)
        ]
        built = built.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return built.sign(key, hashes.SHA256())


def _builder(name: Any, issuer: Any, public: Any, now: datetime.datetime, until: datetime.datetime) -> Any:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(until)
    )


def _usage(**given: bool) -> x509.KeyUsage:
    kinds = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{kind: given.get(kind, False) for kind in kinds})
