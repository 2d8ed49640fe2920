"""A disk that looks blank is formatted only with a proof that it is blank, and EC2's word counts once."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client
from ansible_collections.rackaware.kafka.plugins.module_utils._disk import blank_proof
from ansible_collections.rackaware.kafka.plugins.module_utils._disk.blank_proof import GIB, Permit
from ansible_collections.rackaware.kafka.plugins.modules import ebs_blank_proof

FIRST, SECOND = "vol-0aaaaaaaaaaaaaaaa", "vol-0bbbbbbbbbbbbbbbb"
LINK = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0aaaaaaaaaaaaaaaa"
OTHER = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data1"
NEW = {
    "id": FIRST,
    "tags": {"KafkaFormat": "new", "KafkaCluster": "demo"},
    "snapshot_id": None,
    "attachments": [{"instance_id": "i-1", "device": "/dev/sdf", "delete_on_termination": False}],
}


def volume(name=FIRST, **more):
    return {**copy.deepcopy(NEW), "id": name, **more}


def blank(*names, size=500 * GIB):
    return {"b1": [{"name": name, "size_bytes": size} for name in names]}


@pytest.mark.parametrize(
    ("described", "why"),
    [
        (volume(), ""),
        (None, "does not know it in this Region"),
        (volume(tags={"KafkaCluster": "demo"}), "lacks the tag KafkaFormat=new"),
        (volume(tags={"KafkaFormat": "old", "KafkaCluster": "demo"}), "lacks the tag KafkaFormat=new"),
        (volume(tags={"KafkaFormat": "new", "KafkaCluster": "other"}), "KafkaCluster says other, not demo"),
        (volume(tags={"KafkaFormat": "new"}), "KafkaCluster says nothing, not demo"),
        (volume(snapshot_id="snap-1"), "made from the snapshot snap-1"),
        (volume(attachments=[]), "attached to 0 instances"),
        (volume(attachments=NEW["attachments"] * 2), "attached to 2 instances"),
    ],
)
def test_what_ec2_proves(described, why):
    found = blank_proof.doubt(described, "demo")
    assert (found == "") == (why == "") and why in found


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (GIB, "1 minute"),
        (16 * GIB, "3 minutes"),
        (125 * GIB, "18 minutes"),
        (500 * GIB, "69 minutes"),
        (2048 * GIB, "5 hours"),
        (16384 * GIB, "38 hours"),
    ],
)
def test_how_long_a_read_takes_is_said_beforehand(size, words):
    assert blank_proof.duration(size) == words


@pytest.mark.parametrize(
    ("name", "ident"),
    [(FIRST, FIRST), (LINK, FIRST), (OTHER, ""), (LINK + "-part1", ""), ("/dev/nvme1n1", ""), ("vol-0AAA", "")],
)
def test_the_volume_that_a_name_means(name, ident):
    assert blank_proof.volume_id(name) == ident


class TestDecide:
    @pytest.mark.parametrize("name", [FIRST, LINK])
    def test_a_new_volume_is_proven_under_the_name_that_it_has_in_the_inventory(self, name):
        assert blank_proof.decide(blank(name), {FIRST: volume()}, "demo", Permit()) == [name]

    def test_the_disk_that_nothing_proves_is_named_with_its_host_and_the_ways_out(self):
        with pytest.raises(blank_proof.BlankProofError) as caught:
            blank_proof.decide(blank(FIRST, OTHER), {FIRST: volume(snapshot_id="snap-1")}, "demo", Permit())
        text = str(caught.value)
        assert (
            text.startswith("%s on b1 looks blank, but nothing proves" % FIRST)
            and "%s on b1 looks blank" % OTHER in text
        )
        assert (
            "from the snapshot snap-1; add its name to data_volume_read_whole" in text
            and "no EBS volume, which EC2 could answer for; add" in text
        )

    @pytest.mark.parametrize(
        "permit", [Permit(declared=(FIRST, OTHER)), Permit(read_whole=(FIRST, OTHER))], ids=["declared", "read"]
    )
    def test_what_a_person_answers_for_needs_no_proof(self, permit):
        assert blank_proof.decide(blank(FIRST, OTHER), {}, "demo", permit) == []

    def test_what_is_small_needs_none(self):
        assert blank_proof.decide(blank(FIRST, OTHER, size=16 * GIB), {}, "demo", Permit()) == []
        with pytest.raises(blank_proof.BlankProofError):
            blank_proof.decide(blank(FIRST, size=16 * GIB + 1), {}, "demo", Permit())

    def test_why_ec2_did_not_answer_is_said(self):
        with pytest.raises(
            blank_proof.BlankProofError, match="because EC2 did not answer .no credentials.; add its name"
        ):
            blank_proof.decide(blank(FIRST), {}, "demo", Permit(), silence="EC2 did not answer (no credentials)")

    def test_a_word_that_names_no_disk_is_refused(self):
        with pytest.raises(blank_proof.BlankProofError, match="'all' is no EBS volume id"):
            blank_proof.decide({}, {}, "demo", Permit(declared=("all",)))


class Ec2:
    """EC2 with these volumes; remembers whose tags were removed."""

    def __init__(self, *volumes: dict[str, Any]) -> None:
        self.volumes, self.removed, self.fails = {each["id"]: each for each in volumes}, [], False

    def volumes_of(self, _client, ids):
        if self.fails:
            raise client.AwsError("AWS could not describe EBS volumes: no credentials.")
        return [self.volumes[ident] for ident in ids if ident in self.volumes]

    def delete_tags(self, _client, ids, key):
        self.removed.append((list(ids), key))


@pytest.fixture
def ec2(monkeypatch):
    made = Ec2(volume(), volume(SECOND))
    monkeypatch.setattr(client, "client", lambda *_of, **_more: made)
    monkeypatch.setattr(client, "volumes_of", made.volumes_of)
    monkeypatch.setattr(client, "delete_tags", made.delete_tags)
    return made


def ask(capsys, disks, **more):
    with patch_module_args({"volumes": disks, "cluster": "demo", **more}), pytest.raises(SystemExit):
        ebs_blank_proof.main()
    return json.loads(capsys.readouterr().out)


class TestModule:
    def test_looking_changes_nothing(self, ec2, capsys):
        out = ask(capsys, blank(FIRST, SECOND))
        assert (out["changed"], out["proven"], ec2.removed) == (False, [FIRST, SECOND], [])

    @pytest.mark.parametrize("check", [True, False])
    def test_the_tags_of_all_are_removed_at_once(self, ec2, capsys, check):
        out = ask(capsys, blank(FIRST, SECOND), state="spent", _ansible_check_mode=check, _ansible_diff=True)
        assert (out["changed"], out["proven"]) == (True, [FIRST, SECOND])
        assert ec2.removed == ([] if check else [([FIRST, SECOND], "KafkaFormat")])
        assert (out["diff"]["before"][FIRST], out["diff"]["after"][FIRST]) == ({"KafkaFormat": "new"}, {})

    @pytest.mark.parametrize("more", [{"declared_blank": [FIRST]}, {"read_whole": [FIRST]}])
    def test_a_volume_that_needs_no_proof_keeps_none(self, ec2, capsys, more):
        assert ask(capsys, blank(FIRST), state="spent", **more)["changed"] and ec2.removed
        ec2.removed.clear()
        assert ask(capsys, blank(FIRST, size=GIB), state="spent")["changed"] and ec2.removed

    def test_one_that_nothing_proves_keeps_the_proofs_of_the_others(self, ec2, capsys):
        ec2.volumes[SECOND] = volume(SECOND, snapshot_id="snap-1")
        assert "snap-1" in ask(capsys, blank(FIRST, SECOND), state="spent")["msg"]
        assert ec2.removed == []

    def test_ec2_that_does_not_answer_matters_only_to_those_that_need_it(self, ec2, capsys, monkeypatch):
        warnings: list[str] = []
        monkeypatch.setattr(AnsibleModule, "warn", lambda _self, text: warnings.append(text))
        ec2.fails = True
        assert "no credentials" in ask(capsys, blank(FIRST))["msg"]
        out = ask(capsys, blank(FIRST, size=GIB), state="spent")
        assert (out["changed"], out["proven"]) == (False, [])
        assert (
            len(warnings) == 1
            and "still have the tag KafkaFormat is not known, because EC2 did not answer" in warnings[0]
        )

    def test_without_ebs_volumes_ec2_is_not_asked(self, capsys, monkeypatch):
        monkeypatch.setattr(client, "client", None)
        assert ask(capsys, blank(OTHER, size=GIB))["proven"] == []
