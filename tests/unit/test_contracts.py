"""Promises that hold over the whole tree: what is declared twice is the same twice, and what must exist does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.filter.inventory import PRIVATE_ROLES

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ALIASES = {"rolling-upgrade"}
SURFACE = 122


def read(path):
    return yaml.safe_load(path.read_text()) or {}


def specs(role):
    return read(role / "meta/argument_specs.yml")["argument_specs"]


BLOCKS = ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")


def tasks(content):
    """Every task of plays, blocks and files of tasks, with those of its blocks."""
    for item in content if isinstance(content, list) else []:
        if isinstance(item, dict):
            yield item
            for part in BLOCKS:
                yield from tasks(item.get(part))


def files_of_tasks(root):
    yield from (root / "playbooks").rglob("*.yml")
    yield from (root / "roles").glob("*/tasks/*.yml")
    yield from (root / "roles").glob("*/handlers/*.yml")


def entry_points(root):
    """Role to the names that anything enters it by. Of a name that is a template, all words count: the role's files say which of them are meant."""
    found = {}
    for path in files_of_tasks(root):
        text = path.read_text()
        for task in tasks(yaml.safe_load(text)):
            for way in ("include_role", "import_role"):
                given = task.get("ansible.builtin." + way) or {}
                if "name" in given:
                    entry = given.get("tasks_from", "main")
                    words = set(re.findall(r"\w+", text if "{{" in entry and "'" not in entry else entry))
                    found.setdefault(given["name"].rpartition(".")[2], set()).update(words)
    return found


def test_an_entry_point_is_found_by_its_name_and_in_a_template(tmp_path):
    for name, text in {
        "playbooks/a.yml": "- hosts: x\n  tasks:\n    - block:\n        - ansible.builtin.include_role: {name: a.b.roll, tasks_from: watch}\n",
        "playbooks/b.yml": "- hosts: x\n  vars: {part: look}\n  tasks:\n    - ansible.builtin.import_role: {name: a.b.roll, tasks_from: '{{ part }}'}\n",
        "roles/roll/tasks/main.yml": "- ansible.builtin.import_role: {name: a.b.java}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = entry_points(tmp_path)
    assert {"watch", "look"} <= found["roll"] and found["java"] == {"main"}


# Where a service is stopped or restarted, and what has asked before.
STOPS = {
    "roles/roll/tasks/step.yml": "The step of a roll, behind its gate.",
    "playbooks/parts/stop_for_good.yml": "Behind the rule for destroying a copy.",
    "playbooks/parts/close_stores.yml": "After stop_for_good.yml, or after revoke has stopped the broker.",
    "playbooks/revoke.yml": "Behind the rule for staying away.",
    "playbooks/downtime_upgrade.yml": "The whole cluster stops, which is what it is for.",
}
_STOP = re.compile(
    r"\bstate['\"]?: ['\"]?(restarted|reloaded|stopped|closed)\b|\bsystemctl\b.*\b(re)?(start|load|stop|kill)\b|ansible\.builtin\.reboot"
)


def stops(root):
    """Files that stop or restart something, whatever the module."""
    found = set()
    for path in files_of_tasks(root):
        for task in tasks(yaml.safe_load(path.read_text())):
            own = {name: value for name, value in task.items() if name not in BLOCKS}
            words = [
                str(own),
                *(
                    " ".join(map(str, option["argv"]))
                    for option in own.values()
                    if isinstance(option, dict) and option.get("argv")
                ),
            ]
            if any(_STOP.search(text) for text in words):
                found.add(path.relative_to(root).as_posix())
    return found


def test_nothing_is_stopped_or_restarted_but_behind_a_gate():
    assert stops(ROOT) == set(STOPS)


@pytest.mark.parametrize(
    "task",
    [
        "{ansible.builtin.systemd_service: {name: kafka, state: restarted}}",
        "{rackaware.kafka.kafka_roll_service: {service: broker, state: stopped}}",
        "{ansible.builtin.command: systemctl restart kafka}",
        "{ansible.builtin.command: {argv: [systemctl, stop, kafka]}}",
        "{ansible.builtin.reboot: {}}",
        "{name: Close it, block: [{rackaware.kafka.encrypted_store: {state: closed}}]}",
    ],
)
def test_a_stop_is_seen_in_a_handler_and_in_a_task(tmp_path, task):
    for folder in ("tasks", "handlers"):
        place = tmp_path / folder / "roles/broker" / folder / "main.yml"
        place.parent.mkdir(parents=True)
        place.write_text("- %s\n" % task)
        assert stops(tmp_path / folder) == {"roles/broker/%s/main.yml" % folder}


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

    def test_every_specification_is_of_an_entry_point(self, role):
        for entry in specs(role):
            assert (role / "tasks" / (entry + ".yml")).is_file(), entry

    def test_every_entry_point_has_a_specification(self, role):
        files = {path.stem for path in (role / "tasks").glob("*.yml")}
        assert entry_points(ROOT).get(role.name, set()) & files - set(specs(role)) == set()

    def test_inputs_carry_the_name_of_the_role_or_of_kafka(self, role):
        for spec in specs(role).values():
            for name in spec.get("options", {}):
                assert name.lstrip("_").startswith((role.name + "_", "kafka_", "broker_")), name

    def test_has_a_readme_and_galaxy_data(self, role):
        assert (role / "README.md").read_text().startswith("# ")
        assert read(role / "meta/main.yml")["galaxy_info"]["description"]


def test_a_host_with_encrypted_stores_needs_few_tasks():
    """A run that changes nothing takes at most six, the check of the role's inputs included."""
    role = ROOT / "roles/encrypted_store"
    assert len(read(role / "tasks/main.yml")) + 1 <= 6 and [path.name for path in (role / "tasks").iterdir()] == [
        "main.yml"
    ]


def inputs_of_users():
    public = [role for role in ROLES if role.name not in PRIVATE_ROLES]
    names = {name for role in public for spec in specs(role).values() for name in spec.get("options", {})}
    return {name for name in names if not name.startswith("_")}


def test_a_private_role_exists_and_its_readme_says_so():
    for name in PRIVATE_ROLES:
        assert "Private to the collection" in (ROOT / "roles" / name / "README.md").read_text()


def test_the_surface_for_users_stays_small():
    inputs = inputs_of_users()
    assert len(inputs) <= SURFACE, sorted(inputs)


def test_the_page_of_variables_names_every_input_and_nothing_else():
    inputs = inputs_of_users()
    page = (ROOT / "docs/variables.md").read_text()
    described = set(re.findall(r"^\| `([a-z_0-9]+)` \|", page, re.MULTILINE))
    assert inputs - described == set()
    assert {name for name in described - inputs if not name.startswith("kafka_")} == set()


def test_the_action_groups_name_every_module_and_those_that_take_a_connection():
    groups = read(ROOT / "meta/runtime.yml")["action_groups"]
    assert groups["all"] == MODULES
    assert groups["kafka"] == [
        name
        for name in MODULES
        if "rackaware.kafka.connection" in (ROOT / "plugins/modules" / (name + ".py")).read_text()
    ]


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.stem)
def test_a_playbook_can_be_run_by_its_full_name(playbook):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", playbook.stem) or playbook.stem in ALIASES


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
            out += imports(
                playbook.parent / play["ansible.builtin.import_playbook"], {**play.get("vars", {}), **(given or {})}
            )
        else:
            out.append((playbook.resolve().relative_to(ROOT / "playbooks").as_posix(), play, given or {}))
    return out


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_begins_with_the_preflight_which_refuses_a_part_of_the_cluster(playbook):
    plays = imports(playbook)
    begins = [file for file, _play, _given in plays[:2]]
    if playbook.stem not in WITHOUT_PREFLIGHT or playbook.stem == "preflight":
        assert begins == ["parts/refuse_limit.yml", "preflight.yml"]
    elif any(play["hosts"] != "localhost" for _file, play, _given in plays):
        assert begins[0] == "parts/refuse_limit.yml"
    if begins[0] == "parts/refuse_limit.yml":
        assert plays[0][2].get("__limit_with_localhost", False) == (playbook.stem in LIMITED)


def test_a_part_of_the_cluster_is_refused_whatever_tags_and_limit_leave_over():
    (play,) = read(ROOT / "playbooks/parts/refuse_limit.yml")
    assert (play["hosts"], play["tags"], play["gather_facts"]) == ("localhost:all", ["always"], False)


@pytest.mark.parametrize(
    "file",
    sorted((ROOT / "playbooks").rglob("*.yml")),
    ids=lambda path: path.relative_to(ROOT / "playbooks").as_posix(),
)
def test_hosts_wait_for_each_other_whatever_strategy_is_configured(file):
    """Under another strategy than linear one host is staged, or stopped, while another is still looked at."""
    content = read(file)
    plays = (
        [play for play in content if isinstance(play, dict) and "hosts" in play] if isinstance(content, list) else []
    )
    for play in plays:
        if play["hosts"] != "localhost" and "%s: %s" % (file.name, play["name"]) not in ANY_STRATEGY:
            assert play.get("strategy") == "ansible.builtin.linear", play["name"]


def test_what_holds_for_the_whole_cluster_is_not_read_on_localhost():
    """Group variables of the nodes are not localhost's; only the preflight's own play vars are looked at there, and a step of
    secure_cluster sets them."""
    wrong = re.compile(
        r"\bkafka_(listeners|replication_factor|min_insync_replicas|check_topic|report_dir|instance_source)\b"
    )
    files = [
        path for path in (ROOT / "playbooks").rglob("*.yml") if path.name not in ("preflight.yml", "secure_step.yml")
    ]
    files += [
        path
        for role in ("roll", "upgrade")
        for place in ("tasks", "vars", "defaults")
        for path in (ROOT / "roles" / role / place).glob("*.yml")
    ]
    assert [path.relative_to(ROOT).as_posix() for path in files if wrong.search(path.read_text())] == []


def test_the_version_is_the_same_wherever_it_stands():
    version = read(ROOT / "galaxy.yml")["version"]
    assert version in read(ROOT / "changelogs/changelog.yaml")["releases"]
    assert ("## v%s" % version) in (ROOT / "CHANGELOG.md").read_text().replace("\\", "")


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
        found += [
            "%s: %s" % (path.relative_to(ROOT), line.strip()) for line in text.splitlines() if forbidden.search(line)
        ]
    assert found == []
