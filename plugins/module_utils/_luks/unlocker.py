# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The program that opens an encrypted store at boot.

These files are copied to the host: it runs the same code as the modules. There is no fallback: a store is open, or it
is locked and the program says why.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import socket
import stat
import sys
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping, Sequence

from .. import _regular_file
from .._command import Run, run
from .._disk import loop
from .._errors import RackawareError
from . import cryptsetup, device_match, format_record, kms
from . import volume as luks_volume
from .cryptsetup import forget
from .kms import Denied, KmsError, Retry, Wrapped

# The role copies this file, and what it imports, into PACKAGE.
SOURCE = "_luks/unlocker.py"
PACKAGE, PROGRAM = "/usr/local/lib/kafka-luks/kafka_luks", "/usr/local/sbin/kafka-luks"
CONFIG, RUNTIME = "/etc/kafka-luks", "/run/kafka-luks"
DENIED_SECONDS = 300
DEVICE_SECONDS = 90
PR_SET_DUMPABLE, MCL_CURRENT, MCL_FUTURE = 4, 1, 2
NAMES = {
    *(
        "device",
        "slot",
        "slots",
        "file",
        "name",
        "uuid",
        "label",
        "subsystem",
        "sector_size",
        "perf",
        "allow_discards",
        "allow_format",
        "filesystem",
    ),
    *("keys", "credentials", "mount", "denied_seconds"),
}


class UnlockError(RackawareError):
    """The store stays locked until something on the host is corrected."""


@dataclass(frozen=True)
class Config:
    """One store: its volume, its wrapped keys, and the file that backs it, if any.

    keys are those that may open it, the newest last; during a rotation there are two. Where the device is a pattern,
    slot says which of its slots disks a blank store takes. mount is the store's mount point.
    """

    wanted: luks_volume.Wanted
    keys: tuple[Wrapped, ...]
    allow_format: str = luks_volume.NEVER
    file: loop.Wanted | None = None
    credentials: str = kms.INSTANCE
    slot: int = 0
    slots: int = 1
    mount: str = ""
    denied_seconds: int = DENIED_SECONDS


def parse(content: Mapping[str, Any], where: str) -> Config:
    """Check a configuration; raises RackawareError."""
    unknown = sorted(set(content) - NAMES)
    if unknown:
        raise UnlockError("%s says %s, which is unknown; correct it." % (where, ", ".join(unknown)))
    missing = [name for name in ("name", "uuid", "subsystem", "keys") if not content.get(name)]
    if missing or bool(content.get("device")) == bool(content.get("file")):
        raise UnlockError(
            "%s must say name, uuid, subsystem, keys, and either device or file; %s is missing."
            % (where, ", ".join(missing) or "one of these")
        )
    keys = tuple(kms.wrapped(key) for key in content["keys"])
    file = None
    if content.get("file"):
        given = dict(content["file"])
        try:
            file = loop.Wanted(**{"sector_size": 4096, **given, "size": loop.bytes_of(str(given.get("size", "")))})
        except TypeError:
            raise UnlockError("%s has an unknown option of its file; correct it." % where) from None
    wanted = luks_volume.Wanted(
        device=content.get("device") or "/dev/loop",
        name=content["name"],
        uuid=content["uuid"],
        label=content.get("label") or content["name"],
        subsystem=content["subsystem"],
        sector_size=content.get("sector_size"),
        perf=None if content.get("perf") is None else tuple(content["perf"]),
        discards=bool(content.get("allow_discards", False)),
        filesystem=bool(content.get("filesystem", True)),
        token=keys[-1].as_dict(),
    )
    luks_volume.check_names(wanted, allow_kernel_name=False)
    place = {name: int(content[name]) for name in ("slot", "slots", "denied_seconds") if name in content}
    return Config(
        wanted,
        keys,
        content.get("allow_format", luks_volume.NEVER),
        file,
        content.get("credentials", kms.INSTANCE),
        mount=content.get("mount") or "",
        **place,
    )


def load(name: str, directory: str = CONFIG) -> Config:
    """Read a store's configuration; it decides what may be formatted, so only its owner may be able to write it."""
    path = os.path.join(directory, name + ".json")
    if not luks_volume.NAME.fullmatch(name):
        raise UnlockError("%s cannot be the name of a store." % name)
    try:
        with _regular_file.opened(path) as stream:
            status = os.fstat(stream.fileno())
            content = json.load(stream)
    except OSError as error:
        raise UnlockError("%s cannot be read: %s." % (path, error.strerror)) from None
    except ValueError:
        raise UnlockError("%s is no JSON; run the role to write it again." % path) from None
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnlockError("%s can be written by others than root; correct its owner and mode." % path)
    if not isinstance(content, dict):
        raise UnlockError("%s is no JSON object; run the role to write it again." % path)
    return parse(content, path)


def harden() -> list[str]:
    """No core dump, no tracing by others, no swap of what may hold a key. Returns what this host refused."""
    refused = []
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        refused.append("core dumps off")
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        refused.append("no tracing")
    if library.mlockall(MCL_CURRENT | MCL_FUTURE) != 0:
        refused.append("memory locked")
    return refused


def notify(text: str, address: str | None = None) -> None:
    """Tell systemd; sd_notify(3)."""
    place = address if address is not None else os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect("\0" + place[1:] if place.startswith("@") else place)
        channel.sendall(text.encode())


@dataclass
class World:
    """What the program touches besides the disk; tests give their own."""

    run: Run = run
    connect: Callable[[str, str], Any] = kms.connect
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[float, float], float] = field(default_factory=lambda: random.SystemRandom().uniform)
    notify: Callable[[str], None] = notify
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)
    marker_dir: str = format_record.DIRECTORY
    runtime: str = RUNTIME
    volume: Callable[..., Any] = luks_volume.Volume


def keep_trying(attempt: Callable[[], Any], world: World, denied_seconds: int = DENIED_SECONDS) -> Any:
    """Retry until it works: transient errors soon and ever more slowly, denials every few minutes.

    A new grant thus opens the store by itself. Each reason is logged once; systemd's status always has the last one.
    """
    waits, said = kms.delays(world.draw), None
    while True:
        try:
            return attempt()
        except Retry as error:
            reason, seconds, kind = error, next(waits), "waiting"
        except Denied as error:
            waits = kms.delays(world.draw)
            reason, seconds, kind = error, denied_seconds, "locked"
        this = (kind, reason.code or str(reason))
        if this != said:
            world.say("%s: %s" % (kind, reason))
            said = this
        world.notify("STATUS=%s: %s Next attempt in %d s." % (kind, reason, seconds))
        world.sleep(seconds)


def key_for(config: Config, volume: Any, world: World) -> tuple[bytearray, Any]:
    """The key that opens the volume, of a blank disk the newest, and the facts seen with it; raises Retry or Denied.

    The volume's token is then that key's.
    """
    problem: KmsError | None = None
    candidates = config.keys if volume.has_header() else config.keys[-1:]
    for which in candidates:
        try:
            key = world.connect(which.region, config.credentials).unwrap(which)
        except KmsError as error:
            # A transient error hides a denial: an old version may be gone for good.
            problem = error if problem is None or isinstance(error, Retry) else problem
            continue
        volume.wanted = replace(volume.wanted, token=which.as_dict())
        facts = volume.facts(key)
        if facts.opens is not False:
            return key, facts
        # Of a format that was cut off nothing opens yet: the plan finishes it, with the newest key.
        if which is candidates[-1] and luks_volume.plan_or_none(
            facts, volume.wanted, state=luks_volume.OPEN, allow_format=config.allow_format
        ):
            return key, facts
        forget(key)
    raise problem or Denied(
        "None of its keys opens %s (UUID %s); give the key it was last rotated with."
        % (volume.wanted.device, volume.wanted.uuid),
        "NoKey",
    )


def open_store(name: str, world: World, directory: str = CONFIG) -> tuple[str, ...]:
    """Open a store and notify systemd; returns the steps that were done.

    Raises RackawareError where waiting does not help.
    """
    config = load(name, directory)
    if config.mount:
        device_match.cover(config.mount)
    volume = _prepared(config, world)
    volume.cryptsetup.require()
    # Faults of the disk are found before the first request to AWS.
    first = luks_volume.plan(volume.facts(), volume.wanted, state=luks_volume.OPEN, allow_format=config.allow_format)
    actions = first.actions
    if actions:
        # The configuration is read again at each attempt, so that a corrected one opens a store that waits.
        actions = keep_trying(lambda: _attempt(load(name, directory), world), world, config.denied_seconds)
    _mark_fresh(name, world, fresh="mkfs" in actions or "format" in actions)
    world.notify("STATUS=open as %s" % volume.mapped)
    world.say("open as %s (%s)" % (volume.mapped, ", ".join(actions) or "it was open"))
    world.notify("READY=1")
    return tuple(actions)


def _attempt(config: Config, world: World) -> tuple[str, ...]:
    volume = _prepared(config, world)
    key, facts = key_for(config, volume, world)
    try:
        actions = luks_volume.plan(
            facts, volume.wanted, state=luks_volume.OPEN, allow_format=config.allow_format
        ).actions
        volume.perform(actions, key)
    finally:
        forget(key)
    return actions


def _prepared(config: Config, world: World) -> Any:
    """The volume, with its file attached, or once its disk is there."""
    wanted = config.wanted
    if config.file is not None:
        for step in loop.plan(loop.file_of(config.file.path), loop.loops(), config.file, state=loop.ATTACHED):
            loop.step(step, config.file, world.run)
        attached = loop.attached(config.file)
        if attached is None:
            raise UnlockError("%s was attached, and is not any more; look at the host." % config.file.path)
        wanted = replace(wanted, device=attached.device)
    else:
        wanted = replace(wanted, device=_wait_for(config, world))
    return world.volume(wanted, world.run, marker_dir=world.marker_dir)


def _wait_for(config: Config, world: World) -> str:
    device = config.wanted.device
    for _second in range(DEVICE_SECONDS):
        if device_match.is_pattern(device):
            path = device_match.find(device, config.wanted.uuid, config.slot, config.slots)
            if path:
                return path
        elif os.path.exists(device):
            return device
        world.notify("STATUS=waiting: %s is not there yet." % device)
        world.sleep(1)
    if device_match.is_pattern(device):
        what = "%d of %d disks %s are there after %d seconds" % (
            len(device_match.disks(device)),
            config.slots,
            device,
            DEVICE_SECONDS,
        )
        raise UnlockError("Only %s; look whether the instance type has so many." % what)
    raise UnlockError(
        "%s did not appear within %d seconds; look whether the instance type has it, and at its name."
        % (device, DEVICE_SECONDS)
    )


def _mark_fresh(name: str, world: World, *, fresh: bool) -> None:
    """Record whether the store is new, for the commands that prepare it for its application (kafka-storage)."""
    path = os.path.join(world.runtime, name + ".fresh")
    if fresh:
        os.makedirs(world.runtime, mode=0o755, exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            pass
    elif os.path.exists(path):
        os.unlink(path)


def close_store(name: str, world: World, directory: str = CONFIG) -> tuple[str, ...]:
    """Close a store, and take its file off the loop device. Raises RackawareError while it is in use."""
    config = load(name, directory)
    if not any(mapper.name == config.wanted.name for mapper in luks_volume.mappers()):
        steps: tuple[str, ...] = ()
    else:
        cryptsetup.Cryptsetup(world.run).close(name=config.wanted.name)
        steps = ("close",)
    if config.file is not None:
        more = loop.plan(loop.file_of(config.file.path), loop.loops(), config.file, state=loop.DETACHED)
        for step in more:
            loop.step(step, config.file, world.run)
        steps += more
    return steps


def check_store(name: str, world: World, directory: str = CONFIG) -> str:
    """Check, once and without a change, that the store could be opened now; raises RackawareError."""
    config = load(name, directory)
    volume = _prepared(config, world)
    key, facts = key_for(config, volume, world)
    forget(key)
    if facts.header is None:
        luks_volume.plan(facts, volume.wanted, state=luks_volume.OPEN, allow_format=config.allow_format)
        return "the disk is blank, and the key can be unwrapped"
    return "the key can be unwrapped and opens the volume"


def main(argv: Sequence[str] | None = None, world: World | None = None, directory: str = CONFIG) -> int:
    """kafka-luks open|close NAME, kafka-luks check NAME..."""
    command, *names = [*(sys.argv[1:] if argv is None else argv), ""]
    names = names[:-1]
    world = world or World()
    if command not in ("open", "close", "check") or not names or len(names) > 1 and command != "check":
        world.say("usage: kafka-luks open|close NAME, kafka-luks check NAME...")
        return 2
    refused = harden()
    if refused:
        world.say("warning: this host does not allow: %s" % ", ".join(refused))
    if kms.BOTO3_ERROR and command != "close":
        world.say("boto3 is missing; install python3-boto3.")
        return 1
    # All are tried, also after a failure.
    return max([_do(command, name, world, directory, "%s: " % name if len(names) > 1 else "") for name in names])


def _do(command: str, name: str, world: World, directory: str, prefix: str) -> int:
    try:
        done = {"open": open_store, "close": close_store, "check": check_store}[command](name, world, directory)
    except RackawareError as error:
        world.notify("STATUS=refused: %s" % error)
        world.say("%srefused: %s" % (prefix, error))
        return 1
    except Exception as error:
        # Its text and its traceback may hold a key.
        world.say("%srefused: an unexpected error, %s." % (prefix, type(error).__name__))
        return 1
    if command == "check":
        world.say(prefix + str(done))
    return 0
