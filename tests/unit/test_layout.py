"""The architecture of module_utils: one folder a subject, and who may import whom."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins/module_utils"
# A folder imports itself, the ground files beside the folders, and what is named here. docs/design.md shows the same picture.
MAY_IMPORT = {
    "_disk": set(),
    "_luks": {"_disk"},
    "_kafka": set(),
    "_start_guard": {"_kafka"},
    "_config": {"_start_guard", "_tls"},
    "_tls": set(),
    "_host": {"_config", "_tls"},
    "_aws": {"_config", "_luks"},
    "_stores": {"_aws", "_config", "_disk", "_host", "_luks"},
    "_roll": {"_host", "_kafka"},
    "_upgrade": set(),
    "_objects": {"_aws", "_kafka", "_tls"},
    "_report": {"_host", "_kafka", "_roll"},
}
FILES = sorted(path.relative_to(UTILS) for path in UTILS.rglob("*.py"))


def imported(path):
    """The folders of module_utils that a file imports, and "" for ground files."""
    for node in ast.walk(ast.parse((UTILS / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = [*path.parts[:-1]][: len(path.parts) - node.level] + (node.module or "").split(".")
            names = [name for name in folder if name] or [name.name for name in node.names]
            yield names[0] if names[0] in MAY_IMPORT else ""


def test_every_folder_has_its_place():
    assert {path.parts[0] for path in FILES if len(path.parts) == 2} == set(MAY_IMPORT)
    assert {path.name for path in (ROOT / "tests/unit").glob("_*") if path.is_dir()} - {"__pycache__"} == set(
        MAY_IMPORT
    )


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_what_lies_below_it(path):
    folder = path.parts[0] if len(path.parts) == 2 else ""
    assert set(imported(path)) - {"", folder} <= MAY_IMPORT.get(folder, set())


def test_only_the_folder_about_kafka_knows_its_client_library():
    def knows(path):
        text = (UTILS.parent / path).read_text()
        return re.search(r"^ *(import kafka\b|from kafka\b)", text, re.MULTILINE)

    found = {path.relative_to(UTILS.parent) for path in UTILS.parent.rglob("*.py")}
    assert {path.parts[1] for path in found if knows(path)} == {"_kafka"}


def test_the_search_sees_an_import(tmp_path, monkeypatch):
    (tmp_path / "_disk").mkdir()
    (tmp_path / "_disk/probe.py").write_text(
        "def look():\n    from .._kafka import client\n    from .._roll.gate import back\n    from .. import _text\n"
    )
    monkeypatch.setitem(globals(), "UTILS", tmp_path)
    assert list(imported(Path("_disk/probe.py"))) == ["_kafka", "_roll", ""]


def test_there_is_no_circle():
    left = dict(MAY_IMPORT)
    while left:
        ground = [folder for folder, below in left.items() if not below & left.keys()]
        assert ground, left
        for folder in ground:
            del left[folder]
