# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The NVMe disks of an EC2 instance, read from the kernel and from the disks themselves: no call to AWS."""

from __future__ import annotations

import ctypes
import fcntl
import fnmatch
import glob
import os
import re
from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterable, Sequence

from .._command import Run
from .._disk import probe as disk_probe
from .._errors import RackawareError
from . import format_record, volume
from . import header as luks_header

INSTANCE_STORE, EBS, OTHER = "instance_store", "ebs", "other"
STORE_MODEL, EBS_MODEL = "Amazon EC2 NVMe Instance Storage", "Amazon Elastic Block Store"
# linux/nvme_ioctl.h: NVME_IOCTL_ADMIN_CMD; NVMe base specification: Identify Controller.
ADMIN_COMMAND, IDENTIFY, CONTROLLER = 0xC0484E41, 0x06, 1
VENDOR_BYTES = slice(3072, 3104)


class InstanceStoreError(RackawareError):
    """The disks cannot be listed."""


@dataclass(frozen=True)
class Disk:
    """One NVMe namespace; sizes in bytes, state in the words of states()."""

    device: str
    by_id: str
    model: str
    serial: str
    size_bytes: int
    kind: str
    ebs_volume_id: str
    ebs_device_name: str
    logical_sector: int
    physical_sector: int
    holders: tuple[str, ...]
    mountpoint: str = ""
    state: str = "unknown"
    uuid: str = ""
    subsystem: str = ""
    remembered: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return {**asdict(self), "holders": list(self.holders)}


class _Command(ctypes.Structure):
    _fields_ = [
        ("opcode", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
        ("rsvd1", ctypes.c_uint16),
        ("nsid", ctypes.c_uint32),
        ("cdw2", ctypes.c_uint32),
        ("cdw3", ctypes.c_uint32),
        ("metadata", ctypes.c_uint64),
        ("addr", ctypes.c_uint64),
        ("metadata_len", ctypes.c_uint32),
        ("data_len", ctypes.c_uint32),
        ("cdw10", ctypes.c_uint32),
        ("cdw11", ctypes.c_uint32),
        ("cdw12", ctypes.c_uint32),
        ("cdw13", ctypes.c_uint32),
        ("cdw14", ctypes.c_uint32),
        ("cdw15", ctypes.c_uint32),
        ("timeout_ms", ctypes.c_uint32),
        ("result", ctypes.c_uint32),
    ]


def identify(device: str) -> bytes:
    """The controller's answer to Identify, empty where it gives none."""
    buffer = ctypes.create_string_buffer(4096)
    command = _Command(opcode=IDENTIFY, addr=ctypes.addressof(buffer), data_len=4096, cdw10=CONTROLLER)
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        fcntl.ioctl(descriptor, ADMIN_COMMAND, command)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return buffer.raw


def ebs_name(answer: bytes) -> str:
    """The device name that was asked for when the volume was attached, with /dev/; EC2 notes it with or without."""
    text = answer[VENDOR_BYTES].split(b"\0", 1)[0].decode("ascii", "replace").strip()
    return ("" if not text else text if text.startswith("/dev/") else "/dev/" + text) if text.isprintable() else ""


def ebs_id(serial: str) -> str:
    """The volume id of a serial, empty for other disks."""
    match = re.fullmatch(r"vol-?([0-9a-f]{8,17})", serial)
    return "vol-" + match[1] if match else ""


def disks(
    *, models: Sequence[str], sys_root: str = "/sys", dev_root: str = "/dev", ask: Callable[[str], bytes] = identify
) -> list[Disk]:
    """All NVMe namespaces, in order of kernel name; raises InstanceStoreError.

    models are shell patterns of the models that count as instance stores.
    """
    links = _links(dev_root)
    try:
        controllers = sorted(os.listdir(os.path.join(sys_root, "class", "nvme")), key=_natural)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InstanceStoreError("The NVMe disks cannot be listed: %s; look at the host." % error.strerror) from None
    out = []
    for controller in controllers:
        home = os.path.join(sys_root, "class", "nvme", controller)
        model, serial = disk_probe.sysfs(os.path.join(home, "model")), disk_probe.sysfs(os.path.join(home, "serial"))
        kind = (
            EBS
            if model == EBS_MODEL
            else INSTANCE_STORE
            if any(fnmatch.fnmatchcase(model, pattern) for pattern in models)
            else OTHER
        )
        for name in sorted(filter(re.compile(r"nvme\d+n\d+").fullmatch, os.listdir(home)), key=_natural):
            queue = os.path.join(home, name, "queue")
            device = os.path.join(dev_root, name)
            out.append(
                Disk(
                    device=device,
                    by_id=_by_id(links.get(os.path.realpath(device), [])),
                    model=model,
                    serial=serial,
                    size_bytes=int(disk_probe.sysfs(os.path.join(home, name, "size")) or 0) * 512,
                    kind=kind,
                    ebs_volume_id=ebs_id(serial) if kind == EBS else "",
                    ebs_device_name=ebs_name(ask(device)) if kind == EBS else "",
                    logical_sector=int(disk_probe.sysfs(os.path.join(queue, "logical_block_size")) or 512),
                    physical_sector=int(disk_probe.sysfs(os.path.join(queue, "physical_block_size")) or 512),
                    holders=tuple(
                        sorted(os.path.basename(path) for path in glob.glob(os.path.join(home, name, "holders", "*")))
                    ),
                )
            )
    return out


def _natural(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def _links(dev_root: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(dev_root), "disk", "by-id", "*"))):
        out.setdefault(os.path.realpath(path), []).append(path)
    return out


def _by_id(links: Iterable[str]) -> str:
    # udev also makes nvme-eui… links and one with the namespace's number. That of model and
    # serial is the most readable.
    ranked = sorted(
        links,
        key=lambda path: (
            not os.path.basename(path).startswith("nvme-Amazon"),
            os.path.basename(path).startswith("nvme-eui"),
            len(path),
            path,
        ),
    )
    return ranked[0] if ranked else ""


def judged(
    disk: Disk,
    run: Run,
    *,
    subsystem: str = "",
    marker_dir: str = format_record.DIRECTORY,
    probe: Callable[..., Any] = disk_probe.probe,
) -> Disk:
    """The disk, its content, and this host's record of it; our subsystems begin with subsystem.

    Raises RackawareError.
    """
    marker = format_record.load(format_record.path_of(disk.device, marker_dir))
    seen = probe(disk.device, run)
    mounts = [mount.point for mount in seen.mounts]
    header = None if seen.error else luks_header.scan(disk.device).header
    if seen.error:
        state = "unreadable"
    elif header is not None:
        state = (
            "luks_ours"
            if subsystem and header.version == 2 and header.subsystem.startswith(subsystem)
            else "luks_foreign"
        )
    elif seen.partitions or "PTTYPE" in seen.signature:
        state = "partitioned"
    elif seen.state == disk_probe.IN_USE:
        state = "in_use"
    elif volume.is_signed(seen):
        state = "filesystem"
    else:
        state = "blank" if seen.state == disk_probe.BLANK else "data"
    uuid = header.uuid if header else str(seen.signature.get("UUID", ""))
    content = {
        "mountpoint": mounts[0] if mounts else "",
        "state": state,
        "uuid": uuid,
        "subsystem": header.subsystem if header else "",
    }
    return Disk(**{**disk.__dict__, **content, "remembered": marker.uuid if marker else ""})
