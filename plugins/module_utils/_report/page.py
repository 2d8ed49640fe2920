# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A model of a cluster as one self-contained HTML page: no scripts, no fonts, no images from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from .._text import size
from . import cluster

STYLE = """
:root { color-scheme: light dark; --page: #f4f6f9; --card: #ffffff; --rack: #e9edf3; --ink: #1a2332; --dim: #5d6b80; --line: #d5dce6;
  --accent: #2f6fde; --good: #1d8a57; --good-soft: #e0f4ea; --warn: #a86400; --warn-soft: #fdf0d8; --bad: #c62f3b; --bad-soft: #fce4e6; }
@media (prefers-color-scheme: dark) { :root { --page: #10151d; --card: #1b2330; --rack: #151c27; --ink: #e7ecf4; --dim: #93a1b7; --line: #2d3849;
  --accent: #6ea3ff; --good: #4fcf93; --good-soft: #14352a; --warn: #f0b558; --warn-soft: #3a2c12; --bad: #ff7f89; --bad-soft: #43202a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; }
main { max-width: 1400px; margin: 0 auto; padding: 40px 32px 56px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 6px 16px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -0.02em; }
h2 { font-size: 13px; font-weight: 650; margin: 0 0 12px; letter-spacing: 0.02em; display: flex; justify-content: space-between; }
h2 span { color: var(--dim); font-weight: 400; }
.sub { color: var(--dim); }
.sub code, .mount { font: 12px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.verdict { margin: 22px 0 0; padding: 14px 18px; border-radius: 10px; border-left: 4px solid; }
.verdict p { margin: 0; } .verdict ul { margin: 6px 0 0; padding-left: 18px; }
.verdict b { font-weight: 650; }
.verdict.good { background: var(--good-soft); border-color: var(--good); } .verdict.bad { background: var(--bad-soft); border-color: var(--bad); }
.verdict.warn { background: var(--warn-soft); border-color: var(--warn); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 28px; padding: 0; list-style: none; }
.numbers li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; color: var(--dim); font-size: 13px; }
.numbers b { display: block; font-size: 26px; line-height: 1.25; color: var(--ink); font-weight: 620; letter-spacing: -0.02em; }
.numbers .bad b { color: var(--bad); } .numbers .warn b { color: var(--warn); } .numbers .zero b { color: var(--good); }
.racks { display: grid; grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); gap: 18px; align-items: start; }
.rack { background: var(--rack); border: 1px solid var(--line); border-radius: 14px; padding: 16px; }
.node { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; margin-top: 12px; border-top: 3px solid var(--good); }
.node.warn { border-top-color: var(--warn); } .node.bad { border-top-color: var(--bad); }
.node h3 { font-size: 16px; margin: 0; display: flex; justify-content: space-between; align-items: baseline; gap: 8px; overflow-wrap: anywhere; }
.node h3 small { color: var(--dim); font-size: 12.5px; font-weight: 400; white-space: nowrap; }
.role { color: var(--dim); font-size: 13px; margin: 2px 0 10px; display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 8px;
  min-height: 21px; }
.tags { display: flex; flex-wrap: wrap; gap: 4px; }
.tag { font-size: 12px; line-height: 1.5; border-radius: 99px; padding: 1px 10px; border: 1px solid var(--line); color: var(--dim); }
.tag.lead { background: var(--accent); border-color: var(--accent); color: var(--card); font-weight: 600; }
.tag.warn { background: var(--warn-soft); border-color: transparent; color: var(--warn); font-weight: 600; }
.tag.bad { background: var(--bad-soft); border-color: transparent; color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 8px; margin: 0; }
dt { color: var(--dim); font-size: 12px; } dd { margin: 0; font-size: 17px; font-weight: 600; line-height: 1.3; }
.disks { border-top: 1px solid var(--line); margin-top: 12px; padding-top: 10px; display: grid; gap: 8px; }
.disk { font-size: 12.5px; color: var(--dim); } .disk p { margin: 0; display: flex; justify-content: space-between; gap: 10px; }
.disk p > span:last-child { white-space: nowrap; } .mount { overflow-wrap: anywhere; }
.lock { margin-left: 8px; padding: 0 7px; border-radius: 99px; background: var(--good-soft); color: var(--good); font-size: 11.5px; white-space: nowrap; }
.bar { height: 5px; border-radius: 3px; background: var(--line); margin-top: 4px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); } .bar.warn i { background: var(--warn); } .bar.bad i { background: var(--bad); }
.proof { margin: 28px 0 0; padding: 16px 18px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.proof b { color: var(--good); }
@media (max-width: 560px) { main { padding: 24px 16px; } }
"""


def page(model: dict[str, Any]) -> str:
    """The whole page; model is what _report.cluster.build made, and every text in it is escaped. Raises ModelError."""
    try:
        return _page(model)
    except (KeyError, TypeError) as error:
        raise cluster.ModelError("The page cannot be made, because %s is missing or of another kind; hand over what kafka_model made." % error) from None


def _page(model: dict[str, Any]) -> str:
    title = "Kafka cluster %s" % model["name"]
    mode = "KRaft" if model["metadata"] == "kraft" else "ZooKeeper"
    nodes = [node for rack in model["racks"] for node in rack["nodes"]]
    brokers = sum(cluster.BROKER in node["roles"] for node in nodes)
    facts = ["Kafka %s" % ", ".join(model["versions"])] if model["versions"] else []
    facts += [mode, _count(brokers, "broker"), _count(len(model["racks"]), "rack")]
    facts += ["checked %s" % cluster.date(model["checked_at"])] if model["checked_at"] else []
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n" % (escape(title), STYLE),
            '<header><h1>%s</h1><span class="sub">%s · <code>%s</code></span></header>\n'
            % (escape(str(model["name"])), escape(" · ".join(facts)), escape(str(model["cluster_id"]))),
            _verdict(model),
            _numbers(model["counts"]),
            '<div class="racks">\n',
            *(_rack(rack) for rack in model["racks"]),
            "</div>\n",
            '<p class="proof"><b>Proven.</b> %s</p>\n' % escape(model["proof"]) if model["proof"] else "",
            "</main>\n</body>\n</html>\n",
        ]
    )


def _count(number: int, thing: str) -> str:
    return "%d %s%s" % (number, thing, "" if number == 1 else "s")


def _number(number: int) -> str:
    return f"{number:,}"


def _verdict(model: dict[str, Any]) -> str:
    out = ""
    if model["findings"]:
        items = "".join("<li>%s</li>" % escape(finding) for finding in model["findings"])
        out += '<div class="verdict bad"><p><b>This cluster needs attention.</b></p><ul>%s</ul></div>\n' % items
    else:
        out += '<div class="verdict good"><p><b>Healthy.</b> %s</p></div>\n' % escape(cluster.health(model["counts"]))
    if model["restarts"]:
        names = escape(", ".join(model["restarts"]))
        verb = "waits" if len(model["restarts"]) == 1 else "wait"
        out += '<div class="verdict warn"><p><b>Restart pending.</b> %s %s for a rolling restart to take up new settings.</p></div>\n' % (names, verb)
    return out


def _numbers(counts: dict[str, int]) -> str:
    shown = [("Topics", counts["topics"], ""), ("Partitions", counts["partitions"], "")]
    for key, word, kind in (
        ("under_replicated", "Under-replicated", "warn"),
        ("at_min_isr", "At min ISR", "warn"),
        ("under_min_isr", "Below min ISR", "bad"),
        ("offline", "Offline", "bad"),
    ):
        shown.append((word, counts[key], kind if counts[key] else "zero"))
    return '<ul class="numbers">%s</ul>\n' % "".join('<li class="%s"><b>%s</b>%s</li>' % (kind, _number(number), word) for word, number, kind in shown)


def _rack(rack: dict[str, Any]) -> str:
    body = "".join(_node(node) for node in rack["nodes"])
    return '<section class="rack"><h2>%s<span>%s</span></h2>\n%s</section>\n' % (escape(str(rack["name"])), _count(len(rack["nodes"]), "node"), body)


def _node(node: dict[str, Any]) -> str:
    states = [state for state in cluster.states(node) if state not in node["marks"] and state != "ok"]
    kind = "" if not states else " warn" if states == ["restart pending"] else " bad"
    tags = ['<span class="tag%s">%s</span>' % (" lead" if node["leader"] else "", escape(mark)) for mark in node["marks"]]
    tags += ['<span class="tag %s">%s</span>' % ("warn" if state == "restart pending" else "bad", escape(state)) for state in states]
    roles = " + ".join(cluster.TITLES[role] for role in node["roles"])
    facts = []
    if node["leaders"] is not None:
        facts += [("leads", _number(node["leaders"])), ("replicas", _number(node["replicas"]))]
    if node["heap_mb"]:
        facts.append(("heap", size(node["heap_mb"] / 1024)))
    return "".join(
        [
            '<article class="node%s"><h3>%s<small>id %d</small></h3>' % (kind, escape(node["name"]), node["id"]),
            '<div class="role"><span>%s</span>' % escape("%s%s" % (roles[:1].upper() + roles[1:], " %s" % node["version"] if node["version"] else "")),
            '<span class="tags">%s</span></div>' % "".join(tags),
            "<dl>%s</dl>" % "".join("<div><dt>%s</dt><dd>%s</dd></div>" % fact for fact in facts) if facts else "",
            '<div class="disks">%s</div>' % "".join(_disk(disk) for disk in node["disks"]) if node["disks"] else "",
            "</article>\n",
        ]
    )


def _disk(disk: dict[str, Any]) -> str:
    used = disk["used_percent"]
    whole = None if disk["size_gb"] is None else size(disk["size_gb"])
    told = " of ".join(part for part in (None if used is None else "%.0f %%" % used, whole) if part)
    lock = ""
    if disk["encryption"]:
        lock = '<span class="lock">%s</span>' % escape("encrypted" if disk["encryption"] is True else str(disk["encryption"]))
    bar = ""
    if used is not None:
        kind = " bad" if used >= cluster.FULL_PERCENT else " warn" if used >= 75 else ""
        # A used disk is never shown as an empty bar.
        bar = '<div class="bar%s"><i style="width:%.1f%%"></i></div>' % (kind, min(100, max(used, 1.5)))
    return '<div class="disk"><p><span><span class="mount">%s</span>%s</span><span>%s</span></p>%s</div>' % (
        escape(str(disk["mount"])),
        lock,
        escape(told),
        bar,
    )
