# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether the keys of a new configuration open the existing volume: they are compared with the tokens in its header.

Without this check a new key that replaces a lost one would reach all hosts, and their stores would stay locked at the
next boot.
"""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, Mapping, Sequence

from .._disk import loop
from .._errors import RackawareError
from .._luks import device_match, unlocker, volume
from .._luks import header as luks_header
from .._luks.header import Header


class StoreKeysError(RackawareError):
    """A store would stay locked at its next boot."""


def configurations(files: Iterable[Mapping[str, Any]], names: Sequence[str]) -> dict[str, unlocker.Config]:
    """The unlocker's configurations of these stores among the files {dest, content} to write; raises RackawareError."""
    out = {}
    for file in files:
        directory, base = os.path.split(file["dest"])
        name = base[: -len(".json")]
        if directory == unlocker.CONFIG and base.endswith(".json") and name in names:
            try:
                content = json.loads(file["content"])
            except ValueError:
                raise StoreKeysError(
                    "The configuration %s is no JSON; take the files from the filter encrypted_store_files."
                    % file["dest"]
                ) from None
            out[name] = unlocker.parse(content, file["dest"])
    return out


def find(config: unlocker.Config) -> tuple[str, Header] | None:
    """The disk or file that has this very volume, and its header; None while there is none.

    It only reads, and the volume may be open.
    """
    device = config.wanted.device
    paths = [device]
    if config.file is not None:
        attached = loop.attached(config.file) if config.file.offset and os.path.exists(config.file.path) else None
        paths = [attached.device] if attached else [] if config.file.offset else [config.file.path]
    elif device_match.is_pattern(device):
        paths = device_match.disks(device)
    for path in paths:
        try:
            header = luks_header.scan(path).header
        except RackawareError:
            # The unlocker reports a missing or unreadable disk, and opens nothing.
            continue
        if header is not None and (header.uuid, header.subsystem) == (config.wanted.uuid, config.wanted.subsystem):
            return path, header
    return None


def lost(name: str, config: unlocker.Config, path: str, header: Header) -> str:
    """The sentence that refuses a configuration whose keys no token names.

    Empty where a token names one of the keys, or where there is no token to compare with.
    """
    tokens = list(volume.ours(header).values())
    # cryptsetup removes the slot from its token as well, so a token without a slot has no meaning any more.
    slots = {str(slot) for slot in header.keyslots}
    tokens = [token for token in tokens if slots & {str(slot) for slot in token.get("keyslots") or ()}] or tokens
    # The ciphertext is what counts: a version that was copied back has another id, and opens the volume as ever.
    known = [
        (token.get("sha256"), token.get("key_arn"), dict(token.get("encryption_context") or {})) for token in tokens
    ]
    if not tokens or any((key.sha256, key.key_arn, dict(key.encryption_context)) in known for key in config.keys):
        return ""
    return (
        "The store %s keeps its configuration, and nothing was changed: the volume on %s opens with %s, but the new"
        " configuration names only %s, so that it would stay locked at the next boot. Make the former the current"
        " version again (aws s3api copy-object, with that version as copy source), or, if its data may be lost, erase"
        " the store with erase_stores."
        % (
            name,
            path,
            " or ".join(_said(token) for token in tokens),
            " and ".join(_said(key.as_dict()) for key in config.keys),
        )
    )


def _said(key: Mapping[str, Any]) -> str:
    return "version %s of s3://%s/%s" % (key.get("version_id"), key.get("bucket"), key.get("key"))


def check(files: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Raise StoreKeysError for the stores whose next boot would fail; to be asked before anything is written."""
    problems = []
    for name, config in configurations(files, names).items():
        match = find(config)
        problems += [lost(name, config, *match)] if match else []
    if any(problems):
        raise StoreKeysError(" ".join(problem for problem in problems if problem))
