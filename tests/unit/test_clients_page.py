"""docs/clients.md quotes what the code says; its snippets are run by tests/system/test_secured_clients.py."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS = ("connection_check.py", "tls.py", "metadata.py")


def quoted(page):
    return re.findall(r"^\| `(.+?)` \| [^|]+ \|$", page.partition("## When a client")[2], re.MULTILINE)


def unsaid(page):
    """What is quoted and no text of the code."""
    trees = [ast.parse((ROOT / "plugins/module_utils/_kafka" / name).read_text()) for name in SAYS]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [text.replace("%s", "SCRAM-SHA-512") for text in texts if isinstance(text, str)]
    return [
        quote for quote in quoted(page) if not any(all(part in text for part in quote.split("…")) for text in texts)
    ]


def test_what_it_quotes_is_said():
    page = (ROOT / "docs/clients.md").read_text()
    assert len(quoted(page)) > 12 and unsaid(page) == []


@pytest.mark.parametrize("row", ["| `is not believed` | x |", "| `knows no user … for PLAIN` | x |"])
def test_a_quote_that_nobody_says_is_seen(row):
    assert len(unsaid("## When a client\n%s\n" % row)) == 1
