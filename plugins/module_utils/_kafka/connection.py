# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How a cluster is reached: the options of every module that speaks Kafka's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._address import split
from .._errors import RackawareError

CONNECTION_SPEC: dict[str, dict[str, Any]] = {
    "bootstrap_servers": {"type": "list", "elements": "str", "required": True},
    "security_protocol": {
        "type": "str",
        "choices": ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        "default": "PLAINTEXT",
    },
    "sasl_mechanism": {"type": "str", "choices": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]},
    "sasl_username": {"type": "str"},
    "sasl_password_file": {"type": "path", "no_log": False},
    "ssl_cafile": {"type": "path"},
    "ssl_certfile": {"type": "path"},
    "ssl_keyfile": {"type": "path", "no_log": False},
    "ssl_check_hostname": {"type": "bool", "default": True},
    "request_timeout_seconds": {"type": "int", "default": 30},
}


class KafkaError(RackawareError):
    """Kafka could not be asked, or refused; code is the protocol's error code, or None."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class LastingError(KafkaError):
    """Something that is the same when the cluster is asked again."""


@dataclass(frozen=True)
class Connection:
    """How to reach a cluster; the password stays in its file until a client is described.

    sasl_password is for a password that is in no file, and is shown nowhere.
    """

    bootstrap_servers: tuple[str, ...]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password_file: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_check_hostname: bool = True
    request_timeout_seconds: int = 30
    bootstrap_timeout_seconds: int | None = None
    sasl_password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """The arguments that every client of kafka-python takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap_servers),
            "client_id": "rackaware",
            "security_protocol": self.security_protocol,
            "request_timeout_ms": self.request_timeout_seconds * 1000,
            "bootstrap_timeout_ms": (self.bootstrap_timeout_seconds or self.request_timeout_seconds) * 1000,
            # The default of 30 s would outlast a broker's restart.
            "reconnect_backoff_max_ms": 1000,
        }
        if self.security_protocol.endswith("SSL"):
            options.update(
                ssl_check_hostname=self.ssl_check_hostname,
                ssl_cafile=self.ssl_cafile,
                ssl_certfile=self.ssl_certfile,
                ssl_keyfile=self.ssl_keyfile,
            )
        if self.security_protocol.startswith("SASL"):
            options.update(
                sasl_mechanism=self.sasl_mechanism,
                sasl_plain_username=self.sasl_username,
                sasl_plain_password=self._password(),
            )
        return options

    def _password(self) -> str:
        if self.sasl_password is not None:
            return self.sasl_password
        try:
            with open(str(self.sasl_password_file), encoding="utf-8") as stream:
                return stream.read().rstrip("\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise LastingError(
                "The file with the SASL password, %s, cannot be read: %s; correct sasl_password_file."
                % (self.sasl_password_file, reason)
            ) from None


def connection(params: dict[str, Any]) -> Connection:
    """The connection that a module's parameters (CONNECTION_SPEC) describe; raises KafkaError when they contradict."""
    described = Connection(
        bootstrap_servers=tuple(params["bootstrap_servers"]),
        **{key: params[key] for key in CONNECTION_SPEC if key != "bootstrap_servers"},
    )
    if not described.bootstrap_servers:
        raise KafkaError(
            "There is no broker to ask, because bootstrap_servers is empty; name at least one as host:port."
        )
    for server in described.bootstrap_servers:
        address(server)
    if described.security_protocol.startswith("SASL"):
        missing = [
            key for key in ("sasl_mechanism", "sasl_username", "sasl_password_file") if not getattr(described, key)
        ]
        if missing:
            raise KafkaError(
                "The security protocol %s needs %s; set %s."
                % (described.security_protocol, " and ".join(missing), "them" if missing[1:] else "it")
            )
    if described.request_timeout_seconds < 1:
        raise KafkaError("request_timeout_seconds is %d, but must be at least 1." % described.request_timeout_seconds)
    return described


def address(text: str) -> tuple[str, int]:
    """Host and port of host:port or [host]:port; raises AddressError."""
    return split(text, "a broker")
