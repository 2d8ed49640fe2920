# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From a plaintext cluster that runs to a secured one: what its nodes run, what comes next, and who would be cut off.

Nothing is kept between runs: each answer follows from what the nodes run and what the inventory asks for.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping, Sequence

from .._text import counted, some
from . import security
from .nodes import ZOOKEEPER, ZOOKEEPER_PORT

PAGE = " See docs/runbooks/secure_cluster.md."
# Of a ZooKeeper node, which has one port for clients.
ZOOKEEPER_LISTENER = "ZooKeeper"
# As a plan shows them.
STEPS = {
    security.OPENED: "1 of 3: listeners with TLS open beside those in plaintext. Clients need not do anything.",
    security.MOVED: "2 of 3: nodes talk to each other by TLS. Clients need not do anything.",
    security.TLS: "3 of 3: the listeners in plaintext close.",
}


def read(service: str, text: str) -> dict[str, Any]:
    """{security, listeners: [{name, port, protocol}]} of a service, by the text of its settings.

    security is one of _config.security.STEPS, None without a text. A ZooKeeper node has a listener while it takes
    plaintext.
    """
    if not text:
        return {"security": None, "listeners": []}
    lines = [line.partition("=") for line in text.splitlines() if not line.startswith("#")]
    settings = {key.strip(): value.strip() for key, _, value in lines}
    return _zookeeper(settings) if service == ZOOKEEPER else _kafka(settings)


def _zookeeper(settings: Mapping[str, str]) -> dict[str, Any]:
    if "secureClientPort" in settings:
        return {"security": security.TLS, "listeners": []}
    step = security.MOVED if settings.get("sslQuorum") == "true" else security.OPENED
    return {
        "security": step if settings.get("client.portUnification") == "true" else security.NONE,
        "listeners": [{"name": ZOOKEEPER_LISTENER, "port": ZOOKEEPER_PORT, "protocol": security.PLAINTEXT}],
    }


def _kafka(settings: Mapping[str, str]) -> dict[str, Any]:
    pairs = [item.partition(":") for item in settings.get("listener.security.protocol.map", "").split(",")]
    protocols = {name: protocol for name, _, protocol in pairs}
    listeners = []
    for item in settings.get("listeners", "").split(","):
        name, _, address = item.partition("://")
        port = address.rpartition(":")[2]
        if port.isdigit():
            listeners.append({"name": name, "port": int(port), "protocol": protocols.get(name, name)})
    encrypted = [item for item in listeners if item["protocol"] in security.ENCRYPTED]
    first = settings.get("inter.broker.listener.name") or settings.get("controller.listener.names", "").split(",")[0]
    if not any(item["name"] in security.INTERNAL for item in encrypted):
        step = security.NONE
    elif len(encrypted) == len(listeners):
        step = security.TLS
    else:
        step = security.MOVED if protocols.get(first) in security.ENCRYPTED else security.OPENED
    return {"security": step, "listeners": listeners}


def plaintext(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of what read() found the listeners that ask for no name."""
    return [item for item in found["listeners"] if item["protocol"] not in security.ENCRYPTED]


def next_step(runs: Collection[str], *, confirmed: bool) -> str | None:
    """The step that comes next, one of STEPS; runs: the security of each node.

    A step whose roll broke off comes again, because the node that is least far decides. None: doors have begun to
    close, and the rest is not confirmed.
    """
    lowest = min(runs, key=security.STEPS.index)
    if lowest == security.NONE:
        return security.OPENED
    if lowest == security.OPENED:
        return security.MOVED
    if lowest == security.TLS or confirmed:
        return security.TLS
    # The same step again: what site is to other clusters, as for a node that was replaced meanwhile.
    return None if security.TLS in runs else security.MOVED


def plan(
    nodes: Mapping[str, Mapping[str, Any]],
    aim: Mapping[str, Any],
    connections: Mapping[str, Sequence[Mapping[str, Any]]],
    own: Collection[str],
    *,
    confirmed: bool,
) -> dict[str, Any]:
    """{step, security, listeners, lines, findings}: the step that comes next, with kafka_security and kafka_listeners for it.

    nodes: host to what read() found there; aim: {security, cluster, listeners (each with its protocol)}; connections:
    host to [{port, address}], who is connected there; own: addresses of the nodes. With findings nothing may change.
    """
    found = {name: node for name, node in nodes.items() if node.get("security")}
    findings = _aim_findings(found, aim)
    if findings:
        return {"step": None, "security": aim["security"], "listeners": [], "lines": [], "findings": findings}
    runs = {node["security"] for node in found.values()}
    step = next_step(runs, confirmed=confirmed)
    seen = _clients(found, connections, own, moved=not runs & {security.NONE, security.OPENED})
    lines = [*_state(found), *_said(seen)]
    if step and runs != {step}:
        lines.append("Step " + STEPS[step])
    if step == security.TLS and runs != {security.TLS} and seen:
        findings = [_cut_off(seen)]
    elif step is None:
        findings = [
            "Listeners in plaintext are closed on some nodes already; to close the rest, add -e kafka_confirm=%s."
            % aim["cluster"]
            + PAGE
        ]
    elif security.MOVED in (step, *runs) and step != security.TLS:
        lines.append(
            "Then move the clients. Once none is on plaintext, run this again with -e kafka_confirm=%s, which closes"
            " the listeners in plaintext." % aim["cluster"]
        )
    return {
        "step": step,
        "security": step or security.TLS,
        "listeners": [*(_carried(found) if step in (security.OPENED, security.MOVED) else []), *aim["listeners"]],
        "lines": lines,
        "findings": findings,
    }


def _carried(found: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The plaintext listeners of Kafka that run, each once."""
    out: dict[str, dict[str, Any]] = {}
    for node in found.values():
        for item in plaintext({"listeners": node.get("listeners") or []}):
            if item["name"] != ZOOKEEPER_LISTENER:
                out.setdefault(item["name"], dict(item))
    return list(out.values())


def _state(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    words = {
        security.NONE: "in plaintext only",
        security.OPENED: "with listeners of both kinds, talking to each other in plaintext",
        security.MOVED: "with listeners of both kinds, talking to each other by TLS",
        security.TLS: "by TLS only",
    }
    counts = {step: sum(node["security"] == step for node in found.values()) for step in security.STEPS}
    return ["%s: %s." % (counted(count, "node"), words[step]) for step, count in counts.items() if count]


def _clients(
    found: Mapping[str, Mapping[str, Any]],
    connections: Mapping[str, Sequence[Mapping[str, Any]]],
    own: Collection[str],
    *,
    moved: bool,
) -> dict[tuple[str, str], list[str]]:
    """(address, listener) of who is on plaintext, with the hosts.

    Once the nodes have moved, an address of theirs is a client's, too, except at ZooKeeper: that port speaks both.
    """
    out: dict[tuple[str, str], list[str]] = {}
    for name, node in found.items():
        listeners = {item["port"]: item["name"] for item in plaintext(node)}
        for item in connections.get(name) or ():
            listener = listeners.get(item["port"])
            if listener and not (item["address"] in own and (not moved or listener == ZOOKEEPER_LISTENER)):
                names = out.setdefault((item["address"], "%s (%d)" % (listener, item["port"])), [])
                names.extend([] if name in names else [name])
    return out


def _said(seen: Mapping[tuple[str, str], Sequence[str]]) -> list[str]:
    if not seen:
        return ["No client is on plaintext now."]
    return ["On plaintext now: %s at %s of %s." % (*key, some(names)) for key, names in sorted(seen.items())]


def _cut_off(seen: Mapping[tuple[str, str], Sequence[str]]) -> str:
    who = ["%s at %s of %s" % (*key, some(names)) for key, names in sorted(seen.items())]
    return (
        "%s on plaintext, and would be cut off: %s; move them to a listener with TLS, then run the same command again."
        % (counted(len(who), "client") + (" is" if len(who) == 1 else " are"), "; ".join(who[:20]))
        + PAGE
    )


def _aim_findings(found: Mapping[str, Mapping[str, Any]], aim: Mapping[str, Any]) -> list[str]:
    """What is wrong with the aim, one sentence each."""
    if not found:
        return [
            "No node has been started yet, so that there is nothing to secure; run site, which starts them secured."
        ]
    if aim["security"] != security.TLS:
        return [
            "kafka_security is %s, but this playbook takes a cluster to tls; set kafka_security to tls, and kafka_listeners"
            " to %s." % (aim["security"], suggested(found)) + PAGE
        ]
    names = {str(item["name"]).upper() for item in aim["listeners"]}
    ports = {int(item["port"]): item["name"] for item in aim["listeners"]}
    out = []
    for item in _carried(found):
        if item["name"].upper() in names or item["port"] in ports:
            what = "name" if item["name"].upper() in names else "port %d" % item["port"]
            out.append(
                "%s speaks %s on port %d, and the inventory gives its %s to a listener with TLS, while nodes and clients"
                " that run now look for plaintext there; set kafka_listeners to new names and ports, as in %s."
                % (item["name"], item["protocol"], item["port"], what, suggested(found))
                + PAGE
            )
    return out[:1]


def suggested(found: Mapping[str, Mapping[str, Any]]) -> str:
    """kafka_listeners that work beside those that run, as YAML."""
    running = _carried(found)
    names = [str(item["name"]) for item in running]
    if security.REPLICATION not in names:
        names.append(security.REPLICATION)
    port = max([int(item["port"]) for item in running], default=9093)
    new = [
        "{name: %s_TLS, port: %d}" % (name, port + number)
        for number, name in enumerate(sorted(names, key=lambda name: name in security.INTERNAL), start=1)
    ]
    return "[%s]" % ", ".join(new)
