# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Host and port as one text, in which an IPv6 address has brackets, and read back."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from ._errors import RackawareError

# The endpoint of EC2 that hands out the credentials of the instance's role, as IPAddressDeny= takes it.
METADATA_ENDPOINT = "169.254.169.254 fd00:ec2::254"
_ADDRESS = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::(\d+))?")


class AddressError(RackawareError):
    """A text is no address."""


def bracketed(host: Any) -> str:
    """A host as it stands before a port."""
    return "[%s]" % host if ":" in str(host) else str(host)


def canonical(host: Any) -> str:
    """A host as it can be compared: an IPv6 address has many spellings."""
    try:
        return ip_address(str(host)).compressed
    except ValueError:
        return str(host)


def is_loopback(host: str) -> bool:
    """Whether only this host reaches it."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def join(host: Any, port: Any) -> str:
    """host:port, or [host]:port."""
    return "%s:%s" % (bracketed(host), port)


def split(text: str, what: str, port: int = 0) -> tuple[str, int]:
    """(host, port) of what join gives; port is that of a text without one.

    Raises AddressError; what is named there, such as "a broker".
    """
    match = _ADDRESS.fullmatch(text)
    found = int(match[3] or port) if match else 0
    # Without brackets all of an IPv6 address is the host, so that it needs a port from elsewhere.
    if match is None and port and text.count(":") > 1 and "[" not in text:
        return text, port
    if match is None or not 0 < found < 65536:
        raise AddressError(
            "%s is not an address of %s; write it as host:port, or as [address]:port for IPv6." % (text, what)
        )
    return match[1] or match[2], found
