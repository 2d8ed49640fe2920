# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m ledger run | verify: produce under observation and read back, or judge a run again."""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Sequence

from client_file import client_options

from .isr import Change, events, violations
from .judge import judge
from .records import Ack, Failure, Journal, LedgerError, Row, entries

EXAMPLES = 50


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ledger", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="produce, watch, read back, judge")
    run.add_argument("--bootstrap", required=True, help="host:port[,host:port…]")
    run.add_argument(
        "--client-config",
        type=Path,
        help="how to get in: a file of properties, as Kafka's tools take it; else plaintext",
    )
    run.add_argument("--topics", type=int, default=2)
    run.add_argument("--partitions", type=int, default=12, help="of each topic")
    run.add_argument("--prefix", default="ledger", help="topics are called PREFIX-0, PREFIX-1, …")
    run.add_argument("--replication", type=int, default=3)
    run.add_argument("--min-isr", type=int, default=2)
    run.add_argument("--rate", type=float, default=200, help="records a second of all producers together")
    run.add_argument("--seconds", type=float, default=60)
    run.add_argument("--count", type=int, default=0, help="stop after so many records (0: no limit)")
    run.add_argument("--keys", type=int, default=4, help="of each partition")
    run.add_argument("--size", type=int, default=200, help="bytes of a value")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--producers", choices=("both", "idempotent", "plain"), default="both")
    run.add_argument(
        "--watch",
        choices=("own", "all"),
        default="all",
        help="whose in-sync replicas to follow: the ledger's topics or all",
    )
    run.add_argument("--stop-file", type=Path, help="sending ends when this file appears")
    run.add_argument(
        "--finish-seconds", type=float, default=60, help="how long to wait for records on their way at the end"
    )
    verify = verbs.add_parser(
        "verify", help="judge a run again from its files; with --bootstrap after reading the partitions again"
    )
    verify.add_argument("--bootstrap")
    verify.add_argument("--client-config", type=Path)
    for each in (run, verify):
        each.add_argument("--out", type=Path, required=True, help="directory of the run")
        each.add_argument(
            "--events", type=Path, help="JSON lines of the roll; default OUT/events.jsonl, if it is there"
        )
        each.add_argument("--read-seconds", type=float, default=120, help="how long reading back may take")
        each.add_argument(
            "--faults",
            action="store_true",
            help="brokers are killed on purpose: only violations that the roll itself caused count",
        )
    return parser


def connection(bootstrap: str, config: Path | None) -> dict[str, Any]:
    """kafka-python's settings for every client."""
    try:
        more = client_options(config)
    except (OSError, ValueError, KeyError) as error:
        raise LedgerError(
            "%s is no file of a client's properties (%s); write it as docs/clients.md shows." % (config, error)
        ) from None
    return {**more, "bootstrap_servers": [server.strip() for server in bootstrap.split(",") if server.strip()]}


def run(args: argparse.Namespace) -> int:
    from .client import Load, Producer, prepare
    from .sampler import Sampler

    for name in ("topics", "partitions", "replication", "min_isr", "rate", "seconds", "keys"):
        if getattr(args, name) <= 0:
            raise LedgerError("--%s is %s, but must be above 0." % (name.replace("_", "-"), getattr(args, name)))
    if (args.out / "acks.jsonl").exists():
        raise LedgerError("%s holds a run already; name another directory with --out." % args.out)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    kafka = connection(args.bootstrap, args.client_config)
    args.out.mkdir(parents=True, exist_ok=True)
    load = Load(
        run=secrets.token_hex(4),
        topics=tuple("%s-%d" % (args.prefix, number) for number in range(args.topics)),
        partitions=args.partitions,
        rate=args.rate,
        seconds=args.seconds,
        count=args.count,
        keys=args.keys,
        size=args.size,
        seed=args.seed,
    )
    prepare(kafka, load.topics, partitions=load.partitions, replication=args.replication, min_isr=args.min_isr)
    kinds = {"both": (True, False), "idempotent": (True,), "plain": (False,)}[args.producers]
    facts: dict[str, Any] = {
        "run": load.run,
        "bootstrap": args.bootstrap,
        "topics": load.topics,
        "partitions": load.partitions,
        "rate": load.rate,
        "seed": load.seed,
        "idempotent": ["idempotent"] if True in kinds else [],
    }
    _write(args.out / "run.json", facts)
    acks, isr = Journal(args.out / "acks.jsonl"), Journal(args.out / "isr.jsonl")
    sampler = Sampler(kafka, isr, load.topics if args.watch == "own" else None)
    producers = [
        Producer("idempotent" if kind else "plain", load, 1 / len(kinds), kafka, acks, idempotent=kind)
        for kind in kinds
    ]
    facts["started"] = time.time()
    _write(args.out / "run.json", facts)
    for producer in producers:
        producer.start()
    places, ready = set(load.places), args.out / "ready"
    while any(producer.thread.is_alive() for producer in producers):
        if stop.wait(0.1) or (args.stop_file and args.stop_file.exists()):
            for producer in producers:
                producer.stop()
        if not ready.exists() and all(producer.heard >= places for producer in producers):
            # A test that breaks something waits for this file: from then on every partition has been written to.
            ready.touch()
    facts["ended"] = time.time()
    finishing = [threading.Thread(target=producer.finish, args=(args.finish_seconds,)) for producer in producers]
    for thread in finishing:
        thread.start()
    for thread in finishing:
        thread.join()
    facts["sampler"] = sampler.close()
    facts["sent"] = sum(producer.sent for producer in producers)
    facts["held_back"] = sum(producer.held_back for producer in producers)
    acks.close()
    isr.close()
    _write(args.out / "run.json", facts)
    _read(args.out, facts, kafka, args.read_seconds)
    return _report(args)


def verify(args: argparse.Namespace) -> int:
    facts = _facts(args.out)
    if args.bootstrap or not (args.out / "read.jsonl").exists():
        _read(args.out, facts, connection(args.bootstrap or facts["bootstrap"], args.client_config), args.read_seconds)
    return _report(args)


def _read(out: Path, facts: dict[str, Any], kafka: dict[str, Any], seconds: float) -> None:
    from .client import read_all

    places = [(topic, partition) for topic in facts["topics"] for partition in range(facts["partitions"])]
    rows, unread = read_all(facts["run"], kafka, places, seconds=seconds)
    with open(out / "read.tmp", "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(["row", *row], separators=(",", ":")) + "\n")
        for where, why in unread.items():
            file.write(json.dumps(["unread", *where, why]) + "\n")
    (out / "read.tmp").replace(out / "read.jsonl")


def _facts(out: Path) -> dict[str, Any]:
    try:
        return json.loads((out / "run.json").read_text())
    except (OSError, ValueError) as error:
        raise LedgerError("%s is not the directory of a run (%s); name one with --out." % (out, error)) from None


def assemble(out: Path, happened: Path | None = None, *, faults: bool = False) -> dict[str, Any]:
    """The report of a run from its files. events are read from happened, or from events.jsonl in the run's directory."""
    facts = _facts(out)
    acks, failures, rows, unread = [], [], [], {}
    for kind, *entry in entries(out / "acks.jsonl"):
        if kind == "ack":
            acks.append(Ack(*entry))
        else:
            failures.append(Failure(*entry))
    for kind, *entry in entries(out / "read.jsonl"):
        if kind == "row":
            rows.append(Row(*entry))
        else:
            unread[entry[0], entry[1]] = entry[2]
    report = judge(
        acks,
        rows,
        failures=failures,
        idempotent=facts["idempotent"],
        unread=unread,
        partitions=[(topic, partition) for topic in facts["topics"] for partition in range(facts["partitions"])],
        sent=facts.get("sent"),
        started=facts.get("started"),
        ended=facts.get("ended"),
    )
    report["records"]["held_back"] = facts.get("held_back", 0)
    report["isr"] = watched(
        out / "isr.jsonl", happened or out / "events.jsonl", facts.get("sampler"), required=happened is not None
    )
    ours = report["isr"]["self_inflicted"] if faults else report["isr"]["min_isr_violations"]
    if ours:
        report["problems"].append(
            "%d times a partition fell below its minimum of in-sync replicas while brokers were out." % ours
        )
    if not report["isr"]["changes"]:
        report["problems"].append("No broker ever told its in-sync replicas, so nothing is proven about them.")
    report["ok"] = not report["problems"]
    report["run"] = {key: facts.get(key) for key in ("run", "rate", "seed", "started", "ended")}
    return report


def watched(log: Path, happened: Path, sampler: dict[str, Any] | None, *, required: bool = False) -> dict[str, Any]:
    """What the sampler saw: violations, and the curves (time, under-replicated, at minimum, under minimum, leaderless)."""
    changes, curve = [], []
    for kind, *entry in entries(log):
        if kind == "isr":
            changes.append(Change(*entry[:5], tuple(entry[5]), tuple(entry[6]), entry[7]))
        else:
            curve.append([round(entry[0], 3), *entry[1:]])
    lines: list[dict[str, Any]] = []
    if happened.exists():
        for number, line in enumerate(happened.read_text().splitlines(), 1):
            try:
                lines.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise LedgerError(
                    "Line %d of %s is not a JSON object; the roll writes one on each line." % (number, happened)
                ) from None
    elif required:
        raise LedgerError(
            "There is no %s, so it is not known which brokers were out; name the roll's events with --events."
            % happened
        )
    found = violations(changes, events(lines))
    return {
        **(sampler or {}),
        "changes": len(changes),
        "events": len(lines),
        "min_isr_violations": len(found),
        "self_inflicted": sum(one["self_inflicted"] for one in found),
        "violations": found[:EXAMPLES],
        "worst": {
            name: max((point[place] for point in curve), default=0)
            for place, name in enumerate(("under_replicated", "at_min_isr", "under_min_isr", "leaderless"), 1)
        },
        "curve": curve,
    }


def _report(args: argparse.Namespace) -> int:
    report = assemble(args.out, args.events, faults=args.faults)
    _write(args.out / "report.json", report)
    json.dump(report, sys.stdout, indent=1)
    print()
    return 0 if report["ok"] else 1


def _write(path: Path, what: dict[str, Any]) -> None:
    """As a whole or not at all."""
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(what, indent=1) + "\n")
    beside.replace(path)


def main(argv: Sequence[str] | None = None) -> int:
    # kafka-python logs every broker that is away; that is what we make happen, and the journal has it.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    args = arguments().parse_args(argv)
    try:
        return {"run": run, "verify": verify}[args.verb](args)
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
