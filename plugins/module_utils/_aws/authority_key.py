# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The key of a cluster's CA in KMS: find it, make it, sign with it. It never leaves KMS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

from .._errors import RackawareError
from . import policies
from .client import AwsError, asking

SPEC, USAGE, ALGORITHM = "ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256"
# KMS signs no longer text as it is.
LONGEST = 4096
# Those that provision makes.
INSTANCE_ROLES = "kafka-*-%s-*"
# Before a key that has never signed is gone for good.
PENDING_DAYS = 7


class AuthorityKeyError(RackawareError):
    """The key in KMS is none for a CA."""


@dataclass(frozen=True)
class AuthorityKey:
    """One key; name is its alias, public its public key in DER."""

    kms: Any
    name: str
    public: bytes

    def sign(self, text: bytes) -> bytes:
        """The signature; raises AwsError."""
        if len(text) > LONGEST:
            raise AuthorityKeyError(
                "A certificate would have %d bytes, and KMS signs %d at most; give the host fewer names."
                % (len(text), LONGEST)
            )
        with asking("sign with the KMS key %s" % self.name):
            # The text itself: KMS makes the digest, so that CloudTrail and policies see what is asked in full.
            return self.kms.sign(KeyId=self.name, Message=text, MessageType="RAW", SigningAlgorithm=ALGORITHM)[
                "Signature"
            ]


def alias(cluster: str) -> str:
    """What the key is called."""
    return "alias/kafka-%s-ca" % cluster


def policy(account: str, cluster: str, partition: str = "aws") -> dict[str, Any]:
    """The account's administrators manage the key and sign, as their own policies allow; no instance ever signs."""
    keys = policies.Custody(account=account, region="", bucket="", cluster=cluster, partition=partition)
    root = {"AWS": keys.arn("iam", "root")}
    administer = {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": root,
        "Action": [
            *("kms:" + verb for verb in policies.ADMINISTER if verb != "GenerateDataKeyWithoutPlaintext"),
            "kms:Sign",
        ],
        "Resource": "*",
    }
    never = {
        "Sid": "InstancesNeverSign",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "kms:Sign",
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:PrincipalArn": keys.arn("iam", "role/" + INSTANCE_ROLES % cluster)}},
    }
    return {"Version": policies.VERSION, "Statement": [administer, never]}


def find(kms: Any, name: str) -> AuthorityKey | None:
    """The key, None where there is none; raises AuthorityKeyError for one that cannot sign for a CA."""
    try:
        with asking("describe the KMS key %s" % name):
            described = kms.describe_key(KeyId=name)["KeyMetadata"]
    except AwsError as error:
        if error.code == "NotFoundException":
            return None
        raise
    if described["KeyState"] != "Enabled":
        raise AuthorityKeyError(
            "The KMS key %s is %s; enable it, or cancel its deletion, by hand: the collection never does."
            " See docs/runbooks/certificates.md." % (name, described["KeyState"])
        )
    if (described.get("KeySpec"), described["KeyUsage"]) != (SPEC, USAGE):
        raise AuthorityKeyError(
            "The KMS key %s is for %s with %s, but a CA signs (%s) with %s; give that alias to a key of this kind, or"
            " delete the alias." % (name, described["KeyUsage"], described.get("KeySpec"), USAGE, SPEC)
        )
    with asking("read the public key of the KMS key %s" % name):
        return AuthorityKey(kms, name, kms.get_public_key(KeyId=name)["PublicKey"])


def make(kms: Any, sts: Any, name: str, cluster: str, tags: Mapping[str, str]) -> AuthorityKey:
    """A new key with this alias; where another run was faster, that run's key."""
    with asking("say who calls"):
        caller = sts.get_caller_identity()
    tagged = {**tags, "KafkaCluster": cluster, "KafkaMadeBy": "rackaware.kafka"}
    with asking("make the KMS key %s" % name):
        made = kms.create_key(
            KeySpec=SPEC,
            KeyUsage=USAGE,
            Description="Signs the certificates of the Kafka cluster %s" % cluster,
            Policy=json.dumps(policy(caller["Account"], cluster, caller["Arn"].split(":")[1])),
            Tags=[{"TagKey": key, "TagValue": str(value)} for key, value in tagged.items()],
        )["KeyMetadata"]
    try:
        with asking("give the KMS key its alias %s" % name):
            kms.create_alias(AliasName=name, TargetKeyId=made["KeyId"])
    except AwsError as error:
        # Without an alias it is of no use, and has signed nothing.
        with asking("delete the KMS key that has no alias"):
            kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=PENDING_DAYS)
        if error.code != "AlreadyExistsException":
            raise
        made = {"KeyId": name}
    # By its id, because KMS knows a new alias a little later everywhere.
    found = find(kms, made["KeyId"])
    if found is None:
        raise AuthorityKeyError("The KMS key %s was made, but KMS does not know it yet; run this again." % name)
    return found
