"""The program that opens a store at boot: what it waits for, what it refuses, what it says, and to whom."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import probe
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import format_record, kms, unlocker, volume
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import header as luks_header

ROOT = Path(__file__).resolve().parents[3]
UUID = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44"
ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OLD = {
    "bucket": "b",
    "key": "LuksInternalStorageKey-d0",
    "version_id": "v1",
    "sha256": "a" * 64,
    "key_arn": ARN,
    "encryption_context": {"n": "1"},
    "expected_bucket_owner": "123456789012",
}
NEW = {**OLD, "version_id": "v2", "sha256": "b" * 64}
HEADER = luks_header.Header(
    version=2,
    uuid=UUID,
    label="kafka-d0",
    subsystem="kafka-demo-1",
    cipher="aes-xts-plain64",
    key_size=512,
    sector_size=512,
    keyslots=(0,),
    tokens={0: {**OLD, "type": volume.TOKEN_TYPE, "state": "ready", "keyslots": ["0"]}},
)
MINE = volume.Facts(probe.FOREIGN, header=HEADER, boot="now")
CANARY = b"canary-" + bytes(range(57))


class Disk:
    """Stands for the volume: facts by what the key is, and the steps that were done."""

    def __init__(self, facts, opened_by=b"old"):
        self.seen, self.opened_by, self.done, self.tokens = facts, opened_by, [], []

    def __call__(self, wanted, _run, **_):
        self.wanted = wanted
        self.mapped, self.cryptsetup = "/dev/mapper/" + wanted.name, self
        return self

    def require(self):
        return "2.6.1"

    def has_header(self):
        return self.seen.header is not None

    def facts(self, key=None):
        opens = None if key is None or self.seen.header is None else bytes(key).startswith(self.opened_by)
        return replace(self.seen, opens=opens)

    def perform(self, actions, key=None):
        self.done += actions
        self.tokens.append(dict(self.wanted.token))
        self.used = key


class Cloud:
    """Gives its answers one by one; an error is raised, a version's bytes are given."""

    def __init__(self, *answers, **keys):
        self.answers, self.keys, self.asked = list(answers), {"v1": b"old-key", "v2": b"new-key", **keys}, []

    def __call__(self, _region, _credentials):
        return self

    def unwrap(self, which):
        self.asked.append(which.version_id)
        answer = self.answers.pop(0) if self.answers else self.keys[which.version_id]
        if isinstance(answer, Exception):
            raise answer
        return bytearray(answer)


@pytest.fixture()
def boot(tmp_path):
    """A configuration, and a world that writes everything down."""

    class Boot:
        said, told, slept = [], [], []
        config = {
            "device": "/dev/null",
            "name": "kafka-d0",
            "uuid": UUID,
            "subsystem": "kafka-demo-1",
            "allow_format": "blank_only",
            "keys": [OLD],
        }

        def write(self, **more):
            path = tmp_path / "d0.json"
            path.write_text(json.dumps({**self.config, **more}))
            path.chmod(0o600)
            return path

        def world(self, disk, cloud):
            return unlocker.World(
                run=None,
                connect=cloud,
                sleep=self.slept.append,
                draw=lambda _low, high: high,
                notify=self.told.append,
                say=self.said.append,
                runtime=str(tmp_path / "run"),
                volume=disk,
            )

        def open(self, disk, cloud):
            return unlocker.main(["open", "d0"], self.world(disk, cloud), str(tmp_path))

        path = tmp_path

    made = Boot()
    for name in ("said", "told", "slept"):
        setattr(made, name, [])
    made.write()
    return made


@pytest.fixture(autouse=True)
def soft(monkeypatch):
    """The tests' own process stays as it is."""
    monkeypatch.setattr(unlocker, "harden", lambda: [])


def test_a_store_is_opened_and_systemd_is_told(boot):
    disk = Disk(MINE)
    assert boot.open(disk, Cloud()) == 0
    assert disk.done == ["open", "remember ready"]
    assert boot.told == ["STATUS=open as /dev/mapper/kafka-d0", "READY=1"]
    assert boot.said == ["open as /dev/mapper/kafka-d0 (open, remember ready)"] and not boot.slept
    assert disk.used == bytearray(len(b"old-key")), "the key is overwritten"


def test_a_blank_disk_is_formatted_and_marked_as_fresh(boot):
    disk = Disk(volume.Facts(probe.BLANK, boot="now"))
    assert boot.open(disk, Cloud()) == 0
    assert disk.done == [
        "remember formatting",
        "format",
        "token provisioning",
        "open",
        "mkfs",
        "token ready",
        "remember ready",
    ]
    assert (boot.path / "run/d0.fresh").exists()
    assert boot.open(Disk(MINE), Cloud()) == 0
    assert not (boot.path / "run/d0.fresh").exists()


def test_a_format_that_was_cut_off_before_its_file_system_is_fresh_too(boot):
    header = replace(HEADER, tokens={0: {**HEADER.tokens[0], "state": "provisioning"}})
    disk = Disk(replace(MINE, header=header, marker=format_record.FormatRecord(UUID, "formatting", "before")))
    assert boot.open(disk, Cloud()) == 0
    assert disk.done == ["open", "mkfs", "token ready", "remember ready"] and (boot.path / "run/d0.fresh").exists()


def test_an_open_store_needs_no_key(boot):
    facts = replace(
        MINE, mapper=volume.Mapper("kafka-d0", UUID), marker=format_record.FormatRecord(UUID, "ready", "now")
    )
    cloud = Cloud()
    assert boot.open(Disk(facts), cloud) == 0 and cloud.asked == []


@pytest.mark.parametrize(
    "facts", [volume.Facts(probe.FOREIGN, signed=True, what="ext4"), volume.Facts(probe.UNREADABLE, what="gone")]
)
def test_a_wrong_disk_is_refused_before_aws_is_asked(boot, facts):
    disk, cloud = Disk(facts), Cloud()
    assert boot.open(disk, cloud) == 1
    assert (disk.done, cloud.asked, boot.slept) == ([], [], [])
    assert (
        boot.said[0].startswith("refused: /dev/null is refused, and nothing was changed") and "READY=1" not in boot.told
    )


def test_what_passes_is_waited_for_ever_more_slowly_and_said_once(boot):
    cloud = Cloud(
        *[
            kms.Retry("KMS is busy: AWS says ThrottlingException (request %d)." % number, "ThrottlingException")
            for number in range(9)
        ]
    )
    assert boot.open(Disk(MINE), cloud) == 0
    assert boot.slept == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert [line for line in boot.said if "waiting" in line] == [
        "waiting: KMS is busy: AWS says ThrottlingException (request 0)."
    ]
    assert boot.told[0].startswith("STATUS=waiting: KMS is busy") and boot.told[0].endswith("Next attempt in 1 s.")


def test_a_denial_stays_locked_says_so_once_and_heals(boot):
    denied = [kms.Denied("AWS says AccessDenied (request %d)." % number, "AccessDenied") for number in range(3)]
    disk = Disk(MINE)
    assert boot.open(disk, Cloud(*denied, kms.Retry("busy", "Throttling"))) == 0
    assert boot.slept == [300, 300, 300, 1]
    assert [line.split(":")[0] for line in boot.said] == [
        "locked",
        "waiting",
        "open as /dev/mapper/kafka-d0 (open, remember ready)",
    ]
    assert disk.done == ["open", "remember ready"]


def test_after_a_denial_it_is_impatient_again(boot):
    busy = [kms.Retry("busy", "Throttling") for _ in range(4)]
    assert boot.open(Disk(MINE), Cloud(*busy[:3], kms.Denied("no", "AccessDenied"), busy[3])) == 0
    assert boot.slept == [1, 2, 4, 300, 1]


def test_a_corrected_configuration_is_read_while_it_waits(boot):
    disk = Disk(MINE, opened_by=b"new")
    world = boot.world(disk, Cloud())
    world.sleep = lambda _seconds: boot.write(keys=[NEW])
    assert unlocker.main(["open", "d0"], world, str(boot.path)) == 0
    assert "None of its keys opens" in boot.said[0] and disk.tokens[0]["version_id"] == "v2"


@pytest.mark.parametrize(("opened_by", "asked", "version"), [(b"old", ["v1"], "v1"), (b"new", ["v1", "v2"], "v2")])
def test_during_a_rotation_either_key_opens_and_the_token_stays_its_own(boot, opened_by, asked, version):
    boot.write(keys=[OLD, NEW])
    disk, cloud = Disk(MINE, opened_by), Cloud()
    assert boot.open(disk, cloud) == 0
    assert cloud.asked == asked and disk.tokens[0]["version_id"] == version


def test_an_old_version_that_is_gone_does_not_keep_the_new_one_from_opening(boot):
    boot.write(keys=[OLD, NEW])
    assert boot.open(Disk(MINE, b"new"), Cloud(kms.Denied("gone", "NoSuchVersion"))) == 0 and boot.slept == []


def test_of_two_reasons_the_one_that_passes_decides(boot):
    boot.write(keys=[OLD, NEW])
    assert boot.open(Disk(MINE), Cloud(kms.Denied("gone", "NoSuchVersion"), kms.Retry("busy", "Throttling"))) == 0
    assert boot.slept == [1]


def test_a_format_that_was_cut_off_is_finished_with_the_newest_key(boot):
    boot.write(keys=[OLD, NEW])
    facts = replace(
        MINE,
        header=replace(HEADER, tokens={}),
        marker=format_record.FormatRecord(UUID, "formatting", "before"),
        untouched=True,
    )
    disk = Disk(facts, b"none")
    assert boot.open(disk, Cloud()) == 0
    assert (
        disk.done[:3] == ["remember formatting", "format", "token provisioning"]
        and disk.tokens[0]["version_id"] == "v2"
    )


def test_a_disk_that_is_late_is_waited_for_and_then_missed(boot):
    boot.write(device="/dev/disk/by-id/none")
    assert boot.open(Disk(MINE), Cloud()) == 1
    assert len(boot.slept) == 90 and "did not appear within 90 seconds" in boot.said[0]


def test_an_unforeseen_error_shows_its_class_only(boot, capsys):
    class Broken(Disk):
        def facts(self, key=None):
            raise ValueError(CANARY)

    assert boot.open(Broken(MINE), Cloud()) == 1
    assert boot.said == ["refused: an unexpected error, ValueError."]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"device": None}, "either device or file"),
        ({"file": {"path": "/x", "size": "1G"}}, "either device or file"),
        ({"device": None, "file": {"path": "/x", "size": "1G", "colour": 1}}, "has an unknown option of its file"),
        ({"device": None, "file": {"path": "/x"}}, "is no size"),
        ({"colour": 1}, "says colour, which is unknown"),
        ({"uuid": ""}, "uuid is missing"),
        ({"keys": []}, "keys is missing"),
        ({"device": "/dev/nvme1n1"}, "another disk after the next boot"),
        ({"keys": [{**OLD, "sha256": "x"}]}, "not 64 hexadecimal digits"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(boot, change, sentence):
    boot.write(**change)
    assert boot.open(Disk(MINE), Cloud()) == 1 and sentence in boot.said[0]


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda p: p.chmod(0o666), "by others than root"),
        (lambda p: p.write_text("{"), "is no JSON"),
        (os.unlink, "cannot be read"),
    ],
)
def test_a_configuration_must_be_safe_and_whole(boot, prepare, sentence):
    prepare(boot.write())
    assert boot.open(Disk(MINE), Cloud()) == 1 and sentence in boot.said[0]


def test_a_name_is_no_path(boot):
    assert unlocker.main(["open", "../d0"], boot.world(Disk(MINE), Cloud()), str(boot.path)) == 1
    assert unlocker.main(["burn", "d0"], boot.world(Disk(MINE), Cloud()), str(boot.path)) == 2


def test_check_opens_nothing(boot):
    disk = Disk(MINE)
    assert unlocker.main(["check", "d0"], boot.world(disk, Cloud()), str(boot.path)) == 0
    assert disk.done == [] and boot.said == ["the key can be unwrapped and opens the volume"]
    assert unlocker.main(["check", "d0"], boot.world(disk, Cloud(kms.Denied("AccessDenied"))), str(boot.path)) == 1
    assert boot.slept == []


def test_check_tries_every_store_whatever_became_of_the_one_before(boot):
    (boot.path / "d1.json").write_text("{}")
    (boot.path / "d1.json").chmod(0o600)
    disk = Disk(MINE)
    assert unlocker.main(["check", "d1", "d0"], boot.world(disk, Cloud()), str(boot.path)) == 1
    assert (
        disk.done == []
        and boot.said[0].startswith("d1: refused: ")
        and boot.said[1:] == ["d0: the key can be unwrapped and opens the volume"]
    )


@pytest.mark.parametrize("words", [["open", "d0", "d1"], ["close"], ["check"], []])
def test_only_check_takes_several_names_and_nothing_none(boot, words):
    assert unlocker.main(words, boot.world(Disk(MINE), Cloud()), str(boot.path)) == 2
    assert boot.said == ["usage: kafka-luks open|close NAME, kafka-luks check NAME..."]


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_is_sent(tmp_path, abstract):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        place = "@rackaware-%s" % os.getpid() if abstract else str(tmp_path / "s")
        listener.bind("\0" + place[1:] if abstract else place)
        unlocker.notify("READY=1", place)
        assert listener.recv(100) == b"READY=1"
    unlocker.notify("READY=1", "")


def test_the_process_leaves_no_core_and_cannot_be_traced():
    code = "\n".join(
        [
            "import sys, ctypes, resource; sys.path.insert(0, %r)" % str(ROOT / ".collections"),
            "from ansible_collections.rackaware.kafka.plugins.module_utils._luks import unlocker",
            "print(unlocker.harden(), resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))",
        ]
    )
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "(0, 0) 0" in text and "core" not in text and "tracing" not in text
    assert resource.getrlimit(resource.RLIMIT_CORE) is not None
