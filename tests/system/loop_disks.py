"""Disks for tests: sparse files behind loop devices, with the content of foreign disks.

A stand-in for udev and systemd really mounts them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import struct
import subprocess
import time
from pathlib import Path

MIB = 1024**2
SIZE = 400 * MIB


def tool(*command: str | Path) -> str:
    """Run a command and return what it says."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=120, close_fds=True
    )
    assert done.returncode == 0, "%s: %s%s" % (" ".join(str(word) for word in command), done.stdout, done.stderr)
    return done.stdout.strip()


class Disk:
    """A file behind a loop device."""

    def __init__(self, file: Path, size: int = SIZE, *options: str) -> None:
        self.file = file
        with open(file, "wb") as stream:
            stream.truncate(size)
        self.device = attach(file, *options)

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes on it."""
        with open(self.device, "r+b") as stream:
            stream.seek(offset)
            stream.write(data)
            os.fsync(stream.fileno())

    def digest(self) -> str:
        """Of all bytes; holes are not read but taken for the zeros that they are."""
        out = hashlib.sha256()
        descriptor = os.open(self.file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            end = position = 0
            total = os.fstat(descriptor).st_size
            while end < total:
                try:
                    position = os.lseek(descriptor, end, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(descriptor, position, os.SEEK_HOLE)
                while position < end:
                    chunk = os.pread(descriptor, 4096, position)
                    # What counts as a hole depends on what the kernel has cached.
                    if chunk.strip(b"\0"):
                        out.update(b"%d:" % position + chunk)
                    position += len(chunk)
        finally:
            os.close(descriptor)
        return "%d %s" % (total, out.hexdigest())

    def detach(self) -> None:
        """Detach the device, even if something is mounted from it."""
        subprocess.run(["umount", "--all-targets", self.device], check=False, capture_output=True)
        subprocess.run(["swapoff", self.device], check=False, capture_output=True)
        subprocess.run(["losetup", "--detach", self.device], check=False, capture_output=True)


def attach(file: Path, *options: str) -> str:
    """A loop device of a file; another process may take the free one first."""
    for _try in range(20):
        done = subprocess.run(
            ["losetup", "--find", "--show", "--partscan", *options, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout.strip()
        time.sleep(0.1)
    raise AssertionError(done.stderr)


def md_member() -> bytes:
    """A superblock of version 1.2 for byte 4096, as mdadm writes it; a kernel without md lets mdadm make none."""
    block = bytearray(256 + 4)
    struct.pack_into("<III", block, 0, 0xA92B4EFC, 1, 0)
    block[16:32], block[32:36] = bytes(range(16)), b"host"
    struct.pack_into("<QIiQII", block, 64, 0, 1, 0, 800000, 0, 2)
    struct.pack_into("<QQQ", block, 128, 2048, 800000, 8)
    struct.pack_into("<I", block, 220, 2)
    total = sum(struct.unpack("<65I", block))
    struct.pack_into("<I", block, 216, ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)
    return bytes(block)


@contextlib.contextmanager
def held(device: str):
    """Open a device as a mount of another host's container does."""
    descriptor = os.open(device, os.O_RDONLY | os.O_EXCL)
    try:
        yield
    finally:
        os.close(descriptor)


class Host:
    """What a host gives the module: links by id and by UUID, a folder of units, and commands.

    systemctl and udevadm are played: starting a unit mounts what it says where it says, as systemd would. All else is
    real.
    """

    def __init__(self, home: Path) -> None:
        self.by_id, self.by_uuid, self.units = home / "by-id", home / "by-uuid", home / "units"
        for folder in (self.by_id, self.by_uuid, self.units):
            folder.mkdir()
        self.commands: list[list[str]] = []

    def ebs(self, volume: str, device: str) -> None:
        """Let a device be an EBS volume."""
        link = self.by_id / ("nvme-Amazon_Elastic_Block_Store_" + volume.replace("-", ""))
        link.unlink(missing_ok=True)
        link.symlink_to(device)

    def run(self, command, **_more):
        """module.run_command."""
        self.commands.append(list(command))
        if command[0] == "udevadm":
            self.look_at(command[-1])
        elif command[0] == "systemctl":
            for unit in command[2:]:
                self._systemctl(command[1], unit)
        else:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr
        return 0, "", ""

    def look_at(self, device: str) -> None:
        """What udev does: a link for the file system."""
        link = self.by_uuid / tool("blkid", "--probe", "--output", "value", "--match-tag", "UUID", device)
        link.unlink(missing_ok=True)
        link.symlink_to(device)

    def _systemctl(self, verb: str, unit: str) -> None:
        text = (self.units / unit).read_text()
        keys = dict(re.findall(r"^(What|Where|Type|Options|WantedBy)=(.*)$", text, re.MULTILINE))
        if verb == "enable":
            wants = self.units / (keys["WantedBy"] + ".wants")
            wants.mkdir(exist_ok=True)
            (wants / unit).symlink_to(self.units / unit)
        elif verb in ("start", "reload"):
            more = ",remount" if verb == "reload" else ""
            tool(
                "mount", "-t", keys["Type"], "-o", keys["Options"] + more, os.path.realpath(keys["What"]), keys["Where"]
            )

    def said(self, *start: str) -> list[list[str]]:
        """The commands that began so."""
        return [command for command in self.commands if command[: len(start)] == list(start)]
