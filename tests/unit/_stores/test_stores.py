"""The encrypted stores of Kafka's nodes, and who may do what with their keys."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.filter.key_custody import key_custody_policies, key_custody_revoked
from ansible_collections.rackaware.kafka.plugins.filter.services import kafka_mounts
from ansible_collections.rackaware.kafka.plugins.filter.stores import kafka_store_disks, kafka_store_keys, kafka_stores
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import policies
from ansible_collections.rackaware.kafka.plugins.module_utils._config import topology
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import files
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import stores as stores_module

ROOT = Path(__file__).resolve().parents[3]
VOLUMES = stores_module.volumes(2)
HOSTS = {
    "b1": {"kafka_cluster": "demo", "kafka_node_id": 1, "kafka_data_volumes": ["vol-0123456789abcdef0"]},
    "b2": {
        "kafka_cluster": "demo",
        "kafka_node_id": 2,
        "kafka_data_volumes": VOLUMES,
        "kafka_instance_type": "i3.large",
    },
}
KEY = {
    "bucket": "keys",
    "version_id": "v1",
    "sha256": "a" * 64,
    "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "expected_bucket_owner": "123456789012",
}
NAMES = ["demo/2/LuksInternalStorageKey-d%d" % number for number in range(2)]
WRAPPED = {name: [{**KEY, "key": name, "encryption_context": {"n": "2"}}] for name in NAMES}
GIVEN = {"account": "123456789012", "region": "eu-west-1", "bucket": "keys", "cluster": "demo"}


def test_only_stores_have_keys_each_its_own_and_bound_to_its_place():
    found = kafka_store_keys(HOSTS, ["b1", "b2"])
    assert [each["object_key"] for each in found] == NAMES
    assert found[1]["encryption_context"] == {
        "app": "kafka",
        "cluster_id": "demo",
        "node_id": "2",
        "volume": "d1",
        "purpose": "luks",
    }


def test_another_application_has_one_store_on_each_host():
    (found,) = kafka_store_keys({}, ["web1"], app="secretfs", store="secretfs")
    assert found["object_key"] == "secretfs/web1/LuksInternalStorageKey-secretfs"
    assert found["encryption_context"] == {
        "app": "secretfs",
        "cluster_id": "secretfs",
        "node_id": "web1",
        "volume": "secretfs",
        "purpose": "luks",
    }


def test_a_store_has_the_disk_with_its_header_or_its_record_and_no_other():
    stores = kafka_store_keys(HOSTS, ["b2"])
    blank = {"by_id": "", "device": "/dev/nvme3n1", "uuid": "", "remembered": "", "holders": []}
    headed = {
        "by_id": "/dev/disk/by-id/a",
        "device": "/dev/nvme1n1",
        "uuid": stores[1]["uuid"],
        "remembered": stores[0]["uuid"],
        "holders": ["dm-0"],
    }
    damaged = {**blank, "remembered": stores[0]["uuid"]}
    assert [
        (each["store"], each["device"], each["name"], each["open"])
        for each in kafka_store_disks(stores, [blank, headed, damaged])
    ] == [
        ("d0", "/dev/nvme3n1", "kafka-d0", False),
        ("d1", "/dev/disk/by-id/a", "kafka-d1", True),
    ]
    assert kafka_store_disks(stores, [{**damaged, "uuid": "of another store"}, blank]) == []
    wanted = kafka_stores(VOLUMES, "demo", 2, WRAPPED)
    assert [(each["uuid"], each["subsystem"]) for each in stores] == [
        (each["uuid"], each["subsystem"]) for each in wanted
    ]


def test_a_host_without_identity_gets_no_key():
    with pytest.raises(RackawareError, match="no kafka_cluster or no kafka_node_id"):
        kafka_store_keys({"b": {"kafka_data_volumes": VOLUMES}}, ["b"])


def test_stores_take_their_turn_among_disks_that_are_alike_and_the_unlocker_takes_them():
    found = kafka_stores(VOLUMES, "demo", 2, WRAPPED)
    assert [(each["store"], each["mount"], each["slot"], each["slots"]) for each in found] == [
        ("d0", "/var/lib/kafka/data0", 0, 2),
        ("d1", "/var/lib/kafka/data1", 1, 2),
    ]
    assert len({each["uuid"] for each in found}) == 2 and found == kafka_stores(VOLUMES, "demo", 2, WRAPPED)
    assert "/etc/kafka-luks/d1.json" in files.files(found)


def test_a_store_without_a_key_is_refused():
    with pytest.raises(RackawareError, match="There is no wrapped key demo/2/LuksInternalStorageKey-d1"):
        kafka_stores(VOLUMES, "demo", 2, {NAMES[0]: WRAPPED[NAMES[0]], NAMES[1]: []})


def test_mounts_can_be_told_apart_and_keep_their_numbers():
    both = ["vol-0123456789abcdef0", *VOLUMES]
    assert [each["mount"] for each in kafka_mounts(both, "broker", encrypted=True)] == [
        "/var/lib/kafka/data1",
        "/var/lib/kafka/data2",
    ]
    assert [each["id"] for each in kafka_mounts(both, "broker", encrypted=False)] == ["vol-0123456789abcdef0"]
    assert len(kafka_mounts(both, "broker")) == 3


def test_a_blank_store_gets_directories_always_and_an_identity_in_kraft_mode_only():
    dirs = ["/var/lib/kafka/data0/logs", "/var/lib/kafka/data1/logs"]
    place = {"libs": "/libs", "properties": "/etc/kafka/broker.properties", "java": "/usr/bin/java"}
    place.update(user="kafka", comment="x")
    zookeeper, kraft = (stores_module.guard(dirs, cluster_id=file, **place) for file in (None, "/etc/kafka/cluster.id"))
    for text in (zookeeper, kraft):
        assert (
            "AssertPathIsEncrypted=/var/lib/kafka/data1\n" in text and "--mode=0750 /var/lib/kafka/data1/logs\n" in text
        )
    assert "StorageTool" not in zookeeper
    blank = '-n "$$(ls -A /var/lib/kafka/data0/logs)" -a -n "$$(ls -A /var/lib/kafka/data1/logs)" || '
    assert blank + "{ read -r id </etc/kafka/cluster.id && exec /usr/bin/java" in kraft
    assert '--cluster-id "$$id" --config /etc/kafka/broker.properties; }\'' in kraft


@pytest.mark.parametrize(
    ("full", "told", "formats"), [(False, "abc\n", True), (True, "abc\n", False), (False, None, False)]
)
def test_a_blank_store_is_formatted_with_the_id_that_the_host_keeps_and_never_without(tmp_path, full, told, formats):
    logs, java, identity = tmp_path / "logs", tmp_path / "java", tmp_path / "cluster.id"
    logs.mkdir()
    java.write_text('#!/bin/sh\necho format "$@"\n')
    java.chmod(0o755)
    if full:
        (logs / "meta.properties").touch()
    if told:
        identity.write_text(told)
    text = stores_module.guard(
        [str(logs)], cluster_id=str(identity), libs="/libs", properties="/p", java=str(java), user="kafka", comment="x"
    )
    command = next(line for line in text.splitlines() if "/bin/sh" in line).split("'")[1].replace("$$", "$")
    run = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == (formats or full)
    assert ("--cluster-id abc --config /p" in run.stdout) == formats


@pytest.mark.parametrize(
    ("volume", "luks", "hardware", "ebs", "label"),
    [
        ("/dev/mapper/kafka-d0", True, True, False, "instance store hardware + LUKS"),
        ("/dev/mapper/kafka-d0", True, False, False, "LUKS"),
        ("/dev/mapper/kafka-d0", False, True, False, "instance store hardware"),
        ("vol-0123456789abcdef0", False, True, True, "EBS with KMS"),
        ("vol-0123456789abcdef0", False, True, False, None),
    ],
)
def test_the_report_names_the_layers_that_are_active(volume, luks, hardware, ebs, label):
    host = {"kafka_node_id": 1, "kafka_data_volumes": [volume], "kafka_instance_type": "i3.large"}
    row = {"name": "b", "disks": [{"mount": "/var/lib/kafka/data0", "luks": luks}]}
    volumes = [{"id": "vol-0123456789abcdef0", "encrypted": ebs}]
    types = {"i3.large": {"instance_store": {"encrypted": hardware}}}
    assert (
        stores_module.with_layers([row], {"b": host}, {"broker": ["b"]}, types, volumes)[0]["disks"][0]["encryption"]
        == label
    )


def test_the_tag_of_an_instance_counts_its_stores_and_no_topology_may_set_it():
    assert "KafkaStores" in topology.OWN_TAGS


# Policies.


def actions(policy, effect="Allow"):
    listed = [
        [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
        for each in policy["Statement"]
        if each["Effect"] == effect
    ]
    return {action for each in listed for action in each}


def test_only_instances_may_decrypt_and_they_nothing_else():
    found = key_custody_policies({**GIVEN, "key_arn": KEY["key_arn"]})
    assert found["findings"] == []
    assert not {"kms:*", "kms:Encrypt", "kms:GenerateDataKey"} & actions(found["key"])
    assert actions(found["unlock"]) == {"kms:Decrypt", "s3:GetObject", "s3:GetObjectVersion"}
    decrypt, read, _old = found["unlock"]["Statement"]
    assert (
        decrypt["Resource"] == KEY["key_arn"]
        and decrypt["Condition"]["StringEquals"]["kms:EncryptionContext:cluster_id"] == "demo"
    )
    assert read["Resource"] == "arn:aws:s3:::keys/demo/*"
    assert found["key"]["Statement"][1]["Condition"]["StringEquals"]["kms:EncryptionContext:purpose"] == "luks"


# What a key policy allows, by AWS's own rules: some statement allows it, none denies it, and a statement counts where
# every condition in it holds; a condition on a key that the request does not have does not hold (IAM guide, "Policy
# evaluation logic" and "Condition operators").
HOLDS = {
    "StringEquals": lambda found, wanted: found in wanted,
    "ArnEquals": lambda found, wanted: found in wanted,
    "ArnLike": lambda found, wanted: any(fnmatch.fnmatchcase(found, each) for each in wanted),
    "Bool": lambda found, wanted: found in wanted,
}
ADMIN, REWRAPPER, INSTANCE = (
    "arn:aws:iam::123456789012:role/" + name for name in ("admin", "rewrap", "kafka-demo-broker")
)
OURS = {"kms:EncryptionContext:app": "kafka", "kms:EncryptionContext:purpose": "luks"}
SAME, ELSEWHERE = ({"kms:ReEncryptOnSameKey": value} for value in ("true", "false"))


def allows(policy, who, action, **context):
    """Whether the policy of a KMS key leaves this to the IAM policies of the account.

    A statement for the account's root does so for all in it.
    """

    def counts(statement):
        actions_ = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        request = {"aws:PrincipalArn": who, **context}
        conditions = [
            (HOLDS[kind], key, wanted)
            for kind, each in statement.get("Condition", {}).items()
            for key, wanted in each.items()
        ]
        return any(fnmatch.fnmatchcase(action, each) for each in actions_) and all(
            key in request and holds(request[key], [wanted] if isinstance(wanted, str) else wanted)
            for holds, key, wanted in conditions
        )

    effects = [statement["Effect"] for statement in policy["Statement"] if counts(statement)]
    return "Allow" in effects and "Deny" not in effects


@pytest.mark.parametrize(
    "context", [{}, OURS, {**OURS, **SAME}, {**OURS, **ELSEWHERE}], ids=["nothing", "ours", "same key", "another key"]
)
@pytest.mark.parametrize("who", [ADMIN, INSTANCE, "arn:aws:iam::123456789012:user/eve"])
@pytest.mark.parametrize(
    "action", ["ReEncryptFrom", "ReEncryptTo", "CreateGrant", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair"]
)
def test_no_caller_gets_a_key_out_of_our_context(action, who, context):
    assert not allows(key_custody_policies(GIVEN)["key"], who, "kms:" + action, **context)


def test_the_evaluation_sees_what_is_allowed():
    policy = key_custody_policies(GIVEN)["key"]
    assert (
        allows(policy, ADMIN, "kms:PutKeyPolicy")
        and allows(policy, ADMIN, "kms:CreateAlias")
        and allows(policy, ADMIN, "kms:ScheduleKeyDeletion")
    )
    assert allows(policy, ADMIN, "kms:GenerateDataKeyWithoutPlaintext") and allows(
        policy, INSTANCE, "kms:Decrypt", **OURS
    )
    assert not allows(policy, ADMIN, "kms:Decrypt", **OURS) and not allows(
        policy, INSTANCE, "kms:Decrypt", **{**OURS, "kms:EncryptionContext:app": "x"}
    )


@pytest.mark.parametrize("action", ["kms:ReEncryptFrom", "kms:ReEncryptTo"])
def test_a_rewrapper_stays_in_our_context_and_under_the_same_key(action):
    policy = key_custody_policies({**GIVEN, "rewrappers": [REWRAPPER]})["key"]
    assert allows(policy, REWRAPPER, action, **OURS, **SAME)
    assert not allows(policy, REWRAPPER, action, **OURS, **ELSEWHERE) and not allows(policy, REWRAPPER, action, **OURS)
    assert not allows(policy, REWRAPPER, action, **SAME) and not allows(
        policy, REWRAPPER, action, **{**OURS, "kms:EncryptionContext:app": "x"}, **SAME
    )
    assert not allows(policy, ADMIN, action, **OURS, **SAME) and not allows(policy, REWRAPPER, "kms:CreateGrant")
    moved = key_custody_policies({**GIVEN, "rewrappers": [REWRAPPER], "rewrap_elsewhere": True})["key"]
    assert allows(moved, REWRAPPER, action, **OURS, **ELSEWHERE) and not allows(moved, REWRAPPER, action, **ELSEWHERE)
    assert not allows(moved, ADMIN, action, **OURS, **ELSEWHERE)
    # The door is closed again by the next run without the option.
    assert key_custody_policies(GIVEN, moved)["key"] == key_custody_policies(GIVEN)["key"]


def test_who_shares_the_key_keeps_what_it_may():
    kafka = key_custody_policies(GIVEN)["key"]
    both = key_custody_policies({**GIVEN, "app": "secretfs", "cluster": "secretfs", "patterns": ["web"]}, kafka)["key"]
    condition = both["Statement"][1]["Condition"]
    assert condition["ArnLike"]["aws:PrincipalArn"] == [
        "arn:aws:iam::123456789012:role/kafka-*",
        "arn:aws:iam::123456789012:role/web",
    ]
    assert condition["StringEquals"]["kms:EncryptionContext:app"] == ["kafka", "secretfs"]
    assert key_custody_policies(GIVEN, both)["key"] == both and key_custody_policies(GIVEN, kafka)["key"] == kafka


def test_a_stand_in_gets_no_condition_that_it_would_misread():
    found = key_custody_policies({**GIVEN, "strict": False, "trail": "t"})
    assert found["bucket"] is None
    assert "Condition" not in json.dumps([found["unlock"], found["trail"]])
    assert "aws:SecureTransport" in json.dumps(key_custody_policies({**GIVEN, "trail": "t"})["trail"])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"bucket": "Keys"}, "cannot be the name of a bucket"),
        ({"cluster": "a/b"}, "cannot be the name of what the keys are for"),
        ({"patterns": ["*"]}, "open to every role"),
        ({"patterns": []}, "open to every role of the account, or to none"),
        ({"rewrappers": ["arn:aws:iam::123456789012:role/*"]}, "would allow more than one role or user to rewrap keys"),
        ({"rewrap_elsewhere": True}, "is for those in key_custody_rewrap_arns, which is empty"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(given, sentence):
    found = key_custody_policies({**GIVEN, **given})["findings"]
    assert len(found) == 1 and sentence in found[0]


def test_nodes_are_revoked_and_granted_one_by_one():
    first = key_custody_revoked(GIVEN, {}, revoke=[10, 2])
    assert first["nodes"] == ["2", "10"] and actions(first["policy"], "Deny") == {
        "kms:Decrypt",
        "s3:GetObject",
        "s3:GetObjectVersion",
    }
    assert first["policy"]["Statement"][1]["Condition"]["StringEquals"]["kms:EncryptionContext:node_id"] == ["2", "10"]
    assert not actions(first["policy"])
    again = key_custody_revoked(GIVEN, first["policy"], revoke=["2"])
    assert again == first
    second = key_custody_revoked(GIVEN, first["policy"], grant=[2])
    assert second["nodes"] == ["10"]
    assert key_custody_revoked(GIVEN, second["policy"], grant=[10]) == {"nodes": [], "policy": None}


def test_another_clusters_denial_names_none_of_our_nodes():
    other = key_custody_revoked({**GIVEN, "cluster": "other"}, {}, revoke=[1])["policy"]
    with pytest.raises(policies.PolicyError, match="nodes of cluster demo"):
        policies.revoked_nodes(other, policies.custody(GIVEN))


FIVE = key_custody_revoked(GIVEN, {}, revoke=[5])["policy"]
OTHERS = {
    "of another bucket": key_custody_revoked({**GIVEN, "bucket": "other"}, {}, revoke=[5])["policy"],
    "with one text for a list": json.loads(
        json.dumps(FIVE).replace('["arn:aws:s3:::keys/demo/5/*"]', '"arn:aws:s3:::keys/demo/5/*"')
    ),
    "with another name": json.loads(json.dumps(FIVE).replace("RevokedRead", "Denied")),
    "with a statement more": {
        **FIVE,
        "Statement": [*FIVE["Statement"], {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
    },
    "that is no policy": {"Statement": "Deny"},
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("change", [{"revoke": [3]}, {"grant": [3]}, {"grant": [5]}])
def test_a_denial_that_is_not_ours_word_for_word_is_never_written_over(other, change):
    assert OTHERS[other] != FIVE
    with pytest.raises(RackawareError, match="was changed by hand, or is of another bucket; nothing was changed"):
        key_custody_revoked(GIVEN, OTHERS[other], **change)


def test_a_node_that_is_no_number_is_refused():
    with pytest.raises(RackawareError, match="is no node id"):
        key_custody_revoked(GIVEN, {}, revoke=["*"])


# The playbooks.


@pytest.fixture()
def last_play(tmp_path):
    """The play of site that checks the unlock, with local hosts and a systemd-run that records its arguments."""
    plays = [
        play
        for play in yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
        if "encrypted store could be opened" in play["name"]
    ]
    assert len(plays) == 1
    plays[0]["tasks"][0]["ansible.builtin.import_tasks"] = str(ROOT / "playbooks/parts/check_unlock.yml")
    first = {
        "name": "First",
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"name": "Look", "ansible.builtin.debug": {"msg": ""}}],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([first, *plays]))

    def run(hosts, code=0, *options):
        (tmp_path / "inventory.yml").write_text(
            yaml.safe_dump({"all": {"children": {"kafka_brokers": {"hosts": hosts}}}})
        )
        program = tmp_path / "systemd-run"
        program.write_text(
            '#!/bin/sh\necho "$@" >> %s/asked\necho "d1: refused: gone" >&2\nexit %d\n' % (tmp_path, code)
        )
        program.chmod(0o755)
        places = (tmp_path, Path(sys.executable).parent, os.environ["PATH"])
        environment = {**os.environ, "PATH": "%s:%s:%s" % places, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        here = [
            "-i",
            str(tmp_path / "inventory.yml"),
            "-c",
            "local",
            "-e",
            "ansible_python_interpreter=" + sys.executable,
        ]
        command = ["ansible-playbook", *here, str(tmp_path / "play.yml"), *options]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        asked = (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []
        return done, [line.rsplit("/usr/local/sbin/kafka-luks ", 1)[1] for line in asked]

    return run


def test_site_ends_with_a_check_of_every_store_in_one_task(last_play):
    done, asked = last_play(HOSTS)
    assert done.returncode == 0 and asked == ["check d0 d1"], done.stdout
    assert re.search(r"b2 +: ok=1 ", done.stdout) and not re.search(r"b1 +: ok", done.stdout), done.stdout


def test_a_store_that_would_not_open_ends_site(last_play):
    done, _asked = last_play(HOSTS, 1)
    assert done.returncode != 0 and "d1: refused: gone" in done.stdout


def test_a_cluster_without_encrypted_stores_has_no_such_task(last_play):
    done, asked = last_play({"b1": HOSTS["b1"]})
    assert done.returncode == 0 and asked == [] and "no hosts matched" in done.stdout, done.stdout


def test_check_mode_of_a_first_site_asks_no_program_that_is_not_there(last_play):
    done, asked = last_play(HOSTS, 1, "--check")
    assert done.returncode == 0 and asked == [], done.stdout


def test_the_check_by_hand_is_the_one_of_site():
    text = (ROOT / "playbooks/verify_unlock.yml").read_text()
    assert "import_tasks: parts/check_unlock.yml" in text and "kafka-luks" not in text
