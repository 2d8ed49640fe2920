# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command while the ledger writes: python -m ledger.during --bootstrap … --out DIR [--events FILE] [ledger options] -- COMMAND …

Ends with 0 only when the command does and the ledger finds nothing lost and no partition below its minimum; prints both in a few lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

READY_SECONDS = 120
# A bound, not a duration: sending ends when the command does.
LONGEST_SECONDS = 1800


def main() -> int:
    """Start the ledger, wait until every partition was written to, run the command, stop the ledger, judge."""
    split = sys.argv.index("--")
    options, command = sys.argv[1:split], sys.argv[split + 1 :]
    out = Path(options[options.index("--out") + 1])
    out.mkdir(parents=True, exist_ok=True)
    stop, log = out / "stop", out / "ledger.log"
    with open(log, "wb") as stream:
        ledger = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ledger",
                "run",
                *options,
                "--seconds",
                str(LONGEST_SECONDS),
                "--stop-file",
                str(stop),
            ],
            stdout=stream,
            stderr=stream,
        )
        try:
            end = time.monotonic() + READY_SECONDS
            while not (out / "ready").exists():
                if ledger.poll() is not None or time.monotonic() > end:
                    sys.exit("The ledger did not begin:\n%s" % log.read_text()[-3000:])
                time.sleep(0.2)
            begun = time.monotonic()
            code = subprocess.run(command, check=False).returncode
            seconds = time.monotonic() - begun
        finally:
            stop.touch()
            verdict = ledger.wait(READY_SECONDS + 300)
    try:
        report = json.loads((out / "report.json").read_text())
    except OSError:
        sys.exit("The ledger has no report:\n%s" % log.read_text()[-3000:])
    print("command: ended with %d after %.1f s" % (code, seconds))
    print("ledger: %s" % json.dumps(summary(report)))
    for problem in report["problems"]:
        print("problem: %s" % problem)
    return code or verdict


def summary(report: dict) -> dict:
    """What a person and a bench want of a report."""
    return {
        "acknowledged": report["records"]["acked"],
        **{name: report[name] for name in ("lost", "moved", "reordered", "duplicated_idempotent")},
        "min_isr_violations": report["isr"]["min_isr_violations"],
        "worst_gap_ms": report["gaps"]["worst_ms"],
        "isr_changes": report["isr"]["changes"],
    }


if __name__ == "__main__":
    sys.exit(main())
