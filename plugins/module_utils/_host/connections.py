# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Who is connected to a port of this host, as the kernel lists it: no program has to be there."""

from __future__ import annotations

import ipaddress
import re
import sys
import time
from typing import Any, Callable, Collection

from .._errors import RackawareError

FILES = ("/proc/net/tcp", "/proc/net/tcp6")
# proc(5): local and remote address in hexadecimal, and the state, of which 01 is established.
ESTABLISHED = re.compile(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+):[0-9A-F]{4} 01 ", re.MULTILINE)


class ConnectionsError(RackawareError):
    """The kernel's list cannot be read."""


def parse(text: str, ports: Collection[int]) -> set[tuple[int, str]]:
    """(port, address of the other side) of each connection to one of the ports."""
    found = ((int(port, 16), address) for port, address in ESTABLISHED.findall(text))
    return {(port, _address(address)) for port, address in found if port in ports}


def _address(text: str) -> str:
    """An address as its words of 32 bits, each in the host's order of bytes."""
    words = [int(text[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    # A JVM listens on a socket for both versions of IP.
    return str(getattr(address, "ipv4_mapped", None) or address)


def watch(
    ports: Collection[int],
    seconds: float,
    *,
    reader: Callable[[str], str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[dict[str, Any]]:
    """[{port, address}] of all that were connected at some moment of this time; raises ConnectionsError."""
    until, seen = clock() + seconds, set()
    while True:
        for file in FILES:
            seen |= parse((reader or _read)(file), ports)
        if clock() >= until:
            return [{"port": port, "address": address} for port, address in sorted(seen)]
        sleep(min(1.0, seconds))


def _read(file: str) -> str:
    try:
        with open(file, encoding="ascii") as listed:
            return listed.read()
    except FileNotFoundError:
        # A kernel without IPv6.
        return ""
    except OSError as error:
        raise ConnectionsError("%s cannot be read: %s; run this as root." % (file, error.strerror)) from None
