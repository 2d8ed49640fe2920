# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""SCRAM users: listed, logged in, made and removed."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Iterable, Sequence, TypeVar

from .batches import batches
from .client import Admin, check
from .connection import Connection
from .connection_check import logs_in

Item = TypeVar("Item", bound=tuple)

# Codes of org.apache.kafka.clients.admin.ScramMechanism, and what Python calls its hash.
MECHANISMS = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
THREADS = 16
SALT_BYTES = 32
# A code of org.apache.kafka.common.protocol.Errors.
RESOURCE_NOT_FOUND = 91


@dataclass(frozen=True)
class Credential:
    """What a user logs in with; repr shows no password."""

    user: str
    mechanism: str
    iterations: int
    password: str = field(repr=False)


def describe(admin: Admin) -> dict[tuple[str, str], int]:
    """Iterations by user and mechanism, as the broker that is asked has them; no more can be read."""
    from kafka.protocol.admin import DescribeUserScramCredentialsRequest as Request

    names = {code: name for name, (code, _hash) in MECHANISMS.items()}
    # No names are all users, as null is. But to null a broker gives no answer at all when it refuses.
    answer = admin.send(Request(users=[]))
    check(answer, "to describe the users")
    out = {}
    for result in answer.results:
        if result.error_code != RESOURCE_NOT_FOUND:
            check(result, "to describe the user %s" % result.user)
        for info in result.credential_infos:
            out[result.user, names.get(info.mechanism, str(info.mechanism))] = info.iterations
    return out


def refused(where: Connection, server: str, credentials: Sequence[Credential], seconds: float) -> list[Credential]:
    """Those of the credentials that server refuses; raises KafkaError for any other failure."""

    def enters(each: Credential) -> bool:
        as_user = replace(where, sasl_mechanism=each.mechanism, sasl_username=each.user, sasl_password=each.password)
        return logs_in(as_user, server, seconds)

    with ThreadPoolExecutor(THREADS) as pool:
        return [each for each, entered in zip(credentials, pool.map(enters, credentials)) if not entered]


def upsert(admin: Admin, credentials: Sequence[Credential]) -> None:
    """Make users, or give them this password; one that is logged in stays so."""
    from kafka.protocol.admin import AlterUserScramCredentialsRequest as Request

    def upsertion(each: Credential) -> tuple[str, int, int, bytes, bytes]:
        code, name = MECHANISMS[each.mechanism]
        salt = os.urandom(SALT_BYTES)
        # hashlib lets other threads run meanwhile.
        salted = hashlib.pbkdf2_hmac(name, each.password.encode(), salt, each.iterations)
        return each.user, code, each.iterations, salt, salted

    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(upsertion, credentials))
    for part in _each_user_once(made):
        for batch in batches(admin, part):
            _alter(admin, [], [Request.ScramCredentialUpsertion(*each) for each in batch], "to make")


def delete(admin: Admin, users: Iterable[tuple[str, str]]) -> None:
    """Take the credentials of these users and mechanisms away; open connections stay until they end."""
    from kafka.protocol.admin import AlterUserScramCredentialsRequest as Request

    named = [(user, MECHANISMS[mechanism][0]) for user, mechanism in sorted(users)]
    for part in _each_user_once(named):
        for batch in batches(admin, part):
            _alter(admin, [Request.ScramCredentialDeletion(*each) for each in batch], [], "to remove")


def _each_user_once(items: Iterable[Item]) -> list[list[Item]]:
    """The items, whose first element is a user, in parts with each user once.

    Kafka refuses a request that has a user twice, also with two mechanisms.
    """
    parts: list[dict[str, Item]] = []
    for item in items:
        part = next((part for part in parts if item[0] not in part), None)
        if part is None:
            parts.append(part := {})
        part[item[0]] = item
    return [list(part.values()) for part in parts]


def _alter(admin: Admin, deletions: list, upsertions: list, what: str) -> None:
    from kafka.protocol.admin import AlterUserScramCredentialsRequest as Request

    answer = admin.send_to_controller(
        lambda: Request(deletions=deletions, upsertions=upsertions), lambda answer: answer.results
    )
    for result in answer.results:
        check(result, "%s the user %s" % (what, result.user))
