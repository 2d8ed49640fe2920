"""What takes a configuration that may have a secret in it: two modules that pack its texts, and whatever else is named here with its reason."""

from __future__ import annotations

import base64
import functools
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.module_utils._stores import launch_template

ROOT = Path(__file__).resolve().parents[2]
# kafka_users has its passwords in options with no_log, and does not log how it was invoked.
PACK = tuple("rackaware.kafka." + name for name in ("encrypted_store", "file_set", "kafka_roll_service", "kafka_users"))
WRITE = {
    "copy": ("content",),
    "template": ("src",),
    "blockinfile": ("block",),
    "lineinfile": ("line",),
    "replace": ("replace",),
    "shell": ("stdin",),
    "command": ("stdin",),
}
# Inputs that may have a secret; what is made of them has it, too.
INPUTS = {
    *(
        "%s_%s" % (kind, what)
        for kind in ("broker", "controller", "zookeeper")
        for what in ("config", "jvm_options", "jvm_flags")
    ),
    *("encrypted_store_environment", "kafka_secretfs_environment", "kafka_users"),
}
ALLOWED = {
    "record | Write the record of the upgrade": "versions and times of an upgrade",
    "Write the file": "what a cluster shows of its topics, users, quotas and ACLs, which is no password",
    "Make the launch template, or its next version": "its user data names the archive with the files, which test_user_data_has_no_text_of_a_file holds",
}


def yamls():
    return sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")])


def variables(node):
    """Every variable that a file gives with its template, wherever it does."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("vars", "ansible.builtin.set_fact") and isinstance(value, dict):
                yield from value.items()
            yield from variables(value)
    elif isinstance(node, list):
        for item in node:
            yield from variables(item)


def given():
    for path in sorted((ROOT / "roles").glob("*/vars/*.yml")):
        yield from (yaml.safe_load(path.read_text()) or {}).items()
    for path in yamls():
        yield from variables(yaml.safe_load(path.read_text()))


@functools.cache
def carriers():
    """The inputs, and every variable whose template has one of them; masked=true takes it out."""
    mentions = [(name, names(value)) for name, value in given()]
    found, before = set(INPUTS), set()
    while found != before:
        before = set(found)
        found |= {name for name, others in mentions if others & before}
    return frozenset(found)


def names(value):
    text = repr(value)
    return set() if "masked=true" in text else set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text))


def tasks(node):
    for item in node or []:
        if not isinstance(item, dict):
            continue
        for part in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(item.get(part))
        if "hosts" not in item and "block" not in item and "ansible.builtin.import_playbook" not in item:
            yield item


def offences(node, tainted):
    """What of a file's tasks would show a text or a variable that may have a secret."""
    out = []
    for task in tasks(node):
        if task.get("name") in ALLOWED or task.get("no_log"):
            continue
        module = next((key for key in task if "." in key), "")
        args = task.get(module)
        short = module.removeprefix("ansible.builtin.")
        if isinstance(args, dict) and any(option in args for option in WRITE.get(short, ())):
            out.append("%s writes a text with %s: use file_set" % (task.get("name"), short))
        shown = {key: value for key, value in task.items() if key in (module, "loop", "loop_control", "args")}
        # What it keeps is looked at where it is used.
        if module not in PACK and module not in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
            out += ["%s hands %s to %s" % (task.get("name"), name, module) for name in sorted(names(shown) & tainted)]
    return out


@pytest.mark.parametrize("path", yamls(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_may_have_a_secret_goes_through_what_packs_it(path):
    assert offences(yaml.safe_load(path.read_text()), carriers()) == []


def test_what_is_made_of_an_input_is_known_to_carry_it():
    found = carriers()
    assert {
        "__broker_set",
        "__controller_set",
        "__zookeeper_set",
        "service_set",
        "__broker_sized",
        "__encrypted_store_set",
        "__launch",
    } <= found
    assert not {"__broker_unit", "__broker_data_dirs", "__kafka_host", "kafka_sized"} & found


OFFENDING = """
- name: A play
  hosts: all
  tasks:
    - name: Anyhow
      block:
        - name: Copies
          ansible.builtin.copy: {dest: /x, content: "a"}
        - name: Shows
          ansible.builtin.debug: {msg: "{{ broker_config }}"}
      rescue:
        - name: Keeps
          ansible.builtin.set_fact: {mine: "{{ __broker_set.files | length }}"}
    - name: Loops
      rackaware.kafka.kafka_topic: {name: "{{ item }}"}
      loop: "{{ __controller_set.files }}"
    - name: Keeps a masked one
      ansible.builtin.set_fact: {mine: "{{ __broker_machine | rackaware.kafka.kafka_sizing({}, __broker_overrides, masked=true) }}"}
    - name: Says nothing
      ansible.builtin.copy: {dest: /x, content: "{{ broker_config }}"}
      no_log: true
    - name: Packs
      rackaware.kafka.file_set: {files: "{{ service_set.files }}"}
"""


def test_a_task_that_shows_one_is_found():
    assert [each.split()[0] for each in offences(yaml.safe_load(OFFENDING), carriers())] == [
        "Copies",
        "Shows",
        "Keeps",
        "Loops",
    ]


def test_user_data_has_no_text_of_a_file():
    key = {
        **{
            "bucket": "b",
            "key": "k",
            "version_id": "v1",
            "sha256": "a" * 64,
            "encryption_context": {"n": "1"},
            "expected_bucket_owner": "123456789012",
        },
        "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    }
    store = {
        "store": "d0",
        "mount": "/mnt/x",
        "name": "x",
        "device": "/dev/disk/by-id/x",
        "uuid": "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a40",
        "subsystem": "x",
        "keys": [key],
    }
    made = launch_template.launch(
        [store], bucket="b", prefix="p", region="eu-west-1", owner="123456789012", environment={"HTTPS_PROXY": "c4n4ry"}
    )
    assert "c4n4ry" not in base64.b64decode(made["user_data"]).decode()
