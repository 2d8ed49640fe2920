"""The collection as Ansible sees it: every playbook runs by its full name, every module, filter and role has its page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
# A name with a hyphen cannot be run in full; the one alias is for those who type its path.
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml") if "-" not in path.stem)


def run(command, *arguments):
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        [BIN / command, *arguments], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_runs_by_its_full_name(playbook):
    assert "playbook: " in run(
        "ansible-playbook", "rackaware.kafka." + playbook, "--syntax-check", "-i", str(ROOT / "inventories/static")
    )


@pytest.mark.parametrize(("kind", "files"), [("module", "modules/*.py"), ("filter", "filter/*.yml")])
def test_every_plugin_has_a_page(kind, files):
    shown = json.loads(run("ansible-doc", "--type", kind, "--list", "--json", "rackaware.kafka"))
    assert set(shown) == {"rackaware.kafka." + path.stem for path in (ROOT / "plugins").glob(files)}
    assert all(shown.values()), "one without a description"


def test_every_role_has_a_page():
    shown = json.loads(run("ansible-doc", "--type", "role", "--list", "--json", "rackaware.kafka"))
    assert set(shown) == {"rackaware.kafka." + path.name for path in (ROOT / "roles").iterdir() if path.is_dir()}
    texts = [text for role in shown.values() for text in role["entry_points"].values()]
    assert texts and all(texts), "an entry point without a description"
