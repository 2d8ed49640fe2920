# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How fast a disk is with each setting of dm-crypt.

The settings are: with or without the kernel's work queues, sectors of 512 or 4096 bytes. fio measures; this module
decides.
"""

from __future__ import annotations

import itertools
import json
import os
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterable, Sequence

from .._command import Run
from .._errors import RackawareError
from . import format_record
from . import volume as luks_volume
from .cryptsetup import PERF, forget

SUBSYSTEM, NAME = "rackaware-benchmark", "rackaware-benchmark"
NAMESPACE = uuid.UUID("0a0f6a0e-90f6-5e0d-9a3d-2d0c1f6bfa51")
SECTORS = (512, 4096)
FLAGS = tuple(flags for count in range(len(PERF) + 1) for flags in itertools.combinations(PERF, count))
# Two runs of the same differ by as much: what gains less is no reason to leave the defaults.
WORTH = 1.05
MIB = 1024 * 1024


class BenchmarkError(RackawareError):
    """The disk cannot be measured."""


@dataclass(frozen=True)
class Load:
    """What fio does: sequential reads and writes past the page cache, as Kafka's are."""

    seconds: int = 10
    block: str = "1M"
    depth: int = 8
    size: str = "1G"


@dataclass(frozen=True)
class Row:
    """One setting and its figures: MB/s, the 99th percentile in milliseconds, CPU seconds of all processors.

    sector_size 0 is without encryption.
    """

    sector_size: int
    perf: tuple[str, ...]
    write_mb_s: float
    read_mb_s: float
    write_p99_ms: float
    read_p99_ms: float
    cpu_seconds: float

    @property
    def worth(self) -> float:
        """One figure to compare by: a broker writes what others read."""
        return self.write_mb_s + self.read_mb_s

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return {**asdict(self), "perf": list(self.perf)}

    def line(self) -> str:
        """For people."""
        way = (
            "no encryption"
            if not self.sector_size
            else "sectors of %d, %s" % (self.sector_size, ", ".join(self.perf) or "work queues")
        )
        rates = "write %8.1f MB/s (p99 %7.2f ms)  read %8.1f MB/s (p99 %7.2f ms)" % (
            self.write_mb_s,
            self.write_p99_ms,
            self.read_mb_s,
            self.read_p99_ms,
        )
        return "%-58s %s  %6.1f s of CPU" % (way, rates, self.cpu_seconds)


@dataclass(frozen=True)
class Advice:
    """What to set in encrypted_store_options, and why."""

    options: dict[str, Any]
    reason: str


def fio_command(target: str, kind: str, load: Load) -> list[str]:
    """kind is write or read."""
    argv = [
        "fio",
        "--name=" + kind,
        "--filename=" + target,
        "--rw=" + kind,
        "--bs=" + load.block,
        "--iodepth=%d" % load.depth,
        "--ioengine=libaio",
    ]
    return argv + [
        "--direct=1",
        "--size=" + load.size,
        "--time_based",
        "--runtime=%d" % load.seconds,
        "--output-format=json",
    ]


def parse_fio(text: str, kind: str) -> tuple[float, float]:
    """(MB/s, p99 in milliseconds) from fio's JSON, before which it may print warnings; raises BenchmarkError."""
    try:
        figures = json.loads(text[text.index("{") :])["jobs"][0][kind]
        return round(figures["bw_bytes"] / 1e6, 1), round(figures["clat_ns"]["percentile"]["99.000000"] / 1e6, 2)
    except (KeyError, IndexError, TypeError, ValueError):
        raise BenchmarkError("What fio printed cannot be read; look at its version.") from None


def busy_seconds(text: str, ticks: int) -> float:
    """CPU seconds of all processors since the boot, from /proc/stat.

    The work of dm-crypt is done by the kernel's threads, not by fio.
    """
    user, nice, system, _idle, _iowait, irq, softirq = (int(word) for word in text.split("\n", 1)[0].split()[1:8])
    return (user + nice + system + irq + softirq) / ticks


def advise(rows: Iterable[Row], *, physical_sector: int) -> Advice:
    """The best safe setting, and why.

    A power cut can tear sectors that are larger than the disk's own. A small gain is not worth a setting.
    """
    safe = [row for row in rows if row.sector_size and row.sector_size <= max(512, physical_sector)]
    if not safe:
        raise BenchmarkError(
            "Nothing was measured that is safe on this disk, whose sectors have %d bytes; measure sectors of 512, too."
            % physical_sector
        )
    usual = [row for row in safe if not row.perf]
    # cryptsetup chooses the disk's own sector size by itself.
    default = max(usual, key=lambda row: row.sector_size) if usual else safe[0]
    best = max(safe, key=lambda row: row.worth)
    if best.worth < default.worth * WORTH:
        return Advice({}, "Leave the defaults: the best other way gains less than %d %%." % round((WORTH - 1) * 100))
    gain = round((best.worth / default.worth - 1) * 100)
    options: dict[str, Any] = {"perf": list(best.perf)}
    if best.sector_size != default.sector_size:
        options["sector_size"] = best.sector_size
    return Advice(options, "%d %% more than the defaults, reads and writes together." % gain)


class Bench:
    """One blank disk, formatted, measured and erased for each sector size; its key never leaves this process."""

    def __init__(
        self,
        device: str,
        run: Run,
        *,
        marker_dir: str = format_record.DIRECTORY,
        volume: Callable[..., Any] = luks_volume.Volume,
        stat: Callable[[], str] = lambda: _read("/proc/stat"),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._device, self._run, self._marker_dir, self._volume, self._stat, self._random = (
            device,
            run,
            marker_dir,
            volume,
            stat,
            random,
        )
        # The same for one disk each time, so that a run that died can be cleaned up by the next.
        self._uuid = str(uuid.uuid5(NAMESPACE, format_record.identity(device)))

    def _wanted(self, *, sector_size: int | None = None, perf: Sequence[str] = ()) -> Any:
        wanted = luks_volume.Wanted(self._device, NAME, self._uuid, NAME, SUBSYSTEM, sector_size, tuple(perf))
        return self._volume(wanted, self._run, marker_dir=self._marker_dir)

    def check(self) -> None:
        """Refuse a disk unless it is blank or left over from a run that died.

        Raises RackawareError, and changes nothing.
        """
        volume = self._wanted()
        facts = volume.facts()
        if facts.header is None or facts.header.uuid != self._uuid:
            luks_volume.plan(facts, volume.wanted, state=luks_volume.FORMATTED, allow_format=luks_volume.BLANK_ONLY)

    def measure(self, load: Load, sectors: Sequence[int]) -> list[Row]:
        """All settings, the disk without encryption first; the disk is erased afterwards, also after an error."""
        self.check()
        self._clean()
        rows = [self._plain(load)]
        for sector_size in sectors:
            key = bytearray(self._random(64))
            try:
                rows += self._measure(load, sector_size, key)
            finally:
                forget(key)
                self._clean()
        return rows

    def _plain(self, load: Load) -> Row:
        volume = self._wanted()
        # Data written without encryption would make the disk look used, and it could not be formatted.
        volume.perform(("remember erasing",))
        try:
            return self._row(self._device, 0, (), load)
        finally:
            volume.perform(("wipe header", "remember erased"))

    def _measure(self, load: Load, sector_size: int, key: bytearray) -> list[Row]:
        rows = []
        for perf in FLAGS:
            volume = self._wanted(sector_size=sector_size, perf=perf)
            volume.perform(
                luks_volume.plan(
                    volume.facts(key), volume.wanted, state=luks_volume.OPEN, allow_format=luks_volume.BLANK_ONLY
                ).actions,
                key,
            )
            rows.append(self._row(volume.mapped, sector_size, perf, load))
            volume.perform(luks_volume.plan(volume.facts(), volume.wanted, state=luks_volume.CLOSED).actions)
        return rows

    def _clean(self) -> None:
        """Close and erase what is ours on the disk."""
        volume = self._wanted()
        facts = volume.facts()
        volume.perform(luks_volume.plan(facts, volume.wanted, state=luks_volume.CLOSED).actions)
        facts = volume.facts()
        volume.perform(luks_volume.plan(facts, volume.wanted, state=luks_volume.GONE, confirm_uuid=self._uuid).actions)

    def _row(self, target: str, sector_size: int, perf: tuple[str, ...], load: Load) -> Row:
        before = busy_seconds(self._stat(), os.sysconf("SC_CLK_TCK"))
        figures = {}
        for kind in ("write", "read"):
            code, out, _err = self._run(fio_command(target, kind, load))
            if code != 0:
                raise BenchmarkError("fio could not %s %s (code %d); try it by hand." % (kind, target, code))
            figures[kind + "_mb_s"], figures[kind + "_p99_ms"] = parse_fio(out, kind)
        spent = busy_seconds(self._stat(), os.sysconf("SC_CLK_TCK")) - before
        return Row(sector_size, perf, cpu_seconds=round(spent, 1), **figures)


def _read(path: str) -> str:
    with open(path, encoding="ascii") as stream:
        return stream.read()


def physical_sector(device: str, sys_block: str = "/sys/class/block") -> int:
    """Bytes of the disk's own sectors; 512 where the kernel does not say."""
    try:
        return int(
            _read(os.path.join(sys_block, os.path.basename(os.path.realpath(device)), "queue", "physical_block_size"))
        )
    except (OSError, ValueError):
        return 512
