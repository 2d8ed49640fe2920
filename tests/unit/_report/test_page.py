# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both pages promise: a screen reader, a telephone and paper can show them, and only controllers make them."""

from __future__ import annotations

import ast
from html.parser import HTMLParser
from pathlib import Path

import pytest
from one_broker import CLUSTER, HOSTS

from ansible_collections.rackaware.kafka.plugins.module_utils._report import cluster, page, roll

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
EVENTS = [
    {"t": 0, "event": "roll_started", "cluster": "demo"},
    {"t": 1, "event": "batch_started", "batch": 1, "brokers": [1, 2]},
    {"t": 1, "event": "gate_waiting", "brokers": [1, 2], "reason": "t-0 is at its minimum"},
    {"t": 2, "event": "controller_stopping", "node": 101},
    {"t": 3, "event": "stopping", "broker": 1},
    {"t": 4, "event": "curve", "under_replicated": 5, "at_min_isr": 3, "under_min_isr": 0},
    {"t": 8, "event": "curve", "under_replicated": 2},
    {"t": 9, "event": "failed", "broker": 1, "reason": "did not register"},
    {"t": 10, "event": "roll_stopped", "reason": "broker 1 did not register"},
]
REFUSED = [{"topic": "t", "partition": 3, "brokers": [1, 2], "reason": "one replica"}]
PLAN = {"batches": [[1, 2]], "certificate": "both have the only replicas.", "refused": REFUSED}
PROOF = {"sentence": "A record was read back."}
GAPS = {"worst_ms": 1, "partitions": {"t-1": {"ms": 1, "from": 3, "to": 4}}}
LEDGER = {"lost": 2, "records": {"acked": 10}, "gaps": GAPS}


def cluster_page():
    return page.cluster_page(cluster.build(CLUSTER, HOSTS, name="demo", proof=PROOF))


def roll_page():
    return page.roll_page(roll.model(EVENTS, PLAN, ledger=LEDGER))


class Outline(HTMLParser):
    """The elements of a page in their order, each with its attributes and the tags that it lies in."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), tuple(self.open)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, *tags):
        return [(attrs, path) for tag, attrs, path in self.found if tag in tags]


@pytest.fixture(params=[cluster_page, roll_page], ids=["cluster", "roll"])
def outline(request):
    return Outline(request.param())


def test_there_are_landmarks_and_one_heading_of_the_page(outline):
    assert len(outline.all("header")) == len(outline.all("main")) == len(outline.all("h1")) == 1
    assert outline.all("h1")[0][1][-1] == "header" and outline.all("html")[0][0] == {"lang": "en"}


def test_no_level_of_headings_is_left_out(outline):
    levels = [int(tag[1]) for tag, _, _ in outline.found if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:]))


def test_what_a_label_points_to_is_there_once(outline):
    ids = [attrs["id"] for _, attrs, _ in outline.found if "id" in attrs]
    named = [name for _, attrs, _ in outline.found for name in attrs.get("aria-labelledby", "").split()]
    assert len(ids) == len(set(ids)) and set(named) <= set(ids)


def test_a_section_has_a_heading_or_a_label():
    for make in (cluster_page, roll_page):
        outline = Outline(make())
        sections = [attrs for attrs, _ in outline.all("section") if attrs.get("class") != "rack"]
        assert sections and all("aria-label" in attrs or "aria-labelledby" in attrs for attrs in sections)


def test_a_table_has_a_caption_and_its_heads_say_what_they_are_heads_of():
    outline = Outline(roll_page())
    assert len(outline.all("table")) == len(outline.all("caption")) == 4
    heads = outline.all("th")
    assert {attrs.get("scope") for attrs, path in heads if "thead" in path} == {"col"}
    assert {attrs.get("scope") for attrs, path in heads if "tbody" in path} == {"row"}


def test_the_picture_has_a_title_and_a_description():
    outline = Outline(roll_page())
    (attrs, _), *more = outline.all("svg")
    assert not more and attrs["role"] == "img"
    ids = [attrs["id"] for attrs, path in outline.all("title", "desc") if path[-1] == "svg"]
    assert attrs["aria-labelledby"].split() == ids and len(ids) == 2
    assert "1 controller and 2 brokers over 10 s" in roll_page()
    assert "at most 5 under-replicated, 3 at min ISR, 0 under min ISR." in roll_page()


def test_what_is_wider_than_the_page_scrolls_alone_and_from_the_keyboard():
    outline = Outline(roll_page())
    scrolls = [attrs for attrs, _ in outline.all("div") if attrs.get("class") == "scroll"]
    assert len(scrolls) == len(outline.all("table", "svg")) and all(attrs["tabindex"] == "0" for attrs in scrolls)


@pytest.mark.parametrize("query", ["screen and (prefers-color-scheme: dark)", "(max-width: 560px)", "print"])
def test_both_pages_have_the_one_style_sheet(query):
    style = (PLUGINS / "module_utils/_report/templates/style.css").read_text().strip()
    assert "@media %s {" % query in style and style in cluster_page() and style in roll_page()


def test_every_class_of_a_page_has_a_style(outline):
    style = (PLUGINS / "module_utils/_report/templates/style.css").read_text()
    classes = {name for _, attrs, _ in outline.found for name in (attrs.get("class") or "").split()}
    assert {name for name in classes if "." + name not in style} == set()


def test_an_unknown_event_changes_nothing():
    more = [*EVENTS, {"t": 5, "event": "coffee", "broker": 1}]
    assert roll.model(more, PLAN) == roll.model(EVENTS, PLAN)


@pytest.mark.parametrize("key", ["totals", "sentences", "gates", "started"])
def test_a_roll_that_lacks_something_is_one_sentence(key):
    whole = roll.model(EVENTS, PLAN)
    with pytest.raises(roll.RollReportError, match="The page cannot be made, because something in its model"):
        page.roll_page({name: value for name, value in whole.items() if name != key})


@pytest.mark.parametrize("key", ["metadata", "findings", "checked_at"])
def test_a_cluster_that_lacks_something_is_one_sentence(key):
    whole = cluster.build(CLUSTER, HOSTS, name="demo")
    with pytest.raises(cluster.ModelError, match="The page cannot be made, because something in its model"):
        page.cluster_page({name: value for name, value in whole.items() if name != key})


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from ("%s.%s" % (node.module or "", name.name) for name in node.names)


def test_nothing_that_runs_on_a_host_needs_jinja():
    hosts = [*PLUGINS.glob("modules/*.py"), *PLUGINS.glob("module_utils/**/*.py")]
    with_jinja = {path.name for path in hosts if any(name.split(".")[0] == "jinja2" for name in imports(path))}
    with_page = {path.name for path in hosts if any(name.split(".")[-1] == "page" for name in imports(path))}
    assert (with_jinja, with_page) == ({"page.py"}, set())
