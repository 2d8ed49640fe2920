# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The units of encrypted stores on a host: enabled, started, and waited for.

When a store stays locked, the error quotes the unlocker.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from .._disk import mount_unit
from .._errors import RackawareError
from .._host import staging
from .._luks import units as luks_units

Run = Callable[..., "tuple[int, str, str]"]
ANSWER_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {"owner": {"type": "str", "required": True}, "answered": {"type": "float"}},
}
SPEC: dict[str, dict[str, Any]] = {
    "stores": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"store": {"type": "str", "required": True}, "mount": {"type": "str", "required": True}},
    },
    "state": {"type": "str", "choices": ["open", "closed"], "default": "open"},
    "answer": ANSWER_SPEC,
    "directories": staging.DIRECTORIES_SPEC,
    "files": {**staging.FILES_SPEC, "default": []},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0755"},
    "timeout": {"type": "int", "default": 120},
}
MODULE_SPEC: dict[str, dict[str, Any]] = {**SPEC, "contents": {"type": "str", "no_log": True}}
PROPERTIES = ("Id", "LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "StatusText", "Result")
MODE = re.compile(r"0?[0-7]{3}")
TRANSLATED = {"LC_ALL": "C"}


class StoreUnitsError(RackawareError):
    """A store is not open, or its unit cannot be asked."""


@dataclass(frozen=True)
class Store:
    """One store by its name and mount point."""

    name: str
    mount: str

    @property
    def units(self) -> tuple[str, str]:
        """What opens it, and what mounts it."""
        return luks_units.unlock_service(self.name), mount_unit.name(self.mount)


@dataclass(frozen=True)
class Root:
    """How the mounted root shall be, mode in octal."""

    owner: str
    group: str
    mode: str


def stores(given: Sequence[Mapping[str, Any]]) -> list[Store]:
    """Check the list; raises StoreUnitsError."""
    out = [Store(str(store["store"]), str(store["mount"])) for store in given]
    for store in out:
        if not store.mount.startswith("/") or os.path.normpath(store.mount) != store.mount or store.mount == "/":
            raise StoreUnitsError(
                "The mount point %r of %s is no plain absolute path; use one like /var/lib/kafka/data0."
                % (store.mount, store.name)
            )
    return out


def show(units: Sequence[str], run: Run) -> dict[str, dict[str, str]]:
    """What systemd says of each unit, by its name; raises StoreUnitsError."""
    code, out, err = run(["systemctl", "show", "--property=" + ",".join(PROPERTIES), *units], environ_update=TRANSLATED)
    if code != 0:
        raise StoreUnitsError(
            "systemd could not be asked about %s: %s; look at the host."
            % (", ".join(units), " ".join((err or out).split()))
        )
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in out.strip().split("\n\n")
    ]
    return {block["Id"]: block for block in blocks if "Id" in block}


def plan(store: Store, seen: Mapping[str, Mapping[str, str]], root: Root) -> list[str]:
    """The steps for one store, in order."""
    service, mount = (seen.get(unit, {}) for unit in store.units)
    out = []
    if any(properties.get("NeedDaemonReload") == "yes" for properties in (service, mount)):
        out.append("reload")
    if any(properties.get("UnitFileState") != "enabled" for properties in (service, mount)):
        out.append("enable")
    if any(properties.get("ActiveState") != "active" for properties in (service, mount)):
        out += ["open", "mount"] if service.get("ActiveState") != "active" else ["mount"]
        return out + ["own"] if (root.owner, root.group, root.mode) != ("root", "root", "0755") else out
    return out if owned(store.mount, root) else out + ["own"]


def owned(mount: str, root: Root) -> bool:
    """Whether the mounted root is as it shall be."""
    status = os.stat(mount)
    return (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*_ids(root), int(root.mode, 8))


def _ids(root: Root) -> tuple[int, int]:
    if not MODE.fullmatch(root.mode):
        raise StoreUnitsError("The mode %r is not octal; give one like '0750', in quotes." % root.mode)
    try:
        return pwd.getpwnam(root.owner).pw_uid, grp.getgrnam(root.group).gr_gid
    except KeyError:
        raise StoreUnitsError(
            "The user %s or the group %s is missing on this host; make them first." % (root.owner, root.group)
        ) from None


def apply(
    plans: Sequence[tuple[Store, Sequence[str]]],
    root: Root,
    run: Run,
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Do the steps; raises StoreUnitsError with the reason of a store that stays locked.

    Such a store is left waiting, because it opens by itself once its key is granted.
    """
    if any(steps for _each, steps in plans):
        _systemctl(run, "daemon-reload")
    for store, steps in plans:
        if "enable" in steps:
            _systemctl(run, "enable", *store.units)
    for store, steps in plans:
        if "mount" in steps:
            # A store that failed before is started again; the jobs go on when this run ends.
            _systemctl(run, "reset-failed", *store.units, fine=(0, 1))
            _systemctl(run, "start", "--no-block", *store.units)
    end = time.monotonic() + timeout
    for store, steps in plans:
        if "mount" in steps:
            _wait(store, run, end, sleep)
    for store, steps in plans:
        if "own" in steps:
            _give(store.mount, root)


def close(closing: Sequence[Store], run: Run) -> None:
    """Close these stores; the mounts need the units, and go with them. Raises StoreUnitsError."""
    _systemctl(run, "stop", *[store.units[0] for store in closing])


def _systemctl(run: Run, *words: str, fine: Sequence[int] = (0,)) -> None:
    code, out, err = run(["systemctl", *words], environ_update=TRANSLATED)
    if code not in fine:
        raise StoreUnitsError(
            "systemctl %s failed: %s; look at the journal."
            % (" ".join(words), " ".join((err or out).split()) or "code %d" % code)
        )


def _wait(store: Store, run: Run, end: float, sleep: Callable[[float], None]) -> None:
    service, mount = store.units
    while True:
        seen = show(store.units, run)
        states = [seen.get(unit, {}).get("ActiveState") for unit in (service, mount)]
        text = seen.get(service, {}).get("StatusText", "")
        if states == ["active", "active"]:
            return
        if "failed" in states or states[0] == "inactive" and text.startswith("refused"):
            unit = service if states[0] != "active" else mount
            raise StoreUnitsError(
                "The store %s is not open: %s See journalctl --unit %s. See docs/runbooks/store_locked.md."
                % (store.name, _sentence(text) or "its unit failed.", unit)
            )
        if text.startswith("locked"):
            raise StoreUnitsError(
                "The store %s stays locked, and tries again every few minutes by itself. It says: %s"
                " See docs/runbooks/store_locked.md." % (store.name, _sentence(text))
            )
        if time.monotonic() > end:
            raise StoreUnitsError(
                "The store %s did not open in time, and goes on trying. It says: %s See docs/runbooks/store_locked.md."
                % (store.name, _sentence(text) or "nothing.")
            )
        sleep(0.5)


def _sentence(text: str) -> str:
    return text.strip() if not text.strip() or text.strip().endswith(".") else text.strip() + "."


def _give(mount: str, root: Root) -> None:
    """Set owner and mode of the mounted root, never of the directory that it covers."""
    owner, group = _ids(root)
    if not os.path.ismount(mount):
        raise StoreUnitsError("%s is not mounted after all; look at the journal." % mount)
    try:
        handle = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchown(handle, owner, group)
            os.fchmod(handle, int(root.mode, 8))
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreUnitsError(
            "The root of %s cannot be given to its owner: %s; look at the disk." % (mount, error.strerror)
        ) from None
