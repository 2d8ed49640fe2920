# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The key of a cluster's CA in KMS: find it, make it, sign with it. It never leaves KMS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from .._wait import WaitTimeout, wait_until
from . import policies
from .client import AwsError, asking

SPEC, USAGE, ALGORITHM = "ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256"
# KMS signs no longer text as it is.
LONGEST = 4096
# Those that provision makes.
INSTANCE_ROLES = "kafka-*-%s-*"
# Before a key that has never signed is gone for good.
PENDING_DAYS = 7
# Before the key of a CA that no node trusts any more is; the longest that KMS waits.
RETIRED_DAYS = 30
# KMS knows a changed alias a little later everywhere.
ALIAS_SECONDS = 60
# Of all aliases, until two agree.
READS = 5


class AuthorityKeyError(RackawareError):
    """The key in KMS is none for a CA."""


@dataclass(frozen=True)
class AuthorityKey:
    """One key; name is its alias, id what it keeps when the alias goes to another, public its public key in DER."""

    kms: Any
    name: str
    id: str
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
            return self.kms.sign(KeyId=self.id, Message=text, MessageType="RAW", SigningAlgorithm=ALGORITHM)[
                "Signature"
            ]


def alias(cluster: str, more: str = "") -> str:
    """What the key is called; more: what is added for another one than that which signs (_tls.rotation)."""
    return "alias/kafka-%s-ca%s" % (cluster, more)


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


def describe(kms: Any, name: str) -> dict[str, Any] | None:
    """What KMS says of a key, None where there is none; raises AwsError."""
    try:
        with asking("describe the KMS key %s" % name):
            return kms.describe_key(KeyId=name)["KeyMetadata"]
    except AwsError as error:
        if error.code == "NotFoundException":
            return None
        raise


def find(kms: Any, name: str) -> AuthorityKey | None:
    """The key, None where there is none; raises AuthorityKeyError for one that cannot sign for a CA."""
    described = describe(kms, name)
    if described is None:
        return None
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
        ident = described["KeyId"]
        return AuthorityKey(kms, name, ident, kms.get_public_key(KeyId=ident)["PublicKey"])


def named(kms: Any, cluster: str, more: Sequence[str], retired: str) -> dict[str, AuthorityKey]:
    """What is added to the name to the key, as all were at one moment: another run may move names between two questions.

    The retired one may be in any state; where KMS does not show its public key, that is empty.
    """
    names = {each: alias(cluster, each) for each in (*more, retired)}
    seen = {each: _id(kms, name) for each, name in names.items()}
    for _ in range(READS):
        found = {each: (_resting if each == retired else find)(kms, name) for each, name in names.items()}
        before, seen = seen, {each: key.id if key else None for each, key in found.items()}
        if seen == before:
            return {each: key for each, key in found.items() if key}
    raise AuthorityKeyError(
        "What KMS calls the keys of %s changes all the time, so that another run changes the CA; run this again when it"
        " has ended." % names[more[0]]
    )


def _resting(kms: Any, name: str) -> AuthorityKey | None:
    described = describe(kms, name)
    if described is None or described["KeyState"] == "Enabled":
        return find(kms, name)
    return AuthorityKey(kms, name, described["KeyId"], b"")


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


def point(kms: Any, name: str, ident: str, *, new: bool) -> None:
    """Give a key the alias name, which is another key's until then, or new. Raises AwsError."""
    change = kms.create_alias if new else kms.update_alias
    with asking("give the key %s the alias %s" % (ident, name)):
        change(AliasName=name, TargetKeyId=ident)
    _settle(kms, name, ident)


def drop(kms: Any, name: str) -> None:
    """Take an alias away; its key stays. Raises AwsError."""
    with asking("take the alias %s away" % name):
        kms.delete_alias(AliasName=name)
    _settle(kms, name, None)


def delete(kms: Any, name: str, ident: str) -> None:
    """Have the key that is called name deleted after RETIRED_DAYS, and take its alias away; raises AwsError."""
    described = describe(kms, ident)
    if described and described["KeyState"] != "PendingDeletion":
        with asking("schedule the deletion of the KMS key %s" % name):
            kms.schedule_key_deletion(KeyId=ident, PendingWindowInDays=RETIRED_DAYS)
    drop(kms, name)


def expect(kms: Any, seen: Mapping[str, str | None]) -> None:
    """Raise AuthorityKeyError unless each alias is still that of the key with this id, of none for None."""
    for name, ident in seen.items():
        try:
            _settle(kms, name, ident)
        except WaitTimeout:
            raise AuthorityKeyError(
                "The alias %s is not what it was when this run looked, so that another run changes the CA, too; run"
                " rotate_ca again when it has ended. See docs/runbooks/certificates.md." % name
            ) from None


def _id(kms: Any, name: str) -> str | None:
    described = describe(kms, name)
    return described["KeyId"] if described else None


def _settle(kms: Any, name: str, ident: str | None) -> None:
    wait_until(
        lambda: _id(kms, name),
        lambda seen: seen == ident,
        what="KMS to know what %s is" % name,
        timeout=ALIAS_SECONDS,
        describe=lambda seen: seen or "no key",
    )
