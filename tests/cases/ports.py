"""Which ports a host opens for others: what the host itself says, and what another host finds."""

from __future__ import annotations

import asyncio
import inspect
import shlex
from ipaddress import IPv6Address, ip_address
from typing import Iterable

# What ss says of each listening socket; the fourth word is where.
LISTENING = "ss -Hltn"
SSH = 22
SCANNED = range(1, 10001)


def opened(listing: str) -> set[int]:
    """The ports in a listing of ss that more than the host itself reaches."""
    found = set()
    for line in listing.splitlines():
        host, _, port = line.split()[3].rpartition(":")
        if not is_loopback(host):
            found.add(int(port))
    return found


def is_loopback(host: str) -> bool:
    """Whether an address of ss, such as [::ffff:127.0.0.1] or 127.0.0.53%lo, is the host's own."""
    if host == "*":
        return False
    address = ip_address(host.partition("%")[0].strip("[]"))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


async def answering(host: str, ports: Iterable[int], at_once: int = 200, seconds: float = 5) -> list[int]:
    """The ports at which a connection is taken. It runs on a host as well, so that it needs nothing beside asyncio."""
    places = asyncio.Semaphore(at_once)

    async def answers(port: int) -> bool:
        async with places:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), seconds)
            except (OSError, asyncio.TimeoutError):
                return False
            writer.close()
            return True

    wanted = sorted(ports)
    seen = await asyncio.gather(*map(answers, wanted))
    return [port for port, answer in zip(wanted, seen) if answer]


def scan(host: str, more: Iterable[int] = ()) -> str:
    """The command that prints those of SCANNED and of more on a host; for a shell on another host."""
    program = "from __future__ import annotations\nimport asyncio\n%s\nprint(*asyncio.run(answering(%r, {*range(%d, %d), *%r})))"
    text = program % (inspect.getsource(answering), host, SCANNED.start, SCANNED.stop, sorted(more))
    return "python3 -c %s" % shlex.quote(text)
