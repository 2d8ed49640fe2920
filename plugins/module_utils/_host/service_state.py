# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a service on this host is doing: its unit, the version and heap it started with, its disks."""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import Any, Callable, Sequence

from .._config import units
from .._errors import RackawareError

HEAP = re.compile(r"^-Xmx(\d+)m$", re.MULTILINE)
VERSION = re.compile(r"/opt/kafka-([0-9.]+)/libs/")
SHOWN = "ActiveState,SubState,LoadState,NRestarts,ExecMainStartTimestampMonotonic"
MIN_ISR = re.compile(r"^\s*min\.insync\.replicas\s*=\s*(\d+)\s*$", re.MULTILINE)


class ServiceError(RackawareError):
    """The host could not be asked."""


def state(unit: str, run: Callable[..., tuple[int, str, str]]) -> str:
    """The unit's ActiveState, or "absent" when there is no such unit; run is module.run_command."""
    properties = _show(unit, run)
    return "absent" if properties.get("LoadState") == "not-found" else properties.get("ActiveState", "unknown")


def restarts(unit: str, run: Callable[..., tuple[int, str, str]]) -> int:
    """How often systemd has restarted the unit by itself since its last manual start."""
    return int(_show(unit, run).get("NRestarts") or 0)


def crash_loops(
    unit: str,
    run: Callable[..., tuple[int, str, str]],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether systemd starts a unit again and again; clock is the one that systemd stamps with.

    A process that has just been restarted may live or crash again. So a young process, or one that is about to be
    started, is watched until it is this many seconds old, or has ended. A unit that does not run and will not be
    started is no loop.
    """
    begun, before = clock(), None
    while True:
        properties = _show(unit, run)
        restarts, began = (int(properties.get(name) or 0) for name in ("NRestarts", "ExecMainStartTimestampMonotonic"))
        if properties.get("ActiveState") == "active":
            before = restarts if before is None else before
            if restarts > before:
                return True
            # None when it was started by hand meanwhile.
            if restarts == 0 or clock() - began / 1e6 >= seconds:
                return False
        elif before is not None:
            return True
        elif properties.get("ActiveState") != "activating" or clock() - begun >= seconds:
            return False
        sleep(1)


def age(
    unit: str, run: Callable[..., tuple[int, str, str]], *, clock: Callable[[], float] = time.monotonic
) -> float | None:
    """How many seconds the unit's process has run, None when it does not run.

    clock is the one that systemd stamps with.
    """
    properties = _show(unit, run)
    return (
        clock() - int(properties.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
        if properties.get("ActiveState") == "active"
        else None
    )


def runs(unit: str, run: Callable[..., tuple[int, str, str]]) -> bool:
    """Whether a process of the unit runs or is about to.

    False for a process that crashed and waits for its restart by systemd.
    """
    properties = _show(unit, run)
    return properties.get("ActiveState") not in ("inactive", "failed") and properties.get("SubState") != "auto-restart"


def _show(unit: str, run: Callable[..., tuple[int, str, str]]) -> dict[str, str]:
    code, out, err = run(["systemctl", "show", "--property=" + SHOWN, unit], environ_update={"LC_ALL": "C"})
    if code != 0:
        raise ServiceError(
            "systemd could not be asked about %s: %s; look at the host."
            % (unit, (err or out).strip() or "code %d" % code)
        )
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def options(text: str) -> dict[str, Any]:
    """Version and heap in MB of a JVM argument file, None for what it does not say."""
    heap, version = HEAP.search(text), VERSION.search(text)
    return {"heap_mb": int(heap.group(1)) if heap else None, "version": version.group(1) if version else None}


def next_min_isr(name: str) -> int:
    """The min.insync.replicas that a broker would start with; without one Kafka's own, which is 1."""
    config = units.service(name).config
    values = MIN_ISR.findall(read(config + units.STAGED) or read(config))
    return int(values[-1]) if values else 1


def jvm(name: str) -> dict[str, Any]:
    """Version and heap of a service, and next_version, which it would start with.

    The file in place is the one it started with, because a new one is staged beside it while it runs.
    """
    here = options(read(units.service(name).options))
    staged = options(read(units.service(name).options + units.STAGED))
    return dict(here, next_version=staged["version"] or here["version"])


def read(path: str) -> str:
    """What a service reads from a file, empty without one; raises ServiceError when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise ServiceError(
            "%s cannot be read: %s; run this as root." % (path, getattr(error, "strerror", None) or error)
        ) from None


def restart_needed(unit: str) -> bool:
    """Whether the files that a running unit was started with have changed since; staged files count as the new ones.

    The unit records the digests of these files at its start (_config.units.started). Without that record, yes.
    """
    record = _record(unit)
    return not record or any(_digest(path + units.STAGED, path) != digest for path, digest in record.items())


def loaded(unit: str, paths: Sequence[str]) -> bool:
    """Whether a running unit was started with these files as they are in place now."""
    record = _record(unit)
    return all(path in record and _digest(path) == record[path] for path in paths)


def _record(unit: str) -> dict[str, str]:
    """The files that a unit was last started with, with their digests; empty without a record. Raises ServiceError."""
    lines = read(units.started(unit)).splitlines()
    return {path: digest for digest, path in (line.split(None, 1) for line in lines if line.strip())}


def _digest(*places: str) -> str | None:
    """The SHA-256 of the first of these files that exists, None when none does."""
    for place in places:
        try:
            with open(place, "rb") as stream:
                return hashlib.sha256(stream.read()).hexdigest()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ServiceError("%s cannot be read: %s; run this as root." % (place, error.strerror)) from None
    return None


def disks(mounts: Sequence[str]) -> list[dict[str, Any]]:
    """[{mount, size_gb, used_percent, luks}] of the mount points that exist.

    luks is whether a LUKS mapping is directly below the file system.
    """
    out = []
    for mount in mounts:
        if not os.path.ismount(mount):
            continue
        status = os.statvfs(mount)
        size = status.f_blocks * status.f_frsize
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        out.append(
            {
                "mount": mount,
                "size_gb": round(size / 1e9, 1),
                "used_percent": round(100 * used / size, 1) if size else 0.0,
                "luks": _luks(mount),
            }
        )
    return out


def _luks(mount: str) -> bool:
    number = os.stat(mount).st_dev
    try:
        with open(
            "/sys/dev/block/%d:%d/dm/uuid" % (os.major(number), os.minor(number)), encoding="ascii", errors="replace"
        ) as stream:
            return stream.read().startswith("CRYPT-LUKS")
    except OSError:
        return False
