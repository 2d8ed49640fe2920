# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A new password in place of one that AWS keeps, so that at no moment Kafka has one that AWS has not.

A secret has the new one beside the present one (AWSPENDING) until Kafka has taken it. A parameter has no such place:
what is written is what is read from then on, so that it is written right before Kafka gets it.
"""

from __future__ import annotations

import hashlib
import secrets as random
import uuid
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from .secrets import SECRET, Password, SecretError, Source, Store, generated

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
# Those of a parameter that a new version would lose; without its key it would get the account's (PutParameter, KeyId).
KEPT_FIELDS = ("KeyId", "Description", "AllowedPattern", "Tier")


@dataclass(frozen=True)
class Kept:
    """What AWS keeps: the present password, and one that a run before has left beside it."""

    current: Password
    pending: Password | None = None


class Rotation:
    """Both services; the versions that it makes have the mark of one cluster, by which a later run knows them."""

    def __init__(self, store: Store, cluster_id: str) -> None:
        self._store = store
        # A version's name is 32 to 64 characters, best a UUID (PutSecretValue, ClientRequestToken). Half of it is left
        # to chance.
        self._mark = hashlib.sha256(b"rackaware.kafka " + cluster_id.encode()).hexdigest()[:16]

    def look(self, sources: Iterable[Source]) -> dict[Source, Kept | None]:
        """What there is, None where there is none; raises SecretError for what another one rotates."""
        return self._store.at_once(self._look, sources)

    def _look(self, where: Source) -> Kept | None:
        current = self._store.one(where)
        if current is None or where.kind != SECRET:
            return Kept(current) if current else None
        pending = self._pending(where)
        return Kept(current, self._store.one(where, VersionId=pending) if pending else None)

    def _pending(self, where: Source) -> str | None:
        """The version of ours that waits."""
        seen = self._store.ask(where, "DescribeSecret", {"SecretId": where.name}, changes=True)
        if seen.get("RotationEnabled"):
            raise SecretError(
                "The %s is rotated by Secrets Manager itself; end that (aws secretsmanager cancel-rotate-secret), or"
                " leave its user out. See docs/runbooks/passwords.md." % where
            )
        for version, stages in (seen.get("VersionIdsToStages") or {}).items():
            # One that was shown to readers waits no longer: it is in use, or was taken back.
            if PENDING in stages and not {CURRENT, PREVIOUS} & set(stages):
                if not version.replace("-", "").startswith(self._mark):
                    raise SecretError(
                        "The %s has a version %s that another one has made (%s); let them complete it, or take that"
                        " label away, and run this again. See docs/runbooks/passwords.md." % (where, PENDING, version)
                    )
                return str(version)
        return None

    def begin(self, sources: Iterable[Source]) -> dict[Source, Password]:
        """Keep a new password for each; a parameter shows it to its readers from now on."""
        return self._store.at_once(self._begin, sources)

    def _begin(self, where: Source) -> Password:
        new = generated()
        if where.kind == SECRET:
            version = str(uuid.UUID(self._mark + random.token_hex(8)))
            body: dict[str, Any] = {"SecretId": where.name, "SecretString": new.text, "VersionStages": [PENDING]}
            self._store.ask(where, "PutSecretValue", {**body, "ClientRequestToken": version}, changes=True)
            return Password(new.text, version)
        body = {"Name": where.name, "Value": new.text, "Type": "SecureString", "Overwrite": True}
        self._store.ask(where, "PutParameter", {**self._fields(where), **body}, changes=True)
        return self._store.settled(where, lambda seen: seen.text == new.text)

    def _fields(self, where: Source) -> dict[str, Any]:
        """What the last version of a parameter has beside its value."""
        body: dict[str, Any] = {"Name": where.name, "WithDecryption": False}
        versions: list[dict[str, Any]] = []
        while True:
            answer = self._store.ask(where, "GetParameterHistory", body, changes=True)
            versions += answer["Parameters"]
            if not answer.get("NextToken"):
                break
            body["NextToken"] = answer["NextToken"]
        last = max(versions, key=lambda each: each["Version"])
        return {name: last[name] for name in KEPT_FIELDS if last.get(name)}

    def finish(self, before: Mapping[Source, Password], now: Mapping[Source, Password]) -> None:
        """Show the new passwords to all who read; before has those that they read until now."""
        self._store.at_once(lambda where: self._finish(where, before[where], now[where]), now)

    def _finish(self, where: Source, before: Password, now: Password) -> None:
        if where.kind != SECRET:
            return
        if before.version != now.version:
            self._label(where, CURRENT, now.version, MoveToVersionId=now.version, RemoveFromVersionId=before.version)
        # Left there, it would bring this password back when the secret has got another one.
        if PENDING in self._stages(where, now.version):
            self._label(where, PENDING, now.version, RemoveFromVersionId=now.version)

    def _stages(self, where: Source, version: str) -> list[str]:
        seen = self._store.ask(where, "DescribeSecret", {"SecretId": where.name}, changes=True)
        return list((seen.get("VersionIdsToStages") or {}).get(version, ()))

    def _label(self, where: Source, label: str, version: str, **move: str) -> None:
        body = {"SecretId": where.name, "VersionStage": label, **move}
        try:
            self._store.ask(where, "UpdateSecretVersionStage", body, changes=True)
        except SecretError:
            # The answer to a first try may have been lost.
            if (label in self._stages(where, version)) != ("MoveToVersionId" in move):
                raise
