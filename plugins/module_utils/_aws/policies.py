# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Who may do what with keys and passwords: policies of the KMS key, of buckets, and of the instances' roles, as data.

strict is false only for tests with a stand-in of AWS that ignores conditions and ARNs of KMS keys: such parts are left
out there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .._errors import RackawareError

VERSION = "2012-10-17"
# What an administrator of keys may do. Neither Decrypt nor Encrypt nor GenerateDataKey, so that plaintext keys never
# leave KMS and the host's memory. Neither ReEncrypt* nor CreateGrant. With ReEncrypt a caller rewraps a key under a KMS
# key of its own, and decrypts it there, without a Decrypt under this one (KMS API, ReEncrypt: allowed by ReEncryptFrom
# here and ReEncryptTo there). With CreateGrant it gives Decrypt or ReEncryptFrom to any principal (KMS guide,
# "Grants"). The actions are named one by one, because CreateGrant is a Create*. An administrator with PutKeyPolicy may
# still allow anything: that change is an event of its own, which unlock_log shows.
ADMINISTER = (
    *(
        "CreateAlias",
        "Describe*",
        "Enable*",
        "List*",
        "Put*",
        "Update*",
        "Revoke*",
        "Disable*",
        "Get*",
        "Delete*",
        "TagResource",
        "UntagResource",
    ),
    *("ScheduleKeyDeletion", "CancelKeyDeletion", "RotateKeyOnDemand", "GenerateDataKeyWithoutPlaintext"),
)
REWRAP = ("kms:ReEncryptFrom", "kms:ReEncryptTo")
LARGEST_POLICY = 10240
READ_OBJECT = ("s3:GetObject", "s3:GetObjectVersion")
WRITE_OBJECT = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NODE = re.compile(r"\d+")
ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/.+")
PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+")


class PolicyError(RackawareError):
    """The keys cannot be kept as asked."""


@dataclass(frozen=True)
class Custody:
    """Whose keys, and where.

    cluster is also the first part of all objects' names; patterns name the IAM roles that may ever unwrap; rewrappers
    are the ARNs that may rewrap keys, under the same KMS key unless rewrap_elsewhere.
    """

    account: str
    region: str
    bucket: str
    cluster: str
    app: str = "kafka"
    key_arn: str = "*"
    patterns: tuple[str, ...] = ("kafka-*",)
    admins: tuple[str, ...] = ()
    rewrappers: tuple[str, ...] = ()
    rewrap_elsewhere: bool = False
    trail: str = ""
    strict: bool = True
    partition: str = "aws"

    def arn(self, service: str, rest: str) -> str:
        """An ARN of this account, without Region for those services that have none."""
        place = (
            (":%s:%s" % (self.region, self.account))
            if service in ("kms", "cloudtrail")
            else "::%s" % ("" if service == "s3" else self.account)
        )
        return "arn:%s:%s%s:%s" % (self.partition, service, place, rest)


def findings(keys: Custody) -> list[str]:
    """What is wrong with the options, one sentence each."""
    out = []
    if not BUCKET.fullmatch(keys.bucket):
        out.append(
            "%s cannot be the name of a bucket; use 3 to 63 small letters, digits, dots and hyphens."
            % (keys.bucket or "The empty text")
        )
    if not CLUSTER.fullmatch(keys.cluster):
        out.append(
            "%s cannot be the name of what the keys are for; use letters, digits, dots, hyphens and underscores."
            % (keys.cluster or "The empty text")
        )
    if "*" in keys.patterns or not keys.patterns:
        out.append(
            "The key would be open to every role of the account, or to none; name the roles, or patterns like kafka-*."
        )
    wide = [arn for arn in keys.rewrappers if not PRINCIPAL.fullmatch(arn)]
    if wide:
        out.append(
            "%s would allow more than one role or user to rewrap keys; give the whole ARN of each in"
            " key_custody_rewrap_arns." % wide[0]
        )
    if keys.rewrap_elsewhere and not keys.rewrappers:
        out.append(
            "key_custody_rewrap_elsewhere is for those in key_custody_rewrap_arns, which is empty; name who rewraps"
            " the keys."
        )
    return out


def _policy(*statements: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": [dict(statement) for statement in statements if statement]}


def key_policy(keys: Custody, known: Any = None) -> dict[str, Any]:
    """The policy of the KMS key.

    The account administers the key. Only instances' roles decrypt, with the application's context, and only if their
    own policy allows it, too. Only the rewrappers of this run rewrap: without the option the permission is removed
    again. known is the current policy. Its roles of other applications or clusters keep their access, because several
    may share the key.
    """
    arns, apps = _known(known)
    root = {"AWS": keys.arn("iam", "root")}
    decrypt: dict[str, Any] = {
        "Sid": "InstancesUnwrap",
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:Decrypt"],
        "Resource": "*",
    }
    decrypt["Condition"] = {
        "ArnLike": {
            "aws:PrincipalArn": sorted({*arns, *(keys.arn("iam", "role/" + pattern) for pattern in keys.patterns)})
        },
        "StringEquals": {
            "kms:EncryptionContext:app": sorted({*apps, keys.app}),
            "kms:EncryptionContext:purpose": "luks",
        },
    }
    administer = {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:" + verb for verb in ADMINISTER],
        "Resource": "*",
    }
    rewrap: dict[str, Any] | None = None
    if keys.rewrappers:
        # Both halves of ReEncrypt are allowed separately, and each sees the encryption context of its own side: leaving
        # our context, or coming from another, is not allowed. ReEncryptOnSameKey is true where source and destination
        # are one KMS key (KMS guide, "AWS KMS condition keys").
        rewrap = {"Sid": "Rewrap", "Effect": "Allow", "Principal": root, "Action": list(REWRAP), "Resource": "*"}
        context = {"kms:EncryptionContext:app": sorted({*apps, keys.app}), "kms:EncryptionContext:purpose": "luks"}
        rewrap["Condition"] = {"ArnEquals": {"aws:PrincipalArn": sorted(keys.rewrappers)}, "StringEquals": context}
        if not keys.rewrap_elsewhere:
            rewrap["Condition"]["Bool"] = {"kms:ReEncryptOnSameKey": "true"}
    return _policy(administer, decrypt, rewrap)


def _known(policy: Any) -> tuple[list[str], list[str]]:
    """The roles and applications that a policy of ours names."""
    for statement in (policy or {}).get("Statement", []):
        if statement.get("Sid") == "InstancesUnwrap":
            condition = statement.get("Condition", {})
            values = (
                condition.get("ArnLike", {}).get("aws:PrincipalArn", []),
                condition.get("StringEquals", {}).get("kms:EncryptionContext:app", []),
            )
            one, other = ([value] if isinstance(value, str) else list(value) for value in values)
            return one, other
    return [], []


def _only_tls(both: list[str]) -> dict[str, Any]:
    """A statement that denies a bucket and its objects to connections without TLS."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": both,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def bucket_policy(keys: Custody) -> dict[str, Any] | None:
    """The policy of the bucket with the wrapped keys: TLS only, and writing only for administrators of keys.

    None where there is no statement to make.
    """
    both = [keys.arn("s3", keys.bucket), keys.arn("s3", keys.bucket + "/*")]
    if not keys.strict:
        return None
    write = None
    if keys.admins:
        condition = {"ArnNotLike": {"aws:PrincipalArn": list(keys.admins)}}
        write = {
            "Sid": "OnlyAdministratorsWrite",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(WRITE_OBJECT),
            "Resource": both[1:],
        }
        write["Condition"] = condition
    return _policy(_only_tls(both), write)


def trail_policy(keys: Custody) -> dict[str, Any]:
    """The policy of the bucket with the trail's files: only CloudTrail needs to write."""
    bucket = keys.bucket + "-trail"
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": keys.arn("cloudtrail", "trail/" + keys.trail)}
    look = {
        "Sid": "TrailLooks",
        "Effect": "Allow",
        "Principal": service,
        "Action": "s3:GetBucketAcl",
        "Resource": keys.arn("s3", bucket),
    }
    write = {"Sid": "TrailWrites", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject"}
    write["Resource"] = keys.arn("s3", "%s/AWSLogs/%s/*" % (bucket, keys.account))
    tls = None
    if keys.strict:
        look["Condition"] = {"StringEquals": source}
        write["Condition"] = {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}}
        tls = _only_tls([keys.arn("s3", bucket), keys.arn("s3", bucket + "/*")])
    return _policy(look, write, tls)


def unlock_policy(keys: Custody) -> dict[str, Any]:
    """The policy of an instance's role: unwrap keys of this cluster, and read their objects; nothing else."""
    decrypt: dict[str, Any] = {
        "Sid": "Unwrap",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": keys.key_arn if keys.strict else "*",
    }
    read = {
        "Sid": "Read",
        "Effect": "Allow",
        "Action": list(READ_OBJECT),
        "Resource": keys.arn("s3", "%s/%s/*" % (keys.bucket, keys.cluster)),
    }
    old = None
    if keys.strict:
        decrypt["Condition"] = {
            "StringEquals": {"kms:EncryptionContext:app": keys.app, "kms:EncryptionContext:cluster_id": keys.cluster}
        }
        # Server-side request forgery steals credentials that come by IMDSv1.
        old = {
            "Sid": "OnlyImdsV2",
            "Effect": "Deny",
            "Action": ["kms:Decrypt"],
            "Resource": "*",
            "Condition": {"NumericLessThan": {"ec2:RoleDelivery": "2.0"}},
        }
    return _policy(decrypt, read, old)


def revoked_policy(keys: Custody, nodes: Sequence[Any]) -> dict[str, Any]:
    """The policy of an instance's role that denies single nodes their keys.

    A denial outweighs all permissions, so no later run gives the access back.
    """
    named = sorted({str(node) for node in nodes}, key=lambda node: (len(node), node))
    wrong = [node for node in named if not NODE.fullmatch(node)]
    if wrong or not named:
        raise PolicyError(
            "%s is no node id; name the nodes whose access shall end by their numbers."
            % (wrong[0] if wrong else "The empty list")
        )
    objects = [keys.arn("s3", "%s/%s/%s/*" % (keys.bucket, keys.cluster, node)) for node in named]
    read = {"Sid": "RevokedRead", "Effect": "Deny", "Action": list(READ_OBJECT), "Resource": objects}
    decrypt: dict[str, Any] | None = None
    if keys.strict:
        decrypt = {"Sid": "RevokedUnwrap", "Effect": "Deny", "Action": ["kms:Decrypt"], "Resource": "*"}
        decrypt["Condition"] = {
            "StringEquals": {"kms:EncryptionContext:cluster_id": keys.cluster, "kms:EncryptionContext:node_id": named}
        }
    return _policy(read, decrypt)


def revoked_nodes(policy: Any, keys: Custody) -> list[str]:
    """The nodes that such a policy names; none where there is no policy.

    Raises PolicyError for a policy that revoked_policy would not write: the next change would lose what it denies.
    """
    objects = '"%s' % keys.arn("s3", "%s/%s/" % (keys.bucket, keys.cluster))
    nodes = re.findall(re.escape(objects) + r'(\d+)/\*"', json.dumps(policy))
    if policy and (not nodes or policy != revoked_policy(keys, nodes)):
        raise PolicyError(
            "The policy that denies nodes of cluster %s their keys in bucket %s was changed by hand, or is of another"
            " bucket; nothing was changed. Look at it and at key_custody_bucket, and correct what is wrong."
            % (keys.cluster, keys.bucket)
        )
    return nodes


# What _aws.secret_rotation asks of Secrets Manager.
ROTATE_SECRETS = ("DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage")


def passwords_policy(role: str, region: str, cluster: str, *, rotate: bool = False) -> dict[str, Any]:
    """The policy of the brokers' role, by its ARN: read the passwords of the cluster's users, and make new ones.

    It changes none without rotate, deletes none and lists none.
    """
    partition, account = ROLE.fullmatch(role).groups()  # type: ignore[union-attr]

    def arn(service: str, kind: str) -> str:
        # The last stroke keeps what kafka/demo-2/ has out of kafka/demo/.
        return "arn:%s:%s:%s:%s:%skafka/%s/*" % (partition, service, region, account, kind, cluster)

    # Credentials that were stolen by server-side request forgery come by IMDSv1.
    imds_v2 = {"NumericGreaterThanEquals": {"ec2:RoleDelivery": "2.0"}}
    secrets = {
        "Sid": "Secrets",
        "Effect": "Allow",
        "Action": [
            "secretsmanager:%s" % action
            for action in ("GetSecretValue", "CreateSecret", *(ROTATE_SECRETS if rotate else ()))
        ],
        "Resource": arn("secretsmanager", "secret:"),
        "Condition": imds_v2,
    }
    parameters = {
        "Sid": "Parameters",
        "Effect": "Allow",
        "Action": ["ssm:GetParameter", *(["ssm:GetParameterHistory"] if rotate else ())],
        "Resource": arn("ssm", "parameter/"),
        "Condition": imds_v2,
    }
    new = {
        **parameters,
        "Sid": "NewParameters",
        "Action": ["ssm:PutParameter"],
        "Condition": imds_v2 if rotate else {**imds_v2, "StringEquals": {"ssm:Overwrite": "false"}},
    }
    return _policy(secrets, parameters, new)


def custody(given: Mapping[str, Any]) -> Custody:
    """Read plain data with the fields of Custody."""
    return Custody(
        **{
            name: tuple(value) if name in ("patterns", "admins", "rewrappers") else value
            for name, value in given.items()
        }
    )


def change_revoked(
    given: Mapping[str, Any], policy: Any, revoke: Sequence[Any], grant: Sequence[Any]
) -> dict[str, Any]:
    """{nodes, policy} after adding and removing nodes; policy is None when none is left."""
    keys = custody(given)
    before = set(revoked_nodes(policy, keys))
    nodes = sorted(
        (before | {str(node) for node in revoke}) - {str(node) for node in grant}, key=lambda node: (len(node), node)
    )
    policy = revoked_policy(keys, nodes) if nodes else None
    # IAM: the inline policies of a role have 10,240 characters together, blanks not counted.
    if policy and len(json.dumps(policy, separators=(",", ":"))) > LARGEST_POLICY:
        raise PolicyError(
            "%d nodes are too many to deny in one policy of a role; for a whole cluster disable the KMS key instead."
            % len(nodes)
        )
    return {"nodes": nodes, "policy": policy}


def policies(given: Mapping[str, Any], known: Any = None) -> dict[str, Any]:
    """All policies of a custody, and its findings.

    given has the fields of Custody, known is the KMS key's current policy.
    """
    keys = custody(given)
    return {
        "findings": findings(keys),
        "key": key_policy(keys, known),
        "bucket": bucket_policy(keys),
        "trail": trail_policy(keys),
        "unlock": unlock_policy(keys),
    }
