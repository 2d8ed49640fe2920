# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Data volumes: all of a host's are looked at and judged before any is changed."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional, Sequence

from .._errors import RackawareError
from .._wait import WaitTimeout, wait_until
from . import blank_proof, mount_unit, remains
from . import probe as disk_probe
from .blank_proof import Permit
from .probe import Probe, Run

# mkfs.xfs makes nothing smaller.
SMALLEST = 300 * disk_probe.MIB
NONE = Permit()
NEW_VOLUME = (
    "attach the right volume or a new one, or zero this one by hand (blkdiscard --zeroout %s) if its data are not"
    " needed"
)


class VolumesError(RackawareError):
    """The volumes are not what was asked for, or could not be made so; possibly several sentences."""


@dataclass(frozen=True)
class Judged:
    """A volume that may be used: its name as given, its mount point, and what was seen on it.

    mounted is whether its file system is already at the mount point.
    """

    name: str
    mount: str
    probe: Probe
    mounted: bool

    @property
    def blank(self) -> bool:
        """Whether it is to be formatted."""
        return self.probe.state == disk_probe.BLANK


def findings(volumes: Sequence[Mapping[str, Any]], run: Run, *, timeout: float = 60.0) -> list[str]:
    """What keeps these volumes, [{id or path, mount}], from being mounted, one sentence each; only reads.

    timeout is in seconds, for disks that udev has not shown yet; run is module.run_command.
    """
    return preview(volumes, run, timeout=timeout)[0]


def preview(
    volumes: Sequence[Mapping[str, Any]], run: Run, *, timeout: float = 60.0
) -> tuple[list[str], list[dict[str, Any]]]:
    """The findings, and [{name, size_bytes}] of the volumes that would be formatted.

    judge needs a proof that these are blank. Arguments as in findings.
    """
    judged, problems = _look(volumes, run, timeout, NONE)
    return problems, [{"name": volume.name, "size_bytes": volume.probe.size} for volume in judged if volume.blank]


def judge(
    volumes: Sequence[Mapping[str, Any]], run: Run, *, timeout: float = 60.0, permit: Permit = NONE, read: bool = True
) -> list[Judged]:
    """All volumes, in their order, when each may be used; else raises VolumesError with all sentences.

    A volume that looks blank needs a proof: permit has one, or every byte is read where permit allows it. With read
    false nothing is read. Other arguments as in findings.
    """
    problems = blank_proof.name_findings([*permit.proven, *permit.declared, *permit.read_whole])
    if not problems:
        judged, problems = _look(volumes, run, timeout, permit)
    if not problems:
        judged, problems = _prove(judged, permit, read)
    if problems:
        raise VolumesError(" ".join(problems))
    return judged


def _prove(judged: Sequence[Judged], permit: Permit, read: bool) -> tuple[list[Judged], list[str]]:
    unproven = [volume for volume in judged if volume.blank and not permit.answered_for(volume.name)]
    # Refusals come first, before hours are spent on reading the others.
    problems = [
        blank_proof.refusal(_title(volume), volume.probe.size, "neither EC2 nor the operator answers for it")
        for volume in unproven
        if not permit.reads(volume.name, volume.probe.size)
    ]
    if problems or not read:
        return list(judged), problems
    seen = [
        replace(volume, probe=disk_probe.read_whole(volume.probe)) if volume in unproven else volume
        for volume in judged
    ]
    return seen, [sentence for was, now in zip(judged, seen) if was.blank for sentence in _content(now)]


def name_of(volume: Mapping[str, Any]) -> str:
    """The volume's id or path."""
    return str(volume.get("id") or volume.get("path") or "")


def _look(
    volumes: Sequence[Mapping[str, Any]], run: Run, timeout: float, permit: Permit
) -> tuple[list[Judged], list[str]]:
    problems = declared_findings(volumes)
    if problems:
        return [], problems
    try:
        devices = _devices([name_of(volume) for volume in volumes], timeout)
        problems = _shared(
            "The disk %s is meant by %s; give each volume its own disk.",
            [(devices[name_of(volume)], name_of(volume)) for volume in volumes],
        )
        if problems:
            return [], problems
        mounts, remembered = disk_probe.mounts(), mount_unit.all_remembered()
        judged = []
        for volume in volumes:
            # More samples of a disk that only the operator declares blank: EC2 does not know it, and no full read
            # follows.
            samples = remains.MANY if name_of(volume) in permit.declared else remains.FEW
            seen = disk_probe.probe(devices[name_of(volume)], run, samples=samples)
            here = [mount for mount in mounts if mount.point == volume["mount"]][-1:]
            judged.append(Judged(name_of(volume), volume["mount"], seen, _is_mounted(seen, here)))
            problems += _findings(judged[-1], here, remembered)
    except (disk_probe.ProbeError, mount_unit.MountUnitError, WaitTimeout) as error:
        return [], [str(error)]
    copies = (
        "The file system %s is on %s, as on a volume and its copy; detach the copy, or give it another UUID (xfs_admin"
        " -U generate)."
    )
    problems += _shared(copies, [(item.probe.uuid, item.name) for item in judged if item.probe.uuid])
    return judged, problems


def _is_mounted(seen: Probe, here: Sequence[disk_probe.Mount]) -> bool:
    return bool(here) and here[0].number == seen.number and here[0].root == "/" and seen.is_xfs


def declared_findings(volumes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the list itself."""
    out = []
    for volume in volumes:
        name, mount = name_of(volume), str(volume.get("mount") or "")
        if bool(volume.get("id")) == bool(volume.get("path")):
            given = "an id and a path" if volume.get("id") else "neither id nor path"
            out.append("The volume for %s has %s; give it one of the two." % (mount or "no mount point", given))
        elif volume.get("id") and name.startswith("/"):
            out.append("The volume %s for %s is given as id; give a path as path." % (name, mount))
        elif disk_probe.name_finding(name):
            out.append(disk_probe.name_finding(name))
        if not mount.startswith("/") or os.path.normpath(mount) != mount or mount == "/" or not mount.isprintable():
            out.append(
                "The mount point %r of %s is no plain absolute path; use one like /var/lib/kafka/data0."
                % (mount, name or "a volume")
            )
    points = sorted({str(volume.get("mount") or "") for volume in volumes})
    nested = "The mount point %s lies below %s, which another volume would cover; give them separate places."
    out += [nested % (inner, outer) for outer in points for inner in points if outer and inner.startswith(outer + "/")]
    out += _shared(
        "The mount point %s is given to %s; give each volume its own.",
        [(volume.get("mount"), name_of(volume)) for volume in volumes],
    )
    out += _shared(
        "The volume %s is to be mounted at %s; mount it once.",
        [(name_of(volume), str(volume.get("mount"))) for volume in volumes],
    )
    return out


def _shared(sentence: str, pairs: Sequence[tuple[Any, str]]) -> list[str]:
    """One sentence for each key that several have."""
    owners: dict[Any, list[str]] = {}
    for key, owner in pairs:
        owners.setdefault(key, []).append(owner)
    return [sentence % (key, " and ".join(names)) for key, names in owners.items() if len(names) > 1]


def _devices(names: Sequence[str], timeout: float) -> dict[str, str]:
    """{name: device}; waits for what udev has not shown yet."""

    def missing(devices: Mapping[str, Optional[str]]) -> list[str]:
        return [name for name, device in devices.items() if device is None]

    devices = wait_until(
        lambda: {name: disk_probe.locate(name) for name in names},
        lambda devices: not missing(devices),
        what="the disk of %s to appear below %s; attach it to this instance" % (" and ".join(names), disk_probe.BY_ID),
        timeout=timeout,
        interval=0.5,
        describe=lambda devices: "no disk of %s" % " and ".join(missing(devices)),
    )
    return {name: str(device) for name, device in devices.items()}


def _findings(
    volume: Judged, here: Sequence[disk_probe.Mount], remembered: Sequence[mount_unit.Remembered]
) -> list[str]:
    seen = volume.probe
    title = _title(volume)
    if seen.state == disk_probe.UNREADABLE:
        return _content(volume)
    if here and not volume.mounted:
        return [
            "%s belongs at %s, where something else (%s) is mounted; unmount that, or correct the list of volumes."
            % (title, volume.mount, here[0].kind)
        ]
    if volume.mounted:
        return []
    if seen.state == disk_probe.IN_USE:
        return [
            "%s is %s, and so is not mounted at %s; free it, or correct the list of volumes."
            % (title, seen.what, volume.mount)
        ]
    return _content(volume) or _read_only(title, seen) + _remembered(title, volume, remembered) + _size(
        title, seen
    ) + _twin(title, seen) + _place(volume.mount)


def _title(volume: Judged) -> str:
    return "%s %s (%s)" % ("Disk" if volume.name.startswith("/") else "Volume", volume.name, volume.probe.device)


def _content(volume: Judged) -> list[str]:
    """Why a disk may not be used because of its content."""
    seen = volume.probe
    if seen.state == disk_probe.UNREADABLE:
        return [
            "%s cannot be judged, and so is not touched, because %s; look at dmesg, or replace the volume."
            % (_title(volume), seen.what)
        ]
    if seen.state == disk_probe.FOREIGN:
        return [
            "%s holds %s, and only a blank disk is formatted; %s."
            % (_title(volume), seen.what, NEW_VOLUME % seen.device)
        ]
    return []


def _read_only(title: str, seen: Probe) -> list[str]:
    return ["%s is read-only, but Kafka writes to it; attach it writable." % title] if seen.read_only else []


def _remembered(title: str, volume: Judged, remembered: Sequence[mount_unit.Remembered]) -> list[str]:
    out = []
    for unit_record in remembered:
        unit = mount_unit.path(unit_record.mount)
        if unit_record.mount != volume.mount and (
            unit_record.volume == volume.name or unit_record.uuid == volume.probe.uuid
        ):
            out.append(
                "%s belongs at %s by %s, not at %s; correct the list of volumes, or disable and remove that unit."
                % (title, unit_record.mount, unit, volume.mount)
            )
        elif unit_record.volume == volume.name and volume.blank:
            sentence = (
                "%s is blank, but by %s it had the file system %s; find out who emptied it, and remove the unit if its"
                " data may be lost."
            )
            out.append(sentence % (title, unit, unit_record.uuid))
    return out


def _size(title: str, seen: Probe) -> list[str]:
    if seen.state == disk_probe.BLANK and seen.size < SMALLEST:
        return ["%s has %d bytes, but XFS needs %d; attach a larger volume." % (title, seen.size, SMALLEST)]
    return []


def _twin(title: str, seen: Probe) -> list[str]:
    """The unit mounts by UUID, so that UUID must lead to this very disk."""
    if not seen.uuid:
        return []
    other = os.path.realpath(os.path.join(mount_unit.BY_UUID, seen.uuid))
    if disk_probe.number_of(other) in (None, seen.number):
        return []
    return [
        "%s has the file system %s, and so has %s; detach the copy, or give it another UUID (xfs_admin -U generate)."
        % (title, seen.uuid, other)
    ]


def _place(mount: str) -> list[str]:
    """Whether the unmounted mount point may be covered."""
    if os.path.realpath(mount) != mount:
        return [
            "The mount point %s is %s in truth, and systemd mounts nothing on a symbolic link; give the real path."
            % (mount, os.path.realpath(mount))
        ]
    try:
        if os.listdir(mount):
            return ["The mount point %s is not empty, and mounting would hide what it holds; move that away." % mount]
    except FileNotFoundError:
        pass
    except OSError as error:
        return ["The mount point %s cannot be used: %s; make it a directory." % (mount, error.strerror)]
    return []
