# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A CA of AWS Private CA: look whether it may sign for a cluster, and have requests signed by it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from .._errors import RackawareError
from .._wait import wait_until
from .client import AwsError, asking

# It takes subject and alternative names from the request, and is for servers and clients (AWS Private CA, "template
# definitions").
TEMPLATE = "arn:%s:acm-pca:::template/EndEntityCertificate/V1"
# What the CA's own key can sign with.
ALGORITHMS = {
    **dict.fromkeys(("RSA_2048", "RSA_3072", "RSA_4096"), "SHA256WITHRSA"),
    "EC_prime256v1": "SHA256WITHECDSA",
    "EC_secp384r1": "SHA384WITHECDSA",
}
# Of a CA for short-lived certificates (CreateCertificateAuthority, UsageMode).
SHORT_DAYS = 7
ISSUE_SECONDS = 120


class PrivateCaError(RackawareError):
    """The CA cannot sign for a cluster."""


@dataclass(frozen=True)
class PrivateCa:
    """One CA; certificate is its own as PEM."""

    acm: Any
    arn: str
    algorithm: str
    certificate: str

    def request(self, csr: str, days: int) -> str:
        """Ask for a certificate; its ARN. The same request within five minutes is the same certificate."""
        with asking("have a certificate signed by %s" % self.arn):
            return self.acm.issue_certificate(
                CertificateAuthorityArn=self.arn,
                Csr=csr.encode("ascii", "replace"),
                SigningAlgorithm=self.algorithm,
                TemplateArn=TEMPLATE % self.arn.split(":")[1],
                Validity={"Value": days, "Type": "DAYS"},
                IdempotencyToken=hashlib.sha256(("%d %s" % (days, csr)).encode("utf-8")).hexdigest()[:32],
            )["CertificateArn"]

    def take(self, certificate: str) -> str:
        """The certificate and its chain as PEM, when it is made; raises RackawareError."""
        return wait_until(
            lambda: self._made(certificate),
            bool,
            what="AWS Private CA to make a certificate",
            timeout=ISSUE_SECONDS,
            describe=lambda _seen: "it is being made",
        )

    def _made(self, certificate: str) -> str:
        try:
            with asking("read the certificate that %s has signed" % self.arn):
                made = self.acm.get_certificate(CertificateAuthorityArn=self.arn, CertificateArn=certificate)
        except AwsError as error:
            if error.code == "RequestInProgressException":
                return ""
            raise
        return made["Certificate"].rstrip("\n") + "\n"


def find(acm: Any, arn: str, account: str, days: int, *, signs: bool) -> PrivateCa:
    """A CA by its ARN, which signs for a cluster, or is only trusted; raises PrivateCaError, AwsError.

    account: of the caller; days: how long its certificates are to be valid.
    """
    region, owner = arn.split(":")[3:5]
    if region != acm.meta.region_name:
        raise PrivateCaError(
            "The CA %s is in %s, and the cluster's Region is %s; make a CA there, or correct tls_region."
            " See docs/security.md." % (arn, region, acm.meta.region_name)
        )
    if owner != account:
        raise PrivateCaError(
            "The CA %s belongs to the account %s, and the caller is of %s; use a CA of the cluster's own account."
            " See docs/security.md." % (arn, owner, account)
        )
    with asking("describe the CA %s" % arn):
        described = acm.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    key = described["CertificateAuthorityConfiguration"]["KeyAlgorithm"]
    if signs and described["Status"] != "ACTIVE":
        raise PrivateCaError(
            "The CA %s is %s, and only one that is ACTIVE signs; activate it, or name another one first in"
            " tls_private_cas. See docs/security.md." % (arn, described["Status"])
        )
    if described["Type"] != "ROOT":
        raise PrivateCaError(
            "The CA %s is below another one, so that nodes would have to trust all that its root signs; make a root CA for"
            " the cluster alone. See docs/security.md." % arn
        )
    if key not in ALGORITHMS:
        raise PrivateCaError(
            "The CA %s has a key of the kind %s; make one with %s. See docs/security.md."
            % (arn, key, ", ".join(ALGORITHMS))
        )
    if signs and described.get("UsageMode") == "SHORT_LIVED_CERTIFICATE" and days > SHORT_DAYS:
        raise PrivateCaError(
            "The CA %s signs for %d days at most, and tls_days is %d; lower tls_days and tls_renew_days, or make a CA for"
            " general purposes. See docs/security.md." % (arn, SHORT_DAYS, days)
        )
    with asking("read the certificate of the CA %s" % arn):
        own = acm.get_certificate_authority_certificate(CertificateAuthorityArn=arn)["Certificate"]
    return PrivateCa(acm, arn, ALGORITHMS[key], own)
