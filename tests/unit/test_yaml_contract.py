"""What YAML may do: names have owners, conditions and chains of filters stay short, and one place says how a cluster is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parents[2]
PRIVATE = re.compile(r"(?<!\w)__[a-z]\w*")
# Expressions that stand without braces.
BARE = ("when", "that", "until", "failed_when", "changed_when", "var")
# How long an answer may take is a property of the question.
OF_THE_QUESTION = {"request_timeout_seconds"}


class EveryName(dict):
    """Filters or tests by every name: only their number counts here."""

    def get(self, _name: Any, _default: Any = None) -> Any:
        return str

    def __contains__(self, _name: Any) -> bool:
        return True


ENVIRONMENT = Environment()
ENVIRONMENT.filters = EveryName()
ENVIRONMENT.tests = EveryName()


def files(root: Path) -> list[Path]:
    return sorted([*root.glob("playbooks/**/*.yml"), *root.glob("roles/*/[!m]*/*.yml")])


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from mappings(item)


def templates(node: Any, key: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for name, item in node.items():
            yield from templates(item, name)
    elif isinstance(node, list):
        for item in node:
            yield from templates(item, key)
    elif isinstance(node, str) and ("{{" in node or key in BARE):
        yield node if "{{" in node else "{{ %s }}" % node


def faults(root: Path, of_file: Any) -> list[str]:
    return [
        "%s: %s" % (path.relative_to(root).as_posix(), fault)
        for path in files(root)
        for fault in of_file(yaml.safe_load(path.read_text()))
    ]


# --- names


def private_inputs(root: Path, role: str) -> set[str]:
    """What only the collection's playbooks give a role, and its specification describes."""
    spec = yaml.safe_load((root / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {name for entry in spec.values() for name in entry.get("options") or () if name.startswith("_")}


def owner_of(name: str, roles: list[str]) -> str | None:
    return max((role for role in roles if name.startswith("__%s_" % role)), key=len, default=None)


def set_in(content: Any) -> set[str]:
    """The names that a file itself gives a value: a file of variables all of its own."""
    own = {"register", "loop_var"}
    out = set(content) if isinstance(content, dict) else set()
    for mapping in mappings(content):
        out |= {mapping[key] for key in own & set(mapping)}
        for key in ("vars", "ansible.builtin.set_fact", "ansible.builtin.add_host"):
            out |= set(mapping.get(key) or ())
    return out


def head(path: Path) -> str:
    lines = path.read_text().splitlines()[1:]
    return "\n".join(lines[: next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))])


def strangers(root: Path) -> list[str]:
    """Private names in a file that are neither its owner's, nor an input that a specification or the head of a part describes."""
    roles = sorted(path.parent.parent.name for path in root.glob("roles/*/meta/argument_specs.yml"))
    inputs = {role: private_inputs(root, role) for role in roles}
    described = {name for path in root.glob("playbooks/**/*.yml") for name in PRIVATE.findall(head(path))}
    out = []
    for path in files(root):
        content = yaml.safe_load(path.read_text())
        place = path.relative_to(root).parts
        here = place[1] if place[0] == "roles" else None
        for name in sorted(set(PRIVATE.findall(str(content)))):
            owner = owner_of(name, roles)
            if here:
                right = owner == here or name in inputs[here]
            elif owner:
                right = name in inputs[owner]
            else:
                right = name in set_in(content) or name in described
            if not right:
                out.append("%s has %s" % (path.relative_to(root).as_posix(), name))
    return out


def test_no_private_variable_is_used_outside_its_owner():
    assert strangers(ROOT) == []


def test_what_a_role_leaves_for_others_is_in_its_specification():
    """Facts without underscores; those of the playbooks are site's, for the roles that it runs."""
    for path in (ROOT / "roles").glob("*/tasks/*.yml"):
        spec = (path.parents[1] / "meta/argument_specs.yml").read_text()
        for mapping in mappings(yaml.safe_load(path.read_text())):
            for name in [
                *(mapping.get("ansible.builtin.set_fact") or ()),
                *([mapping["register"]] if "register" in mapping else ()),
            ]:
                assert name.startswith("__") or "C(%s)" % name in spec, (path, name)


def tree(place: Path, given: dict[str, str]) -> Path:
    for name, text in given.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("---\n" + text)
    return place


SPEC = "argument_specs: {main: {options: {%s}}}\n"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"playbooks/a.yml": "- vars: {x: '{{ __java_package }}'}\n"}, ["playbooks/a.yml has __java_package"]),
        ({"playbooks/a.yml": "- vars: {__java_kind: 1}\n"}, []),
        (
            {"roles/java/vars/main.yml": "__java_x: '{{ __roll_owner }}'\n"},
            ["roles/java/vars/main.yml has __roll_owner"],
        ),
        ({"roles/java/tasks/main.yml": "- when: __site_x\n"}, ["roles/java/tasks/main.yml has __site_x"]),
        ({"roles/java/tasks/main.yml": "- when: __java_kind and __java_own\n"}, []),
        (
            {"playbooks/a.yml": "- when: __b_x\n", "playbooks/parts/b.yml": "- vars: {__b_x: 1}\n"},
            ["playbooks/a.yml has __b_x"],
        ),
        ({"playbooks/a.yml": "- when: __b_x\n", "playbooks/parts/b.yml": "# Sets __b_x.\n- vars: {__b_x: 1}\n"}, []),
    ],
)
def test_a_name_of_another_owner_is_seen(tmp_path, given, wrong):
    specs = {
        "roles/java/meta/argument_specs.yml": SPEC % "__java_kind: {}",
        "roles/roll/meta/argument_specs.yml": SPEC % "",
    }
    assert strangers(tree(tmp_path, {**specs, **given})) == wrong


# --- conditions and chains


def long_conditions(content: Any) -> Iterator[str]:
    for mapping in mappings(content):
        given = mapping.get("when", [])
        texts = [str(text) for text in (given if isinstance(given, list) else [given])]
        trees = [ENVIRONMENT.parse("{{ %s }}" % text) for text in texts]
        if sum(1 + len(list(parsed.find_all((nodes.And, nodes.Or)))) for parsed in trees) >= 3:
            yield "%s: when %s" % (mapping.get("name"), given)


def long_chains(content: Any) -> Iterator[str]:
    for text in templates(content):
        for node in ENVIRONMENT.parse(text).find_all(nodes.Filter):
            length, inner = 0, node
            while isinstance(inner, nodes.Filter):
                length, inner = length + 1, inner.node
            if length > 4:
                yield text
                break


def test_no_condition_has_three_clauses():
    assert faults(ROOT, long_conditions) == []


def test_no_chain_of_filters_is_longer_than_four():
    assert faults(ROOT, long_chains) == []


@pytest.mark.parametrize(
    "task",
    ["when: [a, b, c]", "when: a and b or c", "when: [a, b and c]", "block: [{when: [a, not b, c | default(1)]}]"],
)
def test_a_condition_of_three_clauses_is_seen(task):
    assert len(list(long_conditions(yaml.safe_load("- {%s}" % task)))) == 1
    assert list(long_conditions(yaml.safe_load("- when: [a, b]"))) == []


@pytest.mark.parametrize("text", ["x: '{{ a | b | c | d | e | f }}'", "when: a | b | c | d | e | f == 1"])
def test_a_chain_of_five_is_seen(text):
    assert len(list(long_chains(yaml.safe_load(text)))) == 1
    assert list(long_chains(yaml.safe_load(text.replace(" | f", "")))) == []


# --- how a cluster is asked


def asking() -> list[str]:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    return ["rackaware.kafka." + name for name in groups["kafka"]]


def options_of_connections() -> set[str]:
    text = (ROOT / "plugins/doc_fragments/connection.py").read_text()
    return set(yaml.safe_load(text.split('r"""')[1].split('"""')[0])["options"]) - OF_THE_QUESTION


def connections(content: Any, outer: bool = False) -> Iterator[str]:
    """Tasks that ask a cluster, and have options of the connection of their own, or none from the group."""
    for mapping in content if isinstance(content, list) else ():
        defaults = mapping.get("module_defaults") or {}
        given = outer or "rackaware.kafka.kafka_connection" in str(defaults) or "_connection }}" in str(defaults)
        for part in ("tasks", "block", "rescue", "always"):
            yield from connections(mapping.get(part), given)
        for module in asking():
            for where in (mapping, defaults):
                if module in where and options_of_connections() & set(where[module] or ()):
                    yield "%s: its own connection" % mapping.get("name")
            if module in mapping and not given:
                yield "%s: no connection" % mapping.get("name")
            if module in mapping and set(mapping.get("vars") or ()) & {"ansible_connection", "ansible_become"}:
                yield "%s: its own way to the host" % mapping.get("name")


def test_connection_options_stand_in_module_defaults_only_and_one_filter_gives_them():
    assert faults(ROOT, connections) == []
    groups = [
        value
        for path in files(ROOT)
        for mapping in mappings(yaml.safe_load(path.read_text()))
        for key, value in (mapping.get("module_defaults") or {}).items()
        if key == "group/rackaware.kafka.kafka"
    ]
    assert len(groups) >= 6
    names = {name for text in groups for name in re.findall(r"__\w+_connection", text)}
    values = [
        value
        for role in ("roll", "upgrade", "objects")
        for name, value in yaml.safe_load((ROOT / "roles" / role / "vars/main.yml").read_text()).items()
        if name in names
    ]
    assert len(values) == len(names) == 3
    own = [text for text in groups if "kafka_connection(" in text]
    assert all("rackaware.kafka.kafka_connection(hostvars, groups)" in text for text in values + own)
    assert all(re.search(r"__\w+_connection", text) for text in groups if text not in own)


ASK = "- {name: Ask, rackaware.kafka.kafka_features: {%s}%s}\n"


@pytest.mark.parametrize(
    ("task", "number"),
    [
        (ASK % ("levels: {}", ""), 1),
        (
            ASK
            % ("bootstrap_servers: [a]", ", module_defaults: {group/rackaware.kafka.kafka: '{{ __x_connection }}'}"),
            1,
        ),
        (ASK % ("", ", module_defaults: {rackaware.kafka.kafka_features: {ssl_cafile: a}}"), 2),
        (
            ASK
            % (
                "levels: {}",
                ", vars: {ansible_become: true}, module_defaults: {group/rackaware.kafka.kafka: '{{ __x_connection }}'}",
            ),
            1,
        ),
        (ASK % ("levels: {}", ", module_defaults: {group/rackaware.kafka.kafka: '{{ __x_connection }}'}"), 0),
    ],
)
def test_a_connection_of_a_tasks_own_is_seen(task, number):
    assert len(list(connections(yaml.safe_load(task)))) == number


def test_what_pip_installs_can_be_read_whatever_umask_sudo_sets():
    found = [
        mapping["ansible.builtin.pip"].get("umask")
        for path in files(ROOT)
        for mapping in mappings(yaml.safe_load(path.read_text()))
        if "ansible.builtin.pip" in mapping
    ]
    assert found == ["0022"]


def computed_become(content: Any) -> Iterator[str]:
    for mapping in mappings(content):
        if mapping.get("ansible_become", False) is not False:
            yield "ansible_become is %s" % mapping["ansible_become"]


def test_become_is_the_hosts_own_or_none():
    """With become from the command line no variable says so: what is computed from one would run without root."""
    assert faults(ROOT, computed_become) == []
    assert not [path for path in files(ROOT) if re.search(r"\['ansible_(become|connection)'\]", path.read_text())]
    fault = {"vars": {"ansible_become": "{{ hostvars['a']['ansible_become'] | default(false) }}"}}
    assert len(list(computed_become([fault]))) == 1
