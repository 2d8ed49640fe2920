# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Files and directories of a host.

All are decided together, written atomically, and staged while a service runs with the old ones.
"""

from __future__ import annotations

import base64
import grp
import json
import os
import pwd
import stat
import tempfile
import zlib
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from .. import _secret_mask
from .._config.units import STAGED
from .._errors import RackawareError

OWNED_SPEC: dict[str, dict[str, Any]] = {name: {"type": "str", "required": True} for name in ("owner", "group", "mode")}
DIRECTORIES_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {"path": {"type": "path", "required": True}, **OWNED_SPEC},
}
FILES_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "dest": {"type": "path", "required": True},
        "content": {"type": "str", "required": True},
        **OWNED_SPEC,
        "at_once": {"type": "bool", "default": False},
    },
}
# The options of file_set, and with contents those of its module.
PROMOTED_SPEC: dict[str, Any] = {"type": "list", "elements": "path", "default": []}
SET_SPEC: dict[str, dict[str, Any]] = {
    "held_by": {"type": "str", "required": True},
    "promote": {"type": "bool", "default": False},
    "directories": DIRECTORIES_SPEC,
    "files": {**FILES_SPEC, "required": True},
    "promoted": PROMOTED_SPEC,
}
MODULE_SPEC: dict[str, dict[str, Any]] = {**SET_SPEC, "contents": {"type": "str", "no_log": True}}
# What the host's journal and -vvv show for a text.
PACKED = "(in contents)"


class FilesError(RackawareError):
    """A file cannot be read or written."""


@dataclass(frozen=True)
class Owned:
    """Who owns a path and who may do what with it; mode is a number."""

    owner: str
    group: str
    mode: int


@dataclass(frozen=True)
class Step:
    """What happens to one file.

    writes is the path that gets the content, if any; drops is a staged file that is not needed any more; fixes are
    paths with a wrong owner or mode; waits is whether the content is staged for the next restart of its service.
    """

    dest: str
    content: str
    owned: Owned
    writes: str | None
    drops: str | None
    fixes: tuple[str, ...]
    waits: bool
    before: str

    @property
    def changed(self) -> bool:
        """Whether anything happens at all."""
        return bool(self.writes or self.drops or self.fixes)


def pack(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of file_set as its module gets them: all texts are packed in one option that is never logged.

    A module writes its parameters to the host's journal, and Ansible shows them at -vvv. With no_log Ansible also
    replaces the value wherever it occurs in the result: the text "1" would garble every path with a 1. A packed text
    occurs nowhere.
    """
    texts = json.dumps([item["content"] for item in options["files"]])
    packed = base64.b64encode(zlib.compress(texts.encode("ascii"))).decode("ascii")
    return {**options, "files": [{**item, "content": PACKED} for item in options["files"]], "contents": packed}


def unpack(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files with their texts, of what pack made; raises FilesError."""
    if options["contents"] is None:
        return list(options["files"])
    try:
        texts = json.loads(zlib.decompress(base64.b64decode(options["contents"], validate=True)))
        whole = len(texts) == len(options["files"]) and all(isinstance(text, str) for text in texts)
    except (ValueError, TypeError, zlib.error):
        whole = False
    if not whole:
        raise FilesError(
            "contents is not what packs the files for a host; leave it out, and give each file its content."
        )
    return [{**item, "content": text} for item, text in zip(options["files"], texts)]


def as_given(spec: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A spec without paths, for a controller that must not expand ~ and variables that are the host's to expand."""
    out = {}
    for name, option in spec.items():
        out[name] = {**option, "type": "str"} if option["type"] == "path" else dict(option)
        if "options" in option:
            out[name]["options"] = as_given(option["options"])
    return out


def owned(item: Mapping[str, Any]) -> Owned:
    """Owner, group and mode of an entry; raises FilesError for an invalid mode."""
    try:
        mode = int(str(item["mode"]), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise FilesError(
            "%s has the mode %r; write an octal number in quotes, like '0640'."
            % (item.get("dest") or item.get("path"), item["mode"])
        )
    return Owned(item["owner"], item["group"], mode)


def read(path: str) -> str | None:
    """A file's text, None when there is none; raises FilesError."""
    try:
        # As it is: with \r\n made \n a file would differ for ever from what is wanted.
        with open(path, encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FilesError(
            "%s cannot be read: %s; look at it on the host." % (path, getattr(error, "strerror", None) or error)
        ) from None


def differs(path: str, ownership: Owned) -> bool:
    """Whether an existing path has another owner, group or mode; an account that does not exist yet owns nothing."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return (
        stat.S_IMODE(status.st_mode) != ownership.mode
        or status.st_uid != _uid(ownership.owner)
        or status.st_gid != _gid(ownership.group)
    )


def decide(items: Iterable[Mapping[str, Any]], *, held: bool, promote: bool) -> list[Step]:
    """What happens to each file: {dest, content, owner, group, mode}.

    held: a running service has read the files in place, so changes are staged beside them; promote: the service is
    being restarted, so the content goes in place. A file with at_once is not read by the service, and is never staged.
    """
    steps = []
    for item in items:
        dest, content, ownership = item["dest"], item["content"], owned(item)
        here, staged = read(dest), read(dest + STAGED)
        beside = dest + STAGED
        waits = content != here and held and not promote and not item.get("at_once")
        writes = None if content in ((staged,) if waits else (here,)) else beside if waits else dest
        drops = beside if staged is not None and not waits else None
        fixes = tuple(path for path in (dest, beside) if path not in (writes, drops) and differs(path, ownership))
        steps.append(
            Step(dest, content, ownership, writes, drops, fixes, waits, (staged if staged is not None else here) or "")
        )
    return steps


def due(paths: Iterable[str], *, held: bool, promote: bool) -> list[str]:
    """Of files that another task stages, those whose staged version goes in place now; held, promote as in decide."""
    return [path for path in paths if (promote or not held) and os.path.lexists(path + STAGED)]


def put_in_place(path: str) -> None:
    """Put the staged version of a file in its place; raises FilesError."""
    try:
        os.replace(path + STAGED, path)
    except OSError as error:
        raise FilesError("%s cannot be put in place: %s; look at the disk." % (path + STAGED, error.strerror)) from None


def missing_directories(items: Iterable[Mapping[str, Any]]) -> list[tuple[str, Owned]]:
    """The directories {path, owner, group, mode} that are missing or differ.

    Raises FilesError for a path of another kind.
    """
    out = []
    for item in items:
        path, ownership = item["path"], owned(item)
        if os.path.lexists(path) and not os.path.isdir(path):
            raise FilesError("%s is no directory; move it away, or correct the path." % path)
        if not os.path.isdir(path) or differs(path, ownership):
            out.append((path, ownership))
    return out


def make_directory(path: str, ownership: Owned) -> None:
    """Make a directory as wanted, and those above it with mode 0755."""
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
        _own(path, ownership)
    except OSError as error:
        raise FilesError("%s cannot be made: %s; look at the disk." % (path, error.strerror)) from None


def apply(step: Step) -> None:
    """Do what was decided for one file. A reader sees the old text or the new, never half of one."""
    if step.writes:
        write(step.writes, step.content, step.owned)
    if step.drops:
        os.unlink(step.drops)
    for path in step.fixes:
        _own(path, step.owned)


def write(path: str, content: str, ownership: Owned) -> None:
    """Write a file atomically, with owner and mode from its first moment; raises FilesError."""
    draft = None
    try:
        try:
            text = content.encode("utf-8")
        except UnicodeEncodeError:
            raise FilesError("%s would have a character that UTF-8 cannot hold; correct its content." % path) from None
        handle, draft = tempfile.mkstemp(prefix=".%s." % os.path.basename(path), dir=os.path.dirname(path))
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        _own(draft, ownership)
        os.replace(draft, path)
        draft = None
    except OSError as error:
        raise FilesError("%s cannot be written: %s; look at the disk." % (path, error.strerror)) from None
    finally:
        if draft:
            os.unlink(draft)


def diff(step: Step) -> dict[str, str]:
    """Before and after, as Ansible shows them; what looks like a secret is left out."""
    header = step.writes or step.dest
    before, after = _secret_mask.masked_pair(step.before, step.content)
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def ids(ownership: Owned, path: str) -> tuple[int, int]:
    """The numbers of owner and group, for a path; raises FilesError."""
    uid, gid = _uid(ownership.owner), _gid(ownership.group)
    if uid is None or gid is None:
        raise FilesError(
            "%s shall belong to %s:%s, but there is no such account; make it first."
            % (path, ownership.owner, ownership.group)
        )
    return uid, gid


def _own(path: str, ownership: Owned) -> None:
    os.chown(path, *ids(ownership, path))
    os.chmod(path, ownership.mode)


def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
