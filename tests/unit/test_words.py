"""Words that readers stumbled over do not come back. What to say instead stands beside each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = {
    r"(nobody|somebody|everybody|anybody|whoever)": "the node, no node, all nodes, the caller",
    r"laggards?": "recovering brokers",
    r"suspects?": "brokers restarted by systemd",
    r"keepers?": "quorum nodes, or ZooKeeper nodes",
    r"anew": "again, new, restarted",
    r"ways? back": "rollback; recovering",
    r"stands? against": "blocks",
    r"lets? the lock go": "releases the lock",
    r"finalis\w*": "finalize, as Kafka spells it",
}
FILES = [
    path
    for place in (
        "plugins",
        "roles",
        "playbooks",
        "docs",
        "inventories",
        "molecule",
        "tests/cases",
        "tests/lab",
        "tests/ledger",
        "README.md",
    )
    for path in ([ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*")))
    if path.suffix in (".py", ".yml", ".md", ".j2")
]


def found(text):
    """(line, word, what to say instead)."""
    for number, line in enumerate(text.splitlines(), start=1):
        for words, instead in BANNED.items():
            # Also within names, such as recovering_laggards.
            for match in re.finditer(r"(?<![a-zA-Z])%s(?![a-z])" % words, line, re.IGNORECASE):
                yield number, match.group(), instead


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_word_makes_a_reader_stop(path):
    assert list(found(path.read_text())) == []


@pytest.mark.parametrize(
    "text", ["Nobody leads.", "roll_laggards: 1", "# started\n# anew", "Finalising it", "keepers_first"]
)
def test_such_a_word_is_seen(text):
    assert len(list(found(text))) == 1
