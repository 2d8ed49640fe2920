"""A restart of all nodes under load."""

from __future__ import annotations

import json


def test_check_mode_shows_the_plan_and_stops_no_node(cluster):
    before = cluster.processes()
    cluster.play("rolling_restart", "--check", roll_all=True).succeeded("step 1, batch 1 (the canary)")
    assert cluster.processes() == before


def test_every_node_is_restarted_once_in_a_batch_a_rack_after_the_canary(cluster):
    before = {**cluster.processes(), **cluster.quorum_processes()}
    with cluster.load("restart"):
        cluster.play("rolling_restart", roll_all=True, roll_canary_soak_seconds=5).succeeded()
    canary, next_batch = cluster.seen("back")[0]["t"], cluster.seen("gate_open")[1]["t"]
    assert next_batch - canary >= 5
    after = {**cluster.processes(), **cluster.quorum_processes()}
    assert {name for name in before if before[name] == after[name]} == set()
    report = json.loads((cluster.scratch / (cluster.name + "-roll.json")).read_text())
    assert report["state"] == "done"
    assert len(report["plan"]["batches"]) == len(cluster.by_rack)
    cluster.play("rolling_restart").succeeded("No node needs a restart.")
    assert {**cluster.processes(), **cluster.quorum_processes()} == after
