# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From a wrapped key in S3 to its bytes: the instance's role, GetObject with pins, KMS Decrypt.

The modules and the unlocker at boot share it. It is written for the distribution's boto3 (Debian 12: 1.26), and does
not rely on its retries, environment endpoints or IMDSv1 fallback.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import traceback
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as NotConnected

    BOTO3_ERROR = None
except ImportError:
    BOTO3_ERROR = traceback.format_exc()

from .._errors import RackawareError
from .cryptsetup import forget

ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+")
METADATA = "http://169.254.169.254"
TOKEN_SECONDS = "300"
CONNECT_SECONDS, READ_SECONDS, METADATA_SECONDS = 3, 10, 3
# KMS takes ciphertexts of up to 6144 bytes.
LARGEST = 6144
SHORTEST_KEY = 32
INSTANCE, ENVIRONMENT = "instance", "environment"
# Transient errors: load, faults of the service, a clock before its first synchronisation, credentials being renewed.
PASSING = frozenset(
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException"
    " TooManyRequestsException RequestLimitExceeded SlowDown LimitExceededException BandwidthLimitExceeded"
    " InternalError InternalFailure InternalServerError ServiceUnavailable ServiceUnavailableException"
    " KMSInternalException DependencyTimeoutException KeyUnavailableException RequestTimeout RequestTimeoutException"
    " OperationAborted RequestTimeTooSkewed RequestExpired RequestInTheFuture InvalidSignatureException"
    " SignatureDoesNotMatch ExpiredToken ExpiredTokenException TokenRefreshRequired".split()
)
CONNECTION_SPEC = {"credentials": {"type": "str", "choices": [INSTANCE, ENVIRONMENT], "default": INSTANCE}}
WRAPPED_SPEC = {
    "type": "dict",
    "no_log": False,
    "options": {
        "bucket": {"type": "str", "required": True},
        "key": {"type": "str", "required": True, "no_log": False},
        "version_id": {"type": "str", "required": True},
        "sha256": {"type": "str", "required": True},
        "key_arn": {"type": "str", "required": True, "no_log": False},
        "encryption_context": {"type": "dict", "required": True},
        "expected_bucket_owner": {"type": "str", "required": True},
    },
}


class KmsError(RackawareError):
    """There is no key; code is the service's own error code where there is one."""

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class Retry(KmsError):
    """A transient error: the same request may succeed in a moment."""


class Denied(KmsError):
    """It fails until something changes: a grant, a key's state, an object, a pin."""


@dataclass(frozen=True)
class Wrapped:
    """One wrapped key: its place, version and digest, the KMS key that opens it, and for whom.

    Nothing in it is secret.
    """

    bucket: str
    key: str
    version_id: str
    sha256: str
    key_arn: str
    expected_bucket_owner: str
    encryption_context: Mapping[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The KMS key's, and the bucket's."""
        return ARN.fullmatch(self.key_arn)[1]  # type: ignore[index]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for tokens and results."""
        return {**self.__dict__, "encryption_context": dict(self.encryption_context)}


def wrapped(given: Mapping[str, Any]) -> Wrapped:
    """Check what an option, a configuration or a token says; raises Denied."""
    try:
        wrapped_key = Wrapped(**{name: given[name] for name in WRAPPED_SPEC["options"]})  # type: ignore[attr-defined]
    except KeyError as error:
        raise Denied("The wrapped key has no %s; take all its facts from kms_data_key." % error.args[0]) from None
    if not ARN.fullmatch(str(wrapped_key.key_arn)):
        raise Denied(
            "%s is no ARN of a KMS key; give the key's own ARN, because an alias can be pointed at another key."
            % wrapped_key.key_arn
        )
    if not re.fullmatch(r"[0-9a-f]{64}", str(wrapped_key.sha256)):
        raise Denied("The sha256 of %s is not 64 hexadecimal digits; take it from kms_data_key." % wrapped_key.key)
    if not wrapped_key.encryption_context or not all(
        isinstance(value, str) for value in wrapped_key.encryption_context.values()
    ):
        raise Denied(
            "The encryption context of %s must have at least one entry, and texts as values." % wrapped_key.key
        )
    if wrapped_key.version_id in ("", "null"):
        raise Denied(
            "%s has no version; turn versioning on in the bucket %s and make the key again."
            % (wrapped_key.key, wrapped_key.bucket)
        )
    return wrapped_key


def classify(error: Exception) -> type[KmsError]:
    """Whether an error is transient. An unknown error counts as Denied: it is reported, and retried less often."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return Retry if code in PASSING or status == 429 or status >= 500 else Denied
    return Retry if isinstance(error, (NotConnected, HTTPClientError, IncompleteReadError, OSError)) else Denied


def _sentence(what: str, error: Exception) -> KmsError:
    """Built from codes and class names only: a message of a service or a library may hold anything."""
    kind = classify(error)
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "")) or "no code"
        request = error.response.get("ResponseMetadata", {}).get("RequestId", "")
        return kind(
            "%s: AWS says %s%s%s" % (what, code, " (request %s)" % request if request else "", _ADVICE.get(code, ".")),
            code,
        )
    return kind("%s: %s; look at the network, the DNS and the VPC endpoints." % (what, type(error).__name__))


_ADVICE = {
    "AccessDenied": "; allow it in the instance's role or in the key's grants.",
    "AccessDeniedException": "; allow it in the instance's role or in the key's grants.",
    "DisabledException": "; the KMS key is disabled.",
    "KMSInvalidStateException": "; the KMS key is disabled or waits for its deletion.",
    "NotFoundException": "; the KMS key does not exist in this Region.",
    "NoSuchKey": "; the object does not exist.",
    "NoSuchVersion": "; this version of the object does not exist.",
    "NoSuchBucket": "; the bucket does not exist.",
    "InvalidCiphertextException": "; the object was not made with this KMS key and this encryption context.",
    "IncorrectKeyException": "; the object was made with another KMS key.",
}


@dataclass(frozen=True)
class Credentials:
    """Of the instance's role. repr is off, so that they cannot get into a text by accident."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    region: str = ""


def instance_credentials(endpoint: str | None = None, *, with_region: bool = False) -> Credentials:
    """Ask the instance's metadata (IMDSv2 only).

    with_region also asks where the instance is. Raises Retry while it does not answer, Denied when there is no role.
    """
    base = (endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or METADATA).rstrip("/") + "/latest/"
    # Credentials never go through a proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path: str, method: str = "GET", **headers: str) -> str:
        request = urllib.request.Request(
            base + path, method=method, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        with opener.open(request, timeout=METADATA_SECONDS) as answer:
            return answer.read(65536).decode("utf-8")

    step = "a session token (IMDSv2)"
    try:
        token = ask("api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=TOKEN_SECONDS)
        step = "the instance's role"
        path = "meta-data/iam/security-credentials/"
        role = ask(path, X_aws_ec2_metadata_token=token).strip().split("\n")[0]
        step = "the role's credentials"
        document = json.loads(ask(path + role, X_aws_ec2_metadata_token=token))
        if document.get("Code", "Success") != "Success":
            raise Denied("The instance's role %s cannot be assumed; look at its trust policy." % role, "Role")
        region = ""
        if with_region:
            step = "the instance's Region"
            region = ask("meta-data/placement/region", X_aws_ec2_metadata_token=token).strip()
        return Credentials(document["AccessKeyId"], document["SecretAccessKey"], document["Token"], region)
    except Denied:
        raise
    except urllib.error.HTTPError as error:
        if error.code == 404 and step != "a session token (IMDSv2)":
            raise Denied("The instance has no role; give it the instance profile of its node.", "NoRole") from None
        if error.code in (403, 404, 405):
            raise Denied(
                "The instance's metadata give no session token (HTTP %d); enable IMDSv2." % error.code, "NoMetadata"
            ) from None
        raise Retry("The instance's metadata do not give %s (HTTP %d)." % (step, error.code)) from None
    except Exception as error:
        raise Retry("The instance's metadata do not give %s: %s." % (step, type(error).__name__)) from None


class Vault:
    """Clients of the two services that give back a key: S3 and KMS."""

    def __init__(self, s3: Any, kms: Any) -> None:
        self.s3, self.kms = s3, kms

    def ciphertext(self, which: Wrapped) -> bytes:
        """The pinned version of the object; raises Retry or Denied."""
        what = "The wrapped key s3://%s/%s cannot be read" % (which.bucket, which.key)
        try:
            answer = self.s3.get_object(
                Bucket=which.bucket,
                Key=which.key,
                VersionId=which.version_id,
                ExpectedBucketOwner=which.expected_bucket_owner,
            )
            content = _whole(answer["Body"])
        except Exception as error:
            raise _sentence(what, error) from None
        if hashlib.sha256(content).hexdigest() != which.sha256:
            raise Denied(
                "s3://%s/%s (version %s) is not the object that was pinned: its SHA-256 differs; it was replaced, or"
                " the pin is old." % (which.bucket, which.key, which.version_id),
                "PinMismatch",
            )
        return content

    def unwrap(self, which: Wrapped) -> bytearray:
        """The key's bytes, which the caller overwrites with forget(); raises Retry or Denied."""
        return self.decrypt(which, self.ciphertext(which))[0]

    def decrypt(self, which: Wrapped, content: bytes) -> tuple[bytearray, str]:
        """The key's bytes and the id of KMS's answer; raises Retry or Denied."""
        # Its debug log shows the answer's body, and with it the key.
        for name in ("boto3", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            answer = self.kms.decrypt(
                CiphertextBlob=content, KeyId=which.key_arn, EncryptionContext=dict(which.encryption_context)
            )
            plaintext = bytearray(answer.pop("Plaintext"))
        except Exception as error:
            raise _sentence("KMS does not decrypt s3://%s/%s" % (which.bucket, which.key), error) from None
        problem = ""
        if answer.get("KeyId") != which.key_arn:
            problem = "KMS decrypted s3://%s/%s with another key than %s; the key is not used." % (
                which.bucket,
                which.key,
                which.key_arn,
            )
        elif len(plaintext) < SHORTEST_KEY:
            problem = "The key in s3://%s/%s is too short; make it with kms_data_key." % (which.bucket, which.key)
        if problem:
            forget(plaintext)
            raise Denied(problem, "WrongKey")
        return plaintext, str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _whole(body: Any) -> bytes:
    """All of a small body. Read to its end, because only there the library notices that a connection broke off."""
    content = b""
    while len(content) <= LARGEST:
        chunk = body.read(LARGEST)
        if not chunk:
            break
        content += chunk
    return content


def connect(region: str, credentials: str = INSTANCE) -> Vault:
    """Clients with fresh credentials; raises Retry or Denied.

    One attempt per call, as the caller decides about the next.
    """
    try:
        if credentials == INSTANCE:
            role = instance_credentials()
            session = boto3.session.Session(
                aws_access_key_id=role.access_key,
                aws_secret_access_key=role.secret_key,
                aws_session_token=role.token,
                region_name=region,
            )
        else:
            session = boto3.session.Session(region_name=region)
        return Vault(*(_client(session, service) for service in ("s3", "kms")))
    except KmsError:
        raise
    except BotoCoreError as error:
        raise _sentence("No client for AWS can be made", error) from None


def _client(session: Any, service: str) -> Any:
    # Older releases do not read these variables themselves.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_" + service.upper()) or os.environ.get("AWS_ENDPOINT_URL") or None
    style = {"s3": {"addressing_style": "path"}} if endpoint else {}
    retries = {"mode": "standard", "total_max_attempts": 1}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries, **style)
    return session.client(service, endpoint_url=endpoint, config=config)


def delays(draw: Callable[[float, float], float], *, base: float = 1.0, cap: float = 60.0) -> Iterator[float]:
    """Seconds to wait before each next attempt, without end; full jitter spreads a fleet that boots together."""
    ceiling = base
    while True:
        yield draw(0.0, ceiling)
        ceiling = min(cap, ceiling * 2)
