# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Wrapped keys in S3: the controller asks KMS for a ciphertext, and stores it. The plaintext never leaves KMS here."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from .._luks.kms import LARGEST, Wrapped
from .client import AwsError, asking
from .names import KEY_NAME as NAME

PRESENT, ROTATED, REWRAPPED, ABSENT = "present", "rotated", "rewrapped", "absent"
BYTES = 64
# An object's metadata; S3 keeps them beside the object, readable for all who may read the object.
META_KEY, META_CONTEXT, META_REPLACES, META_HOW = "kms-key-arn", "encryption-context", "replaces", "made-by"
MISSING = ("404", "NoSuchKey", "NotFound", "NoSuchVersion")


class DataKeyError(RackawareError):
    """A wrapped key cannot be made or changed without risk."""


@dataclass(frozen=True)
class Wanted:
    """Which object, wrapped with which KMS key, bound to what, in whose bucket. Only here key_id may be an alias."""

    bucket: str
    object_key: str
    key_id: str
    encryption_context: Mapping[str, str]
    expected_bucket_owner: str
    sse_kms_key_id: str | None = None


@dataclass(frozen=True)
class Object:
    """The current version of the object."""

    version_id: str
    etag: str
    sha256: str
    content: bytes = field(repr=False)
    key_arn: str = ""
    encryption_context: Mapping[str, str] = field(default_factory=dict)
    replaces: str = ""
    how: str = ""

    def wrapped(self, wanted: Wanted) -> Wrapped:
        """All that a host needs to unwrap it."""
        return Wrapped(
            wanted.bucket,
            wanted.object_key,
            self.version_id,
            self.sha256,
            self.key_arn,
            wanted.expected_bucket_owner,
            dict(self.encryption_context),
        )


def check(wanted: Wanted) -> None:
    """Refuse invalid options; raises DataKeyError."""
    if not os.path.basename(wanted.object_key).startswith(NAME):
        raise DataKeyError(
            "%s is no name for a wrapped key: its last part must begin with %s, by which policies know it."
            % (wanted.object_key, NAME)
        )
    if not wanted.encryption_context:
        raise DataKeyError(
            "The encryption context of %s is empty; bind the key to its cluster, node and volume." % wanted.object_key
        )
    if not re.fullmatch(r"\d{12}", wanted.expected_bucket_owner):
        raise DataKeyError(
            "%s is no AWS account; give the 12 digits of the bucket's owner." % wanted.expected_bucket_owner
        )


def refuse_hidden(versions: Sequence[Mapping[str, Any]], wanted: Wanted) -> None:
    """Raise DataKeyError where there is an older version or a delete marker, but no current version.

    Volumes may depend on the older versions, and a new key opens none of them. versions as Store.versions lists them. A
    key that was destroyed on purpose (state absent) leaves neither versions nor markers.
    """
    if not versions:
        return
    where = "s3://%s/%s" % (wanted.bucket, wanted.object_key)
    older = sorted(
        (version for version in versions if not version["marker"]),
        key=lambda version: str(version["modified"]),
        reverse=True,
    )
    markers = [version for version in versions if version["marker"]]
    again = "if it shall be destroyed, finish that with state absent"
    if not older:
        # The versions were deleted one by one, or by a lifecycle rule. A volume may still need them.
        raise DataKeyError(
            "%s has a delete marker and no version any more, and no new key is made in its place, because it opens no"
            " volume of the old one: look who deleted the versions (unlock_log), restore the bucket from its replica"
            " if there is one, or, %s." % (where, again)
        )
    newest = older[0]
    place = "--bucket %s --key %s" % (shlex.quote(wanted.bucket), shlex.quote(wanted.object_key))
    # Deleted twice means two markers, and each of them hides what lies behind it (S3 guide, "Managing delete markers").
    front = [version for version in markers if str(version["modified"]) >= str(newest["modified"])]
    if front:
        command = "; ".join(
            "aws s3api delete-object %s --version-id %s" % (place, shlex.quote(version["version_id"]))
            for version in front
        )
        what = "is hidden by a delete marker"
    else:
        source = urllib.parse.quote("%s/%s" % (wanted.bucket, wanted.object_key)) + "?versionId=" + newest["version_id"]
        command = "aws s3api copy-object %s --copy-source %s" % (place, shlex.quote(source))
        what = "has no current version, but older ones"
    raise DataKeyError(
        "%s %s, and no new key is made in its place, because it opens no volume of the old one: bring version %s back"
        " with: %s; or, %s." % (where, what, newest["version_id"], command, again)
    )


def plan(current: Object | None, wanted: Wanted, *, state: str, arn: str, replaces: str | None) -> tuple[str, ...]:
    """The steps to a state other than absent; raises DataKeyError.

    Call refuse_hidden first where there is no current version.
    """
    where = "s3://%s/%s" % (wanted.bucket, wanted.object_key)
    if state == PRESENT:
        if current is None:
            return ("generate", "store")
        _same_binding(current, wanted, where)
        if current.key_arn != arn:
            raise DataKeyError(
                "%s is wrapped with %s, not with %s; use state rewrapped to change that."
                % (where, current.key_arn or "an unknown key", arn)
            )
        return ()
    if current is None:
        raise DataKeyError("%s does not exist, so that it cannot be %s; make it with state present." % (where, state))
    _same_binding(current, wanted, where)
    # replaces names the version to replace: a second run changes nothing, and two runs at once replace it once.
    if (current.replaces, current.how) == (replaces, state):
        return ()
    if current.version_id != replaces:
        raise DataKeyError(
            "The current version of %s is %s, not %s; it has been changed meanwhile: read it with state present."
            % (where, current.version_id, replaces)
        )
    return ("generate", "store") if state == ROTATED else ("re-encrypt", "store")


def _same_binding(current: Object, wanted: Wanted, where: str) -> None:
    if dict(current.encryption_context) != dict(wanted.encryption_context):
        text = json.dumps(dict(current.encryption_context), sort_keys=True)
        raise DataKeyError(
            "%s is bound to another encryption context, %s; correct the option, or choose another object."
            % (where, text)
        )


class Store:
    """The questions to S3 and KMS, one method a question; each raises AwsError or DataKeyError."""

    def __init__(self, s3: Any, kms: Any, wanted: Wanted) -> None:
        self._s3, self._kms, self.wanted = s3, kms, wanted
        self._place = {
            "Bucket": wanted.bucket,
            "Key": wanted.object_key,
            "ExpectedBucketOwner": wanted.expected_bucket_owner,
        }

    def key_arn(self) -> str:
        """The KMS key's own ARN. A key that is disabled, or whose deletion is pending, is reported and left alone."""
        with asking("describe the KMS key %s" % self.wanted.key_id):
            metadata = self._kms.describe_key(KeyId=self.wanted.key_id)["KeyMetadata"]
        if metadata.get("KeyState") != "Enabled":
            raise DataKeyError(
                "The KMS key %s is %s; enable it, or cancel its deletion, by hand: the collection never does."
                % (self.wanted.key_id, metadata.get("KeyState"))
            )
        if metadata.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            raise DataKeyError(
                "The KMS key %s is no symmetric encryption key; choose one that is." % self.wanted.key_id
            )
        return metadata["Arn"]

    def require_versioning(self) -> None:
        """Without versions an old key is gone before a host has the new one."""
        with asking("read the versioning of the bucket %s" % self.wanted.bucket):
            answer = self._s3.get_bucket_versioning(
                Bucket=self.wanted.bucket, ExpectedBucketOwner=self.wanted.expected_bucket_owner
            )
        if answer.get("Status") != "Enabled":
            raise DataKeyError(
                "The bucket %s keeps no versions; turn versioning on before keys are stored in it." % self.wanted.bucket
            )

    def current(self, version_id: str | None = None) -> Object | None:
        """The object's current or given version, None when there is none."""
        try:
            with asking("read s3://%s/%s" % (self.wanted.bucket, self.wanted.object_key)):
                answer = self._s3.get_object(**self._place, **({"VersionId": version_id} if version_id else {}))
                content = answer["Body"].read(LARGEST + 1)
        except AwsError as error:
            if error.code in MISSING:
                return None
            raise
        meta = answer.get("Metadata", {})
        try:
            context = json.loads(meta.get(META_CONTEXT, "{}"))
        except ValueError:
            context = {}
        digest = hashlib.sha256(content).hexdigest()
        facts = {
            "key_arn": meta.get(META_KEY, ""),
            "encryption_context": context,
            "replaces": meta.get(META_REPLACES, ""),
            "how": meta.get(META_HOW, ""),
        }
        return Object(answer.get("VersionId") or "null", answer["ETag"], digest, content, **facts)

    def chain(self, newest: Object | None) -> list[Object]:
        """The existing versions that led to newest, newest last: during a rotation each may open the volume."""
        out: list[Object] = []
        while newest is not None and newest.version_id not in [version.version_id for version in out]:
            _same_binding(newest, self.wanted, "s3://%s/%s" % (self.wanted.bucket, self.wanted.object_key))
            out.insert(0, newest)
            newest = self.current(newest.replaces) if newest.replaces else None
        return out

    def generate(self, arn: str) -> bytes:
        """A new wrapped key; its plaintext has never left KMS."""
        with asking("make a data key with %s" % arn):
            answer = self._kms.generate_data_key_without_plaintext(
                KeyId=arn, NumberOfBytes=BYTES, EncryptionContext=dict(self.wanted.encryption_context)
            )
        return answer["CiphertextBlob"]

    def re_encrypt(self, current: Object, arn: str) -> bytes:
        """The same key, wrapped again within KMS."""
        context = dict(self.wanted.encryption_context)
        contexts = {"SourceEncryptionContext": context, "DestinationEncryptionContext": context}
        with asking("rewrap s3://%s/%s" % (self.wanted.bucket, self.wanted.object_key)):
            answer = self._kms.re_encrypt(
                CiphertextBlob=current.content, SourceKeyId=current.key_arn, DestinationKeyId=arn, **contexts
            )
        return answer["CiphertextBlob"]

    def store(self, content: bytes, arn: str, *, current: Object | None, how: str) -> Object | None:
        """Write a version and read it back; None where another version has been written meanwhile."""
        context = json.dumps(dict(self.wanted.encryption_context), sort_keys=True, separators=(",", ":"))
        meta = {
            META_KEY: arn,
            META_CONTEXT: context,
            META_HOW: how,
            **({META_REPLACES: current.version_id} if current else {}),
        }
        condition = {"IfMatch": current.etag} if current else {"IfNoneMatch": "*"}
        sse = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.wanted.sse_kms_key_id}
            if self.wanted.sse_kms_key_id
            else {}
        )
        try:
            with asking("store s3://%s/%s" % (self.wanted.bucket, self.wanted.object_key)):
                answer = self._s3.put_object(**self._place, Body=content, Metadata=meta, **condition, **sse)
        except AwsError as error:
            if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
                return None
            raise
        written = self.current(answer.get("VersionId"))
        if written is None or written.content != content:
            raise DataKeyError(
                "s3://%s/%s does not read back as it was written; nothing may use it: look at the bucket."
                % (self.wanted.bucket, self.wanted.object_key)
            )
        return written

    def versions(self) -> list[dict[str, Any]]:
        """All versions of this object, then its delete markers, newest first.

        Each is {version_id, latest, marker, modified}.
        """
        out = []
        with asking("list the versions of s3://%s/%s" % (self.wanted.bucket, self.wanted.object_key)):
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self.wanted.bucket,
                Prefix=self.wanted.object_key,
                ExpectedBucketOwner=self.wanted.expected_bucket_owner,
            )
            for page in pages:
                for kind in ("Versions", "DeleteMarkers"):
                    out += [
                        {
                            "version_id": entry["VersionId"],
                            "latest": bool(entry.get("IsLatest")),
                            "marker": kind == "DeleteMarkers",
                            "modified": entry["LastModified"].isoformat(),
                        }
                        for entry in page.get(kind, [])
                        if entry["Key"] == self.wanted.object_key
                    ]
        return out

    def delete(self, version_id: str) -> None:
        """Delete one version for ever."""
        with asking("delete version %s of s3://%s/%s" % (version_id, self.wanted.bucket, self.wanted.object_key)):
            self._s3.delete_object(**self._place, VersionId=version_id)


def plan_absent(
    versions: list[dict[str, Any]], wanted: Wanted, *, version_id: str | None, confirm: str | None
) -> tuple[str, ...]:
    """The versions to delete: all, or one that is not the current one; raises DataKeyError."""
    doomed = [version for version in versions if version_id in (None, version["version_id"])]
    if not doomed:
        return ()
    if version_id is not None and doomed[0]["latest"]:
        raise DataKeyError(
            "Version %s is the current one of %s; only an older one can go alone." % (version_id, wanted.object_key)
        )
    if confirm != wanted.object_key:
        raise DataKeyError(
            "Without %s its volume can never be opened again; set confirm_crypto_shred to that name if that is meant."
            % wanted.object_key
        )
    return tuple(version["version_id"] for version in doomed)
