# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A cluster for people: what the brokers and the hosts say, put together by rack; and as a table of plain text."""

from __future__ import annotations

import re
from typing import Any, Sequence

from .._address import join
from .._errors import RackawareError
from .._kafka import kraft
from .._kafka.snapshot import summarize
from .._text import counted, size

BROKER, CONTROLLER, ZOOKEEPER = "broker", "controller", "zookeeper"
TITLES = {BROKER: "broker", CONTROLLER: "controller", ZOOKEEPER: "ZooKeeper"}
NO_RACK = "(no rack)"
NO_LOAD = {"leaders": 0, "replicas": 0, "out_of_sync": 0}
WIDTH = 100
# Columns of the table.
NUMBERS, BEHIND = (1, 5, 6), 7
FULL_PERCENT = 90
RESTART_PENDING = "restart pending"
# Days before the end of a certificate from which on a node is not well.
NEAR_END = 30
# From the least secure on: what holds is the least of what the inventory asks for and what each node runs.
OPEN = "Insecure: listeners in plaintext are open beside those with TLS, and who reaches one may do anything."
SECURITY = {
    "none": "Insecure: every client that reaches a listener may read, write and delete everything.",
    "opened": OPEN,
    "moved": OPEN,
    "tls": "TLS, authentication and ACLs on every listener.",
}


class ModelError(RackawareError):
    """The data to be shown is not what it should be."""


def build(
    snapshot: dict[str, Any],
    hosts: Sequence[dict[str, Any]],
    *,
    name: str = "",
    proof: dict[str, Any] | None = None,
    zookeeper: dict[str, Any] | None = None,
    security: str = "",
) -> dict[str, Any]:
    """One model of a cluster.

    snapshot is what kafka_cluster_info returns as cluster, whole or as a summary; hosts lists {name, id, rack, roles,
    version, heap_mb, disks: [{mount, size_gb, used_percent, encryption}], restart_needed, unit_state, certificate_days}
    and, for ZooKeeper, address; what a host does not know may be missing. proof is the result of kafka_round_trip,
    zookeeper that of zookeeper_info. security is a key of SECURITY, empty where it is not known.

    Returns {name, cluster_id, metadata, versions, racks: [{name, nodes: [node]}], counts, healthy, findings:
    [sentence], restarts: [name], proof: sentence or None, checked_at: ISO 8601 or None, security}; a node is a host
    and {leaders, replicas, out_of_sync, registered, fenced, marks: [text], metadata_lag: kraft.Lag or None,
    metadata_behind: what is wrong with it, or None}. Raises ModelError.
    """
    try:
        snapshot = summarize(snapshot)
        load = {row["id"]: {key: row[key] for key in NO_LOAD} for row in snapshot["loads"]}
        registered = {broker["id"]: broker for broker in snapshot["brokers"]}
        nodes = [_node(host, load, registered, snapshot, zookeeper) for host in hosts]
        known = {node["id"] for node in nodes if BROKER in node["roles"]}
        for ident, broker in registered.items():
            if ident not in known:
                stray = {
                    "name": join(broker["host"], broker["port"]),
                    "id": ident,
                    "rack": broker["rack"],
                    "roles": [BROKER],
                    "in_inventory": False,
                }
                nodes.append(_node(stray, load, registered, snapshot, zookeeper))
        findings = _findings(snapshot, nodes, zookeeper)
        return {
            "name": name or snapshot["cluster_id"],
            "cluster_id": snapshot["cluster_id"],
            "metadata": snapshot["metadata"],
            "versions": sorted(
                {node["version"] for node in nodes if node["version"] and BROKER in node["roles"]}, key=_natural
            ),
            "racks": _racks(nodes),
            "counts": snapshot["counts"],
            "healthy": not findings,
            "findings": findings,
            "restarts": [node["name"] for node in nodes if node["restart_needed"]],
            "proof": (proof or {}).get("sentence"),
            "checked_at": snapshot.get("checked_at"),
            "security": _security(security, hosts),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            "The cluster cannot be shown, because %s is missing or of another kind; hand over the results of"
            " kafka_cluster_info and of the hosts." % error
        ) from None


def _node(
    host: dict[str, Any],
    load: dict[int, dict[str, int]],
    registered: dict[int, dict[str, Any]],
    snapshot: dict[str, Any],
    zookeeper: dict[str, Any] | None,
) -> dict[str, Any]:
    roles = [role for role in (BROKER, CONTROLLER, ZOOKEEPER) if role in host["roles"]]
    ident = int(host["id"])
    broker = registered.get(ident) if BROKER in roles else None
    quorum = snapshot["quorum"] or {}
    marks = []
    mode = None
    if ZOOKEEPER in roles:
        mode = _zookeeper_mode(host, zookeeper)
        if mode:
            marks.append(mode)
    if CONTROLLER in roles and quorum:
        voters = [voter["id"] for voter in quorum["voters"]]
        marks.append("quorum leader" if quorum["leader"] == ident else "voter" if ident in voters else "observer")
    if BROKER in roles and not quorum and snapshot["controller_id"] == ident:
        marks.append("controller")
    follows = broker is not None and not broker["fenced"]
    if BROKER not in roles:
        follows = CONTROLLER in roles and host.get("unit_state") in (None, "active")
    return {
        "name": str(host["name"]),
        "id": ident,
        "rack": host.get("rack") or (broker or {}).get("rack") or NO_RACK,
        "roles": roles,
        "version": host.get("version"),
        "heap_mb": host.get("heap_mb"),
        "disks": [
            {
                "mount": disk["mount"],
                "size_gb": disk.get("size_gb"),
                "used_percent": disk.get("used_percent"),
                "encryption": disk.get("encryption"),
            }
            for disk in host.get("disks") or []
        ],
        "restart_needed": bool(host.get("restart_needed")),
        "certificate_days": host.get("certificate_days"),
        "unit_state": host.get("unit_state"),
        "in_inventory": host.get("in_inventory", True),
        "registered": broker is not None if BROKER in roles else None,
        "broker_rack": (broker or {}).get("rack"),
        "fenced": bool(broker and broker["fenced"]),
        "leader": any(mark in ("leader", "quorum leader", "controller", "standalone") for mark in marks),
        "marks": marks,
        "metadata_lag": kraft.lag(snapshot["quorum"], ident) if ZOOKEEPER not in roles else None,
        "metadata_behind": kraft.why_behind(snapshot["quorum"], ident) if follows else None,
        **(load.get(ident, NO_LOAD) if BROKER in roles else dict.fromkeys(NO_LOAD)),
    }


def _zookeeper_mode(host: dict[str, Any], zookeeper: dict[str, Any] | None) -> str | None:
    names = {str(host["name"]), str(host.get("address"))}
    for server in (zookeeper or {}).get("servers", []):
        if server["server"] in names or server["server"].rpartition(":")[0].strip("[]") in names:
            return server["mode"] or "not serving"
    return None


def _natural(text: Any) -> list[Any]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(text)) if part]


def _racks(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = {BROKER: 0, CONTROLLER: 1, ZOOKEEPER: 2}
    names = sorted({node["rack"] for node in nodes}, key=lambda name: (name == NO_RACK, _natural(name)))
    return [
        {
            "name": name,
            "nodes": sorted(
                (node for node in nodes if node["rack"] == name), key=lambda node: (order[node["roles"][0]], node["id"])
            ),
        }
        for name in names
    ]


def _plural(number: int, thing: str, verb: tuple[str, str]) -> str:
    return "%d %s%s %s" % (number, thing, "" if number == 1 else "s", verb[number != 1])


def _findings(snapshot: dict[str, Any], nodes: list[dict[str, Any]], zookeeper: dict[str, Any] | None) -> list[str]:
    counts = snapshot["counts"]
    out = []
    for key, verbs, rest in (
        ("offline", ("has", "have"), "no leader, and can be neither read nor written"),
        (
            "under_min_isr",
            ("has", "have"),
            "fewer in-sync replicas than min.insync.replicas, and refuse acknowledged writes",
        ),
        ("under_replicated", ("lacks", "lack"), "an in-sync replica"),
    ):
        if counts[key]:
            out.append(
                "%s %s%s. See docs/runbooks/under_replicated.md."
                % (_plural(counts[key], "partition", verbs), rest, _examples(snapshot["examples"][key], counts[key]))
            )
    if snapshot["reassigning"]:
        out.append("%s under reassignment." % _plural(snapshot["reassigning"], "partition", ("is", "are")))
    out += [
        "The user %s has the name of the cluster's nodes or operator, so that its password lets a client do anything;"
        " remove it (docs/objects.md, state: absent). See docs/security.md." % user
        for user in snapshot.get("posing_users") or ()
    ]
    for node in nodes:
        broker = BROKER in node["roles"]
        if broker and not node["in_inventory"]:
            out.append("Broker %d (%s) belongs to the cluster, but not to the inventory." % (node["id"], node["name"]))
        elif broker and not node["registered"]:
            out.append(
                "Broker %d (%s) belongs to the inventory, but is not registered with the cluster."
                " See docs/runbooks/broker_down.md." % (node["id"], node["name"])
            )
        elif node["fenced"]:
            out.append("Broker %d (%s) is fenced, and serves no client." % (node["id"], node["name"]))
        if node["metadata_behind"]:
            who = "%s %d (%s)" % ("Broker" if broker else "Controller", node["id"], node["name"])
            out.append(kraft.behind_sentence(who, node["metadata_behind"]))
        if (
            broker
            and node["registered"]
            and node["in_inventory"]
            and node["rack"] != NO_RACK
            and node["broker_rack"] != node["rack"]
        ):
            claim = "calls its rack %s" % node["broker_rack"] if node["broker_rack"] else "names no rack"
            out.append(
                "Broker %d (%s) %s, but the inventory says %s." % (node["id"], node["name"], claim, node["rack"])
            )
        days = node["certificate_days"]
        if days is not None and days < NEAR_END:
            out.append(
                "The certificate of %s %s. See docs/runbooks/certificates.md."
                % (node["name"], "has expired" if days < 0 else "ends in %s" % counted(days, "day"))
            )
        out += [
            "The disk %s of %s is %.0f %% full. See docs/runbooks/disk_full.md."
            % (disk["mount"], node["name"], disk["used_percent"])
            for disk in node["disks"]
            if (disk["used_percent"] or 0) >= FULL_PERCENT
        ]
        if node["unit_state"] not in (None, "active"):
            page = "docs/runbooks/broker_down.md" if broker else "docs/runbooks/quorum_node_down.md"
            out.append("The service of %s is %s. See %s." % (node["name"], node["unit_state"], page))
        if "observer" in node["marks"]:
            out.append(
                "The controller %s does not vote in the quorum, which has one spare node fewer until it does. See"
                " docs/runbooks/quorum_node_down.md." % node["name"]
            )
    quorum, reason = snapshot["quorum"], ""
    if zookeeper and not zookeeper["quorum"]["ok"]:
        reason = zookeeper["quorum"]["reason"]
    elif quorum and quorum["leader"] < 0:
        reason = "The quorum of controllers has no leader."
    return out + (["%s See docs/runbooks/quorum_node_down.md." % reason] if reason else [])


def _examples(named: Sequence[str], count: int) -> str:
    return " (%s%s)" % (", ".join(named), ", …" if count > len(named) else "") if named else ""


def health(counts: dict[str, int]) -> str:
    """The partitions in one sentence."""
    if not counts["partitions"]:
        return "There are no partitions yet."
    bad = [
        "%d %s" % (counts[key], word)
        for key, word in (
            ("offline", "offline"),
            ("under_min_isr", "below min ISR"),
            ("under_replicated", "under-replicated"),
        )
        if counts[key]
    ]
    topics = "%d topic%s" % (counts["topics"], "" if counts["topics"] == 1 else "s")
    partitions = "%d partition%s" % (counts["partitions"], "" if counts["partitions"] == 1 else "s")
    return "%s in %s: %s." % (
        partitions,
        topics,
        ", ".join(bad) if bad else "all have a leader and all their replicas in sync",
    )


def summary(model: dict[str, Any]) -> str:
    """A table of plain text, at most 100 columns wide; model is what build made. Raises ModelError."""
    try:
        return _summary(model)
    except (KeyError, TypeError) as error:
        raise ModelError(
            "The summary cannot be made, because %s is missing or of another kind; hand over what kafka_model made."
            % error
        ) from None


def _summary(model: dict[str, Any]) -> str:
    mode = "KRaft" if model["metadata"] == "kraft" else "ZooKeeper"
    lines = [
        _cut(
            "Kafka cluster %s (%s%s)"
            % (model["name"], "".join("%s, " % version for version in model["versions"]), mode)
        ),
        "",
    ]
    if model["checked_at"]:
        lines.insert(1, "Checked %s" % date(model["checked_at"]))
    head = ["NODE", "ID", "ROLE", "VERSION", "DISKS", "LEADS", "REPLICAS", "BEHIND", "STATE"]
    racks = [(rack["name"], [_row(node) for node in rack["nodes"]]) for rack in model["racks"]]
    if mode == "ZooKeeper":
        for row in [head, *(row for _, members in racks for row in members)]:
            del row[BEHIND]
    rows = [head, *(row for _, members in racks for row in members)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    # Names and states may be long; the rest is not.
    over = 2 + sum(widths) + 2 * (len(widths) - 1) - WIDTH
    state = len(head) - 1
    for column, least in ((state, 20), (0, 12), (state, 8)):
        given = min(max(0, over), max(0, widths[column] - least))
        widths[column] -= given
        over -= given

    def line(row: list[str]) -> str:
        cells = [
            _cut(cell, width).rjust(width) if column in NUMBERS else _cut(cell, width).ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        return _cut("  " + "  ".join(cells).rstrip())

    lines.append(line(head))
    for rack, members in racks:
        lines += [_cut(rack), *(line(row) for row in members)]
    lines += ["", *_wrap(health(model["counts"]))]
    lines += _wrap(_encryption(model)) if _encryption(model) else []
    if model["security"]:
        lines += _wrap(("! " if model["security"] != "tls" else "") + SECURITY[model["security"]])
    for finding in model["findings"]:
        lines += _wrap("! " + finding)
    if model["restarts"]:
        lines += _wrap("Restart pending on %s: run rackaware.kafka.rolling_restart." % ", ".join(model["restarts"]))
    if model["proof"]:
        lines += _wrap(model["proof"])
    return "\n".join(lines) + "\n"


def _security(declared: str, hosts: Sequence[dict[str, Any]]) -> str:
    if not declared:
        return ""
    return min([declared, *filter(None, (host.get("security") for host in hosts))], key=list(SECURITY).index)


def _encryption(model: dict[str, Any]) -> str:
    """Which layers of encryption are active where, as far as known."""
    nodes_by_layer: dict[str, list[str]] = {}
    for rack in model["racks"]:
        for node in rack["nodes"]:
            for label in dict.fromkeys(disk["encryption"] or "not known" for disk in node["disks"]):
                nodes_by_layer.setdefault("encrypted" if label is True else str(label), []).append(node["name"])
    if not set(nodes_by_layer) - {"not known"}:
        return ""
    return "Encryption at rest: %s." % "; ".join(
        "%s on %s" % (label, ", ".join(names)) for label, names in nodes_by_layer.items()
    )


def _row(node: dict[str, Any]) -> list[str]:
    sizes = [disk["size_gb"] for disk in node["disks"] if disk["size_gb"] is not None]
    disks = "%d x %s" % (len(node["disks"]), size(max(sizes))) if sizes else str(len(node["disks"]) or "-")
    return [
        node["name"],
        str(node["id"]),
        "+".join(TITLES[role] for role in node["roles"]),
        node["version"] or "-",
        disks,
        "-" if node["leaders"] is None else str(node["leaders"]),
        "-" if node["replicas"] is None else str(node["replicas"]),
        behind(node["metadata_lag"]) or "-",
        ", ".join(states(node)),
    ]


def behind(lag: kraft.Lag | None) -> str | None:
    """How far a node's metadata is behind the quorum's leader, in a few words; None when it is not known."""
    if lag is None:
        return None
    seconds = lag["seconds"]
    late = [] if seconds is None else ["%.*f s" % (seconds < 10, seconds)]
    return ", ".join(late + ([counted(lag["records"], "record")] if lag["records"] or not late else []))


def troubles(node: dict[str, Any]) -> list[str]:
    """What is wrong with a node, in a few words each; a pending restart is the last."""
    out = []
    if node["unit_state"] not in (None, "active"):
        out.append(node["unit_state"])
    if not node["in_inventory"]:
        out.append("not in inventory")
    if node["registered"] is False:
        out.append("not registered")
    if node["fenced"]:
        out.append("fenced")
    if node["out_of_sync"]:
        out.append("%d out of sync" % node["out_of_sync"])
    if node["metadata_behind"]:
        out.append("metadata is old")
    days = node["certificate_days"]
    if days is not None and days < NEAR_END:
        out.append("certificate expired" if days < 0 else "certificate ends in %s" % counted(days, "day"))
    if node["restart_needed"]:
        out.append(RESTART_PENDING)
    return out


def states(node: dict[str, Any]) -> list[str]:
    """What to know about a node, what is wrong first; "ok" when there is nothing."""
    return troubles(node) + [mark for mark in node["marks"] if mark not in ("voter", "follower")] or ["ok"]


def date(stamp: str) -> str:
    """A time of ISO 8601 in UTC as people write it, to the minute."""
    return "%s UTC" % str(stamp)[:16].replace("T", " ")


def _cut(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _wrap(text: str) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("  " + word)
        else:
            lines[-1] = "%s %s" % (lines[-1], word) if lines[-1] else word
    return [_cut(line) for line in lines]
