# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Programs that are copied to hosts: unchanged files of this folder, so that hosts run the same code as the modules."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Iterator, Mapping

UTILS = os.path.dirname(os.path.abspath(__file__))
_IMPORT = re.compile(r"^ *from (\.+)([\w.]*) import ([\w, ]+)$", re.MULTILINE)


@lru_cache(maxsize=8)
def sources(entry: str) -> Mapping[str, str]:
    """{path: content} of a file and of all files that it imports, all below module_utils.

    entry is a path such as _luks/unlocker.py. Raises OSError.
    """
    contents: dict[str, str] = {}
    left = [entry]
    while left:
        path = left.pop()
        if path not in contents:
            with open(os.path.join(UTILS, path), encoding="utf-8") as stream:
                contents[path] = stream.read()
            left.extend(_imported(path, contents[path]))
    return dict(sorted(contents.items()))


def _imported(path: str, content: str) -> Iterator[str]:
    for dots, module, names in _IMPORT.findall(content):
        folder = path.split("/")[: -len(dots)]
        if os.path.isdir(os.path.join(UTILS, *folder, *module.split("."))):
            yield from (
                "/".join([*folder, *filter(None, module.split(".")), name.split()[0]]) + ".py"
                for name in names.split(",")
            )
        else:
            yield "/".join([*folder, *module.split(".")]) + ".py"


def package(entry: str, directory: str) -> dict[str, str]:
    """The same for a host: {path in directory, which is a package of Python there: content}."""
    return {
        os.path.join(directory, "__init__.py"): "",
        **{os.path.join(directory, path): content for path, content in sources(entry).items()},
    }
