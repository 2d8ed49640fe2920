# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Passwords in Secrets Manager and in the Parameter Store, read and made by a host with its instance's role.

The modules that ask Kafka run without boto3, which their interpreter (/opt/kafka-admin) does not have. Both services
take a request in JSON, signed with Signature Version 4, and that is all that is needed here.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import random
import re
import secrets
import string
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, cast

from .._errors import RackawareError
from .._wait import wait_until

LETTERS = string.ascii_letters + string.digits
# 238 bits, and nothing that a properties file, a JAAS line or a shell reads in another way.
LENGTH = 40
THREADS = 16
TRIES = 5
SECONDS = 10
# A service may not show at once what was just made.
SETTLE_SECONDS = 30
# Of 64 KiB each character may be six in JSON.
LARGEST_ANSWER = 1 << 20
SECRET, PARAMETER = "secret", "parameter"
NAMES = {
    SECRET: re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}"),
    PARAMETER: re.compile(r"(?:[A-Za-z0-9_.-]+|(?:/[A-Za-z0-9_.-]+)+)"),
}
SOURCE_OPTIONS: dict[str, dict[str, Any]] = {
    SECRET: {"type": "str", "no_log": False},
    PARAMETER: {"type": "str"},
    "key": {"type": "str", "no_log": False},
    "generate": {"type": "bool"},
}
SIGNED_HEADERS = ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")
# By the kind of a source: service, target, and what reads and makes it.
API = {
    SECRET: ("secretsmanager", "secretsmanager", "GetSecretValue", "CreateSecret"),
    PARAMETER: ("ssm", "AmazonSSM", "GetParameter", "PutParameter"),
}
MISSING = ("ResourceNotFoundException", "ParameterNotFound")
EXISTS = ("ResourceExistsException", "ParameterAlreadyExists")
DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")


class SecretError(RackawareError):
    """There is no password; code is the service's own error code where there is one."""

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Source:
    """Where a password is: a secret, or one entry of it, or a parameter; generate makes it when it is missing."""

    kind: str
    name: str
    key: str | None = None
    generate: bool = True

    def __str__(self) -> str:
        return "%s %s%s" % (self.kind, self.name, ", key %s" % self.key if self.key else "")


@dataclass(frozen=True)
class Password:
    """A password and its version, which is "" while it is only here; repr shows no password."""

    text: str = field(repr=False)
    version: str = ""


def source(given: Mapping[str, Any], user: str) -> Source:
    """Read SOURCE_OPTIONS; raises SecretError for what names no source."""
    kinds = [kind for kind in NAMES if given.get(kind) is not None]
    if len(kinds) != 1:
        raise SecretError("password_from of the user %s must have either secret or parameter; correct it." % user)
    kind, key = kinds[0], given.get("key")
    name = given[kind]
    if not NAMES[kind].fullmatch(name):
        raise SecretError(
            "password_from of the user %s has %r, which is no name of a %s; give the name without ARN and version, such"
            " as %s." % (user, name, kind, "kafka/demo/" + user if kind == SECRET else "/kafka/demo/" + user)
        )
    if key is not None and (kind == PARAMETER or not key):
        raise SecretError(
            "password_from of the user %s has a key that cannot be used; key is one of a secret in JSON." % user
        )
    if key is not None and given.get("generate"):
        raise SecretError(
            "password_from of the user %s has a key and generate, but a secret with keys is never generated; make it"
            " yourself, or leave out the key." % user
        )
    generate = given.get("generate")
    return Source(kind, name, key, key is None if generate is None else generate)


def generated() -> Password:
    """A new password, which no service has yet."""
    return Password("".join(secrets.choice(LETTERS) for _ in range(LENGTH)))


class Store:
    """Both services, as the instance's role may use them; what it says has no value of a secret in it."""

    def __init__(
        self, role: Any, *, draw: Callable[[float, float], float] = random.uniform, sleep: Any = time.sleep
    ) -> None:
        self._role, self._draw, self._sleep = role, draw, sleep

    def read(self, sources: Iterable[Source]) -> dict[Source, Password | None]:
        """The passwords, None for those that do not exist; raises SecretError for those that cannot be used."""
        return self.at_once(self.one, sources)

    def create(self, passwords: Mapping[Source, Password]) -> dict[Source, Password]:
        """Keep new passwords; the result is what the service keeps, made here or by another host that was first."""
        return self.at_once(lambda each: self._create(each, passwords[each].text), passwords)

    @staticmethod
    def at_once(work: Callable[[Source], Any], sources: Iterable[Source]) -> dict[Source, Any]:
        """What work returns for each source, many at a time."""
        listed = list(dict.fromkeys(sources))
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(listed, pool.map(work, listed)))

    def one(self, where: Source, **which: str) -> Password | None:
        """One password, the present one; of a secret which may name another version."""
        action = API[where.kind][2]
        body: dict[str, Any] = {"Name": where.name, "WithDecryption": True}
        if where.kind == SECRET:
            body = {"SecretId": where.name, **(which or {"VersionStage": "AWSCURRENT"})}
        try:
            answer = self.ask(where, action, body)
        except SecretError as error:
            if error.code in MISSING:
                return None
            raise
        text, version = _secret(where, answer) if where.kind == SECRET else _parameter(where, answer["Parameter"])
        if not text:
            raise SecretError("The %s is empty; put its value into it." % where)
        return Password(text, version)

    def _create(self, where: Source, text: str) -> Password:
        action = API[where.kind][3]
        body: dict[str, Any] = {"Name": where.name, "SecretString": text, "ClientRequestToken": str(uuid.uuid4())}
        if where.kind == PARAMETER:
            body = {"Name": where.name, "Value": text, "Type": "SecureString", "Overwrite": False}
        try:
            self.ask(where, action, body)
        except SecretError as error:
            if error.code not in EXISTS:
                raise
        return self.settled(where, lambda _seen: True)

    def settled(self, where: Source, is_new: Callable[[Password], bool]) -> Password:
        """What a service keeps after it was written, as soon as it shows that."""
        found = wait_until(
            lambda: self.one(where),
            lambda seen: seen is not None and is_new(seen),
            what="the %s to have a value" % where,
            timeout=SETTLE_SECONDS,
            describe=lambda seen: "it has another one" if seen else "it has none; put a password into it, or delete it",
            sleep=self._sleep,
        )
        return cast(Password, found)

    def ask(self, where: Source, action: str, body: Mapping[str, Any], *, changes: bool = False) -> dict[str, Any]:
        """One request, and again while an error passes; changes what is kept already. Raises SecretError."""
        from .._luks import kms

        waits = kms.delays(self._draw, base=0.5, cap=5.0)
        for left in reversed(range(TRIES)):
            try:
                return _post(self._role, where, action, json.dumps(body).encode())
            except urllib.error.HTTPError as error:
                code, status = _code(error), error.code
                if not left or not (code in kms.PASSING or status == 429 or status >= 500):
                    raise _refusal(where, action, code, self._role.region, changes=changes) from None
            except (OSError, ValueError) as error:
                # An answer that is no JSON may hold the password, and so may the error about it.
                if not left:
                    raise SecretError(
                        "The %s cannot be asked for in %s: %s; look at the network, the DNS and the VPC endpoints."
                        % (where, self._role.region, type(error).__name__)
                    ) from None
            self._sleep(next(waits))
        raise AssertionError("the last try returns or raises")


def connect() -> Store:
    """The services with the credentials of this instance's role; raises KmsError."""
    from .._luks import kms

    return Store(kms.instance_credentials(with_region=True))


def _secret(where: Source, answer: Mapping[str, Any]) -> tuple[str, str]:
    text = answer.get("SecretString")
    if text is None:
        raise SecretError("The %s is binary; put its value there as text." % where)
    document = None
    with contextlib.suppress(ValueError):
        document = json.loads(text)
    if where.key is None and isinstance(document, dict):
        raise SecretError("The %s holds JSON; say in key which of its entries is the password." % where)
    if where.key is not None:
        text = document.get(where.key) if isinstance(document, dict) else None
        if not isinstance(text, str):
            raise SecretError("The %s is no JSON with a text under that key; correct key, or the secret." % where)
    return text.rstrip("\n"), str(answer["VersionId"])


def _parameter(where: Source, answer: Mapping[str, Any]) -> tuple[str, str]:
    if answer["Type"] != "SecureString":
        raise SecretError(
            "The %s is a %s, which all who may read parameters can see; make it a SecureString with another password."
            % (where, answer["Type"])
        )
    # The numbers begin again when a parameter is deleted and made again.
    return answer["Value"].rstrip("\n"), "%s of %s" % (answer["Version"], answer["LastModifiedDate"])


def _code(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(LARGEST_ANSWER))["__type"]).rpartition("#")[2]
    except (OSError, ValueError, KeyError, TypeError):
        return "HTTP %d" % error.code


def _refusal(where: Source, action: str, code: str, region: str, *, changes: bool) -> SecretError:
    """Built from codes only, because a message of a service may hold anything."""
    service = API[where.kind][0]
    if code in DENIED:
        why = (
            "the role of this host may not do %s:%s on it, or not use its KMS key; allow it in the role's policy,"
            " see %s" % (service, action, "instances_rotate_passwords" if changes else "instances_user_passwords")
        )
    elif where.kind == SECRET and code == "InvalidRequestException":
        why = "it is scheduled for deletion; restore it, or name another"
    elif code.startswith("KMS") or code in ("DecryptionFailure", "EncryptionFailure", "InvalidKeyId"):
        why = "its KMS key cannot be used (%s); look at that key" % code
    else:
        why = "AWS says %s to %s:%s" % (code, service, action)
    verb = "changed" if changes else "read" if action == API[where.kind][2] else "made"
    return SecretError("The %s in %s cannot be %s: %s." % (where, region, verb, why), code)


def _post(role: Any, where: Source, action: str, body: bytes) -> dict[str, Any]:
    """One signed request; raises OSError (HTTPError, URLError), and ValueError for what is no JSON."""
    service, target = API[where.kind][:2]
    url = (
        os.environ.get("AWS_ENDPOINT_URL_" + ("SECRETS_MANAGER" if where.kind == SECRET else "SSM"))
        or os.environ.get("AWS_ENDPOINT_URL")
        or "https://%s.%s.amazonaws.com%s" % (service, role.region, ".cn" if role.region.startswith("cn-") else "")
    ).rstrip("/")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": url.partition("://")[2],
        "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "x-amz-security-token": role.token,
        "x-amz-target": "%s.%s" % (target, action),
    }
    headers["authorization"] = authorization(role, service, headers, body)
    request = urllib.request.Request(url + "/", data=body, headers=headers, method="POST")
    with urllib.request.build_opener().open(request, timeout=SECONDS) as answer:
        return json.loads(answer.read(LARGEST_ANSWER))


def authorization(role: Any, service: str, headers: Mapping[str, str], body: bytes) -> str:
    """The header of Signature Version 4 (IAM guide, "Create a signed AWS API request") for a POST to /."""

    def digest(key: bytes, text: str) -> bytes:
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    names = ";".join(SIGNED_HEADERS)
    lines = ["%s:%s" % (name, headers[name]) for name in SIGNED_HEADERS]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    moment = headers["x-amz-date"]
    scope = "/".join([moment[:8], role.region, service, "aws4_request"])
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + role.secret_key).encode()
    for part in scope.split("/"):
        key = digest(key, part)
    return "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        role.access_key,
        scope,
        names,
        digest(key, text).hex(),
    )
