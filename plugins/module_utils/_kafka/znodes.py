# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Who may do what with Kafka's znodes: read and set over ZooKeeper's own protocol (zookeeper.jute), which needs no JVM.

Brokers protect what they create from the start that zookeeper.set.acl came with; what was there before stays open.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import Any, Iterator, NamedTuple, Sequence

from .._errors import RackawareError
from . import zookeeper

# Kafka 3.9, ZkData: what it protects, and of that what the world may not read either. /consumers is of old consumers,
# which have no name.
ROOTS = (
    *("/admin", "/brokers", "/cluster", "/config", "/controller", "/controller_epoch", "/delegation_token", "/feature"),
    *("/isr_change_notification", "/kafka-acl", "/kafka-acl-changes", "/kafka-acl-extended"),
    *("/kafka-acl-extended-changes", "/latest_producer_id_block", "/log_dir_event_notification", "/migration"),
)
SENSITIVE = ("/config/users", "/config/brokers", "/delegation_token/tokens")
# ZooDefs: OpCode, Perms and the codes of KeeperException.
GET_ACL, SET_ACL, GET_CHILDREN, CLOSE = 6, 7, 8, -11
ALL, READ = 31, 1
NO_NODE, NO_AUTH = -101, -102
SESSION_MS = 30000
LONGEST = 1 << 26


class ZnodesError(RackawareError):
    """A znode cannot be read or protected."""


class Rule(NamedTuple):
    """An entry of a znode's ACL."""

    permissions: int
    scheme: str
    id: str


class _Refused(Exception):
    """The server's answer is a code other than 0."""


def wanted(path: str, owner: str) -> list[Rule]:
    """The ACL that a broker with this name gives a znode that it creates."""
    rules = [Rule(ALL, "x509", owner)]
    return rules if path.startswith(SENSITIVE) else [*rules, Rule(READ, "world", "anyone")]


class Session:
    """A session at one server, a context manager; raises OSError, and ZnodesError for an answer that is none."""

    def __init__(self, server: str, secure: ssl.SSLContext | None, seconds: float) -> None:
        host, port = zookeeper.address(server)
        self._number = 0
        self._socket = socket.create_connection((host, port), timeout=seconds)
        try:
            if secure:
                self._socket = secure.wrap_socket(self._socket, server_hostname=host)
            self._send(struct.pack(">iqiqi16s?", 0, 0, SESSION_MS, 0, 16, b"", False))
            self._receive()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._send(struct.pack(">ii", 0, CLOSE))
        self._socket.close()

    def children(self, path: str) -> list[str]:
        """The names below a znode."""
        answer = _Reader(self._ask(GET_CHILDREN, _text(path) + b"\0"))
        return [answer.text() for _ in range(answer.number())]

    def rules(self, path: str) -> list[Rule]:
        """A znode's ACL."""
        answer = _Reader(self._ask(GET_ACL, _text(path)))
        return [Rule(answer.number(), answer.text(), answer.text()) for _ in range(answer.number())]

    def set(self, path: str, rules: Sequence[Rule]) -> None:
        """Set a znode's ACL."""
        entries = b"".join(struct.pack(">i", rule.permissions) + _text(rule.scheme) + _text(rule.id) for rule in rules)
        self._ask(SET_ACL, _text(path) + struct.pack(">i", len(rules)) + entries + struct.pack(">i", -1))

    def _ask(self, kind: int, body: bytes) -> bytes:
        self._number += 1
        self._send(struct.pack(">ii", self._number, kind) + body)
        answer = self._receive()
        _number, _zxid, code = struct.unpack_from(">iqi", answer)
        if code:
            raise _Refused(code)
        return answer[16:]

    def _send(self, body: bytes) -> None:
        self._socket.sendall(struct.pack(">i", len(body)) + body)

    def _receive(self) -> bytes:
        (size,) = struct.unpack(">i", self._exactly(4))
        if not 16 <= size <= LONGEST:
            raise ZnodesError("The server's answer is not ZooKeeper's; look at the port.")
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        out = bytearray()
        while len(out) < size:
            part = self._socket.recv(size - len(out))
            if not part:
                raise ConnectionResetError("the server ended the connection")
            out += part
        return bytes(out)


class _Reader:
    """An answer, read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self) -> int:
        (value,) = struct.unpack_from(">i", self._data, self._at)
        self._at += 4
        return int(value)

    def text(self) -> str:
        size = max(0, self.number())
        self._at += size
        return self._data[self._at - size : self._at].decode("utf-8")


def _text(value: str) -> bytes:
    data = value.encode("utf-8")
    return struct.pack(">i", len(data)) + data


def _walk(session: Session) -> Iterator[tuple[str, list[Rule]]]:
    """Each of Kafka's znodes with its ACL; what vanishes meanwhile is left out."""
    waiting = list(ROOTS)
    while waiting:
        path = waiting.pop()
        try:
            rules = session.rules(path)
            waiting += ["%s/%s" % (path, name) for name in session.children(path)]
        except _Refused as refused:
            if refused.args[0] == NO_NODE:
                continue
            raise ZnodesError(_why(path, refused)) from None
        yield path, rules


def protect(
    servers: Sequence[str], secure: ssl.SSLContext | None, owner: str, seconds: float, *, check: bool
) -> dict[str, Any]:
    """{znodes, changed: [path]}: give each of Kafka's znodes the ACL that a broker would; with check only compare.

    The connection must have the owner's certificate. What a run that broke off has left is done by the next. Raises
    ZnodesError.
    """
    last: Exception | None = None
    for server in servers:
        try:
            with Session(server, secure, seconds) as session:
                return _protect(session, owner, check)
        except (OSError, struct.error) as error:
            last = error
    raise ZnodesError(
        "No ZooKeeper server could be asked about its znodes (%s); look at their logs, then run the same command again."
        % last
    )


def _protect(session: Session, owner: str, check: bool) -> dict[str, Any]:
    seen, changed = 0, []
    for path, rules in _walk(session):
        seen += 1
        want = wanted(path, owner)
        if sorted(rules) == sorted(want):
            continue
        try:
            if not check:
                # To the session's own name, so that no other one can lock the cluster out of its znodes.
                session.set(path, [Rule(ALL, "auth", ""), *want[1:]])
                rules = session.rules(path)
        except _Refused as refused:
            if refused.args[0] == NO_NODE:
                continue
            raise ZnodesError(_why(path, refused)) from None
        if not check and sorted(rules) != sorted(want):
            raise ZnodesError(
                "The znode %s belongs to %s now, and not to %s; give the certificate of that name."
                % (path, ", ".join(rule.id for rule in rules if rule.scheme != "world") or "no name", owner)
            )
        changed.append(path)
    return {"znodes": seen, "changed": sorted(changed)}


def _why(path: str, refused: _Refused) -> str:
    code = refused.args[0]
    if code == NO_AUTH:
        return (
            "The znode %s belongs to another name than this certificate's, and only that may change it; look at the ACL"
            " with zookeeper-shell.sh getAcl." % path
        )
    return "ZooKeeper refuses the znode %s with code %d; look at its log." % (path, code)
