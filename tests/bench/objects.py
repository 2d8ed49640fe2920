"""Seconds that 1,000 topics, 1,000 ACLs and 100 users take, declared and then declared again, on one real broker in KRaft mode.

    python tests/bench/objects.py [--topics 1000] [--acls 1000] [--users 100]

The modules run as on a host, each in a process of its own. Prints one JSON object, with what one module call for each topic
would take, from a few of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".collections"), str(ROOT / "tests"), str(ROOT / "tests/system")]

from kafka_cluster import run_module
from secured_broker import SecuredBroker

SINGLE_CALLS = 10
# So that the disk of this machine does not count.
MEMORY = "/dev/shm"
CONFIG = {"retention.ms": 604800000}


def processor_seconds(broker: int) -> float:
    """What the broker and the modules that ended have used; unlike seconds, other work on the machine does not change it."""
    fields = Path("/proc/%d/stat" % broker).read_text().rpartition(")")[2].split()
    mine = os.times()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + mine.children_user + mine.children_system


def declare(calls: dict[str, dict[str, Any]], broker: int, *, changed: bool) -> dict[str, float]:
    """Run each module; its seconds by name, the sum, and the processor seconds of the modules and the broker."""
    seconds, used = {}, processor_seconds(broker)
    for name, params in calls.items():
        begun = time.monotonic()
        result = run_module(name, **params)
        seconds[name] = round(time.monotonic() - begun, 1)
        if result.get("changed") is not changed:
            raise SystemExit("%s: %s" % (name, {**result, "changes": len(result.get("changes", []))}))
    return {
        **seconds,
        "all": round(sum(seconds.values()), 1),
        "processor": round(processor_seconds(broker) - used, 1),
    }


def main() -> None:
    """Start a broker, declare twice, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind, number in (("topics", 1000), ("acls", 1000), ("users", 100)):
        parser.add_argument("--" + kind, type=int, default=number)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY) as home, SecuredBroker("kraft", Path(home)) as broker:
        broker.start_all()
        where = {"bootstrap_servers": [broker.plain], "request_timeout_seconds": 120}
        topic = {"partitions": 1, "replication_factor": 1, "config": CONFIG}
        login = {"login_servers": [broker.scram], "login_protocol": "SASL_PLAINTEXT"}
        calls = {
            "kafka_topics": {"topics": [{"name": "t-%d" % number, **topic} for number in range(options.topics)]},
            "kafka_users": {
                "users": [
                    {"name": "u-%d" % number, "password": "secret-%d" % number} for number in range(options.users)
                ],
                **login,
            },
            "kafka_acls": {
                "acls": [
                    {
                        "principal": "User:u-%d" % (number % max(1, options.users)),
                        **{"resource_type": "topic", "name": "t-%d" % number, "operations": ["read"]},
                    }
                    for number in range(options.acls)
                ]
            },
        }
        calls = {name: {**where, **params} for name, params in calls.items()}
        process = broker.processes["broker-1"].pid
        first = declare(calls, process, changed=True)
        again = declare(calls, process, changed=False)
        begun = time.monotonic()
        for number in range(SINGLE_CALLS):
            run_module("kafka_topic", name="s-%d" % number, **topic, **where)
        single = (time.monotonic() - begun) / SINGLE_CALLS
    print(
        json.dumps(
            {
                "first_run_seconds": first,
                "no_change_run_seconds": again,
                "one_call_for_each_topic_seconds": round(single * options.topics),
            }
        )
    )


if __name__ == "__main__":
    main()
