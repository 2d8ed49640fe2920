# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""TLS of clients, of Kafka and of ZooKeeper: their files, and why a handshake came to nothing."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing

from .connection import Connection, LastingError, address

# X509_V_ERR_… of OpenSSL's x509_vfy.h.
NOT_YET_VALID, EXPIRED, WRONG_NAMES = 9, 10, (62, 64)
# With TLS 1.3 a server looks at the client's certificate after the client has begun to talk, so that the alert that
# says why may be lost with the connection.
WITHOUT_A_WORD = (
    "the listener at %s ended the connection without a word, as it may when it does not take this client's certificate;"
    " look at its log"
)


def context(where: Connection) -> ssl.SSLContext:
    """A client with the connection's files; raises LastingError for files that cannot be read."""
    using = "ssl_cafile %s" % where.ssl_cafile
    try:
        # As kafka-python makes it: Python's own default has been stricter since 3.13.
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.check_hostname = where.ssl_check_hostname
        if where.ssl_cafile:
            made.load_verify_locations(where.ssl_cafile)
        else:
            made.load_default_certs()
        if where.ssl_certfile:
            using = "ssl_certfile %s, ssl_keyfile %s" % (where.ssl_certfile, where.ssl_keyfile)
            made.load_cert_chain(where.ssl_certfile, where.ssl_keyfile)
    except (OSError, ValueError) as error:
        raise LastingError(
            "The files for TLS cannot be used: %s; correct %s." % (getattr(error, "strerror", None) or error, using)
        ) from None
    return made


def spoken(server: str, seconds: float) -> bool:
    """Whether the listener at host:port answers a TLS client of any kind, with a certificate of any kind."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        with closing(socket.create_connection(address(server), timeout=seconds)) as plain:
            anyone.wrap_socket(plain).close()
    except ssl.SSLEOFError:
        return False
    except ssl.SSLError as error:
        # An alert is TLS; what is no TLS record at all is not.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
    return True


def distrust(error: ssl.SSLCertVerificationError, server: str) -> str:
    """Why this client does not take the server's certificate, and what to do."""
    if error.verify_code == EXPIRED:
        return "the certificate of %s, or of its authority, has expired; renew it" % server
    if error.verify_code == NOT_YET_VALID:
        return "the certificate of %s is not valid yet; look at the clocks of both hosts" % server
    if error.verify_code in WRONG_NAMES:
        return (
            "the certificate of %s does not name that host; connect by a name or address that is in it, or renew it"
            % (server)
        )
    return "the certificate of %s is not trusted (%s); set ssl_cafile to the authority that signed it" % (
        server,
        error.verify_message,
    )


def ended(error: BaseException, server: str) -> str:
    """Why the server ended the conversation, and what to do."""
    if isinstance(error, ssl.SSLEOFError):
        return WITHOUT_A_WORD % server
    why = str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error or type(error).__name__)
    if "ALERT" in why and any(word in why for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")):
        return (
            "the listener at %s does not take this client's certificate (%s); set ssl_certfile and ssl_keyfile to one"
            " that its authority signed and that has not expired" % (server, why)
        )
    if "PROTOCOL_VERSION" in why or "UNSUPPORTED_PROTOCOL" in why:
        return "the listener at %s and this host have no TLS version in common (%s); allow TLS 1.2 or 1.3" % (
            server,
            why,
        )
    return "the listener at %s ended the connection (%s); look at its log" % (server, why)
