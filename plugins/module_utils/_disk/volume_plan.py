# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What becomes of judged data volumes: a file system, a mount unit, an owner of the mounted root."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import uuid
from dataclasses import dataclass
from typing import Any, Optional, Sequence

from .._wait import WaitTimeout, wait_until
from . import mount_unit, probe
from .probe import Run
from .volumes import Judged, VolumesError

COVERED, ABSENT, NEW = "root:root 0000", "absent", "(new)"
MODE, OPTION = re.compile(r"0?[0-7]{3}"), re.compile(r"[A-Za-z0-9_.:=/@+-]+")


@dataclass(frozen=True)
class Root:
    """How the mounted root shall be, mode in octal."""

    owner: str
    group: str
    mode: str

    def __str__(self) -> str:
        return "%s:%s %04o" % (self.owner, self.group, int(self.mode, 8))


@dataclass(frozen=True)
class Plan:
    """One volume before and after; uuid is None for a file system that is not made yet."""

    volume: Judged
    uuid: Optional[str]
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def needed(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    @property
    def unit_changes(self) -> bool:
        """Whether the unit is written."""
        return self.before["unit"] != self.after["unit"]

    def as_dict(self) -> dict[str, Any]:
        """The volume after the run, as the module returns it."""
        return {
            "path" if self.volume.name.startswith("/") else "id": self.volume.name,
            "device": self.volume.probe.device,
            "uuid": self.uuid,
            "mount": self.volume.mount,
            "state_before": "mounted" if self.volume.mounted else self.volume.probe.state,
            "formatted": self.volume.blank,
            "mounted": not self.volume.mounted,
        }


def demand(root: Root, options: Sequence[str]) -> None:
    """Refuse an invalid mode or mount options, before a disk is read; raises VolumesError."""
    if not MODE.fullmatch(root.mode):
        raise VolumesError("The mode %r is not octal; give one like '0750', in quotes." % root.mode)
    for option in options:
        if not OPTION.fullmatch(option):
            raise VolumesError(
                "The mount option %r is none; give each option on its own, without blanks or commas." % option
            )


def plan(judged: Sequence[Judged], root: Root, options: Sequence[str], *, names: bool) -> list[Plan]:
    """Each volume before and after; with names, blank ones get the UUID that they will be formatted with."""
    out = []
    for volume in judged:
        uuid_ = volume.probe.uuid if not volume.blank else str(uuid.uuid4()) if names else None
        before = {
            "file_system": "none" if volume.blank else "xfs",
            "uuid": volume.probe.uuid,
            "unit": mount_unit.read(mount_unit.path(volume.mount)),
            "enabled": mount_unit.enabled(volume.mount),
            "mount_point": COVERED if volume.mounted else _describe(volume.mount),
            "mounted": volume.mounted,
            "root": _describe(volume.mount) if volume.mounted else ABSENT,
        }
        after = {
            "file_system": "xfs",
            "uuid": uuid_ or NEW,
            "unit": mount_unit.text(volume.name, uuid_ or NEW, volume.mount, options),
            "enabled": True,
            "mount_point": COVERED,
            "mounted": True,
            "root": str(root),
        }
        out.append(Plan(volume, uuid_, before, after))
    return out


def _describe(path: str) -> str:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return ABSENT
    except OSError as error:
        raise VolumesError("%s cannot be looked at: %s; look at the disk." % (path, error.strerror)) from None
    return "%s:%s %04o" % (_user(status.st_uid), _group(status.st_gid), stat.S_IMODE(status.st_mode))


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def apply(plans: Sequence[Plan], root: Root, run: Run, *, timeout: float) -> None:
    """Do what the plans say; raises VolumesError. After an interruption the next run goes on where this one stopped."""
    try:
        owner, group = pwd.getpwnam(root.owner).pw_uid, grp.getgrnam(root.group).gr_gid
    except KeyError:
        raise VolumesError(
            "The user %s or the group %s is missing on this host; make them first (kafka_install does)."
            % (root.owner, root.group)
        ) from None
    for plan in plans:
        if plan.volume.blank:
            _format(plan, run)
    away = [plan for plan in plans if not plan.volume.mounted]
    _wait_for_links(away, timeout)
    for plan in away:
        _cover(plan.volume.mount)
    for plan in plans:
        if plan.unit_changes:
            mount_unit.write(mount_unit.path(plan.volume.mount), plan.after["unit"])
    if away or any(plan.unit_changes for plan in plans):
        _systemctl(run, "daemon-reload")
    _systemctl(run, "enable", *[_unit(plan) for plan in plans if not plan.before["enabled"]])
    _systemctl(run, "start", *[_unit(plan) for plan in away])
    # A reload is a remount: the options change under a running broker, which does not notice.
    _systemctl(run, "reload", *[_unit(plan) for plan in plans if plan.volume.mounted and plan.unit_changes])
    for plan in plans:
        _give(plan, owner, group, int(root.mode, 8))


def _unit(plan: Plan) -> str:
    return mount_unit.name(plan.volume.mount)


def _format(plan: Plan, run: Run) -> None:
    """Make the file system, without -f and without discards (-K).

    Without -f mkfs.xfs looks for signatures once more, opens the device exclusively, and refuses what the probe did not
    see. A blank disk has nothing to discard, and discarding a large one takes minutes.
    """
    device = plan.volume.probe.device
    code, out, err = run(
        ["mkfs.xfs", "-q", "-K", "-m", "uuid=%s" % plan.uuid, device], environ_update=probe.environment()
    )
    if code != 0:
        message = " ".join((err or out).split()) or "code %d" % code
        sentence = (
            "mkfs.xfs failed on %s (%s): %s; if it wrote anything, the disk is not blank any more: attach a new volume,"
            " or zero this one by hand."
        )
        raise VolumesError(sentence % (plan.volume.name, device, message))
    # Its return code says little; _wait_for_links checks the result.
    run(["udevadm", "trigger", "--settle", "--action=change", device], environ_update=probe.environment())


def _wait_for_links(plans: Sequence[Plan], timeout: float) -> None:
    """The unit mounts by UUID; wait until udev has made each link, to the right disk."""
    links = {os.path.join(mount_unit.BY_UUID, str(plan.uuid)): plan.volume.probe.number for plan in plans}
    try:
        wait_until(
            lambda: [link for link, number in links.items() if probe.number_of(link) != number],
            lambda missing: not missing,
            what="udev to show the new file systems",
            timeout=timeout,
            interval=0.2,
            describe=lambda missing: "%s missing or on another disk; look at udev" % " and ".join(missing),
        )
    except WaitTimeout as error:
        raise VolumesError(str(error)) from None


def _cover(mount: str) -> None:
    """Make the mount point a directory that only root may enter.

    While the volume is not mounted, Kafka then cannot write to the root disk by mistake.
    """
    try:
        parents, parent = [], os.path.dirname(mount)
        while not os.path.isdir(parent):
            parents, parent = [parent, *parents], os.path.dirname(parent)
        for directory in parents:
            os.mkdir(directory)
            # Independent of the umask: the owner of the mounted root has to pass through here.
            os.chmod(directory, 0o755)
        if not os.path.isdir(mount):
            os.mkdir(mount, 0)
        os.chown(mount, 0, 0)
        os.chmod(mount, 0)
    except OSError as error:
        raise VolumesError(
            "The mount point %s cannot be made: %s; look at the root disk." % (mount, error.strerror)
        ) from None


def _systemctl(run: Run, verb: str, *units: str) -> None:
    if not units and verb != "daemon-reload":
        return
    code, out, err = run(["systemctl", verb, *units], environ_update=probe.environment())
    if code != 0:
        message = " ".join((err or out).split()) or "code %d" % code
        raise VolumesError(
            "systemctl %s failed: %s; look at journalctl --unit %s."
            % (" ".join([verb, *units]), message, (units or ("init.scope",))[0])
        )


def _give(plan: Plan, owner: int, group: int, mode: int) -> None:
    """Set owner and mode of the mounted root, and only of that, never of the directory that it covers."""
    mount = plan.volume.mount
    try:
        descriptor = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if "%d:%d" % (os.major(status.st_dev), os.minor(status.st_dev)) != plan.volume.probe.number:
                raise VolumesError(
                    "%s is not mounted at %s after all; look at journalctl --unit %s."
                    % (plan.volume.name, mount, _unit(plan))
                )
            if (status.st_uid, status.st_gid) != (owner, group):
                os.fchown(descriptor, owner, group)
            if stat.S_IMODE(status.st_mode) != mode:
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise VolumesError(
            "The root of %s at %s cannot be given to its owner: %s; look at the disk."
            % (plan.volume.name, mount, error.strerror)
        ) from None
