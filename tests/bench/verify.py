"""What the end of `site` costs the controller: the last play of parts/verify_cluster.yml under Ansible
itself, with modules that answer as a big cluster's would.

    python tests/bench/verify.py [--brokers 300] [--partitions 100000] [--tree DIRECTORY]

The hosts are not asked how their services are: that costs a task each, however many partitions there are. Prints one JSON object. The same is run
with a hundredth of the partitions, so that the difference is what partitions cost. --tree is another checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".collections"), str(ROOT / "tests")]

import yaml
from bench.plan import cluster
from stand_ins import overlay

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import check_records
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import snapshot as kafka_snapshot

SERVICE = """
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    _requires_connection = False
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        return %r
"""
DISKS = [
    {"mount": "/var/lib/kafka/data%d" % number, "size_gb": 500.1, "used_percent": 40.2, "luks": True}
    for number in range(2)
]
STATE = {
    "unit_state": "active",
    "restarts": 0,
    "version": "4.3.1",
    "heap_mb": 3584,
    "disks": DISKS,
    "restart_needed": False,
}


def snapshot(brokers: int, partitions: int, behind: float = 0.0) -> dict[str, Any]:
    """A cluster as kafka_cluster_info returns it."""
    made = cluster(brokers, partitions, 3, behind=behind)
    named: dict[str, int] = {}
    for each in made["partitions"]:
        named[each["topic"]] = named.get(each["topic"], 0) + 1
        each.update(leader=each["isr"][0], offline=[], elr=[], adding=[], removing=[])
    replica = {
        "log_end_offset": 123456789,
        "directory_id": "MkU3OEVBNTcwNTJENDM2Qg",
        "last_caught_up_ms": 1764492300000,
    }
    quorum = {"leader": 1001, "epoch": 7, "high_watermark": 123456789}
    quorum.update(
        voters=[{"id": id_, **replica} for id_ in (1001, 1002, 1003)],
        observers=[{"id": each["id"], **replica} for each in made["brokers"]],
    )
    return {
        "cluster_id": "MkU3OEVBNTcwNTJENDM2Qg",
        "metadata": "kraft",
        "controller_id": 1001,
        "brokers": [
            {"host": "198.18.%d.%d" % divmod(each["id"], 250), "port": 9092, "fenced": False, **each}
            for each in made["brokers"]
        ],
        "topics": {
            name: {"partitions": count, "replication_factor": 3, "min_isr": 2, "own_min_isr": True}
            for name, count in named.items()
        },
        "partitions": made["partitions"],
        "reassignments": [],
        "quorum": quorum,
        "counts": vars(kafka_snapshot.count(made["partitions"], len(named))),
    }


def answers(brokers: int, partitions: int) -> dict[str, dict[str, Any]]:
    """What each module would say."""
    whole = snapshot(brokers, partitions)
    racks = {each["id"]: each["rack"] for each in whole["brokers"]}
    placed = check_records.places("rackaware-proof", whole["partitions"][:100] * max(1, brokers // 100), racks, 3)
    sentence = check_records.sentence("rackaware-proof", placed, written=True)
    proof = {"topic": "rackaware-proof", "marker": "0" * 36, "sentence": sentence}
    whole["topics"]["rackaware-proof"] = {
        "partitions": brokers,
        "replication_factor": 3,
        "min_isr": 2,
        "own_min_isr": False,
    }
    small = dict(kafka_snapshot.summarize(whole), checked_at=kafka_snapshot.now())
    return {
        "kafka_cluster_info": {"changed": False, "cluster": whole},
        "kafka_round_trip": {"changed": False, **proof, "partitions": [dict(each, offset=1) for each in placed]},
        "kafka_verify": {"changed": False, "ready": True, "missing": [], "cluster": small, "proof": proof},
    }


def tree(place: Path, root: Path, said: dict[str, dict[str, Any]]) -> None:
    """The collection in root, with modules that only answer."""
    place.mkdir(exist_ok=True)
    files = {"plugins/action/kafka_service_info.py": SERVICE % STATE}
    for name, answer in said.items():
        answered = place / (name + ".json")
        answered.write_text(json.dumps(answer))
        files["plugins/modules/%s.py" % name] = "#!/usr/bin/python\nprint(open(%r).read())\n" % str(answered)
    overlay(place, files, root)


def run(root: Path, brokers: int, partitions: int) -> dict[str, Any]:
    """One run of the playbook."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        said = answers(brokers, partitions)
        tree(place, root, said)
        common = {
            "ansible_connection": "local",
            "kafka_cluster": "big",
            "kafka_data_volumes": [],
            "__kafka_service": STATE,
        }
        hosts = {
            "b%d" % id_: {"kafka_node_id": id_, "kafka_rack": "rack-%d" % (id_ % 3), "ansible_host": "127.0.0.1"}
            for id_ in range(1, brokers + 1)
        }
        inventory = {
            "all": {"vars": common, "children": {"kafka_brokers": {"hosts": hosts}, "kafka_controllers": {"hosts": {}}}}
        }
        (place / "hosts.json").write_text(json.dumps(inventory))
        # The interpreter of a broker; a task's own variable, so only an extra one is stronger.
        more = {"kafka_report_dir": str(place / "reports"), "ansible_python_interpreter": sys.executable}
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(place),
            "ANSIBLE_CONFIG": str(root / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(place / "local"),
            "ANSIBLE_FORKS": "2",
        }
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(place / "hosts.json"),
            "-e",
            json.dumps(more),
            str(place / "verify_cluster.yml"),
        ]
        play = yaml.safe_load((root / "playbooks/parts/verify_cluster.yml").read_text())[1:]
        (place / "verify_cluster.yml").write_text(yaml.safe_dump(play, sort_keys=False))
        (place / "host.yml").symlink_to(root / "playbooks/parts/host.yml")
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stdout[-3000:] + done.stderr[-2000:])
        used = [module for module in said if module in (root / "playbooks/parts/verify_cluster.yml").read_text()]
        return {
            "partitions": partitions,
            "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
            "seconds": round(time.monotonic() - began, 1),
            "peak_mb": round(after.ru_maxrss / 1024),
            "result_bytes": {module: (place / (module + ".json")).stat().st_size for module in used},
        }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", type=int, default=300)
    parser.add_argument("--partitions", type=int, default=100_000)
    parser.add_argument("--tree", type=Path, default=ROOT)
    options = parser.parse_args()
    runs = [
        run(options.tree.resolve(), options.brokers, partitions)
        for partitions in (max(300, options.partitions // 100), options.partitions)
    ]
    more = round(runs[1]["cpu_seconds"] - runs[0]["cpu_seconds"], 1)
    print(json.dumps({"brokers": options.brokers, "runs": runs, "cpu_seconds_for_the_partitions": more}))


if __name__ == "__main__":
    main()
