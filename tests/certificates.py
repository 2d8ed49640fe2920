"""Certificates for tests: an authority, and what it signs, as the PEM files that Kafka and Python's ssl read."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """One that signs; .file has its certificate."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(self.name, self.key, 30).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = home / (name + ".pem")
        self.file.write_bytes(_pem(certificate.sign(self.key, hashes.SHA256())))

    def _certificate(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + days * DAY)
        )

    def sign(
        self,
        name: str,
        *,
        address: str = "127.0.0.1",
        also: Sequence[str] = (),
        days: int = 5,
        dn: str | None = None,
        host: str = "",
    ) -> Path:
        """A file with a new key (PKCS#8) and its certificate for IP addresses; with days below 0 it has expired.

        dn: another distinguished name than CN= and the name; host: a name besides the address.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        more = [x509.DNSName(host)] if host else []
        addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in (address, *also)]
        names = x509.SubjectAlternativeName([*addresses, *more])
        subject = x509.Name.from_rfc4514_string(dn or "CN=" + name)
        signed = self._certificate(subject, key, days).add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        out = self.home / (name + ".pem")
        out.write_bytes(private + _pem(signed.sign(self.key, hashes.SHA256())))
        return out


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
