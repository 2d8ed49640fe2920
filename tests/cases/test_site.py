"""What site itself did: how much it ran when nothing changed, and what it reported."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = os.environ["KAFKA_CLUSTER"]
RECAP = re.compile(r"(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
MOST = {"broker": 20, "controller": 20, "zookeeper": 15, "combined": 20}


@pytest.fixture(scope="module")
def unchanged():
    """{host: (ok, changed)} of the last site in the log, which the action idempotence ran."""
    log = Path(os.environ["ANSIBLE_LOG_PATH"]).read_text()
    recap = log[log.rindex("PLAY RECAP") :]
    return {
        host: (int(ok), int(changed))
        for host, ok, changed, _lost, _failed in RECAP.findall(recap)
        if host != "localhost"
    }


def test_a_second_run_changes_nothing(unchanged):
    assert len(unchanged) >= 3
    assert {host: changed for host, (_ok, changed) in unchanged.items() if changed} == {}


def test_a_second_run_is_short(unchanged):
    for host, (tasks, _changed) in unchanged.items():
        assert tasks <= MOST[host.split("-")[1]], host


def test_the_page_needs_nothing_else():
    page = (ROOT / "reports" / (CLUSTER + ".html")).read_text()
    for text in (CLUSTER, "eu-west-1a", "eu-west-1b", "eu-west-1c"):
        assert text in page
    assert not re.search(r"""(src|href)=["']https?://""", page)
