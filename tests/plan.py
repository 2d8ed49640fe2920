"""The plan of a roll from a snapshot in a file, as JSON: make -s plan SNAPSHOT=file.json

The snapshot is what the planner takes (docs/roll.md), or the cluster that kafka_cluster_info returned, of which every broker is planned.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".collections"))

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan


def load(name: str) -> Any:
    """The snapshot in a file; raises RollError."""
    if not name:
        raise plan.RollError("There is no snapshot to plan from; say which file: make -s plan SNAPSHOT=file.json.")
    try:
        found = json.loads(Path(name).read_bytes())
    except OSError as error:
        raise plan.RollError("The snapshot %s cannot be read: %s; check SNAPSHOT." % (name, error.strerror)) from None
    except RecursionError:
        raise plan.RollError("The snapshot %s is nested too deeply to be one; check SNAPSHOT." % name) from None
    except ValueError as error:
        raise plan.RollError("The snapshot %s is not JSON: %s." % (name, str(error).split("\n", 1)[0])) from None
    # Only what kafka_cluster_info returns says what keeps the metadata.
    return (
        plan.from_cluster(found)
        if isinstance(found, dict) and "metadata" in found and "restart" not in found
        else found
    )


def main() -> int:
    """Read, plan, print."""
    try:
        planned = plan.plan(load(sys.argv[1] if len(sys.argv) == 2 else ""))
    except plan.RollError as error:
        print(error, file=sys.stderr)
        return 2
    json.dump(planned, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
