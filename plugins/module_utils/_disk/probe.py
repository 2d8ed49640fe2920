# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is on a block device: it is found by its identity, read without a write, and never called blank by a guess."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
import struct
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping, Optional

from .._errors import RackawareError
from . import remains as disk_remains

BLANK, XFS, FOREIGN, IN_USE, UNREADABLE = "blank", "xfs", "foreign", "in use", "unreadable"
DEV, BY_ID, SYS_BLOCK, SYS_NUMBERS = "/dev", "/dev/disk/by-id", "/sys/block", "/sys/dev/block"
MOUNTS, SWAPS = "/proc/self/mountinfo", "/proc/swaps"
# On EC2 the serial of an NVMe disk is its volume id without the hyphen, and udev makes this link of it.
EBS_LINK, EBS_ID = "nvme-Amazon_Elastic_Block_Store_vol%s", re.compile(r"vol-([0-9a-f]{8,17})")
MIB = 1024**2
BLKID_NOTHING, BLKID_AMBIVALENT = 2, 8

Run = Callable[..., "tuple[int, str, str]"]


class ProbeError(RackawareError):
    """The name of a disk does not lead to that disk."""


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo; number is the file system's major:minor, root what of it is shown there."""

    number: str
    root: str
    point: str
    kind: str


@dataclass(frozen=True)
class Probe:
    """What was seen of a device.

    signature is what blkid found; flaw is why an XFS cannot be mounted; error is why something could not be read. zero
    is whether all bytes that were read are zero, None when none were read. data_at is the offset of the first data, and
    remains is what they are a part of.
    """

    device: str
    number: str = ""
    size: int = 0
    signature: Mapping[str, str] = field(default_factory=dict)
    partitions: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    swap: bool = False
    exclusive: bool = True
    read_only: bool = False
    zero: Optional[bool] = None
    data_at: Optional[int] = None
    remains: str = ""
    flaw: str = ""
    error: str = ""

    @property
    def state(self) -> str:
        """BLANK, XFS, FOREIGN, IN_USE or UNREADABLE; BLANK only where it is proven."""
        if self.error:
            return UNREADABLE
        if self.mounts or self.holders or self.swap or not self.exclusive:
            return IN_USE
        if self.partitions or self.flaw:
            return FOREIGN
        if self.signature:
            return XFS if self.is_xfs else FOREIGN
        return {True: BLANK, False: FOREIGN, None: UNREADABLE}[self.zero]

    @property
    def is_xfs(self) -> bool:
        """Whether an XFS, and nothing beside it, is on the device, mounted or not."""
        return self.signature.get("TYPE") == "xfs" and "PTTYPE" not in self.signature and bool(self.uuid)

    @property
    def uuid(self) -> Optional[str]:
        """The file system's UUID."""
        return self.signature.get("UUID") or None

    @property
    def what(self) -> str:
        """What is there, or what keeps it from being judged, in words that follow "holds", "is" or "because"."""
        if self.error:
            return self.error
        if self.state == IN_USE:
            uses = ["mounted at %s" % mount.point for mount in self.mounts] + [
                "held by %s" % name for name in self.holders
            ]
            uses += ["used as swap"] if self.swap else []
            return " and ".join(uses or ["opened exclusively by something else"])
        if self.flaw:
            return self.flaw
        if self.partitions:
            return "the partitions %s" % ", ".join(self.partitions)
        if self.signature:
            return _signature_text(self.signature)
        if self.zero is None:
            return "it has not been read"
        if self.zero:
            return "nothing"
        return "%s near byte %d" % (
            ("what is left of %s," % self.remains) if self.remains else "data without a signature",
            self.data_at or 0,
        )


def _signature_text(signature: Mapping[str, str]) -> str:
    kind = signature.get("TYPE")
    table = signature.get("PTTYPE")
    if not kind and not table:
        return "signatures that contradict each other"
    texts = ["%s%s" % (kind, " (UUID %s)" % signature["UUID"] if signature.get("UUID") else "")] if kind else []
    texts += ["a partition table (%s)" % table] if table else []
    return " and ".join(texts)


def name_finding(name: str) -> str:
    """What is wrong with the name of a disk, an EBS volume id or a path below BY_ID; empty when nothing is."""
    if not name.startswith("/"):
        return (
            "" if EBS_ID.fullmatch(name) else "%r is no EBS volume id; it must look like vol-0123456789abcdef0." % name
        )
    if os.path.dirname(name) != BY_ID or os.path.normpath(name) != name:
        return (
            "%s is not a lasting name of a disk, because kernel names move between boots; use the volume's id or its"
            " path below %s." % (name, BY_ID)
        )
    return ""


def locate(name: str) -> Optional[str]:
    """The device that an EBS volume id or a path below BY_ID means, None while it is not there.

    Raises ProbeError for another kind of name, and when the link leads to a disk with another serial.
    """
    problem = name_finding(name)
    if problem:
        raise ProbeError(problem)
    if name.startswith("/"):
        device = os.path.realpath(name)
        return device if number_of(device) else None
    serial = name.replace("-", "")
    link = os.path.join(BY_ID, EBS_LINK % serial[3:])
    device = os.path.realpath(link)
    number = number_of(device)
    if number is None:
        return _by_serial(serial)
    disk_serial = _serial(os.path.join(SYS_NUMBERS, number))
    # A link may outlive its disk by a moment, and the kernel gives the name to the next one.
    if disk_serial.startswith("vol") and disk_serial != serial:
        raise ProbeError(
            "%s leads to %s, whose serial is %s; let udev settle and run this again." % (link, device, disk_serial)
        )
    return device


def _by_serial(serial: str) -> Optional[str]:
    for path in sorted(glob.glob(os.path.join(SYS_BLOCK, "nvme*n*"))):
        device = os.path.join(DEV, os.path.basename(path))
        number = number_of(device)
        # In a container the kernel's tree shows disks that its /dev does not have.
        if number is not None and _serial(path) == serial and sysfs(os.path.join(path, "dev")) == number:
            return device
    return None


def _serial(path: str) -> str:
    return sysfs(os.path.join(path, "device", "serial")).replace("-", "")


def sysfs(path: str) -> str:
    """What a file below /sys says, empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def number_of(path: str) -> Optional[str]:
    """major:minor of a block device, None for anything else."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return "%d:%d" % (os.major(status.st_rdev), os.minor(status.st_rdev)) if stat.S_ISBLK(status.st_mode) else None


def mounts() -> list[Mount]:
    """All mounts, in order; of two at one mount point the later one is visible.

    Raises ProbeError when it cannot be read.
    """
    out = []
    for line in _lines(MOUNTS):
        fields = line.split(" ")
        # Optional fields come before a lone hyphen; proc(5).
        kind = fields[fields.index("-", 6) + 1]
        out.append(Mount(fields[2], _unescape(fields[3]), _unescape(fields[4]), kind))
    return out


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read().splitlines()
    except OSError as error:
        raise ProbeError("%s cannot be read: %s; look at the host." % (path, error.strerror)) from None


def _unescape(text: str) -> str:
    # Blanks, newlines and backslashes are octal there; proc(5).
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def environment() -> dict[str, str]:
    """The environment of the tools: untranslated output, and a PATH that has their directories."""
    return {"LC_ALL": "C", "PATH": "%s:/usr/sbin:/sbin" % os.environ.get("PATH", "/usr/bin:/bin")}


def probe(device: str, run: Run, *, samples: int = disk_remains.MANY) -> Probe:
    """Look at a device without writing to it; run is module.run_command.

    What cannot be read comes back as error, never as blank. Where no signature is found, both edges, the places of
    second copies and this many samples are read.
    """
    number = number_of(device)
    if number is None:
        return Probe(device, error="it is no block device")
    seen: dict[str, Any] = {"device": device, "number": number, **_uses(number)}
    try:
        # O_EXCL on a block device fails while the kernel itself uses it, for a mount in another namespace, too.
        descriptor = os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.EBUSY:
            return Probe(**seen, error="it cannot be opened: %s" % error.strerror)
        seen["exclusive"] = False
        try:
            descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as again:
            return Probe(**seen, error="it cannot be opened: %s" % again.strerror)
    try:
        return _read(descriptor, seen, run, samples)
    except OSError as error:
        return Probe(**seen, error="it cannot be read: %s" % (error.strerror or error))
    finally:
        os.close(descriptor)


def _uses(number: str) -> dict[str, Any]:
    home = os.path.join(SYS_NUMBERS, number)
    # A kernel without swap has no such file.
    lines = _lines(SWAPS) if os.path.exists(SWAPS) else []
    swaps = [_unescape(line.split()[0]) for line in lines[1:] if line.strip()]
    return {
        "partitions": tuple(
            sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(home, "*", "partition")))
        ),
        "holders": tuple(sorted(os.path.basename(path) for path in glob.glob(os.path.join(home, "holders", "*")))),
        "mounts": tuple(mount for mount in mounts() if mount.number == number),
        "read_only": sysfs(os.path.join(home, "ro")) == "1",
        "swap": any(number_of(path) == number for path in swaps),
    }


def _read(descriptor: int, seen: dict[str, Any], run: Run, samples: int) -> Probe:
    seen["size"] = os.lseek(descriptor, 0, os.SEEK_END)
    if seen["size"] == 0:
        return Probe(**seen, error="it has no size")
    code, out, err = run(["blkid", "--probe", "--output", "export", seen["device"]], environ_update=environment())
    # blkid says 2 for a blank device and for one that it cannot read: only a read of our own tells them apart.
    if code not in (0, BLKID_NOTHING, BLKID_AMBIVALENT) or (code == BLKID_NOTHING and err.strip()):
        return Probe(**seen, error="blkid failed on it: %s" % ((err or out).strip() or "code %d" % code))
    pairs = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    seen["signature"] = {
        key: value for key, value in pairs.items() if key != "DEVNAME" and not key.startswith("PART_ENTRY_")
    }
    if code == BLKID_AMBIVALENT:
        seen["signature"]["AMBIVALENT"] = "yes"
        for key in ("TYPE", "UUID"):
            seen["signature"].pop(key, None)
    result = Probe(**seen)
    if result.is_xfs:
        return Probe(**seen, flaw=_xfs_flaw(disk_remains.exactly(descriptor, 0, 512), seen["size"]))
    if result.signature or result.state in (IN_USE, FOREIGN):
        return result
    return Probe(**seen, **_verdict(disk_remains.first_data(descriptor, disk_remains.places(seen["size"], samples))))


def _verdict(data: Optional[tuple[int, bytes]]) -> dict[str, Any]:
    return (
        {"zero": True} if data is None else {"zero": False, "data_at": data[0], "remains": disk_remains.name(data[1])}
    )


def read_whole(seen: Probe) -> Probe:
    """The probe of a blank device again, after every byte of it was read; takes as long as the disk needs for that."""
    try:
        descriptor = os.open(seen.device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
        try:
            return replace(seen, **_verdict(disk_remains.whole(descriptor, seen.size)))
        finally:
            os.close(descriptor)
    except OSError as error:
        return replace(seen, error="it cannot be read: %s" % (error.strerror or error))


def blank_behind(device: str, start: int) -> bool:
    """Whether all bytes that probe reads of a device from start on are zero; raises ProbeError."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            return disk_remains.first_data(descriptor, disk_remains.places(size, disk_remains.MANY, start)) is None
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ProbeError("%s cannot be read: %s; look at the disk." % (device, error.strerror or error)) from None


def _xfs_flaw(superblock: bytes, size: int) -> str:
    """Why the kernel would not mount this superblock; xfs_sb_validate_common in fs/xfs/libxfs/xfs_sb.c."""
    magic, block_size, blocks = struct.unpack_from(">4sIQ", superblock)
    if magic != b"XFSB":
        return "an XFS whose superblock cannot be found"
    if superblock[126]:
        return "an XFS that mkfs.xfs never finished"
    if block_size * blocks > size:
        return "an XFS of %d bytes on a disk of %d" % (block_size * blocks, size)
    return ""
