# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Settings of the kernel: what a host has now, what it shall have now and after each boot, and how to get there."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .._errors import RackawareError
from . import staging

# systemd writes it as PID 1 of a container, readable by all users.
CONTAINER = "run/systemd/container"
HUGEPAGE = "sys/kernel/mm/transparent_hugepage/enabled"
ROOT = staging.Owned("root", "root", 0o644)


class KernelError(RackawareError):
    """The kernel does not take a setting."""


@dataclass(frozen=True)
class Setting:
    """One value in /proc or /sys: its usual name, the path of its file, and the values found and wanted, as text.

    writable is whether this host may set it.
    """

    name: str
    path: str
    found: str | None
    wanted: str
    writable: bool

    @property
    def differs(self) -> bool:
        """Whether the kernel has something else now."""
        return self.found != self.wanted


def sysctls(values: Mapping[str, Any], root: str = "/") -> list[Setting]:
    """The kernel's parameters by their names (sysctl(8)); white space between numbers counts as one space."""
    out = []
    for name, value in values.items():
        if not re.fullmatch(r"[a-zA-Z0-9_./-]+", str(name)):
            raise KernelError(
                "%r is no name of a kernel parameter; write it as sysctl does, like vm.swappiness." % name
            )
        path = os.path.join(root, "proc/sys", *str(name).split("."))
        out.append(_setting(str(name), path, _normal(str(value)), _normal(_read(path))))
    return out


def hugepages(mode: str | None, root: str = "/") -> list[Setting]:
    """The mode of transparent huge pages; the kernel shows all modes, the chosen one in brackets."""
    path = os.path.join(root, HUGEPAGE)
    return [_setting("transparent_hugepage", path, mode, _chosen(_read(path)))] if mode else []


def schedulers(scheduler: str | None, disks: Sequence[str], root: str = "/") -> list[Setting]:
    """The I/O scheduler of each disk whose name matches one of the patterns."""
    if not scheduler:
        return []
    home = os.path.join(root, "sys/block")
    names = (
        [name for name in sorted(os.listdir(home)) if any(fnmatch.fnmatch(name, pattern) for pattern in disks)]
        if os.path.isdir(home)
        else []
    )
    out = []
    for name in names:
        path = os.path.join(home, name, "queue/scheduler")
        offered = (_read(path) or "").replace("[", "").replace("]", "").split()
        if scheduler in offered:
            out.append(_setting("scheduler of " + name, path, scheduler, _chosen(_read(path))))
    return out


def split(settings: Sequence[Setting], root: str = "/") -> tuple[list[Setting], list[str]]:
    """The settings to write now, and the names that only the host of this container can set.

    Raises KernelError outside of a container.
    """
    needed = [setting for setting in settings if setting.differs]
    refused = [setting for setting in needed if setting.found is None or not setting.writable]
    if refused and not os.path.exists(os.path.join(root, CONTAINER)):
        raise KernelError(
            "The kernel does not have %s, or does not let it be set; correct os_tuning_sysctl, or the kernel."
            % ", ".join(setting.name for setting in refused)
        )
    return [setting for setting in needed if setting not in refused], [setting.name for setting in refused]


def write(setting: Setting) -> None:
    """Set it now; raises KernelError when the kernel refuses the value."""
    try:
        with open(setting.path, "w", encoding="ascii") as stream:
            stream.write(setting.wanted)
    except OSError as error:
        raise KernelError(
            "The kernel refuses %s = %s: %s; correct the value." % (setting.name, setting.wanted, error.strerror)
        ) from None


def files(
    sysctl: Mapping[str, Any],
    hugepage: str | None,
    scheduler: str | None,
    disks: Sequence[str],
    limits: Mapping[str, int],
    *,
    header: str,
    root: str = "/",
) -> list[dict[str, Any]]:
    """The files in sysctl.d, tmpfiles.d, udev and limits.d that set it at each boot, as in _host.staging.decide."""
    lines = {
        "etc/sysctl.d/90-kafka.conf": ["%s = %s" % (name, _normal(str(value))) for name, value in sysctl.items()],
        "etc/tmpfiles.d/kafka.conf": ["w /%s - - - - %s" % (HUGEPAGE, hugepage)] if hugepage else [],
        "etc/udev/rules.d/90-kafka.rules": [
            'ACTION=="add|change", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", KERNEL=="%s", TEST=="queue/scheduler",'
            ' ATTR{queue/scheduler}="%s"' % ("|".join(disks), scheduler)
        ]
        if scheduler
        else [],
        "etc/security/limits.d/90-kafka.conf": ["%s - nofile %d" % (user, number) for user, number in limits.items()],
    }
    owned = {"owner": ROOT.owner, "group": ROOT.group, "mode": "%04o" % ROOT.mode}
    return [
        {"dest": os.path.join(root, path), "content": "\n".join(["# " + header, *text]) + "\n", **owned}
        for path, text in lines.items()
    ]


def _setting(name: str, path: str, wanted: str, found: str | None) -> Setting:
    return Setting(name, path, found, wanted, os.access(path, os.W_OK))


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, ValueError):
        return None


def _normal(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


def _chosen(text: str | None) -> str | None:
    match = re.search(r"\[([^]]+)\]", text or "")
    return match.group(1) if match else text
