# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""ZooKeeper's four-letter words: asked over a socket, read into data."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from typing import Any, Callable, Mapping, Sequence, TypedDict, cast

from .._address import join, split
from .._errors import RackawareError
from . import tls
from .connection import Connection

LEADER, FOLLOWER, OBSERVER, STANDALONE = "leader", "follower", "observer", "standalone"
# An answer of mntr is a few kilobytes; anything longer is not ZooKeeper.
LONGEST = 1 << 20
# Whether it is asked over TLS or not: the collection's ensembles have one port for clients.
PORT = 2181
TLS_FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")


class ZooKeeperError(RackawareError):
    """There is no server to ask."""


class _BrokenOff(OSError):
    """The server took the connection, and the conversation came to nothing; __cause__ says how."""


def address(server: str, port: int = PORT) -> tuple[str, int]:
    """Host and port of host, host:port or [host]:port; the port is this one unless given."""
    return split(server, "a ZooKeeper server", port=port)


def client(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """How servers are asked, by these options of CONNECTION_SPEC: over TLS with a certificate, or else in plaintext.

    Raises RackawareError for files that are missing or cannot be read.
    """
    if not options["ssl_certfile"] and not options["ssl_keyfile"]:
        return None
    missing = [name for name in TLS_FILES if not options[name]]
    if missing:
        raise ZooKeeperError(
            "ZooKeeper is asked over TLS with %s, but %s is not set; set all three, or neither certificate nor key for"
            " servers without TLS." % (", ".join(TLS_FILES), " and ".join(missing))
        )
    return tls.context(Connection((), **{name: options[name] for name in (*TLS_FILES, "ssl_check_hostname")}))


class Srvr(TypedDict):
    """What a server says to srvr, None for what is missing."""

    version: str | None
    mode: str | None
    znode_count: int | None
    zxid: str | None
    connections: int | None
    outstanding: int | None


class Server(Srvr):
    """A server: ok is whether it serves as part of an ensemble, or alone; error says why it does not, else None."""

    server: str
    ok: bool
    error: str | None
    synced_followers: int | None
    monitor: dict[str, Any]


class Ensemble(TypedDict):
    """All servers together; reason is None when they are well, otherwise one sentence."""

    ok: bool
    size: int
    serving: int
    leader: str | None
    followers: list[str]
    reason: str | None


def ask(host: str, port: int, word: str, timeout: float, secure: ssl.SSLContext | None = None) -> str:
    """Send one word and return the whole answer; raises OSError."""
    with socket.create_connection((host, port), timeout=timeout) as plain:
        try:
            with closing(secure.wrap_socket(plain, server_hostname=host) if secure else plain) as conversation:
                conversation.sendall(word.encode())
                parts = []
                size = 0
                while size < LONGEST:
                    part = conversation.recv(65536)
                    if not part:
                        break
                    parts.append(part)
                    size += len(part)
        except OSError as error:
            raise _BrokenOff from error
    return b"".join(parts).decode("utf-8", "replace")


def parse_srvr(answer: str) -> Srvr:
    """What the answer to srvr says."""
    fields = {}
    for line in answer.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields[key.strip().lower()] = value.strip()

    def number(key: str) -> int | None:
        return int(fields[key]) if fields.get(key, "").isdigit() else None

    return {
        # "3.8.4-9316c2a7a97e1666d8f4593f34dd6fc36ecc436c, built on 2024-02-12 22:16 UTC"
        "version": fields["zookeeper version"].split(",")[0].split("-")[0] if "zookeeper version" in fields else None,
        "mode": fields.get("mode"),
        "znode_count": number("node count"),
        "zxid": fields.get("zxid"),
        "connections": number("connections"),
        "outstanding": number("outstanding"),
    }


def parse_mntr(answer: str) -> dict[str, Any]:
    """Of mntr: every zk_… key without its prefix, numbers as numbers; empty when the word is not allowed there."""
    out: dict[str, Any] = {}
    for line in answer.splitlines():
        key, tab, value = line.partition("\t")
        if tab and key.startswith("zk_"):
            try:
                out[key[3:]] = float(value) if "." in value else int(value)
            except ValueError:
                out[key[3:]] = value.strip()
    return out


def look(server: str, timeout: float, secure: ssl.SSLContext | None = None, asker: Callable[..., str] = ask) -> Server:
    """One server, by its own answer; secure is what client() returns.

    mntr and ruok need not be on the server's whitelist: the first is then empty, the second not needed, as srvr answers
    the same question better.
    """
    host, port = address(server)
    own = {"server": server, "ok": False, "error": None, "synced_followers": None, "monitor": {}}
    out = cast("Server", {**parse_srvr(""), **own})
    try:
        answer = asker(host, port, "srvr", timeout, secure)
    except OSError as error:
        why = _why(error, join(host, port), timeout, secure is not None)
        out["error"] = "ZooKeeper server %s cannot be asked: %s." % (server, why)
        return out
    out.update(parse_srvr(answer))
    if "not in the whitelist" in answer:
        out["error"] = "ZooKeeper server %s does not answer srvr; add it to 4lw.commands.whitelist." % server
    elif "not currently serving requests" in answer:
        out["error"] = "ZooKeeper server %s runs, but serves nothing, because it sees no quorum." % server
    elif secure and not answer:
        out["error"] = "ZooKeeper server %s cannot be asked: %s." % (server, tls.WITHOUT_A_WORD % join(host, port))
    elif out["mode"] is None:
        out["error"] = "What answers at %s is not ZooKeeper; check the address." % server
    else:
        out["ok"] = True
        try:
            out["monitor"] = parse_mntr(asker(host, port, "mntr", timeout, secure))
        except OSError:
            out["monitor"] = {}
        out["synced_followers"] = out["monitor"].get("synced_followers")
    return out


def _why(error: OSError, server: str, timeout: float, secure: bool) -> str:
    """Why there is no answer, and what to do."""
    cause = error.__cause__ if isinstance(error, _BrokenOff) else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return tls.distrust(cause, server)
    if cause is not None and tls.spoken(server, timeout) != secure:
        return (
            "it speaks no TLS; take its port for TLS, or set neither ssl_certfile nor ssl_keyfile"
            if secure
            else "it speaks TLS on this port; set %s" % ", ".join(TLS_FILES)
        )
    if isinstance(cause, ConnectionError) and secure:
        return tls.WITHOUT_A_WORD % server
    if isinstance(cause, ssl.SSLError):
        return tls.ended(cause, server)
    return "%s; check that it runs" % (getattr(cause or error, "strerror", None) or cause or error)


def quorum(servers: Sequence[Server]) -> Ensemble:
    """What the servers are together: well when one of them leads, a majority serves, and all followers are its own.

    A leader that may not answer mntr does not say how many follow it; then that is not compared, because a roll
    must be able to allow mntr.
    """
    leaders = [server["server"] for server in servers if server["mode"] in (LEADER, STANDALONE)]
    led = next((server["synced_followers"] for server in servers if server["mode"] == LEADER), 0)
    followers = [server["server"] for server in servers if server["mode"] == FOLLOWER]
    serving = len(leaders) + len(followers)
    reason = None
    if len(leaders) > 1:
        reason = "%d ZooKeeper servers lead at once (%s), so they are not one ensemble; check their server lists." % (
            len(leaders),
            ", ".join(leaders),
        )
    elif not leaders:
        reason = "None of the %d ZooKeeper servers leads; start enough of them for a majority." % len(servers)
    elif serving * 2 <= len(servers):
        reason = "Only %d of %d ZooKeeper servers serve, which is no majority; start the others." % (
            serving,
            len(servers),
        )
    elif led is not None and led < len(followers):
        text = (
            "%s leads and says that %d follow it, but %d say that they follow, so they are not one ensemble; check"
            " their server lists."
        )
        reason = text % (leaders[0], led, len(followers))
    return {
        "ok": reason is None,
        "size": len(servers),
        "serving": serving,
        "leader": leaders[0] if len(leaders) == 1 else None,
        "followers": followers,
        "reason": reason,
    }
