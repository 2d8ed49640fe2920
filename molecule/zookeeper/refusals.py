"""Run site with one bad input after another: each must end in its sentence, with nothing changed on any host. refusals.py <inventory>"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)", re.MULTILINE)


def host(name, **variables):
    """A second inventory that says something else about one host."""
    return {"inventory": {"kafka_brokers": {"hosts": {name: variables}}}}


def extra(**variables):
    """Extra variables."""
    return {"extra": variables}


CASES = {
    "a misspelled variable": (
        extra(broker_hap_mb=512),
        "The variable broker_hap_mb is unknown; did you mean broker_heap_mb?",
    ),
    "a heap of 4 GB": (extra(broker_heap_mb=4096), "must stay below 4096 MB"),
    "a replication factor above the brokers": (
        extra(kafka_replication_factor=4),
        "The replication factor is 4, but there are 3 brokers",
    ),
    "a replication factor below min.insync.replicas": (
        extra(kafka_replication_factor=1),
        "is below min.insync.replicas 2",
    ),
    "Kafka 4 with ZooKeeper": (extra(kafka_version="4.3.1"), "Kafka 4.3.1 cannot run with ZooKeeper nodes"),
    "an identity in broker_config": (
        extra(broker_config={"broker.id": 9}),
        "broker_config sets broker.id, which the inventory decides",
    ),
    "a misspelled setting of Kafka": (
        extra(broker_config={"log.retention.hour": 9}),
        "did you mean log.retention.hours?",
    ),
    "a duplicate node id": (host("demo-broker-2", kafka_node_id=1), "Node id 1 is given to several"),
    "a missing node id": (host("demo-broker-2", kafka_node_id=None), "Host demo-broker-2 has no kafka_node_id"),
    "two zones": (host("demo-broker-3", kafka_rack="eu-west-1a"), "The brokers lie in 2 racks"),
    "an unknown instance type": (host("demo-broker-2", kafka_instance_type="m99.large"), "m99.large"),
    "a host that cannot be reached": (host("demo-broker-3", ansible_host="198.18.3.99"), "unreachable=1"),
    "more open files than the kernel allows": (extra(kafka_open_files=2000000000), "2000000000"),
    "an archive that is not there": (
        extra(kafka_version="3.9.9", kafka_install_url="http://198.18.0.1:8000/kafka/none.tgz"),
        "none.tgz",
    ),
    "an empty inventory": ({"environment": {"KAFKA_CLUSTER": "nobody"}}, "The inventory has no Kafka hosts"),
}


def refusal(inventory: str, title: str, case: dict, sentence: str) -> str:
    """Empty when site refused as it must, else what it did instead."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["ansible-playbook", "-i", inventory]
        if "inventory" in case:
            second = Path(scratch, "second.json")
            second.write_text(json.dumps(case["inventory"]))
            command += ["-i", str(second)]
        if "extra" in case:
            command += ["-e", json.dumps(case["extra"])]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_TIMEOUT": "5", **case.get("environment", {})}
        for name in ("ANSIBLE_LOG_PATH", "ANSIBLE_FORCE_COLOR", "PY_COLORS"):
            environment.pop(name, None)
        run = subprocess.run(
            [*command, "playbooks/site.yml"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    out = run.stdout + run.stderr
    changed = [name for name, _ok, count in RECAP.findall(out) if int(count)]
    if run.returncode == 0 or sentence not in out.replace("\n", " ") or changed:
        return "%s: code %d, changed %s, and not the sentence %r in:\n%s" % (
            title,
            run.returncode,
            changed or "nothing",
            sentence,
            out[-3000:],
        )
    return ""


def main() -> None:
    """All cases, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        asked = {
            title: pool.submit(refusal, sys.argv[1], title, case, sentence) for title, (case, sentence) in CASES.items()
        }
    for title, found in asked.items():
        print("%s: %s" % ("not refused as it must be" if found.result() else "refused", title))
    wrong = [found.result() for found in asked.values() if found.result()]
    if wrong:
        sys.exit("\n\n".join(wrong))


if __name__ == "__main__":
    main()
