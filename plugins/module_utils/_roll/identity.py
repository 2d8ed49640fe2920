# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether the host that answers for a broker's id is the host that the inventory has for it.

A cluster knows ids and the addresses that brokers advertise. An inventory knows ids and the addresses of its hosts.
Where two hosts have each other's id, or another process has taken one, the cluster lists the id as alive while the host
that is meant may be down.
"""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, Mapping

from .snapshot import RollError

RESOLVED_AT_ONCE = 32


def read(addresses: Mapping[Any, Any] | None) -> dict[int, str]:
    """The option addresses, as it comes over YAML or JSON; raises RollError."""
    try:
        return {int(id_): str(host) for id_, host in (addresses or {}).items() if host}
    except (TypeError, ValueError):
        raise RollError(
            "addresses has the keys %s, but must give an address for each id of a broker."
            % ", ".join(map(str, addresses or ()))
        ) from None


def resolve(host: str) -> frozenset[str]:
    """The addresses of a name, none when it has none or cannot be resolved."""
    try:
        return frozenset(str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return frozenset()


def mistaken(
    brokers: Iterable[Mapping[str, Any]],
    addresses: Mapping[int, str],
    ids: Iterable[int],
    resolve: Callable[[str], frozenset[str]] = resolve,
) -> dict[int, str]:
    """For each of these ids that another host answers for, one sentence.

    brokers are the cluster's, with id, host and fenced.

    Nothing is said where the two cannot be compared. A broker may advertise a name that is not resolved here, or an
    address of another network than the inventory's, as behind a load balancer. So another address than the host's
    counts only when it is that of another node of the inventory, or when some other broker advertises what the
    inventory has for it.
    """
    advertised = {broker["id"]: str(broker["host"]) for broker in brokers if not broker["fenced"] and broker["host"]}
    differ = [
        id_
        for id_ in dict.fromkeys(ids)
        if id_ in advertised and id_ in addresses and not _alike(advertised[id_], addresses[id_])
    ]
    if not differ:
        return {}
    names = sorted({*(advertised[id_] for id_ in advertised if id_ in addresses), *addresses.values()})
    with ThreadPoolExecutor(min(len(names), RESOLVED_AT_ONCE)) as pool:
        addresses_of = dict(zip(names, pool.map(resolve, names)))

    def same(one: str, other: str) -> bool:
        return _alike(one, other) or bool(addresses_of[one] & addresses_of[other])

    comparable = {id_ for id_ in advertised if id_ in addresses and same(advertised[id_], addresses[id_])}
    out = {}
    for id_ in differ:
        host, expected = advertised[id_], addresses[id_]
        if same(host, expected) or not addresses_of[host] or not addresses_of[expected]:
            continue
        of = next((other for other, theirs in sorted(addresses.items()) if other != id_ and same(host, theirs)), None)
        if of is not None:
            text = (
                "Broker %d is answered for by host %s, which the inventory has for node %d, not by %s: kafka_node_id is"
                " swapped; correct it."
            )
            out[id_] = text % (id_, host, of, expected)
        elif comparable:
            text = (
                "Broker %d is answered for by host %s, not by %s: kafka_node_id is wrong, or another process has the"
                " id; correct it, or stop that process."
            )
            out[id_] = text % (id_, host, expected)
    return out


def _alike(one: str, other: str) -> bool:
    return one.strip("[]").rstrip(".").lower() == other.strip("[]").rstrip(".").lower()
