"""What a rotation of certificates costs on the hosts, without the roll: keys, requests, signatures and staged files.

    python tests/bench/rotation.py [--brokers 9]

The three modules of the role tls run in this process on hosts that are directories, with a running service, so that all
is staged. Left out are Ansible's own time, the connection to hosts, and KMS, whose place a local key takes. Prints one
JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".collections"), str(ROOT / "tests")]

import pytest
import tls_cluster


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    answer = call()
    return time.perf_counter() - begun, answer


def rotation(brokers: int) -> dict[str, Any]:
    """All certificates of a cluster of brokers once, after the first ones are in place."""
    names = ["b%d" % number for number in range(1, brokers + 1)]
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")

        def read() -> SimpleNamespace:
            shown.seek(0)
            text = shown.read()
            shown.seek(0)
            shown.truncate()
            return SimpleNamespace(out=text, err="")

        patch.setattr(tls_cluster, "GROUPS", {"broker": names, "zookeeper": [], "controller": []})
        cluster = tls_cluster.Cluster(Path(home), SimpleNamespace(readouterr=read), patch)
        cluster.variables = {name: {"ansible_host": "127.0.1.%s" % name[1:]} for name in names}
        cluster.use(patch, tls_cluster.LocalKey())
        with contextlib.redirect_stdout(shown):
            cluster.run()
            cluster.running, before = True, cluster.kms.signatures
            requests = {name: seconds(lambda name=name: cluster.request(name, renew=True)) for name in names}
            signing, signed = seconds(lambda: cluster.decide({name: answer for name, (_, answer) in requests.items()}))
            staging = [seconds(lambda name=name: cluster.write(name, signed)) for name in names]
        assert all("keystore.pem" in str(answer["staged"]) for _, answer in staging), staging
        return {
            "brokers": brokers,
            "signatures": cluster.kms.signatures - before,
            "request_seconds_per_host": round(statistics.median(took for took, _ in requests.values()), 3),
            "sign_seconds_for_all": round(signing, 3),
            "stage_seconds_per_host": round(statistics.median(took for took, _ in staging), 3),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", type=int, default=9)
    print(json.dumps({"rotation": rotation(parser.parse_args().brokers)}, indent=2))
