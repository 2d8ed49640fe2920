# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Kafka's archive: downloaded once, checked against its SHA-512, unpacked, and renamed into place."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from typing import BinaryIO, Callable

from .._errors import RackawareError, reason

# Beside the archive's own files; what it says is what was verified.
STAMP = ".sha512"
CHUNK = 1 << 20
Open = Callable[[str], BinaryIO]


class ArchiveError(RackawareError):
    """The archive cannot be had, or is not what it should be."""


def target(version: str, directory: str) -> str:
    """Where a version lies; it never changes once it is there."""
    return os.path.join(directory, "kafka-" + version)


def installed(version: str, directory: str, checksum: str | None) -> str | None:
    """The SHA-512 of the archive that a version came from, None when it is not installed.

    Raises ArchiveError for a directory that the collection did not make.
    """
    path = target(version, directory)
    if not os.path.lexists(path):
        return None
    try:
        with open(os.path.join(path, STAMP), encoding="ascii") as stream:
            digest = stream.read().strip()
    except (OSError, ValueError):
        raise ArchiveError(
            "%s was not installed by this collection; move it away, so that a verified one can take its place." % path
        ) from None
    if checksum and checksum.lower() != digest:
        raise ArchiveError(
            "%s came from the archive with the SHA-512 %s…, but %s… is wanted; correct kafka_install_checksum, or"
            " choose another kafka_version." % (path, digest[:12], checksum[:12].lower())
        )
    return digest


def parse_checksum(text: str, url: str) -> str:
    """The SHA-512 in a checksum file, in the form of sha512sum or in gpg's groups of eight, as Apache publishes it.

    Raises ArchiveError.
    """
    name = url.rsplit("/", 1)[-1]
    rest = text.replace(name, " ").replace(":", " ").replace("*", " ")
    digits = re.sub(r"\s+", "", rest).lower()
    if not re.fullmatch(r"[0-9a-f]{128}", digits):
        raise ArchiveError("%s.sha512 holds no SHA-512; set kafka_install_checksum to the archive's." % url)
    return digits


def install(version: str, directory: str, url: str, checksum: str | None, opened: Open) -> str:
    """Fetch, verify, unpack and put in place; returns the SHA-512. Raises ArchiveError, and then nothing has changed.

    opened gives a binary stream of a URL, and raises OSError or ValueError.
    """
    expected = checksum.lower() if checksum else parse_checksum(_text(url + ".sha512", opened), url)
    os.makedirs(directory, exist_ok=True)
    # In the same directory, so that the rename is atomic. A run that died leaves a hidden directory; the next run
    # removes it.
    for left in os.listdir(directory):
        if left.startswith(".kafka-%s." % version):
            shutil.rmtree(os.path.join(directory, left))
    work = tempfile.mkdtemp(prefix=".kafka-%s." % version, dir=directory)
    try:
        packed = os.path.join(work, "archive.tgz")
        digest = _fetch(url, packed, opened)
        if digest != expected:
            raise ArchiveError(
                "%s has the SHA-512 %s…, but %s… is wanted; it was not unpacked: fetch it again, or correct"
                " kafka_install_checksum." % (url, digest[:12], expected[:12])
            )
        top = _unpack(packed, os.path.join(work, "tree"), url)
        if not os.path.isfile(os.path.join(top, "libs", "kafka_2.13-%s.jar" % version)):
            raise ArchiveError(
                "%s is not the archive of Kafka %s; correct kafka_install_url or kafka_version." % (url, version)
            )
        with open(os.path.join(top, STAMP), "w", encoding="ascii") as stream:
            stream.write(digest + "\n")
        os.rename(top, target(version, directory))
    except OSError as error:
        raise ArchiveError(
            "Kafka %s cannot be put into %s: %s; look at the disk." % (version, directory, reason(error))
        ) from None
    finally:
        shutil.rmtree(work)
    return digest


def _text(url: str, opened: Open) -> str:
    try:
        with opened(url) as stream:
            return stream.read(4096).decode("ascii")
    except (OSError, ValueError) as error:
        raise ArchiveError(
            "%s cannot be fetched: %s; set kafka_install_checksum, or put the file there." % (url, reason(error))
        ) from None


def _fetch(url: str, path: str, opened: Open) -> str:
    digest = hashlib.sha512()
    try:
        with opened(url) as stream, open(path, "wb") as out:
            while True:
                chunk = stream.read(CHUNK)
                if not chunk:
                    return digest.hexdigest()
                digest.update(chunk)
                out.write(chunk)
    except (OSError, ValueError) as error:
        raise ArchiveError(
            "%s cannot be fetched: %s; correct kafka_install_url, or let the host reach it." % (url, reason(error))
        ) from None


def _unpack(packed: str, tree: str, url: str) -> str:
    """Unpack as root's, and return the one directory that an archive of Kafka has at its top."""
    os.mkdir(tree, 0o755)
    try:
        with tarfile.open(packed) as tar:
            members = tar.getmembers()
            tops = {member.name.split("/", 1)[0] for member in members}
            if len(tops) != 1 or not all(_harmless(member) for member in members):
                raise ArchiveError("%s holds paths that an archive of Kafka does not have; it was not unpacked." % url)
            for member in members:
                member.uid = member.gid = 0
                member.uname = member.gname = "root"
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            tar.extractall(tree, members)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArchiveError("%s is no gzipped tar archive: %s; correct kafka_install_url." % (url, error)) from None
    return os.path.join(tree, tops.pop())


def _harmless(member: tarfile.TarInfo) -> bool:
    parts = member.name.split("/")
    return (member.isreg() or member.isdir()) and ".." not in parts and parts[0] != ""
