"""Who is refused by a secured cluster: certificates of its own CA for other names, and clients with what they should not have."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
from pathlib import Path

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import authority_key
from ansible_collections.rackaware.kafka.plugins.module_utils._tls import authority, certificates
from ansible_collections.rackaware.kafka.plugins.module_utils._tls.identity import Identity, subject

DAY = datetime.timedelta(days=1)


class Signer:
    """The cluster's CA, misused: only who may sign with its key in KMS can make these."""

    def __init__(self, cluster: str, trust: Path, scratch: Path) -> None:
        self.cluster, self.scratch = cluster, scratch
        key = authority_key.find(boto3.client("kms"), authority_key.alias(cluster))
        assert key is not None
        self.key = authority.remote_key(key.public, key.sign)
        self.authority = certificates.read(trust.read_text(), str(trust))[0]

    def issue(self, common_name: str, *, days: int = 5, ago: int = 0) -> Path:
        """A file with a new key and its certificate, which was made so many days ago."""
        own = ec.generate_private_key(ec.SECP256R1())
        identity = Identity("x", subject(common_name, self.cluster), ("198.18.0.1",))
        request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(own, hashes.SHA256())
        then = datetime.datetime.now(datetime.timezone.utc) - ago * DAY
        signed = authority.sign(request, identity, self.authority, self.key, then, days)
        private = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.scratch / ("%s-%d-%d.pem" % (common_name, days, ago))
        file.touch(0o600)
        file.write_text(private.decode() + certificates.pem([signed]))
        return file


def handshake(
    address: str, port: int, trust: Path, most: ssl.TLSVersion, keystore: Path | None = None
) -> x509.Certificate:
    """The certificate that a listener shows to a client of at most this version; raises OSError."""
    context = ssl.create_default_context(cafile=str(trust))
    # Where the client itself would refuse old versions, the listener would have nothing to refuse.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
    if keystore:
        context.load_cert_chain(str(keystore))
    with (
        socket.create_connection((address, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=address) as secure,
    ):
        shown = secure.getpeercert(binary_form=True)
        assert shown
        return x509.load_der_x509_certificate(shown)


def password() -> str:
    """One that is used once."""
    return os.urandom(20).hex()
