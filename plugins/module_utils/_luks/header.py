# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""LUKS headers read without cryptsetup, which repairs what it reads: a foreign disk must not be changed."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Iterable, Mapping

from .._errors import RackawareError

PRIMARY, SECONDARY = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
# Where the second header may be: one for each size that the first may have (LUKS2 on-disk format, section 2.2).
OFFSETS = tuple(0x4000 << shift for shift in range(9))
BINARY = 4096
MIB = 1024 * 1024


class HeaderError(RackawareError):
    """The device cannot be read."""


@dataclass(frozen=True)
class Header:
    """One LUKS header; sizes in bytes but key_size in bits; key_size and sector_size are None where it does not say.

    key_digest is of the volume key. It tells volumes apart that have the same UUID, as the next one in a store has.
    """

    version: int
    uuid: str
    label: str = ""
    subsystem: str = ""
    cipher: str = ""
    key_size: int | None = None
    sector_size: int | None = None
    data_offset: int = 0
    keyslots: tuple[int, ...] = ()
    tokens: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    segments: int = 1
    sequence: int = 0
    key_digest: str = ""
    copies: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results."""
        return {
            **asdict(self),
            "keyslots": list(self.keyslots),
            "requirements": list(self.requirements),
            "tokens": {str(k): v for k, v in self.tokens.items()},
        }


@dataclass(frozen=True)
class Scan:
    """The newest valid header, or None; torn is whether there are remains of one that is not valid."""

    header: Header | None
    torn: bool


def scan(path: str) -> Scan:
    """Read what there is; raises HeaderError."""
    try:
        with open(path, "rb") as stream:
            return _scan(stream)
    except OSError as error:
        raise HeaderError(
            "%s cannot be read: %s; look at the disk." % (path, error.strerror or type(error).__name__)
        ) from None


def _scan(stream: BinaryIO) -> Scan:
    stream.seek(0)
    first = stream.read(BINARY)
    if first[:6] == PRIMARY and len(first) >= 208 and struct.unpack(">H", first[6:8])[0] == 1:
        return Scan(_first_version(first), torn=False)
    headers, remains = [], False
    for offset, magic in ((0, PRIMARY), *((offset, SECONDARY) for offset in OFFSETS)):
        stream.seek(offset)
        binary = stream.read(BINARY)
        if binary[:6] != magic:
            continue
        header = _second_version(stream, binary, offset)
        remains = remains or header is None
        headers += [header] if header else []
    if not headers:
        return Scan(None, torn=remains)
    newest = max(headers, key=lambda header: header.sequence)
    return Scan(Header(**{**newest.__dict__, "copies": len(headers)}), torn=False)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _first_version(binary: bytes) -> Header:
    sectors, size = struct.unpack(">II", binary[104:112])
    return Header(
        version=1,
        uuid=_text(binary[168:208]),
        cipher="%s-%s" % (_text(binary[8:40]), _text(binary[40:72])),
        key_size=size * 8,
        data_offset=sectors * 512,
        # mk-digest and mk-digest-salt.
        key_digest=hashlib.sha256(binary[112:164]).hexdigest(),
    )


def _second_version(stream: BinaryIO, binary: bytes, offset: int) -> Header | None:
    """None when it is not whole."""
    if len(binary) < BINARY:
        return None
    version, size, sequence = struct.unpack(">HQQ", binary[6:24])
    if (
        version != 2
        or size not in OFFSETS
        or struct.unpack(">Q", binary[256:264])[0] != offset
        or _text(binary[72:104]) != "sha256"
    ):
        return None
    stream.seek(offset)
    whole = bytearray(stream.read(size))
    stated = bytes(whole[448:480])
    whole[448:512] = bytes(64)
    if len(whole) != size or hashlib.sha256(whole).digest() != stated:
        return None
    try:
        return _described(json.loads(whole[BINARY:].split(b"\0", 1)[0]), binary, sequence)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _described(area: dict[str, Any], binary: bytes, sequence: int) -> Header:
    segments = list(area["segments"].values())
    crypt = segments[0] if segments else {}
    sizes = sorted({slot["key_size"] * 8 for slot in area["keyslots"].values()})
    return Header(
        version=2,
        uuid=_text(binary[168:208]),
        label=_text(binary[24:72]),
        subsystem=_text(binary[208:256]),
        cipher=str(crypt.get("encryption", "")),
        key_size=sizes[0] if len(sizes) == 1 else None,
        sector_size=crypt.get("sector_size"),
        data_offset=int(crypt.get("offset", 0)),
        keyslots=tuple(sorted(int(slot) for slot in area["keyslots"])),
        tokens={int(number): token for number, token in sorted(area["tokens"].items())},
        requirements=tuple(area["config"].get("requirements", {}).get("mandatory", [])),
        segments=len(segments),
        sequence=sequence,
        key_digest=_key_digest(area["digests"].values()),
    )


def _key_digest(digests: Iterable[Mapping[str, Any]]) -> str:
    # A digest without a segment is of a key slot that opens no data.
    values = sorted((str(digest["salt"]), str(digest["digest"])) for digest in digests if digest["segments"])
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def size_of(path: str) -> int:
    """Bytes of a block device or file; raises HeaderError."""
    try:
        with open(path, "rb") as stream:
            return stream.seek(0, os.SEEK_END)
    except OSError as error:
        raise HeaderError(
            "%s cannot be read: %s; look at the disk." % (path, error.strerror or type(error).__name__)
        ) from None


@dataclass(frozen=True)
class Sample:
    """What lies behind the header's area: whether all that was read is zero, and a digest of it."""

    zero: bool
    digest: str


def sample(path: str, *, start: int = 16 * MIB, samples: int = 1024) -> Sample:
    """Read the MiB at start, where a superblock would be, the last MiB, and samples in between; raises HeaderError."""
    digest, zero = hashlib.sha256(), True
    end = size_of(path)
    step = max(BINARY, (end - start) // samples // BINARY * BINARY)
    places = [
        (start, MIB),
        *((place, BINARY) for place in range(start + MIB, end - MIB, step)),
        (max(start, end - MIB), MIB),
    ]
    try:
        with open(path, "rb") as stream:
            for place, length in places:
                stream.seek(place)
                chunk = stream.read(length)
                zero = zero and not chunk.strip(b"\0")
                digest.update(chunk)
    except OSError as error:
        raise HeaderError(
            "%s cannot be read: %s; look at the disk." % (path, error.strerror or type(error).__name__)
        ) from None
    return Sample(zero, digest.hexdigest())


def wipe(path: str, *, length: int) -> None:
    """Overwrite the first length bytes (both headers, all key slots) with zeros, and read them back.

    Raises HeaderError.
    """
    try:
        with open(path, "r+b", buffering=0) as stream:
            for place in range(0, length, MIB):
                stream.seek(place)
                stream.write(bytes(min(MIB, length - place)))
            os.fsync(stream.fileno())
            # Otherwise the page cache would answer instead of the disk.
            os.posix_fadvise(stream.fileno(), 0, length, os.POSIX_FADV_DONTNEED)
            stream.seek(0)
            left = length
            while left > 0:
                chunk = stream.read(min(MIB, left))
                if not chunk or chunk.strip(b"\0"):
                    raise HeaderError(
                        "%s still holds parts of its header after they were overwritten; destroy the disk." % path
                    )
                left -= len(chunk)
    except OSError as error:
        raise HeaderError(
            "The header of %s cannot be overwritten: %s; look at the disk."
            % (path, error.strerror or type(error).__name__)
        ) from None
