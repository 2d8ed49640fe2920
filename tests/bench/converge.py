"""Seconds and tasks of a first and of a no-change site, in the lab; one JSON object as the last line.

    python tests/bench/converge.py [--metadata zookeeper|kraft|combined]

zookeeper and kraft are six hosts, combined is three. Everything starts from a fresh lab, so that the first run is a first run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = {
    "zookeeper": "demo",
    "kraft": "kraft",
    "combined": "combined",
    "roll": "roll",
    "roll-zookeeper": "roll-demo",
}
RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=0\s+failed=0", re.MULTILINE
)


def environment(metadata: str) -> dict[str, str]:
    """The environment in which playbooks reach the lab and the cluster of this metadata mode."""
    subprocess.run([sys.executable, "-m", "lab", "up", "--fresh"], cwd=ROOT, check=True, stdout=sys.stderr)
    exports = subprocess.run(
        [sys.executable, "-m", "lab", "env"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    lab = dict(word.split("=", 1) for line in exports.splitlines() for word in shlex.split(line)[1:])
    return {
        **os.environ,
        **lab,
        "KAFKA_METADATA": metadata,
        "KAFKA_CLUSTER": CLUSTERS[metadata],
        "ANSIBLE_NOCOLOR": "1",
    }


def play(name: str, env: dict[str, str]) -> tuple[float, dict[str, dict[str, int]]]:
    """Run one playbook of the collection: seconds, and for each host the tasks that ran and those that changed something."""
    start = time.monotonic()
    command = ["ansible-playbook", "-i", "inventories/lab", "playbooks/%s.yml" % name]
    run = subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit("%s\n%s ended with %d." % (run.stdout, " ".join(command), run.returncode))
    hosts = {
        found["host"]: {"tasks": int(found["ok"]), "changed": int(found["changed"])}
        for found in RECAP.finditer(run.stdout)
    }
    return time.monotonic() - start, hosts


def main() -> None:
    """Provision, site, site again; report the two runs of site."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metadata", choices=sorted(CLUSTERS), default="zookeeper")
    env = environment(parser.parse_args().metadata)
    play("provision", env)
    first, _hosts = play("site", env)
    rerun, hosts = play("site", env)
    groups = json.loads(
        subprocess.run(
            ["ansible-inventory", "-i", "inventories/lab", "--list"], cwd=ROOT, env=env, check=True, capture_output=True
        ).stdout
    )
    roles = {"broker": "kafka_brokers", "zookeeper": "kafka_zookeepers", "controller": "kafka_controllers"}
    members = {role: groups.get(group, {}).get("hosts", []) for role, group in roles.items()}
    result = {
        "first_seconds": round(first, 1),
        "rerun_seconds": round(rerun, 1),
        "changed": sum(counts["changed"] for counts in hosts.values()),
        "tasks_per_host": {
            role: max(hosts[name]["tasks"] for name in names) for role, names in members.items() if names
        },
        "hosts": len({name for names in members.values() for name in names}),
    }
    print(json.dumps(result, separators=(",", ":")))


if __name__ == "__main__":
    main()
