"""A secret in the configuration of brokers, controllers, ZooKeeper and stores goes through the playbooks that take it, and is on the hosts' disks only.

Real Ansible, real plays, roles and file_set, on hosts that are only names: files land below a directory of the test, systemd, Kafka and AWS are stand-ins.
What a run shows, logs, caches, leaves behind or hands to a callback is searched for the secret as it is, escaped, encoded and packed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import urllib.parse
import zlib

import pytest
from stand_ins import ROOT, Project, overlay, plugins

CANARY = "cAnAry7cAnAry7"
# Under names that the mask does not know: such a secret may be seen in a diff, and nowhere else.
PLAIN = "pLaInBiRd5pLaInBiRd5"
PEM = "-----BEGIN PRIVATE KEY----- %sMIIEvQIBADANBg -----END PRIVATE KEY-----" % CANARY
JAAS = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="kafka" password="%s";' % CANARY
KAFKA = {
    "ssl.keystore.password": CANARY,
    "ssl.keystore.key": PEM,
    "sasl.jaas.config": JAAS,
    "listener.name.client.scram-sha-512.sasl.jaas.config": JAAS,
    "listener.name.client.ssl.keystore.key": PEM,
}
SECRETS = {
    **{kind + "_config": KAFKA for kind in ("broker", "controller")},
    "zookeeper_config": {"ssl.keyStore.password": CANARY, "ssl.quorum.trustStore.password": CANARY},
    **{
        kind + "_jvm_options": ["-Djavax.net.ssl.keyStorePassword=" + CANARY]
        for kind in ("broker", "controller", "zookeeper")
    },
    **{
        kind + "_jvm_flags": ["-XX:+UseG1GC", "-Dplugin.token=" + CANARY]
        for kind in ("broker", "controller", "zookeeper")
    },
    "encrypted_store_environment": {
        "HTTPS_PROXY": "http://proxy:%s@198.51.100.1:3128" % CANARY,
        "AWS_SECRET_ACCESS_KEY": CANARY,
    },
}
HIDDEN = {"my.plugin.setting": PLAIN}
PATHS = {
    "broker": ("etc/kafka/broker.properties", "etc/kafka/broker.jvm.options"),
    "controller": ("etc/kafka/controller.properties", "etc/kafka/controller.jvm.options"),
    "zookeeper": ("etc/zookeeper/zoo.cfg", "etc/zookeeper/jvm.options"),
    "store": ("etc/kafka-luks/environment",),
}
REAL = ("encrypted_store", "file_set", "kafka_report", "kafka_roll_event", "kafka_roll_report", "kafka_roll_service")
# Below a directory, by whoever runs the tests: the rest of it is the code as it is.
REDIRECTED = """

import grp as _grp
import pwd as _pwd

_ROOT, _decide, _missing = os.environ.get("SECRETS_ROOT", ""), decide, missing_directories
_OWN = {"owner": _pwd.getpwuid(os.getuid()).pw_name, "group": _grp.getgrgid(os.getgid()).gr_name}


def decide(items, **more):
    return _decide([{**item, "dest": _ROOT + item["dest"], **_OWN} for item in items], **more)


def missing_directories(items):
    return _missing([{**item, "path": _ROOT + item["path"], **_OWN} for item in items])
"""
# No run has claimed the host of the tests.
UNBOUND = """

def stop_command(unit, **answer):
    return "systemctl stop " + unit
"""
UNPACKED = """

def pack(options):
    return dict(options)
"""
SHOWN = """

def masked(text):
    return text


def masked_pair(before, after):
    return before, after
"""
JOURNAL = """
import os


def send(*args, **fields):
    with open(os.environ["SECRETS_JOURNAL"], "a") as out:
        out.write(repr((args, fields)) + "\\n")


sendv = send
"""
KEEPER = """
import json, os
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "notification", "keeper"

    def _keep(self, result, *args, **more):
        with open(os.environ["SECRETS_RESULTS"], "a") as out:
            out.write(json.dumps([result.task.get_name(), result.result], default=str) + "\\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = v2_runner_on_skipped = v2_runner_item_on_ok = v2_runner_item_on_failed = _keep
"""
SYSTEMCTL = """#!/bin/sh
case "$*" in
*is-enabled*) echo enabled ;;
*is-active*) echo active ;;
show*--property*) printf 'LoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' inactive dead ;;
show*) printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n' ;;
esac
"""
SKELETON = {
    "keys.yml": """
- name: Name the wrapped keys
  ansible.builtin.set_fact:
    key_custody_wrapped: "{{ {key_custody_keys[0].object_key: [__key | combine({'key': key_custody_keys[0].object_key})]} }}"
  vars:
    __key:
      bucket: b
      version_id: v1
      sha256: "{{ 'a' * 64 }}"
      key_arn: arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
      expected_bucket_owner: "123456789012"
      encryption_context: "{{ key_custody_keys[0].encryption_context }}"
""",
    "main.yml": "- ansible.builtin.import_tasks: keys.yml\n",
}


def collection(place, patches):
    """The collection with stand-ins for what would speak to Kafka, AWS and disks, and patches: module_utils to what is added to them."""
    modules = [path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem not in REAL]
    files = {"roles/key_custody/tasks/" + name: text for name, text in SKELETON.items()}
    for name, text in {"_host/claim": UNBOUND, **patches}.items():
        path = "plugins/module_utils/%s.py" % name
        files[path] = (ROOT / path).read_text() + text
    overlay(place, {**files, **plugins("secrets", modules)})
    for name, text in {
        "python/systemd/journal.py": JOURNAL,
        "python/systemd/daemon.py": "def booted():\n    return True\n",
        "python/systemd/__init__.py": "",
        "callbacks/keeper.py": KEEPER,
        "bin/systemctl": SYSTEMCTL,
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    (place / "bin/systemctl").chmod(0o755)
    return place


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return collection(tmp_path_factory.mktemp("secrets"), {"_host/staging": REDIRECTED})


def inventory(mode, more=None):
    """Two brokers and one node of the quorum; more is for the first broker alone."""
    common = {
        **{
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "kafka_cluster": "demo",
            "java_package": "java",
        },
        **{"kafka_instance": {"vcpus": 2, "memory_mb": 8192, "network_gbps": 10}, "kafka_data_on_root_disk": True},
        "kafka_version": "4.3.1" if mode == "kraft" else "3.9.2",
    }
    ids = {"b1": 1, "b2": 2, "k1": 101 if mode == "kraft" else 21}
    hosts = {
        name: {**common, "kafka_node_id": id_, "kafka_rack": "aba"[n], "ansible_host": "198.51.100.%d" % (n + 1)}
        for n, (name, id_) in enumerate(ids.items())
    }
    hosts["b1"].update(more or {})
    quorum = "kafka_controllers" if mode == "kraft" else "kafka_zookeepers"
    cluster = {
        # In a secured cluster there is nothing to write down: its keys are made on the hosts, and their settings are refused.
        "kafka_security": "none",
        "kafka_replication_factor": 2,
        "kafka_min_insync_replicas": 1,
        "kafka_topology": {"allow_fewer_zones": True},
    }
    return {
        "all": {
            "vars": cluster,
            "children": {
                group: {"hosts": {name: hosts[name] for name in names}}
                for group, names in (("kafka_brokers", ("b1", "b2")), (quorum, ("k1",)))
            },
        }
    }


class Run:
    """One run of ansible-playbook, and everything that it said and left."""

    def __init__(self, place, tmp_path, playbook, *options, mode="kraft", variables=SECRETS, more=None, fails=False):
        self.disk, self.seen = tmp_path / "disk", tmp_path / "seen"
        self.seen.mkdir(exist_ok=True)
        for directory in ("etc/systemd/system", "usr/local/sbin"):
            (self.disk / directory).mkdir(parents=True, exist_ok=True)
        # In a file, as an inventory is: what is on the command line the caller has shown himself.
        (tmp_path / "vars.json").write_text(
            json.dumps({"roll_events": str(self.seen / "roll.jsonl"), "kafka_report_dir": str(self.seen), **variables})
        )
        code, self.said = Project(place, tmp_path).run(
            playbook,
            "-vvv",
            "-e",
            "@%s" % (tmp_path / "vars.json"),
            *options,
            inventory=inventory(mode, more),
            case=mode,
            PATH="%s:%s" % (place / "bin", os.environ["PATH"]),
            PYTHONPATH="%s:%s" % (place / "python", ROOT / "tests"),
            ANSIBLE_CALLBACK_PLUGINS=str(place / "callbacks"),
            ANSIBLE_CALLBACKS_ENABLED="keeper",
            ANSIBLE_LOCAL_TEMP=str(self.seen / "local"),
            ANSIBLE_REMOTE_TEMP=str(self.seen / "remote"),
            ANSIBLE_LOG_PATH=str(self.seen / "log"),
            ANSIBLE_CACHE_PLUGIN="jsonfile",
            ANSIBLE_CACHE_PLUGIN_CONNECTION=str(self.seen / "facts"),
            ANSIBLE_DISPLAY_TRACEBACK="always",
            ANSIBLE_DISPLAY_ARGS_TO_STDOUT="true",
            SECRETS_ROOT=str(self.disk),
            SECRETS_JOURNAL=str(self.seen / "journal"),
            SECRETS_RESULTS=str(self.seen / "results"),
        )
        assert (code != 0) is fails, self.said[-6000:]

    @property
    def everything(self):
        """Where to what is there."""
        return {
            "output": self.said,
            **{
                str(path.relative_to(self.seen)): path.read_bytes().decode(errors="replace")
                for path in self.seen.rglob("*")
                if path.is_file()
            },
        }

    def leaks(self, secret=CANARY):
        return sorted(where for where, text in self.everything.items() if shows(text, secret))

    def on_disk(self, kind, secret=CANARY):
        return [secret in (self.disk / path).read_text() for path in PATHS[kind]]


def forms(secret):
    """A secret as other formats write it; of base64 what does not depend on where it begins."""
    text = secret.encode()
    shifted = [base64.b64encode(b"x" * lead + text)[(lead * 8 + 5) // 6 : -4].decode() for lead in range(3)]
    return {secret, text.hex(), urllib.parse.quote(secret), "".join("\\u%04x" % ord(char) for char in secret), *shifted}


def shows(text, secret):
    if any(form in text for form in forms(secret)):
        return True
    # As zlib and gzip begin, in base64.
    for blob in re.findall(r"(?<![A-Za-z0-9+/])(?:eJ|eN|eA|H4sI)[A-Za-z0-9+/]{20,}={0,2}", text):
        try:
            found = zlib.decompressobj(47).decompress(base64.b64decode(blob))
        except (ValueError, zlib.error):
            continue
        if secret.encode() in found:
            return True
    return False


@pytest.mark.parametrize("secret", [CANARY, PLAIN])
def test_the_search_finds_each_form_of_a_secret(secret):
    whole = "a=%s\n" % secret
    packed = base64.b64encode(zlib.compress(json.dumps([whole] * 3).encode())).decode()
    for text in (
        whole,
        base64.b64encode(whole.encode()).decode(),
        base64.b64encode(b"q" + whole.encode()).decode(),
        whole.encode().hex(),
        packed,
    ):
        assert shows("x: " + text, secret)
    assert not shows("a=(not shown)\n", secret)


ONE_FILE = """
- hosts: b1
  gather_facts: false
  tasks:
    - name: Write one file
      rackaware.kafka.file_set:
        held_by: kafka.service
        files:
          - {dest: /etc/systemd/system/x, content: "ssl.keystore.password={{ canary }}\\n", owner: root, group: root, mode: "0600"}
"""
SWITCHED_OFF = {
    "all is on": ({}, []),
    "texts are not packed": ({"_host/staging": UNPACKED}, ["journal", "log", "output", "results"]),
    "nothing is masked": ({"_secret_mask": SHOWN}, ["log", "output", "results"]),
}


@pytest.mark.parametrize("title", SWITCHED_OFF)
def test_the_search_sees_what_each_protection_prevents(tmp_path, title):
    patches, where = SWITCHED_OFF[title]
    place = collection(tmp_path / "made", {**patches, "_host/staging": REDIRECTED + patches.get("_host/staging", "")})
    (tmp_path / "one.yml").write_text(ONE_FILE)
    run = Run(place, tmp_path, tmp_path / "one.yml", "--diff", variables={"canary": CANARY})
    assert run.leaks() == where
    assert (run.disk / "etc/systemd/system/x").read_text() == "ssl.keystore.password=%s\n" % CANARY


def test_site_and_a_roll_show_no_secret_and_put_it_on_the_disks(made, tmp_path):
    run = Run(made, tmp_path, "rolling_site.yml", "--diff", mode="zookeeper")
    assert run.leaks() == []
    assert run.on_disk("broker") == run.on_disk("zookeeper") == [True, True]
    # The search has something to search: the modules told the journal of themselves, a diff was shown, and a callback kept results.
    assert (
        re.search("file_set.*Invoked with", run.everything["journal"])
        and "+ssl.keystore.password=(not shown)" in run.said
    )
    assert "restart | Stop" in run.said and "roll_started" in run.everything["roll.jsonl"]
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.everything["results"]


def test_without_a_diff_no_text_is_shown_at_all(made, tmp_path):
    """Also not under a name that does not say that it is secret; with tasks of the user the stop and the start are apart."""
    (tmp_path / "patch.yml").write_text("- name: Patch\n  ansible.builtin.raw: 'true'\n")
    both = {kind + "_config": {**KAFKA, **HIDDEN} for kind in ("broker", "controller")}
    run = Run(
        made,
        tmp_path,
        "rolling_site.yml",
        variables={**SECRETS, **both, "roll_node_tasks": str(tmp_path / "patch.yml")},
    )
    assert run.leaks() == [] and run.leaks(PLAIN) == [] and "Patch" in run.said
    for kind in ("broker", "controller"):
        assert run.on_disk(kind) == [True, True] and run.on_disk(kind, PLAIN) == [True, False]


def test_a_check_shows_no_secret_and_writes_nothing(made, tmp_path):
    run = Run(made, tmp_path, "site.yml", "--check", "--diff")
    assert run.leaks() == [] and "+ssl.keystore.password=(not shown)" in run.said
    assert [path for path in run.disk.rglob("*") if path.is_file()] == []


def test_sizing_shows_no_secret(made, tmp_path):
    run = Run(made, tmp_path, "sizing.yml", "--diff")
    assert run.leaks() == [] and "-Dplugin.token=(not shown)" in run.said


def test_encrypted_stores_show_no_secret(made, tmp_path):
    variables = {
        **SECRETS,
        "kafka_secretfs_hosts": "kafka_brokers[0]",
        "kafka_secretfs_role": "web",
        "kafka_secretfs_region": "eu-west-1",
        "encrypted_store_packages": ["coreutils"],
    }
    run = Run(made, tmp_path, "encrypted_store.yml", "--check", "--diff", variables=variables)
    assert run.leaks() == [] and "HTTPS_PROXY=http://(not shown)@198.51.100.1:3128" in run.said


def test_a_refusal_quotes_no_secret(made, tmp_path):
    broken = {
        "broker_config": {
            "ssl.keystore.password": {"a": CANARY},
            "ssl.keystore.key": "-----BEGIN\n%s" % CANARY,
            "sasl.jaas.config": None,
        },
        "broker_jvm_options": {"-Dpassword": CANARY},
        "broker_jvm_flags": {"-Dpassword": CANARY},
    }
    run = Run(made, tmp_path, "preflight.yml", variables={"controller_config": [CANARY]}, more=broken, fails=True)
    assert run.leaks() == []
    for sentence in (
        "ssl.keystore.password is a mapping",
        "ssl.keystore.key has a line break",
        "sasl.jaas.config is null",
        "broker_jvm_options is a mapping, but must be a list",
        "broker_jvm_flags is a mapping, but must be a list",
        "controller_config is a list",
    ):
        assert sentence in " ".join(run.said.replace('"', "").split()).replace(":", ""), sentence
