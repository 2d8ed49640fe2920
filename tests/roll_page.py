"""The page of a roll again, with what the client saw: roll_page.py reports/<cluster>-roll reports/ledger/report.json"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.rackaware.kafka.plugins.module_utils import _text
from ansible_collections.rackaware.kafka.plugins.module_utils._report import page
from ansible_collections.rackaware.kafka.plugins.module_utils._report import roll as report_roll


def main(stem: str, ledger: str) -> None:
    """Read what the roll and the ledger wrote, write the page, and say where it is."""
    events = [json.loads(line) for line in Path(stem + ".jsonl").read_text().splitlines()]
    before = json.loads(Path(stem + ".json").read_text())
    seen = json.loads(Path(ledger).read_text())
    roll = report_roll.model(
        events, {**before["plan"], "nodes": [*before["brokers"], *before["quorum_nodes"]]}, ledger=seen
    )
    Path(stem + ".json").write_text(json.dumps(roll, indent=1) + "\n")
    Path(stem + ".html").write_text(page.roll_page(roll))
    client = roll["client"]
    print("\n%s" % roll["sentences"][0])
    print(
        "%d records acknowledged, %d lost, %d times below the minimum of in-sync replicas."
        % (client["acked"], client["lost"], client["min_isr_violations"])
    )
    print(
        "Longest pause of a partition: %s; 99 of 100 records took less than %s ms."
        % (_text.duration(client["worst_gap_ms"] / 1000), client["p99_ms"])
    )
    print("\n  Its page: %s.html" % stem)


if __name__ == "__main__":
    main(*sys.argv[1:])
