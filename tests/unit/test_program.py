"""Programs that are copied to hosts: all that they import goes along, and nothing else does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils import _program
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import unlocker
from ansible_collections.rackaware.kafka.plugins.module_utils._start_guard import program as start_guard

UTILS = Path(_program.UTILS)
PROGRAMS = pytest.mark.parametrize("entry", [unlocker.SOURCE, start_guard.SOURCE])


def imported(path):
    """What a file imports from the collection, as Python itself reads it."""
    for node in ast.walk(ast.parse((UTILS / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = (UTILS / path).parents[node.level - 1].joinpath(*(node.module or "").split("."))
            files = (
                [folder / (name.name + ".py") for name in node.names]
                if folder.is_dir()
                else [folder.with_suffix(".py")]
            )
            yield from (file.relative_to(UTILS).as_posix() for file in files)


@PROGRAMS
def test_a_program_is_all_files_that_it_imports_and_no_more(entry):
    needed, left = set(), [entry]
    while left:
        path = left.pop()
        if path not in needed:
            needed.add(path)
            left += imported(path)
    assert set(_program.sources(entry)) == needed and len(needed) > 3


@PROGRAMS
def test_a_program_needs_nothing_of_ansible(entry):
    assert [path for path, content in _program.sources(entry).items() if "ansible.module_utils" in content] == []
