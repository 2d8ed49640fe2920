"""Promises that hold over the whole tree: what is declared twice is the same twice, and what must exist does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ALIASES = {"rolling-upgrade"}
SURFACE = 110


def read(path):
    return yaml.safe_load(path.read_text()) or {}


def specs(role):
    return read(role / "meta/argument_specs.yml")["argument_specs"]


def tracked():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for path in (ROOT / name for name in names if name) if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
class TestRole:
    def test_defaults_and_specification_name_the_same_inputs_with_the_same_values(self, role):
        declared = {name: option for spec in specs(role).values() for name, option in spec.get("options", {}).items()}
        defaults = read(role / "defaults/main.yml")
        assert set(defaults) == {name for name, option in declared.items() if not option.get("required")}
        # A derived default is a template, which a specification's types do not allow; its description says what it comes from.
        plain = {name: value for name, value in defaults.items() if not (isinstance(value, str) and "{{" in value)}
        assert plain == {name: option["default"] for name, option in declared.items() if "default" in option}

    def test_an_input_that_two_entry_points_share_has_one_default(self, role):
        seen = {}
        for spec in specs(role).values():
            for name, option in spec.get("options", {}).items():
                assert seen.setdefault(name, option.get("default")) == option.get("default"), name

    def test_every_entry_point_has_a_specification(self, role):
        for entry in specs(role):
            assert (role / "tasks" / (entry + ".yml")).is_file(), entry

    def test_inputs_carry_the_name_of_the_role_or_of_kafka(self, role):
        for spec in specs(role).values():
            for name in spec.get("options", {}):
                assert name.startswith((role.name + "_", "kafka_", "broker_")), name

    def test_has_a_readme_and_galaxy_data(self, role):
        assert (role / "README.md").read_text().startswith("# ")
        assert read(role / "meta/main.yml")["galaxy_info"]["description"]


def test_a_host_with_encrypted_stores_needs_few_tasks():
    """A run that changes nothing takes at most six, the check of the role's inputs included."""
    role = ROOT / "roles/encrypted_store"
    assert len(read(role / "tasks/main.yml")) + 1 <= 6 and [path.name for path in (role / "tasks").iterdir()] == ["main.yml"]


def test_the_surface_for_users_stays_small():
    inputs = {name for role in ROLES for spec in specs(role).values() for name in spec.get("options", {})}
    assert len(inputs) <= SURFACE, sorted(inputs)


def test_the_page_of_variables_names_every_input_and_nothing_else():
    inputs = {name for role in ROLES for spec in specs(role).values() for name in spec.get("options", {})}
    page = (ROOT / "docs/variables.md").read_text()
    described = set(re.findall(r"^\| `([a-z_0-9]+)` \|", page, re.MULTILINE))
    assert inputs - described == set()
    assert {name for name in described - inputs if not name.startswith("kafka_")} == set()


def test_the_action_groups_name_every_module_and_those_that_take_a_connection():
    groups = read(ROOT / "meta/runtime.yml")["action_groups"]
    assert groups["all"] == MODULES
    assert groups["kafka"] == [name for name in MODULES if "rackaware.kafka.connection" in (ROOT / "plugins/modules" / (name + ".py")).read_text()]


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.stem)
def test_a_playbook_can_be_run_by_its_full_name(playbook):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", playbook.stem) or playbook.stem in ALIASES


def first_play(playbook):
    first = read(playbook)[0]
    return first_play(playbook.parent / first["ansible.builtin.import_playbook"]) if "ansible.builtin.import_playbook" in first else first


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_all_filters_are_loaded_once_and_not_in_each_worker(playbook):
    last = max(path.stem for path in (ROOT / "plugins/filter").glob("*.py"))
    assert "| rackaware.kafka.%s }}" % last in first_play(playbook)["name"]


# Playbooks that do not begin with the preflight, and why.
WITHOUT_PREFLIGHT = {
    "preflight": "It is the preflight.",
    "provision": "It makes the hosts that the preflight asks for; it refuses a limit without localhost.",
    "encrypted_store": "It works on hosts of any application; it refuses a limit without localhost.",
    "measure_dm_crypt": "It works on one host of any kind; it refuses a limit without localhost.",
    "deprovision": "It asks AWS from localhost only, also when no host is left.",
    "key_custody": "It asks AWS from localhost only, also before there is a host.",
    "launch_template": "It asks AWS from localhost only.",
    "erase_keys": "It is for hosts that are gone, also when none is left; where brokers are left, the preflight comes after the look at the keys.",
    "unlock_log": "It asks AWS from localhost only.",
}
# Those that take a limit, as long as localhost is in it.
LIMITED = {"provision", "encrypted_store", "measure_dm_crypt", "verify_unlock"}
# Plays of hosts that do not name their strategy, and why: none.
ANY_STRATEGY: dict[str, str] = {}


def imports(playbook, given=None):
    """The plays of a playbook in order, with those that it imports in their place: (file, play, variables of the imports)."""
    out = []
    for play in read(playbook):
        if "ansible.builtin.import_playbook" in play:
            out += imports(playbook.parent / play["ansible.builtin.import_playbook"], {**play.get("vars", {}), **(given or {})})
        else:
            out.append((playbook.resolve().relative_to(ROOT / "playbooks").as_posix(), play, given or {}))
    return out


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_begins_with_the_preflight_which_refuses_a_part_of_the_cluster(playbook):
    plays = imports(playbook)
    begins = [file for file, _play, _given in plays[:2]]
    if playbook.stem not in WITHOUT_PREFLIGHT or playbook.stem == "preflight":
        assert begins == ["parts/whole.yml", "preflight.yml"]
    elif any(play["hosts"] != "localhost" for _file, play, _given in plays):
        assert begins[0] == "parts/whole.yml"
    if begins[0] == "parts/whole.yml":
        assert plays[0][2].get("__whole_but_localhost", False) == (playbook.stem in LIMITED)


def test_a_part_of_the_cluster_is_refused_whatever_tags_and_limit_leave_over():
    (play,) = read(ROOT / "playbooks/parts/whole.yml")
    assert (play["hosts"], play["tags"], play["gather_facts"]) == ("localhost:all", ["always"], False)


@pytest.mark.parametrize("file", sorted((ROOT / "playbooks").rglob("*.yml")), ids=lambda path: path.relative_to(ROOT / "playbooks").as_posix())
def test_hosts_wait_for_each_other_whatever_strategy_is_configured(file):
    """Under another strategy than linear one host is staged, or stopped, while another is still looked at."""
    content = read(file)
    plays = [play for play in content if isinstance(play, dict) and "hosts" in play] if isinstance(content, list) else []
    for play in plays:
        if play["hosts"] != "localhost" and "%s: %s" % (file.name, play["name"]) not in ANY_STRATEGY:
            assert play.get("strategy") == "ansible.builtin.linear", play["name"]


def test_what_holds_for_the_whole_cluster_is_not_read_on_localhost():
    """Group variables of the nodes are not localhost's; only the preflight's own play vars are looked at there."""
    wrong = re.compile(r"\bkafka_(listeners|replication_factor|min_insync_replicas|proof_topic|report_dir|instance_source)\b")
    files = [path for path in (ROOT / "playbooks").rglob("*.yml") if path.name != "preflight.yml"]
    files += [path for role in ("roll", "upgrade") for place in ("tasks", "vars", "defaults") for path in (ROOT / "roles" / role / place).glob("*.yml")]
    assert [path.relative_to(ROOT).as_posix() for path in files if wrong.search(path.read_text())] == []


def test_the_version_is_the_same_wherever_it_stands():
    version = read(ROOT / "galaxy.yml")["version"]
    assert version in read(ROOT / "changelogs/changelog.yaml")["releases"]
    assert ("## v%s" % version) in (ROOT / "CHANGELOG.md").read_text().replace("\\", "")


def test_no_handler_restarts_a_service():
    for handlers in (ROOT / "roles").glob("*/handlers/*.yml"):
        assert not re.search(r"state: *(restarted|reloaded)", handlers.read_text()), handlers


def test_every_python_file_of_the_collection_states_its_licence():
    for path in (ROOT / "plugins").rglob("*.py"):
        if path.read_text():
            assert "GNU General Public License v3.0+" in path.read_text()[:400], path


def test_nothing_is_left_open_hidden_or_bound_to_one_machine():
    forbidden = re.compile(
        "|".join(
            [
                r"\bTO" + r"DO\b",
                r"\bFIX" + r"ME\b",
                r"ignore_" + r"errors: *true",
                r"failed_" + r"when: *false",
                r"mark\." + r"(skip|xfail)",
                r"deb\.deb" + r"ian\.org",
                r"pypi\." + r"org",
                r"maven\." + r"org|repo\.maven",
                r"(?<![\w.])/wo" + r"rk/",
            ]
        )
    )
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += ["%s: %s" % (path.relative_to(ROOT), line.strip()) for line in text.splitlines() if forbidden.search(line)]
    assert found == []
