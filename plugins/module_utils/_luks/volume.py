# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""An encrypted disk: facts, decisions and steps. The decisions are pure; only what is proven blank is formatted."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._command import Run
from .._disk import probe as disk_probe
from .._errors import RackawareError
from . import format_record, header_backup
from . import header as luks_header
from .cryptsetup import CIPHER, KEY_BITS, PERF, Cryptsetup
from .format_record import ERASED, ERASING, FORMATTING, READY, FormatRecord
from .header import Header

MINE, BLANK, TORN, FOREIGN, UNKNOWN = "mine", "blank", "torn", "foreign", "unknown"
FORMATTED, OPEN, CLOSED, GONE = "formatted", "open", "closed", "erased"
NEVER, BLANK_ONLY = "never", "blank_only"
TOKEN_TYPE = "rackaware-kms"
PROVISIONING, IN_SERVICE = "provisioning", "ready"
# LUKS2 as cryptsetup makes it: both headers and all key slots are in the first 16 MiB.
HEADER_AREA = 16 * 1024 * 1024
KERNEL_NAME = re.compile(r"/dev/(nvme\d+n\d+(p\d+)?|(sd|xvd|vd|hd)[a-z]+\d*|dm-\d+|md\d+)")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class LuksError(RackawareError):
    """The volume is not what it must be, or what was asked is not safe."""


@dataclass(frozen=True)
class Wanted:
    """One volume as it shall be.

    device is a name that outlives a boot (by-id, loop); perf None leaves the flags alone; token holds public facts of
    the wrapped key.
    """

    device: str
    name: str
    uuid: str
    label: str
    subsystem: str
    sector_size: int | None = None
    perf: tuple[str, ...] | None = None
    discards: bool = False
    filesystem: bool = False
    token: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapper:
    """An open mapping, with the UUID of its header when it was opened, and the kernel's names of the devices below."""

    name: str
    uuid: str
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything that a decision needs.

    signed is whether there is a signature of anything but LUKS; opens is whether the key opens the header (None: there
    was none to try); untouched is whether the data behind the header's area are still as the marker says (zero, or
    unchanged since the erasure); here is whether the mapping is on this very device.
    """

    probe: str
    what: str = ""
    signed: bool = False
    header: Header | None = None
    torn: bool = False
    marker: FormatRecord | None = None
    boot: str = ""
    untouched: bool = False
    mapper: Mapper | None = None
    here: bool = True
    elsewhere: str = ""
    flags: tuple[str, ...] = ()
    opens: bool | None = None
    aes: bool = True


@dataclass(frozen=True)
class Verdict:
    """What a disk is, and why."""

    kind: str
    reason: str = ""


def judge(facts: Facts, wanted: Wanted) -> Verdict:
    """What the disk is to us. Only MINE is opened; only BLANK and TORN may be formatted."""
    if facts.probe == disk_probe.UNREADABLE:
        return Verdict(UNKNOWN, "it cannot be judged: %s" % facts.what)
    if facts.header is not None:
        return _judge_header(facts, facts.header, wanted)
    if facts.probe == disk_probe.IN_USE:
        return Verdict(FOREIGN, "it is in use: %s" % facts.what)
    marker = facts.marker
    if marker is not None and marker.uuid != wanted.uuid and marker.state != ERASED:
        return Verdict(FOREIGN, "this host remembers it as the volume %s, which is another" % marker.uuid)
    if facts.signed:
        return Verdict(FOREIGN, "it holds %s" % facts.what)
    # Remains of a header are ours only where nothing was ever stored: the marker is set before the first write.
    if facts.torn:
        if marker is not None and marker.state == FORMATTING and facts.untouched:
            return Verdict(TORN, "its first format was interrupted")
        return Verdict(UNKNOWN, "it holds a damaged LUKS header; restore the header from its backup")
    if facts.probe == disk_probe.BLANK:
        if marker is None or marker.state != READY:
            return Verdict(BLANK)
        if marker.boot == facts.boot:
            return Verdict(
                UNKNOWN,
                "it was in service since this host started and reads as blank now, which a stop of the instance does"
                " not explain",
            )
        return (
            Verdict(BLANK)
            if facts.untouched
            else Verdict(UNKNOWN, "its header is gone, but data lie behind it; restore the header from its backup")
        )
    if marker is not None and facts.untouched:
        if marker.state == FORMATTING:
            return Verdict(TORN, "its first format was interrupted")
        if marker.state == ERASED:
            return Verdict(BLANK, "it was erased here and has not been written since")
    return Verdict(FOREIGN, "it holds %s" % (facts.what or "something unknown"))


def _judge_header(facts: Facts, header: Header, wanted: Wanted) -> Verdict:
    if header.version != 2:
        return Verdict(FOREIGN, "it holds a LUKS%d header, and only LUKS2 is ours" % header.version)
    if (header.uuid, header.subsystem) != (wanted.uuid, wanted.subsystem):
        other = "UUID %s, subsystem %s" % (header.uuid, header.subsystem or "none")
        return Verdict(
            FOREIGN, "it holds another LUKS volume (%s; wanted %s, %s)" % (other, wanted.uuid, wanted.subsystem)
        )
    if header.requirements or header.segments != 1 or "cipher_null" in header.cipher:
        return Verdict(
            UNKNOWN,
            "its header asks for what we never write (%s)"
            % (", ".join(header.requirements) or header.cipher or "no segment"),
        )
    # A mapping of ours is the one holder that a volume of ours may have.
    if facts.probe == disk_probe.IN_USE and facts.mapper is None:
        return Verdict(
            FOREIGN,
            "it is in use: %s"
            % (("open as %s; close that first" % facts.elsewhere) if facts.elsewhere else facts.what),
        )
    return Verdict(MINE)


@dataclass(frozen=True)
class Plan:
    """What to do, in order, and what the disk is."""

    verdict: Verdict
    actions: tuple[str, ...] = ()


def plan(
    facts: Facts, wanted: Wanted, *, state: str, allow_format: str = NEVER, confirm_uuid: str | None = None
) -> Plan:
    """The steps from the current state to state; raises LuksError with the reason when there is no safe way."""
    if facts.mapper is not None and facts.mapper.uuid != wanted.uuid:
        raise LuksError(
            "/dev/mapper/%s belongs to another volume (%s); choose another name."
            % (wanted.name, facts.mapper.uuid or "no LUKS volume")
        )
    if facts.mapper is not None and not facts.here:
        raise LuksError(
            "/dev/mapper/%s is open on another disk than %s; look at the host." % (wanted.name, wanted.device)
        )
    verdict = judge(facts, wanted)
    if state == CLOSED:
        return Plan(verdict, ("close",) if facts.mapper else ())
    if state == GONE:
        return _plan_erase(facts, wanted, verdict, confirm_uuid)
    if facts.mapper is not None and verdict.kind != MINE:
        raise LuksError(
            "/dev/mapper/%s is open, but %s is %s: %s; look at the host."
            % (wanted.name, wanted.device, verdict.kind, verdict.reason)
        )
    if verdict.kind == MINE and _nothing_stored(facts):
        verdict = Verdict(TORN, "its first format was interrupted")
    if verdict.kind == MINE and facts.header is not None:
        return Plan(verdict, tuple(_plan_mine(facts, wanted, facts.header, state)))
    if verdict.kind not in (BLANK, TORN):
        raise LuksError("%s is refused, and nothing was changed: %s." % (wanted.device, verdict.reason))
    if allow_format != BLANK_ONLY:
        raise LuksError(
            "%s is blank, and this may not format it; set allow_format to blank_only if it is the right disk."
            % wanted.device
        )
    if not facts.aes:
        raise LuksError(
            "The processor of this host has no AES instructions, so that %s would be slow for ever; choose another"
            " instance type." % wanted.device
        )
    opening = _opening(wanted, provisioning=True) if state == OPEN else ()
    return Plan(verdict, ("remember formatting", "format", "token provisioning", *opening))


def plan_or_none(facts: Facts, wanted: Wanted, *, state: str, allow_format: str = NEVER) -> Plan | None:
    """The plan, None where there is no safe way."""
    try:
        return plan(facts, wanted, state=state, allow_format=allow_format)
    except LuksError:
        return None


def _nothing_stored(facts: Facts) -> bool:
    """Whether the header is ours, but its first format stopped before its key and its token.

    The key cannot open it then, and all bytes behind it are zero.
    """
    return (
        _begun(facts) and facts.mapper is None and facts.opens is False and not ours(facts.header) and facts.untouched
    )


def _begun(facts: Facts) -> bool:
    """Whether the first format of this disk is still under way."""
    return facts.marker is not None and facts.marker.state == FORMATTING


def ours(header: Header | None) -> dict[int, dict[str, Any]]:
    """Our tokens, by number."""
    return {
        number: token for number, token in (header.tokens if header else {}).items() if token.get("type") == TOKEN_TYPE
    }


def _plan_mine(facts: Facts, wanted: Wanted, header: Header, state: str) -> Iterator[str]:
    drift = {
        "cipher": (header.cipher, CIPHER),
        "key size": (header.key_size, KEY_BITS if header.keyslots else None),
        "label": (header.label, wanted.label),
        **({"sector size": (header.sector_size, wanted.sector_size)} if wanted.sector_size else {}),
    }
    differing = ["%s %s, wanted %s" % (name, is_, shall) for name, (is_, shall) in drift.items() if is_ != shall]
    if differing:
        raise LuksError(
            "%s was formatted with another %s; these are fixed at the format: correct the options."
            % (wanted.device, "; ".join(differing))
        )
    if facts.opens is False:
        raise LuksError(
            "The key does not open %s (UUID %s); give the key that it was formatted or last rotated with."
            % (wanted.device, header.uuid)
        )
    tokens = ours(header).values()
    # Without a token only the marker can tell whether anything was ever stored, and in doubt data were stored.
    provisioning = _begun(facts) if not tokens else all(token.get("state") == PROVISIONING for token in tokens)
    if not tokens:
        yield "token provisioning" if provisioning else "token ready"
    elif not provisioning and any(token.get("state") != IN_SERVICE for token in tokens):
        yield "token ready"
    elif not any(wanted.token.items() <= token.items() for token in tokens):
        yield "token facts"
    if state != OPEN:
        return
    if facts.mapper is not None and set(_shown(wanted, facts.flags)) != set(facts.flags):
        yield "refresh"
    remembered = facts.marker == FormatRecord(wanted.uuid, READY, facts.boot, key_digest=header.key_digest)
    for step in _opening(wanted, provisioning=provisioning):
        if not (step == "open" and facts.mapper is not None) and not (step == "remember ready" and remembered):
            yield step


def _opening(wanted: Wanted, *, provisioning: bool) -> tuple[str, ...]:
    if not provisioning:
        return ("open", "remember ready")
    return ("open", *(("mkfs",) if wanted.filesystem else ()), "token ready", "remember ready")


def _shown(wanted: Wanted, flags: Sequence[str]) -> tuple[str, ...]:
    """The flags as they shall be, in the words of cryptsetup's status."""
    perf = tuple(flag for flag in flags if flag in PERF) if wanted.perf is None else wanted.perf
    others = tuple(flag for flag in flags if flag not in PERF and flag != "discards")
    return (*perf, *others, *(("discards",) if wanted.discards else ()))


def _plan_erase(facts: Facts, wanted: Wanted, verdict: Verdict, confirm_uuid: str | None) -> Plan:
    marker = facts.marker
    if verdict.kind == BLANK and (marker is None or marker.state != ERASING):
        return Plan(verdict)
    # A power cut may have left half of a header, or none and no note that it is gone.
    unfinished = (
        marker is not None
        and (marker.state, marker.uuid) == (ERASING, wanted.uuid)
        and facts.header is None
        and not facts.signed
    )
    if verdict.kind != MINE and not (unfinished and facts.probe not in (disk_probe.IN_USE, disk_probe.UNREADABLE)):
        raise LuksError(
            "%s is not erased, and nothing was changed: %s."
            % (wanted.device, verdict.reason or "it is not a volume of ours")
        )
    if confirm_uuid != wanted.uuid:
        raise LuksError(
            "Erasing %s makes its data unreadable for ever; set confirm_uuid to %s if that is meant."
            % (wanted.device, wanted.uuid)
        )
    if facts.mapper is not None:
        raise LuksError("%s is open as %s; unmount and close it before it is erased." % (wanted.device, wanted.name))
    return Plan(
        verdict, ("remember erasing", *(("erase slots",) if facts.header else ()), "wipe header", "remember erased")
    )


def check_names(wanted: Wanted, *, allow_kernel_name: bool) -> None:
    """Refuse invalid options; raises LuksError."""
    if KERNEL_NAME.fullmatch(wanted.device) and not allow_kernel_name:
        raise LuksError(
            "%s may be another disk after the next boot; give its path below /dev/disk/by-id, or set allow_kernel_name."
            % wanted.device
        )
    if not wanted.device.startswith("/dev/"):
        raise LuksError(
            "%s is no device; give a path below /dev/disk/by-id, or attach the file with loop_device first."
            % wanted.device
        )
    if not UUID.fullmatch(wanted.uuid):
        raise LuksError("%s is no UUID; write it as 8-4-4-4-12 lower-case hexadecimal digits." % wanted.uuid)
    if not NAME.fullmatch(wanted.name):
        raise LuksError("%s cannot be the name of a mapping; use letters, digits, - and _." % wanted.name)
    for what, text in (("label", wanted.label), ("subsystem", wanted.subsystem)):
        if len(text.encode()) > 47:
            raise LuksError("The %s %s is too long; 47 bytes fit into a LUKS2 header." % (what, text))
    if not wanted.subsystem:
        raise LuksError("The subsystem of %s is empty; it says whose volume this is." % wanted.device)


def cpu_has_aes(path: str = "/proc/cpuinfo") -> bool:
    """Whether the processor has AES instructions; without them encryption takes a core for every few hundred MB/s."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return any(re.match(r"(flags|Features)\s*:.*\b(aes|vaes)\b", line) for line in stream)
    except OSError:
        return False


def mappers(sys_block: str = "/sys/class/block") -> list[Mapper]:
    """All open mappings of LUKS volumes and others, read from the kernel."""
    out = []
    for home in sorted(glob.glob(os.path.join(sys_block, "dm-*"))):
        name, identity = (
            disk_probe.sysfs(os.path.join(home, "dm", "name")),
            disk_probe.sysfs(os.path.join(home, "dm", "uuid")),
        )
        match = re.match(r"CRYPT-LUKS2-([0-9a-f]{32})-", identity)
        raw = match.group(1) if match else ""
        uuid = "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:])) if raw else ""
        below = tuple(sorted(os.path.basename(path) for path in glob.glob(os.path.join(home, "slaves", "*"))))
        out.append(Mapper(name, uuid, below))
    return out


class Volume:
    """A volume on this host: gathers facts, then does the steps of a plan. The caller overwrites the key afterwards."""

    def __init__(
        self,
        wanted: Wanted,
        run: Run,
        *,
        marker_dir: str = format_record.DIRECTORY,
        sys_block: str = "/sys/class/block",
        probe: Callable[..., Any] = disk_probe.probe,
    ) -> None:
        self.wanted, self._run, self._probe, self._sys_block = wanted, run, probe, sys_block
        self.cryptsetup = Cryptsetup(run)
        self._marker_dir = marker_dir

    @property
    def mapped(self) -> str:
        """The path of the open mapping."""
        return "/dev/mapper/" + self.wanted.name

    @property
    def _record(self) -> str:
        return format_record.path_of(self.wanted.device, self._marker_dir, self._sys_block)

    def has_header(self) -> bool:
        """Whether there is a header that a key could open."""
        return luks_header.scan(self.wanted.device).header is not None

    def facts(self, key: bytearray | None = None) -> Facts:
        """Look, without a write. Raises RackawareError."""
        wanted = self.wanted
        if not os.path.exists(wanted.device):
            raise LuksError("%s is not there; look whether the disk is attached, and at its name." % wanted.device)
        seen = self._probe(wanted.device, self._run)
        kernel = os.path.basename(os.path.realpath(wanted.device))
        every = mappers(self._sys_block)
        mapper = next((mapping for mapping in every if mapping.name == wanted.name), None)
        here = mapper is None or kernel in mapper.below
        if seen.state == disk_probe.UNREADABLE:
            # A mapping on a broken disk can still be closed.
            return Facts(seen.state, seen.what, mapper=mapper, here=here)
        header = luks_header.scan(wanted.device)
        marker = format_record.load(self._record)
        elsewhere = next(
            (mapping.name for mapping in every if kernel in mapping.below and mapping.name != wanted.name), ""
        )
        opens = None
        if (
            key is not None
            and header.header is not None
            and header.header.version == 2
            and header.header.uuid == wanted.uuid
        ):
            opens = bool(header.header.keyslots) and self.cryptsetup.opens(device=wanted.device, key=key)
        return Facts(
            probe=seen.state,
            what=seen.what,
            signed=is_signed(seen),
            header=header.header,
            torn=header.torn,
            marker=marker,
            boot=format_record.boot_id(),
            untouched=self._untouched(marker, header.header, seen.zero is True),
            mapper=mapper,
            here=here,
            elsewhere=elsewhere,
            flags=self.cryptsetup.flags(name=wanted.name) if mapper else (),
            opens=opens,
            aes=cpu_has_aes(),
        )

    def _untouched(self, marker: FormatRecord | None, header: Header | None, zero: bool) -> bool:
        # Thousands of reads take half a minute on a hard disk: only where the answer matters.
        if marker is None or (header is not None and (marker.state != FORMATTING or ours(header))):
            return False
        if marker.state == ERASED:
            return luks_header.sample(self.wanted.device, start=HEADER_AREA).digest == marker.digest
        return zero or disk_probe.blank_behind(self.wanted.device, HEADER_AREA)

    def perform(self, actions: Sequence[str], key: bytearray | None = None) -> None:
        """Do the steps in order; each may be the last before a power cut, and the next plan goes on from there."""
        for action in actions:
            self.step(action, key)

    def step(self, action: str, key: bytearray | None = None) -> None:
        """Do one step of a plan."""
        wanted, device = self.wanted, self.wanted.device
        if action == "close":
            self.cryptsetup.close(name=wanted.name)
        elif action == "erase slots":
            self.cryptsetup.erase(device=device)
        elif action == "wipe header":
            self._wipe()
        elif action.startswith("remember "):
            self._remember(action.split(" ", 1)[1])
        elif action == "mkfs":
            self._mkfs()
        elif action == "token ready" and ours(header_of(device)):
            self._token_ready()
        elif key is None:
            raise LuksError("%s needs its key for the step %s; give the option key." % (device, action))
        elif action == "format":
            # The new volume has the same UUID, and the same key opens a copy of an earlier one.
            header_backup.destroy(os.path.join(self._marker_dir, header_backup.NAME), wanted.uuid)
            self.cryptsetup.format(
                device=device,
                key=key,
                uuid=wanted.uuid,
                label=wanted.label,
                subsystem=wanted.subsystem,
                sector_size=wanted.sector_size,
            )
            self._remember(FORMATTING)
        elif action in ("token provisioning", "token ready"):
            self._token(key, PROVISIONING if action == "token provisioning" else IN_SERVICE)
        elif action == "token facts":
            self._token_facts(key)
        elif action == "open":
            self.cryptsetup.open(
                device=device, name=wanted.name, key=key, perf=wanted.perf or (), discards=wanted.discards
            )
        elif action == "refresh":
            shown = _shown(wanted, self.cryptsetup.flags(name=wanted.name))
            self.cryptsetup.refresh(
                name=wanted.name, key=key, perf=[flag for flag in shown if flag in PERF], discards=wanted.discards
            )
        else:
            raise LuksError("There is no step %s." % action)

    def _token(self, key: bytearray, state: str) -> None:
        slots = slots_of(self.cryptsetup, self.wanted.device, key)
        token = token_of(self.wanted.token, slots=slots, state=state)
        self.cryptsetup.set_token(
            device=self.wanted.device, number=free_token(header_of(self.wanted.device)), token=token
        )

    def _token_facts(self, key: bytearray) -> None:
        slots = slots_of(self.cryptsetup, self.wanted.device, key)
        for number, token in ours(header_of(self.wanted.device)).items():
            if {int(slot) for slot in token.get("keyslots", [])} & set(slots):
                replace_token(
                    self.cryptsetup,
                    self.wanted.device,
                    number,
                    token_of(self.wanted.token, slots=slots, state=str(token.get("state"))),
                )

    def _token_ready(self) -> None:
        # A token cannot be changed in place. The new one is written before the old goes, so that there is always one.
        for number, token in ours(header_of(self.wanted.device)).items():
            if token.get("state") == IN_SERVICE:
                continue
            finished = {**token, "state": IN_SERVICE}
            if finished in ours(header_of(self.wanted.device)).values():
                self.cryptsetup.remove_token(device=self.wanted.device, number=number)
            else:
                replace_token(self.cryptsetup, self.wanted.device, number, finished)

    def _mkfs(self) -> None:
        # Before the token says ready the volume is never mounted, so an unfinished file system is empty.
        seen = self._probe(self.mapped, self._run)
        if seen.state == disk_probe.XFS:
            return
        if seen.flaw and seen.is_xfs:
            code, _out, _err = self._run(["wipefs", "--all", "--types", "xfs", self.mapped])
            if code != 0:
                raise LuksError(
                    "The unfinished file system on %s cannot be removed (code %d); look at the disk."
                    % (self.mapped, code)
                )
        elif seen.signature or seen.partitions or seen.state in (disk_probe.IN_USE, disk_probe.UNREADABLE):
            raise LuksError("%s gets no file system, and nothing was changed: %s." % (self.mapped, seen.what))
        # Never -f: mkfs.xfs itself refuses what it recognises.
        code, _out, _err = self._run(["mkfs.xfs", "-q", self.mapped])
        if code != 0:
            raise LuksError("mkfs.xfs made no file system on %s (code %d); look at the disk." % (self.mapped, code))

    def _wipe(self) -> None:
        device = self.wanted.device
        length = min(HEADER_AREA, luks_header.size_of(device))
        luks_header.wipe(device, length=length)
        left = luks_header.scan(device)
        if left.header is not None or left.torn:
            raise LuksError("%s still shows a LUKS header after it was wiped; destroy the disk." % device)

    def _remember(self, state: str) -> None:
        digest = luks_header.sample(self.wanted.device, start=HEADER_AREA).digest if state == ERASED else ""
        header = luks_header.scan(self.wanted.device).header
        key_digest = header.key_digest if header is not None and header.uuid == self.wanted.uuid else ""
        format_record.save(
            self._record, FormatRecord(self.wanted.uuid, state, format_record.boot_id(), digest, key_digest)
        )


def is_signed(seen: Any) -> bool:
    """Whether a probe saw anything else than LUKS."""
    return bool(
        seen.partitions
        or set(seen.signature) & {"PTTYPE", "AMBIVALENT"}
        or seen.signature.get("TYPE", "crypto_LUKS") != "crypto_LUKS"
    )


def header_of(device: str) -> Header:
    """The header that must be there; raises LuksError."""
    header = luks_header.scan(device).header
    if header is None:
        raise LuksError("%s has no LUKS header." % device)
    return header


def token_of(facts: Mapping[str, Any], *, slots: Sequence[int], state: str) -> dict[str, Any]:
    """The token that names the wrapped key of these slots: its place, its version and its encryption context.

    No secret.
    """
    return {**facts, "type": TOKEN_TYPE, "state": state, "keyslots": [str(slot) for slot in slots]}


def slots_of(cryptsetup: Cryptsetup, device: str, key: bytearray) -> tuple[int, ...]:
    """The slots that a key opens."""
    return tuple(slot for slot in header_of(device).keyslots if cryptsetup.opens(device=device, key=key, slot=slot))


def free_token(header: Header) -> int:
    """A number that no token has; LUKS2 has 32."""
    return next(number for number in range(32) if number not in header.tokens)


def replace_token(cryptsetup: Cryptsetup, device: str, number: int, token: dict[str, Any]) -> None:
    """Write the new token, then remove the old one."""
    cryptsetup.set_token(device=device, number=free_token(header_of(device)), token=token)
    cryptsetup.remove_token(device=device, number=number)
