# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""All files that a host with encrypted stores needs, as data: the program, its configurations, and the units."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any, Mapping, Sequence

from .. import _program
from .._disk import mount_unit
from .._errors import RackawareError
from .._luks import units as luks_units
from .._luks import unlocker

UNITS = mount_unit.UNITS
# What a store says for its mount; the rest of it is the unlocker's configuration.
MOUNT_NAMES = {"store", "mount_options"}
LAUNCHER = """\
#!/usr/bin/python3 -I
# Opens, closes or checks an encrypted store; the code is that of the collection's modules, copied to %(parent)s.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "%(parent)s")

from %(package)s._luks.unlocker import main

sys.exit(main())
"""


class StoreFilesError(RackawareError):
    """The stores contradict each other."""


def files(
    stores: Sequence[Mapping[str, Any]],
    *,
    guarded: str = "",
    user: str = "",
    directories: Sequence[str] = (),
    prepare: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    comment: str = "Ansible managed",
) -> dict[str, dict[str, str]]:
    """{path: {content, mode}}, all owned by root.

    stores are configurations of the unlocker, with store (the name) and mount; defaults has what a store leaves out;
    guarded is the unit that uses the stores. Raises RackawareError for an incomplete store, and for two that conflict.
    """
    stores = [{**(defaults or {}), **store} for store in stores]
    _check(stores)
    out = {**_copied(), **_texts(comment)}
    for store in stores:
        name, mapping, mount = store["store"], store["name"], store["mount"]
        content = {key: value for key, value in store.items() if key not in MOUNT_NAMES}
        out[os.path.join(unlocker.CONFIG, name + ".json")] = _file(
            json.dumps(content, indent=2, sort_keys=True) + "\n", "0600"
        )
        options = store.get("mount_options") or luks_units.OPTIONS
        text = luks_units.mount_text(name, mapping, mount, options=options, comment=comment)
        out[os.path.join(UNITS, mount_unit.name(mount))] = _file(text)
        out[os.path.join(UNITS, luks_units.device_unit(mapping) + ".d", "50-wait.conf")] = _file(
            luks_units.device_text(comment)
        )
    if guarded:
        text = luks_units.guard_text(
            [store["mount"] for store in stores], directories=directories, user=user, prepare=prepare, comment=comment
        )
        out[os.path.join(UNITS, guarded + ".d", "50-encrypted-store.conf")] = _file(text)
    if environment:
        lines = ["# %s" % comment, *("%s=%s" % pair for pair in sorted(environment.items()))]
        out[os.path.join(unlocker.CONFIG, "environment")] = _file("\n".join(lines) + "\n", "0600")
    return out


def file_set(files_: Mapping[str, Mapping[str, str]]) -> dict[str, list[dict[str, str]]]:
    """The same as the options directories and files of file_set."""
    ours = {"owner": "root", "group": "root"}
    places = {os.path.dirname(path) for path in files_} - {UNITS, os.path.dirname(unlocker.PROGRAM)}
    places |= {os.path.dirname(unlocker.PACKAGE)}
    directories = [
        {"path": path, **ours, "mode": "0700" if path == unlocker.CONFIG else "0755"} for path in sorted(places)
    ]
    return {"directories": directories, "files": [{"dest": path, **ours, **file} for path, file in files_.items()]}


def units(stores: Sequence[Mapping[str, Any]]) -> list[str]:
    """The units to enable, in the order in which they start."""
    return [
        unit
        for store in stores
        for unit in (luks_units.unlock_service(store["store"]), mount_unit.name(store["mount"]))
    ]


def _check(stores: Sequence[Mapping[str, Any]]) -> None:
    for number, store in enumerate(stores):
        missing = [name for name in ("store", "name", "mount") if not store.get(name)]
        if missing:
            raise StoreFilesError("Store %d has no %s; name it." % (number, " and no ".join(missing)))
        unlocker.parse(
            {key: value for key, value in store.items() if key not in MOUNT_NAMES}, "The store %s" % store["store"]
        )
    for name in ("store", "name", "mount", "uuid", "device"):
        # Disks that are alike have one pattern, and each its place in it.
        places = [
            store.get(name) and (store[name], store.get("slot", 0) if name == "device" else 0) for store in stores
        ]
        twice = [place[0] for place, count in Counter(places).items() if place and count > 1]
        if twice:
            raise StoreFilesError("Two stores have the same %s, %s; give each its own." % (name, twice[0]))


def _copied() -> dict[str, dict[str, str]]:
    out = {path: _file(content) for path, content in _program.package(unlocker.SOURCE, unlocker.PACKAGE).items()}
    launcher = LAUNCHER % {"parent": os.path.dirname(unlocker.PACKAGE), "package": os.path.basename(unlocker.PACKAGE)}
    return {**out, unlocker.PROGRAM: _file(launcher, "0755")}


def _texts(comment: str) -> dict[str, dict[str, str]]:
    return {os.path.join(UNITS, luks_units.UNLOCK): _file(luks_units.unlock_text(comment=comment))}


def _file(content: str, mode: str = "0644") -> dict[str, str]:
    return {"content": content, "mode": mode}
