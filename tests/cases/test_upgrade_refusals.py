"""An upgrade that cannot be is refused in one sentence, with no node stopped and nothing staged."""

from __future__ import annotations

import json

import pytest
from cluster import NEW, OLD, ZOOKEEPER

NONE, OLDER, SKIPS = ("3.9.9", "3.7.2", "4.3.1") if ZOOKEEPER else ("4.3.9", "4.0.1", "3.9.2")
SKIPPED = "cannot run with ZooKeeper nodes" if ZOOKEEPER else "with controllers is not supported"
CASES = {
    "a version that does not exist": ("rolling_upgrade", NONE, "cannot be fetched"),
    "no version at all": ("rolling_upgrade", "4.x", "must be a full version"),
    "a version that skips": ("rolling_upgrade", SKIPS, SKIPPED),
    "a downgrade": ("rolling_upgrade", OLDER, "Kafka %s is older than %s" % (OLDER, OLD)),
    "an archive that is missing on one host": ("rolling_upgrade", NEW, "none.tgz cannot be fetched"),
    "a limit": ("rolling_upgrade", NEW, "cut batches in two"),
    "a site that would upgrade": ("site", NEW, "only an upgrade changes that"),
    "finalizing what does not run": ("finalize_upgrade", NEW, "all nodes must run"),
    "downtime without confirmation": ("downtime_upgrade", NEW, "to confirm, add -e kafka_confirm="),
}


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.processes(), cluster.agreed()


@pytest.fixture(scope="module")
def runs(cluster, before, pool):
    victim = list(cluster.brokers)[1]
    second = cluster.scratch / "second.json"
    missing = {"kafka_install_url": "http://198.18.0.1:8000/kafka/none.tgz"}
    second.write_text(json.dumps({"kafka_brokers": {"hosts": {victim: missing}}}))
    options = {
        "an archive that is missing on one host": ["-i", str(second)],
        "a limit": ["--limit", victim + ",localhost"],
    }
    return {
        case: pool.submit(cluster.play, playbook, *options.get(case, []), kafka_version=version)
        for case, (playbook, version, _sentence) in CASES.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(runs, case):
    runs[case].result().refused(CASES[case][-1])


def test_a_restart_does_not_upgrade(cluster, before):
    """Not beside the others, which would find its lock."""
    cluster.play("rolling_restart", kafka_version=NEW).refused("run rolling_upgrade")


def test_check_mode_shows_the_way_and_the_plan(cluster, before):
    cluster.play("rolling_upgrade", "--check", kafka_version=NEW).succeeded(
        "From Kafka %s to %s" % (OLD, NEW), "step 1, batch 1 (the canary)"
    )


def test_nothing_has_changed(cluster, before):
    assert (cluster.processes(), cluster.agreed()) == before
    assert cluster.staged() == []
    assert cluster.versions() == {OLD}
