# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a broker's host needs of the start guard, as options of file_set: the program, and what it must know."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import Any, Mapping, Sequence

from .. import _program
from .._start_guard import program
from . import nodes

LAUNCHER = """\
#!/usr/bin/python3 -IS
# Keeps a broker from starting on a blank log directory while it is a last in-sync replica; the code is the
# collection's, copied to %(parent)s.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "%(parent)s")

from %(package)s._start_guard.program import main

sys.exit(main())
"""
OURS = {"owner": "root", "group": "root"}


def file_set(
    node: Mapping[str, Any],
    volumes: Sequence[str],
    others: Sequence[Mapping[str, Any]],
    connection: Mapping[str, Any],
    new_cluster: float | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """{directories, files} of the start guard.

    node {id, data_dirs}; volumes: those of its data_dirs, none on the root disk; others: the other brokers as {id,
    host, port}; connection: options of CONNECTION_SPEC beside the servers; new_cluster: the time, when no broker of the
    cluster has run.
    """
    addresses = dict(zip((str(other["id"]) for other in others), nodes.servers(list(others))))
    places = {
        path: str(volumes[number]) if number < len(volumes) else "" for number, path in enumerate(node["data_dirs"])
    }
    config = {"node": int(node["id"]), "directories": places, "servers": addresses, "connection": dict(connection)}
    files = [
        *_copied(),
        _file(program.CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n", "0640", group="kafka"),
    ]
    if new_cluster is not None:
        files.append(_file(program.NEW_CLUSTER, json.dumps({"time": int(new_cluster)}) + "\n", "0644"))
    folders = {os.path.dirname(file["dest"]) for file in _copied()} - {os.path.dirname(program.PROGRAM)}
    directories = [
        {"path": path, **OURS, "mode": "0755"}
        for path in (os.path.dirname(program.PACKAGE), *sorted(folders), program.STATE)
    ]
    return {"directories": directories, "files": [dict(file) for file in files]}


@lru_cache(maxsize=1)
def _copied() -> tuple[dict[str, Any], ...]:
    out = [_file(path, content) for path, content in _program.package(program.SOURCE, program.PACKAGE).items()]
    launcher = LAUNCHER % {"parent": os.path.dirname(program.PACKAGE), "package": os.path.basename(program.PACKAGE)}
    return (*out, _file(program.PROGRAM, launcher, "0755"))


def _file(dest: str, content: str, mode: str = "0644", group: str = "root") -> dict[str, Any]:
    # A broker that runs has nothing to do with them.
    return {"dest": dest, "content": content, "owner": "root", "group": group, "mode": mode, "at_once": True}
