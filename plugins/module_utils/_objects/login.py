# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Where declared passwords are tried, if anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Sequence

from .._kafka import users
from .._kafka.client import listening
from .._kafka.connection import Connection, KafkaError
from .._wait import wait_until
from .users import Wanted

LOGIN_SPEC: dict[str, dict[str, Any]] = {
    "login_servers": {"type": "list", "elements": "str", "default": []},
    "login_protocol": {"type": "str", "choices": ["SASL_PLAINTEXT", "SASL_SSL"], "default": "SASL_SSL"},
}


class Login:
    """The listeners of LOGIN_SPEC, or those of the connection where it has a login; false without any."""

    def __init__(self, params: Mapping[str, Any], where: Connection) -> None:
        self._where = where
        self.servers = params["login_servers"]
        if self.servers:
            self._where = replace(
                where, security_protocol=params["login_protocol"], bootstrap_servers=tuple(self.servers)
            )
        elif where.security_protocol.startswith("SASL"):
            self.servers = list(where.bootstrap_servers)
        self.seconds = params["request_timeout_seconds"]

    def __bool__(self) -> bool:
        return bool(self.servers)

    def silent(self) -> list[str]:
        """The servers where nothing listens."""
        listens = set(listening(self.servers))
        return [server for server in self.servers if server not in listens]

    def refused(self, wanted: Sequence[Wanted], server: str | None = None) -> set[tuple[str, str]]:
        """Users that cannot log in with their declared password, by name and mechanism; at the first that listens."""
        tried = [each.credential() for each in wanted if each.password is not None]
        if not tried or not self:
            return set()
        server = server or next(listening(self.servers), None)
        if server is None:
            raise KafkaError(
                "Nothing listens at %s, where users log in; correct login_servers." % ", ".join(self.servers)
            )
        return {(each.user, each.mechanism) for each in users.refused(self._where, server, tried, self.seconds)}

    def until_taken(self, wanted: Sequence[Wanted], server: str | None = None) -> None:
        """Wait until all of them can log in; those that could are not tried again. Raises WaitTimeout."""
        left = list(wanted)

        def tried() -> set[tuple[str, str]]:
            refused = self.refused(left, server)
            left[:] = [each for each in left if each.key in refused]
            return refused

        wait_until(
            tried,
            lambda refused: not refused,
            what="the new passwords to be taken%s" % (" at %s" % server if server else ""),
            timeout=self.seconds,
            interval=0.2,
            describe=lambda refused: "refused for %s" % ", ".join("%s (%s)" % key for key in sorted(refused)),
        )
