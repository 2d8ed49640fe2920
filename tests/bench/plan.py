"""The planner on generated clusters: batches against the lower bound, seconds, memory; one JSON object as the last line.

    python tests/bench/plan.py [--only NAME] [--simulate]

Every case has a fixed seed and a process of its own, so that its peak memory is its own; that holds the snapshot as well. Each plan is counted
once more here. --simulate draws docs/roll-simulation.svg instead: how long a roll takes, from a model and not from a cluster.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan

Snapshot = dict[str, Any]
PLOT = ROOT / "docs/roll-simulation.svg"


def cluster(
    brokers: int,
    partitions: int,
    racks: int,
    *,
    shapes: Sequence[tuple[int, int]] = ((3, 2),),
    misplaced: int = 0,
    behind: float = 0.0,
    rackless: bool = False,
    sets: int = 0,
    max_batch: int | None = None,
    seed: int = 1,
) -> Snapshot:
    """A cluster; shapes are replication factors with their min ISR, in turn; misplaced partitions have two replicas in a rack.

    behind is the share of partitions with one replica out of sync; rackless places as if there were no racks; sets confines the replicas of
    a partition to one of so many sets of brokers.
    """
    chance = random.Random(seed)
    ids = range(1, brokers + 1)
    inside = [[id_ for id_ in ids if id_ % racks == rack] for rack in range(racks)]
    listed = []
    for number in range(partitions):
        factor, min_isr = shapes[number % len(shapes)]
        if rackless or factor > racks:
            replicas = chance.sample(ids, factor)
        elif sets:
            chosen = chance.randrange(sets)
            replicas = [chance.choice(rack[chosen::sets]) for rack in chance.sample(inside, factor)]
        else:
            replicas = [chance.choice(rack) for rack in chance.sample(inside, factor)]
        if number < misplaced:
            replicas[1] = chance.choice([id_ for id_ in inside[replicas[0] % racks] if id_ not in replicas])
        isr = replicas[:-1] if chance.random() < behind else list(replicas)
        listed.append(
            {
                "topic": "topic-%d" % (number // 100),
                "partition": number % 100,
                "replicas": replicas,
                "isr": isr,
                "min_isr": min_isr,
            }
        )
    return {
        "brokers": [{"id": id_, "rack": "rack-%d" % (id_ % racks)} for id_ in ids],
        "controllers": {"voters": [], "leader": None},
        "partitions": listed,
        "out": [],
        "restart": list(ids),
        "max_batch": max_batch,
        "isr_headroom": 0,
    }


MIXED = ((3, 2), (2, 1), (3, 1), (4, 2), (5, 3))
CASES: dict[str, Callable[[], Snapshot]] = {
    "rack-aware, 9 brokers": lambda: cluster(9, 1_000, 3),
    "rack-aware, 300": lambda: cluster(300, 100_000, 3),
    "rack-aware, 1000": lambda: cluster(1000, 200_000, 3),
    "3 misplaced of 100,000": lambda: cluster(300, 100_000, 3, misplaced=3),
    "0.1 % misplaced": lambda: cluster(300, 100_000, 3, misplaced=100),
    "0.1 % misplaced, 1000": lambda: cluster(1000, 200_000, 3, misplaced=200),
    "rack-less, 30": lambda: cluster(30, 300, 3, rackless=True),
    "rack-less, 300": lambda: cluster(300, 100_000, 3, rackless=True),
    "mixed RF": lambda: cluster(300, 100_000, 6, shapes=MIXED),
    "mixed RF, 1000": lambda: cluster(1000, 200_000, 6, shapes=MIXED),
    "2 racks, RF 3": lambda: cluster(300, 100_000, 2),
    "2 racks, RF 2 min 1": lambda: cluster(300, 100_000, 2, shapes=((2, 1),)),
    "6 racks": lambda: cluster(300, 100_000, 6),
    "6 racks, 1000": lambda: cluster(1000, 200_000, 6),
    "slack 2 (RF 3 min 1)": lambda: cluster(300, 100_000, 3, shapes=((3, 1),)),
    "slack 2, 4 racks": lambda: cluster(300, 100_000, 4, shapes=((4, 2),)),
    "slack 2, 6 racks": lambda: cluster(300, 100_000, 6, shapes=((4, 2),)),
    "partial ISR, 2 partitions": lambda: cluster(300, 100_000, 3, behind=0.00003),
    "partial ISR, 1 %, RF 4": lambda: cluster(300, 100_000, 4, shapes=((4, 2),), behind=0.01),
    "broker sets": lambda: cluster(300, 100_000, 3, sets=10),
    "max_batch 10 %": lambda: cluster(300, 100_000, 3, max_batch=30),
}


def violations(snap: Snapshot, batches: Sequence[Sequence[int]]) -> int:
    """Partitions that a batch takes below their minimum."""
    turn = {id_: number for number, batch in enumerate(batches) for id_ in batch}
    found = 0
    for each in snap["partitions"]:
        turns = [turn[id_] for id_ in each["isr"] if id_ in turn]
        found += any(len(each["isr"]) - turns.count(one) < each["min_isr"] for one in turns)
    return found


def measure(name: str) -> dict[str, Any]:
    """One case, in this process."""
    snap = CASES[name]()
    cpu = time.process_time()
    planned = plan.plan(snap)
    cpu = time.process_time() - cpu
    return {
        "case": name,
        "brokers": len(snap["brokers"]),
        "partitions": len(snap["partitions"]),
        "batches": len(planned["batches"]),
        "lower_bound": planned["lower_bound"],
        "certificate": planned["certificate"]["kind"],
        "refused_brokers": len(snap["restart"]) - sum(map(len, planned["batches"])),
        "repairs": len(planned["repairs"]),
        "violations": violations(snap, planned["batches"]),
        "seconds": planned["seconds"],
        "cpu_seconds": round(cpu, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


COLUMNS = (
    "brokers",
    "partitions",
    "batches",
    "lower_bound",
    "refused_brokers",
    "repairs",
    "violations",
    "seconds",
    "cpu_seconds",
    "peak_mb",
)


def report(names: Sequence[str]) -> None:
    """A row for each case, then all of them as JSON."""
    rows = []
    print("%-28s %s" % ("case", " ".join("%15s" % column for column in COLUMNS)))
    for name in names:
        run = subprocess.run([sys.executable, __file__, "--case", name], check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(run.stdout))
        print("%-28s %s" % (name, " ".join("%15s" % rows[-1][column] for column in COLUMNS)), flush=True)
    total = {
        "cases": len(rows),
        "at_lower_bound": sum(row["batches"] == row["lower_bound"] for row in rows),
        "violations": sum(row["violations"] for row in rows),
        "max_seconds": max(row["seconds"] for row in rows),
        "max_peak_mb": max(row["peak_mb"] for row in rows),
        "rows": rows,
    }
    print(json.dumps(total, separators=(",", ":")))


# The simulation: minutes until every broker has been restarted and is in sync again.
SIZES = (9, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300)
PARTITIONS_PER_BROKER = 333
RESTART_SECONDS, SPREAD, STRAGGLERS, STRAGGLER_FACTOR = 40.0, 0.2, 0.02, 4.0
POLL_SECONDS, SOAK_SECONDS = 5.0, 30.0


def restart_times(brokers: int, seed: int) -> dict[int, float]:
    """Seconds from stopping to being in sync: lognormal, with a few stragglers."""
    chance = random.Random(seed)
    return {
        id_: RESTART_SECONDS
        * chance.lognormvariate(0, SPREAD)
        * (STRAGGLER_FACTOR if chance.random() < STRAGGLERS else 1)
        for id_ in range(1, brokers + 1)
    }


def roll(
    groups: Sequence[Sequence[int]], at_once: int, times: dict[int, float], snap: Snapshot, pauses: Sequence[float] = ()
) -> tuple[float, int]:
    """Minutes, and how many partitions were below their minimum at some time, if a group after another goes, at most so many brokers at once."""
    holding: dict[int, list[int]] = {}
    for number, each in enumerate(snap["partitions"]):
        for id_ in each["isr"]:
            holding.setdefault(id_, []).append(number)
    left = [len(each["isr"]) for each in snap["partitions"]]
    least = [each["min_isr"] for each in snap["partitions"]]
    broken: set[int] = set()
    now = 0.0
    for group, pause in zip(groups, [*pauses, *[0.0] * len(groups)]):
        waiting, out = list(group)[::-1], []
        while waiting or out:
            while waiting and len(out) < at_once:
                broker = waiting.pop()
                # Seen at the next look.
                until = now + -(-times[broker] // POLL_SECONDS) * POLL_SECONDS
                heapq.heappush(out, (until, broker))
                for number in holding.get(broker, ()):
                    left[number] -= 1
                    if left[number] < least[number]:
                        broken.add(number)
            now, broker = heapq.heappop(out)
            for number in holding.get(broker, ()):
                left[number] += 1
        now += pause
    return now / 60, len(broken)


def ours(snap: Snapshot, times: dict[int, float], max_batch: int | None) -> tuple[float, int]:
    """The batches of the planner in steps: a canary and a soak, a tenth, then as many as the limit lets go."""
    steps = plan.ramp(plan.plan(snap)["batches"])
    groups: list[list[int]] = []
    pauses = []
    for step in steps:
        groups.append(step["brokers"])
        pauses.append(SOAK_SECONDS if step["kind"] == "canary" else 0.0)
    return roll(groups, max_batch or len(times), times, snap, pauses)


def strategies(snap: Snapshot, times: dict[int, float]) -> dict[str, tuple[float, int]]:
    """Each strategy on the same cluster with the same restart times."""
    racks: dict[str, list[int]] = {}
    for each in snap["brokers"]:
        racks.setdefault(each["rack"], []).append(each["id"])
    brokers = len(times)
    return {
        "one broker after another": roll([list(times)], 1, times, snap),
        "three of a rack, racks trusted": roll(list(racks.values()), 3, times, snap),
        "a whole rack, racks trusted": roll(list(racks.values()), brokers, times, snap),
        "planned, 10 % at once": ours(snap, times, max(1, brokers // 10)),
        "planned, whole batches": ours(snap, times, None),
    }


def simulate() -> None:
    """Draw the plot; print what it shows."""
    spread: dict[str, list[tuple[int, float]]] = {}
    for brokers in SIZES:
        snap = cluster(brokers, brokers * PARTITIONS_PER_BROKER // 3, 3)
        for name, (minutes, _broken) in strategies(snap, restart_times(brokers, 7)).items():
            spread.setdefault(name, []).append((brokers, round(minutes, 1)))
    brokers = SIZES[-1]
    partitions = brokers * PARTITIONS_PER_BROKER // 3
    bad = cluster(brokers, partitions, 3, misplaced=partitions // 1000)
    harm = {
        name: (round(minutes, 1), broken)
        for name, (minutes, broken) in strategies(bad, restart_times(brokers, 7)).items()
    }
    PLOT.write_text(svg(spread, harm, partitions), encoding="utf-8")
    for name, points in spread.items():
        print("%-32s %s" % (name, "  ".join("%d: %s" % point for point in points)))
    result = {
        "minutes": {name: dict(points) for name, points in spread.items()},
        "misplaced": {name: list(found) for name, found in harm.items()},
    }
    print(json.dumps(result, separators=(",", ":")))


STYLE = """
 .bg{fill:#ffffff}.t{fill:#1f2933}.m{fill:#52606d}.axis{fill:none;stroke:#9fb3c8;stroke-width:1}.grid{stroke:#e4e7eb;stroke-width:1}
 .line{fill:none;stroke-width:2.4;stroke-linejoin:round}.s0{stroke:#7b8794}.s1{stroke:#cb6e17}.s2{stroke:#d64545}.s3{stroke:#40a3d8}.s4{stroke:#0b69a3}
 .f0{fill:#7b8794}.f1{fill:#cb6e17}.f2{fill:#d64545}.f3{fill:#40a3d8}.f4{fill:#0b69a3}
 @media (prefers-color-scheme: dark){.bg{fill:#12181f}.t{fill:#f0f4f8}.m{fill:#9fb3c8}.axis{stroke:#486581}.grid{stroke:#1f2b36}
 .s0{stroke:#9aa5b1}.s4{stroke:#62b0e8}.f0{fill:#9aa5b1}.f4{fill:#62b0e8}.s3{stroke:#2b7fb8}.f3{fill:#2b7fb8}}
"""
LEFT, TOP, WIDTH, HEIGHT = 70, 84, 470, 330
TICKS = (1, 2, 5, 10, 20, 50, 100, 200)
RIGHT, BAR = 770, 300


def svg(spread: dict[str, list[tuple[int, float]]], harm: dict[str, tuple[float, int]], partitions: int) -> str:
    """Two panels: minutes against brokers, and partitions below their minimum where a few are misplaced."""

    def across(brokers: float) -> float:
        return round(LEFT + WIDTH * brokers / SIZES[-1], 1)

    def down(minutes: float) -> float:
        low, high = math.log(TICKS[0]), math.log(TICKS[-1] * 1.4)
        return round(TOP + HEIGHT * (1 - (math.log(minutes) - low) / (high - low)), 1)

    label = "Simulated minutes of a rolling restart against the number of brokers, and partitions below min.insync.replicas, for five strategies"
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1100 470" font-family="system-ui, -apple-system, \'Segoe UI\', sans-serif" role="img"'
        ' aria-label="%s">' % label,
        "<style>%s</style>" % STYLE,
        '<rect class="bg" width="1100" height="470" rx="8"/>',
        _text("t", LEFT - 50, 32, "Minutes for the whole cluster", 17, weight=600),
        _text("m", LEFT - 50, 54, "simulated; 3 racks, RF 3, min ISR 2, every partition in all racks; logarithmic", 13),
    ]
    for minutes in TICKS:
        y = down(minutes)
        out.append('<path class="grid" d="M%d %s H%d"/>' % (LEFT, y, LEFT + WIDTH))
        out.append(_text("m", LEFT - 8, y + 4, str(minutes), 12, anchor="end"))
    for brokers in range(0, SIZES[-1] + 1, 50):
        out.append(_text("m", across(brokers), TOP + HEIGHT + 20, str(brokers), 12, anchor="middle"))
    out.append('<path class="axis" d="M%d %d V%d H%d"/>' % (LEFT, TOP, TOP + HEIGHT, LEFT + WIDTH))
    out.append(_text("m", LEFT + WIDTH / 2, TOP + HEIGHT + 42, "brokers", 13, anchor="middle"))
    ends = _apart([down(points[-1][1]) for points in spread.values()], 17)
    for number, (points, end) in enumerate(zip(spread.values(), ends)):
        path = " L".join("%s %s" % (across(brokers), down(minutes)) for brokers, minutes in points)
        dash = ' stroke-dasharray="7 5"' if number == 2 else ""
        out.append('<path class="line s%d" d="M%s"%s/>' % (number, path, dash))
        out.append(_text("t", LEFT + WIDTH + 8, end + 4, "%.0f min" % points[-1][1], 12))
    out.append(_text("t", RIGHT - 130, 32, "Partitions taken below min.insync.replicas", 17, weight=600))
    note = "the same with %d brokers, %d of %s partitions misplaced" % (
        SIZES[-1],
        partitions // 1000,
        format(partitions, ","),
    )
    out.append(_text("m", RIGHT - 130, 54, note, 13))
    most = max(broken for _, broken in harm.values()) or 1
    for number, (name, (minutes, broken)) in enumerate(harm.items()):
        y = TOP + 14 + number * 66
        out.append(_text("t", RIGHT - 130, y + 8, name, 14, weight=600))
        width = max(3.0, round(BAR * broken / most, 1))
        out.append(
            '<rect class="f%d" x="%d" y="%d" width="%s" height="18" rx="3"/>' % (number, RIGHT - 130, y + 18, width)
        )
        out.append(_text("t", RIGHT - 122 + width, y + 32, str(broken), 13, weight=600))
        out.append(_text("m", 1080, y + 8, "%.0f min" % minutes, 13, anchor="end"))
    out.append("</svg>\n")
    return "\n".join(out)


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """Labels at these heights, moved so far that none covers another."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    for above, below in zip(order, order[1:]):
        moved[below] = max(moved[below], moved[above] + gap)
    return moved


def _text(kind: str, x: float, y: float, text: str, size: int, *, anchor: str = "start", weight: int = 400) -> str:
    return '<text class="%s" x="%s" y="%s" font-size="%d" text-anchor="%s" font-weight="%d">%s</text>' % (
        kind,
        round(x, 1),
        round(y, 1),
        size,
        anchor,
        weight,
        text,
    )


def main() -> None:
    """Measure, or simulate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    parser.add_argument("--case", choices=sorted(CASES), help=argparse.SUPPRESS)
    parser.add_argument("--simulate", action="store_true")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case)))
    elif options.simulate:
        simulate()
    else:
        report([options.only] if options.only else list(CASES))


if __name__ == "__main__":
    main()
