# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command while the ledger writes: python -m ledger.during --bootstrap … --out DIR [--events FILE] [ledger options] -- COMMAND …

Ends with 0 only when the command does and the ledger finds nothing lost and no partition below its minimum; prints both in a few lines.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Sequence

READY_SECONDS = 120
# A bound, not a duration: sending ends when the block or the command does.
LONGEST_SECONDS = 1800


@contextmanager
def ledger(out: Path, options: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Clients write to every partition during the block; after it, the dict is the ledger's report."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    stop, log, report = out / "stop", out / "ledger.log", {}
    command = [sys.executable, "-m", "ledger", "run", *options, "--out", str(out), "--stop-file", str(stop)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            [*command, "--seconds", str(LONGEST_SECONDS)], stdout=stream, stderr=stream, env=environment
        )
    try:
        end = time.monotonic() + READY_SECONDS
        while not (out / "ready").exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("The ledger did not begin:\n%s" % log.read_text()[-3000:])
            time.sleep(0.2)
        yield report
    finally:
        stop.touch()
        process.wait(READY_SECONDS + 300)
    if not (out / "report.json").exists():
        raise RuntimeError("The ledger has no report:\n%s" % log.read_text()[-3000:])
    report.update(json.loads((out / "report.json").read_text()))


def main() -> int:
    """Run the command while the ledger writes, and judge both."""
    split = sys.argv.index("--")
    options, command = sys.argv[1:split], sys.argv[split + 1 :]
    place = options.index("--out")
    try:
        with ledger(Path(options[place + 1]), options[:place] + options[place + 2 :]) as report:
            begun = time.monotonic()
            code = subprocess.run(command, check=False).returncode
            seconds = time.monotonic() - begun
    except RuntimeError as error:
        sys.exit(str(error))
    print("command: ended with %d after %.1f s" % (code, seconds))
    print("ledger: %s" % json.dumps(summary(report)))
    for problem in report["problems"]:
        print("problem: %s" % problem)
    return code or int(not report["ok"])


def summary(report: dict[str, Any]) -> dict[str, Any]:
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
