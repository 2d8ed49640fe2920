# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Why a broker lets a client in no further.

To kafka-python a wrong password, an untrusted certificate and an absent broker are the same: it connects again until
its time is over, and says that no broker answered. Here one connection is made step by step, and the step that fails
names the reason.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing
from typing import Any

from . import tls
from .connection import Connection, KafkaError, address

# Codes of org.apache.kafka.common.protocol.Errors.
UNSUPPORTED_MECHANISM, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED = 33, 34, 58
# A Kafka answer to what is asked here is a few KB; the first bytes of another protocol read as a length are far more.
LARGEST_ANSWER = 1 << 20


class _Refused(Exception):
    """The reason, and what to do, without a full stop."""


class _WrongLogin(_Refused):
    """There is no such user, or it has another password."""


def failure(where: Connection, server: str, seconds: float) -> str | None:
    """Why a client gets no further at server (host:port), and what to do; None when one gets in.

    seconds is the longest wait for each answer. Raises KafkaError for files that cannot be read.
    """
    try:
        _enter(where, server, seconds)
    except _Refused as refused:
        return str(refused)
    return None


def logs_in(where: Connection, server: str, seconds: float) -> bool:
    """Whether server knows the user of the connection with its password; raises KafkaError for every other failure."""
    try:
        _enter(where, server, seconds, ask=False)
    except _WrongLogin:
        return False
    except _Refused as refused:
        raise KafkaError("The user %s cannot log in: %s." % (where.sasl_username, refused)) from None
    return True


def _enter(where: Connection, server: str, seconds: float, *, ask: bool = True) -> None:
    """Connect and log in; with ask, also ask for what every client may see."""
    host, port = address(server)
    options = where.options()
    with closing(_dial(host, port, seconds)) as plain:
        stream = _secure(plain, host, where, server, seconds) if _tls(where) else plain
        with closing(stream):
            _talk(stream, where, options, server, seconds, ask)


def _tls(where: Connection) -> bool:
    return where.security_protocol.endswith("SSL")


def _dial(host: str, port: int, seconds: float) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=seconds)
    except socket.gaierror:
        raise _Refused("the name %s has no address; correct it, or the name service of this host" % host) from None
    except ConnectionRefusedError:
        raise _Refused(
            "nothing listens on port %d of %s; start the broker, or correct the port" % (port, host)
        ) from None
    except socket.timeout:
        raise _Refused(
            "%s did not answer on port %d within %d s; look at the host, the route and the security groups"
            % (host, port, seconds)
        ) from None
    except OSError as error:
        raise _Refused(
            "%s cannot be reached (%s); look at the route and the security groups" % (host, error.strerror or error)
        ) from None


def _secure(plain: socket.socket, host: str, where: Connection, server: str, seconds: float) -> ssl.SSLSocket:
    context = tls.context(where)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise _Refused(tls.distrust(error, server)) from None
    except OSError as error:
        if not tls.spoken(server, seconds):
            raise _Refused(
                "the listener at %s speaks no TLS; take the port of a TLS listener, or set security_protocol to %s"
                % (server, "SASL_PLAINTEXT" if _sasl(where) else "PLAINTEXT")
            ) from None
        raise _Refused(tls.ended(error, server)) from None


def _sasl(where: Connection) -> bool:
    return where.security_protocol.startswith("SASL")


def _talk(
    stream: socket.socket, where: Connection, options: dict[str, Any], server: str, seconds: float, ask: bool
) -> None:
    from kafka.protocol.metadata import MetadataRequest

    try:
        if _sasl(where):
            _log_in(stream, where, options, server)
        if ask:
            _exchange(stream, MetadataRequest[1](topics=[]))
    except (EOFError, OSError) as error:
        if isinstance(error, socket.timeout):
            raise _Refused(
                "the listener at %s took the connection and did not answer within %d s; look at the broker's log"
                % (server, seconds)
            ) from None
        if not _tls(where) and tls.spoken(server, seconds):
            raise _Refused(
                "the listener at %s speaks TLS; take the port of a plaintext listener, or set security_protocol to %s"
                % (server, "SASL_SSL" if _sasl(where) else "SSL")
            ) from None
        if not _sasl(where) and not getattr(error, "reason", None):
            raise _Refused(
                "the listener at %s ended the connection at the first request; if it asks for a login, set"
                " security_protocol to %s" % (server, "SASL_SSL" if _tls(where) else "SASL_PLAINTEXT")
            ) from None
        raise _Refused(tls.ended(error, server)) from None


def _log_in(stream: socket.socket, where: Connection, options: dict[str, Any], server: str) -> None:
    from kafka.net.sasl import get_sasl_mechanism
    from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

    name, user = where.sasl_mechanism, where.sasl_username
    offer = _exchange(stream, SaslHandshakeRequest[1](mechanism=name))
    if offer.error_code == UNSUPPORTED_MECHANISM:
        raise _Refused(
            "the listener at %s does not offer the SASL mechanism %s, but %s; set sasl_mechanism"
            % (server, name, ", ".join(sorted(filter(None, offer.mechanisms or ()))) or "none")
        )
    if offer.error_code == ILLEGAL_SASL_STATE:
        raise _Refused(
            "the listener at %s asks for no login; set security_protocol to %s"
            % (server, "SSL" if _tls(where) else "PLAINTEXT")
        )
    mechanism = get_sasl_mechanism(name)(host=address(server)[0], **options)
    answers = 0
    while not mechanism.is_done():
        answer = _exchange(stream, SaslAuthenticateRequest[1](mechanism.auth_bytes()))
        if answer.error_code:
            wrong = answer.error_code == SASL_AUTHENTICATION_FAILED
            raise (_WrongLogin if wrong else _Refused)(_login(name, user, answers, server))
        try:
            mechanism.receive(answer.auth_bytes)
        except Exception:  # The library takes the other end's word for what the answer holds.
            raise _Refused(
                "%s did not prove that it knows the password of the user %s; it may be another cluster's broker"
                % (server, user)
            ) from None
        answers += 1


def _login(mechanism: str | None, user: str | None, answers: int, server: str) -> str:
    """SCRAM shows where it failed: only for a user that it knows does a broker send a salt (ScramSaslServer)."""
    if not str(mechanism).startswith("SCRAM"):
        return "%s refuses the user %s or its password; correct sasl_username, or the file in sasl_password_file" % (
            server,
            user,
        )
    if answers == 0:
        return "%s knows no user %s for %s; correct sasl_username, or make the user" % (server, user, mechanism)
    return "%s refuses the password of the user %s; correct the file in sasl_password_file" % (server, user)


def _exchange(stream: socket.socket, request: Any) -> Any:
    """One request and its answer; raises OSError, and EOFError when the other end says nothing that is an answer.

    The stream's timeout is that of the whole answer, of which each byte could come right before it.
    """
    from kafka.protocol.parser import KafkaProtocol

    seconds = stream.gettimeout() or 0
    end = time.monotonic() + seconds
    parser = KafkaProtocol(client_id="rackaware", receive_message_max_bytes=LARGEST_ANSWER)
    parser.send_request(request)
    stream.sendall(parser.send_bytes())
    answers: list[Any] = []
    while not answers:
        left = end - time.monotonic()
        if left <= 0:
            raise socket.timeout
        stream.settimeout(left)
        data = stream.recv(1 << 16)
        if not data:
            raise EOFError
        try:
            answers = parser.receive_bytes(data)
        except Exception:  # Bytes that are no answer end in any error of the library.
            raise EOFError from None
    stream.settimeout(seconds)
    return answers[0][1]
