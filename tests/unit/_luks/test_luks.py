"""Encrypted volumes: all probe results with all markers, the order of the steps, and cryptsetup's arguments."""

from __future__ import annotations

import base64
import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils import _command
from ansible_collections.rackaware.kafka.plugins.module_utils._disk import probe
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import cryptsetup as luks_cryptsetup
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import format_record, header, keyslots
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import volume as luks_volume
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.format_record import FormatRecord
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.header import Header
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.volume import Facts, Mapper, Verdict

UUID, OTHER = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44", "11111111-2222-4333-8444-555555555555"
WANTED = luks_volume.Wanted(
    device="/dev/loop9",
    name="d0",
    uuid=UUID,
    label="d0",
    subsystem="kafka-demo-1",
    filesystem=True,
    token={"sha256": "a"},
)
READY = {0: {"type": luks_volume.TOKEN_TYPE, "state": "ready", "keyslots": ["0"], "sha256": "a"}}
BEGUN = {0: {**READY[0], "state": "provisioning"}}
OURS = Header(
    version=2,
    uuid=UUID,
    label="d0",
    subsystem="kafka-demo-1",
    cipher="aes-xts-plain64",
    key_size=512,
    sector_size=512,
    keyslots=(0,),
    tokens=READY,
)
NOW, BEFORE = "this boot", "an earlier boot"
MARKERS = {
    "none": None,
    **{
        "%s, %s, %s" % (state, boot, whose): FormatRecord(uuid, state, boot)
        for state in format_record.STATES
        for boot in (NOW, BEFORE)
        for whose, uuid in (("ours", UUID), ("another's", OTHER))
    },
}
DISKS = {
    "blank": {"probe": probe.BLANK},
    "data": {"probe": probe.FOREIGN, "what": "data"},
    "xfs": {"probe": probe.XFS, "signed": True, "what": "xfs"},
    "ext4": {"probe": probe.FOREIGN, "signed": True, "what": "ext4"},
    "in use": {"probe": probe.IN_USE, "what": "mounted at /"},
    "unreadable": {"probe": probe.UNREADABLE, "what": "input/output error"},
    "torn": {"probe": probe.FOREIGN, "torn": True},
    "torn below ext4": {"probe": probe.FOREIGN, "torn": True, "signed": True},
    "ours": {"probe": probe.FOREIGN, "header": OURS},
    "ours in use by others": {"probe": probe.IN_USE, "header": OURS},
    "luks1": {"probe": probe.FOREIGN, "header": Header(version=1, uuid=UUID)},
    "another volume": {"probe": probe.FOREIGN, "header": replace(OURS, uuid=OTHER)},
    "another node": {"probe": probe.FOREIGN, "header": replace(OURS, subsystem="kafka-demo-2")},
    "re-encrypting": {"probe": probe.FOREIGN, "header": replace(OURS, requirements=("online-reencrypt-v2",))},
    "two segments": {"probe": probe.FOREIGN, "header": replace(OURS, segments=2)},
    "no cipher": {"probe": probe.FOREIGN, "header": replace(OURS, cipher="cipher_null-ecb")},
}


def facts(disk="blank", marker="none", **more):
    return Facts(**{**DISKS[disk], "marker": MARKERS[marker], "boot": NOW, **more})


def expected(disk, marker, untouched):
    """The whole table in another form than the code's: what may be formatted, and from which memory."""
    state = marker.state if marker else None
    ours = marker is None or marker.uuid == UUID or state == "erased"
    if disk == "ours":
        return luks_volume.MINE
    if disk == "blank" and ours:
        if state != "ready":
            return luks_volume.BLANK
        return luks_volume.BLANK if marker.boot == BEFORE and untouched else None
    if disk == "data" and ours and untouched:
        return {"formatting": luks_volume.TORN, "erased": luks_volume.BLANK}.get(state)
    if disk == "torn" and ours and untouched and state == "formatting":
        return luks_volume.TORN
    return None


@pytest.mark.parametrize(("disk", "marker", "untouched"), list(itertools.product(DISKS, MARKERS, (False, True))))
def test_every_disk_with_every_memory(disk, marker, untouched):
    kind = luks_volume.judge(facts(disk, marker, untouched=untouched), WANTED).kind
    wanted = expected(disk, MARKERS[marker], untouched)
    assert kind == wanted if wanted else kind in (luks_volume.FOREIGN, luks_volume.UNKNOWN)


@pytest.mark.parametrize(("disk", "marker", "untouched"), list(itertools.product(DISKS, MARKERS, (False, True))))
def test_only_what_is_blank_or_torn_is_ever_formatted(disk, marker, untouched):
    for opens, state in itertools.product((None, False, True), ("formatted", "open", "closed", "erased")):
        try:
            plan = luks_volume.plan(
                facts(disk, marker, untouched=untouched, opens=opens),
                WANTED,
                state=state,
                allow_format="blank_only",
                confirm_uuid=UUID,
            )
        except luks_volume.LuksError:
            continue
        if "format" in plan.actions:
            torn_header = disk == "ours" and marker.startswith("formatting") and opens is False and untouched
            assert expected(disk, MARKERS[marker], untouched) in (luks_volume.BLANK, luks_volume.TORN) or torn_header
        if "wipe header" in plan.actions:
            assert disk == "ours" or (
                marker.startswith("erasing") and marker.endswith("ours") and disk in ("blank", "data", "torn")
            )


@pytest.mark.parametrize("disk", sorted(set(DISKS) - {"ours"}))
def test_without_permission_nothing_is_formatted(disk):
    with pytest.raises(luks_volume.LuksError):
        luks_volume.plan(facts(disk, untouched=True), WANTED, state="open")


MAPPED = Mapper("d0", UUID, ("loop9",))
FIRST = ("remember formatting", "format", "token provisioning")
REST = ("open", "mkfs", "token ready", "remember ready")
SAME = "ready, this boot, ours"
PLANS = {
    "a blank disk": (facts(), "open", FIRST + REST),
    "a blank disk that is not opened": (facts(), "formatted", FIRST),
    "cut after the note": (facts("blank", "formatting, this boot, ours", untouched=True), "open", FIRST + REST),
    "cut after the format": (
        facts("ours", "formatting, this boot, ours", header=replace(OURS, tokens={}), opens=True),
        "open",
        ("token provisioning", *REST),
    ),
    "cut within the format": (
        facts("ours", "formatting, this boot, ours", header=replace(OURS, tokens={}), opens=False, untouched=True),
        "open",
        FIRST + REST,
    ),
    "cut after the token": (
        facts("ours", "formatting, this boot, ours", header=replace(OURS, tokens=BEGUN)),
        "open",
        REST,
    ),
    "cut after the opening": (
        facts("ours", "formatting, this boot, ours", header=replace(OURS, tokens=BEGUN), mapper=MAPPED),
        "open",
        REST[1:],
    ),
    "cut between the two tokens": (
        facts("ours", SAME, header=replace(OURS, tokens={**BEGUN, 1: READY[0]}), mapper=MAPPED),
        "open",
        ("token ready",),
    ),
    "cut before the last note": (
        facts("ours", "formatting, this boot, ours", mapper=MAPPED),
        "open",
        ("remember ready",),
    ),
    "done": (facts("ours", SAME, mapper=MAPPED), "open", ()),
    "the next boot": (facts("ours", "ready, an earlier boot, ours", opens=True), "open", ("open", "remember ready")),
    "a new root disk": (facts("ours", opens=True), "open", ("open", "remember ready")),
    "a lost token is no reason for a file system": (
        facts("ours", header=replace(OURS, tokens={})),
        "open",
        ("token ready", "open", "remember ready"),
    ),
    "a key that was rewrapped": (
        facts("ours", SAME, header=replace(OURS, tokens={0: {**READY[0], "sha256": "b"}}), mapper=MAPPED),
        "open",
        ("token facts",),
    ),
    "other flags": (facts("ours", SAME, mapper=MAPPED, flags=("discards",)), "open", ("refresh",)),
    "flags that are not in the configuration": (
        facts("ours", SAME, mapper=MAPPED, flags=("no_read_workqueue",)),
        "open",
        (),
    ),
    "closing": (facts("ours", SAME, mapper=MAPPED, probe=probe.IN_USE), "closed", ("close",)),
    "closing on a broken disk": (facts("unreadable", mapper=MAPPED), "closed", ("close",)),
    "closing what is closed": (facts("ours", SAME), "closed", ()),
    "closing what is not ours": (facts("ext4"), "closed", ()),
    "erasing": (facts("ours", SAME), "erased", ("remember erasing", "erase slots", "wipe header", "remember erased")),
    "erasing a blank disk": (facts(), "erased", ()),
    "cut within the erasure": (
        facts("data", "erasing, this boot, ours"),
        "erased",
        ("remember erasing", "wipe header", "remember erased"),
    ),
}


@pytest.mark.parametrize("case", PLANS)
def test_the_steps_from_what_is_to_what_shall_be(case):
    found, state, actions = PLANS[case]
    assert luks_volume.plan(found, WANTED, state=state, allow_format="blank_only", confirm_uuid=UUID).actions == actions


@pytest.mark.parametrize(
    ("found", "state", "sentence"),
    [
        (facts("ours", mapper=Mapper("d0", OTHER)), "open", "belongs to another volume"),
        (facts("ours", mapper=Mapper("d0", OTHER)), "closed", "belongs to another volume"),
        (facts("ours", mapper=MAPPED, here=False), "open", "is open on another disk"),
        (facts("ext4", mapper=MAPPED), "open", "is open, but"),
        (facts("ours", opens=False), "open", "The key does not open"),
        (facts("ours", SAME, mapper=MAPPED), "erased", "unmount and close it"),
        (facts("ours in use by others", elsewhere="other"), "open", "open as other; close that first"),
        (facts(aes=False), "open", "no AES instructions"),
        (facts("ours", header=replace(OURS, cipher="aes-cbc-plain")), "open", "fixed at the format"),
        (facts("ours", header=replace(OURS, key_size=256)), "open", "key size 256, wanted 512"),
    ],
)
def test_what_is_refused_says_why(found, state, sentence):
    with pytest.raises(luks_volume.LuksError, match=sentence):
        luks_volume.plan(found, WANTED, state=state, allow_format="blank_only", confirm_uuid=UUID)


def test_erasing_wants_the_uuid():
    with pytest.raises(luks_volume.LuksError, match="set confirm_uuid to " + UUID):
        luks_volume.plan(facts("ours"), WANTED, state="erased", confirm_uuid=OTHER)


KEY = bytearray(b"abc\n" + bytes(range(100, 160)))


class Recorder:
    """Stands for the host's commands."""

    def __init__(self, **answers):
        self.calls, self.answers = [], answers

    def __call__(self, argv, *, data=None, **_):
        self.calls.append((list(argv), bytes(data) if data is not None else None))
        return self.answers.get(argv[0] if argv[0] != "cryptsetup" else argv[1], (0, "", ""))


def test_the_key_goes_through_stdin_in_full_and_never_through_argv():
    run = Recorder()
    crypt = luks_cryptsetup.Cryptsetup(run)
    crypt.format(device="/dev/x", key=KEY, uuid=UUID, label="l", subsystem="s", sector_size=4096)
    crypt.opens(device="/dev/x", key=KEY, slot=2)
    crypt.open(device="/dev/x", name="n", key=KEY, perf=["no_read_workqueue"], discards=True)
    crypt.refresh(name="n", key=KEY)
    crypt.add_key(device="/dev/x", key=KEY, new_key=bytearray(b"n" * 64), slot=3)
    crypt.kill_slot(device="/dev/x", slot=1, key=KEY)
    assert len(run.calls) == 6
    for argv, data in run.calls:
        assert data.startswith(bytes(KEY))
        assert argv[argv.index("--key-file=-") : argv.index("--key-file=-") + 3] == [
            "--key-file=-",
            "--keyfile-size",
            "64",
        ]
        assert "--batch-mode" in argv
        for form in (KEY.decode("latin-1"), KEY.hex(), base64.b64encode(KEY).decode()):
            assert form not in " ".join(argv)
    text = " ".join(run.calls[0][0])
    assert (
        "--cipher aes-xts-plain64 --key-size 512 --hash sha256 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --sector-size 4096"
        in text
    )
    assert (
        run.calls[2][0][-2:] == ["/dev/x", "n"]
        and "--perf-no_read_workqueue" in run.calls[2][0]
        and "--allow-discards" in run.calls[2][0]
    )
    assert run.calls[4][1] == bytes(KEY) + b"n" * 64


def test_what_cryptsetup_prints_stays_out_of_the_error():
    crypt = luks_cryptsetup.Cryptsetup(Recorder(open=(4, "secret", "secret")))
    with pytest.raises(luks_cryptsetup.CryptsetupError) as caught:
        crypt.opens(device="/dev/x", key=KEY)
    assert "secret" not in str(caught.value) and "code 4" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "slot", "opens"), [(0, None, True), (2, None, False), (0, 3, True), (1, 3, False), (2, 3, False)]
)
def test_only_a_wrong_key_is_a_wrong_key(code, slot, opens):
    assert luks_cryptsetup.Cryptsetup(Recorder(open=(code, "", ""))).opens(device="/dev/x", key=KEY, slot=slot) is opens


@pytest.mark.parametrize(("code", "slot"), [(1, None), (3, None), (4, 3), (5, 3), (-9, None)])
def test_a_failure_is_no_answer_about_the_key(code, slot):
    with pytest.raises(luks_cryptsetup.CryptsetupError):
        luks_cryptsetup.Cryptsetup(Recorder(open=(code, "", ""))).opens(device="/dev/x", key=KEY, slot=slot)


def test_too_little_memory_is_said():
    cryptsetup = luks_cryptsetup.Cryptsetup(lambda *_args, **_more: (3, "", ""))
    with pytest.raises(
        luks_cryptsetup.CryptsetupError, match=r"cryptsetup could not open /dev/x \(code 3: out of memory\)"
    ):
        cryptsetup.open(device="/dev/x", name="x", key=bytearray(64))


@pytest.mark.parametrize(
    ("text", "fine"),
    [("cryptsetup 2.4.3", True), ("cryptsetup 2.8.0 flags", True), ("cryptsetup 2.4.2", False), ("?", False)],
)
def test_an_old_cryptsetup_is_refused(text, fine):
    crypt = luks_cryptsetup.Cryptsetup(Recorder(**{"--version": (0, text, "")}))
    if fine:
        assert crypt.require()
    else:
        with pytest.raises(luks_cryptsetup.CryptsetupError, match="update it"):
            crypt.require()


def test_flags_are_read_from_the_status():
    crypt = luks_cryptsetup.Cryptsetup(
        Recorder(status=(0, "/dev/mapper/n is active.\n  type:    LUKS2\n  flags:   discards no_read_workqueue\n", ""))
    )
    assert crypt.flags(name="n") == ("discards", "no_read_workqueue")


def test_a_command_gets_no_environment_of_the_caller(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    assert "canary" not in _command.run(["env"])[1]


def test_a_command_that_hangs_is_ended_and_named():
    with pytest.raises(_command.CommandError, match="sleep did not end within 0 seconds") as caught:
        _command.run(["sleep", "60"], timeout=0.1)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_command_never_waits_for_a_terminal():
    assert _command.run(["cat"])[:2] == (0, "")
    with pytest.raises(_command.CommandError, match="cannot be run"):
        _command.run(["no-such-command"])


@pytest.fixture()
def volume(monkeypatch, tmp_path):
    """A volume whose disk is a file, with a mapper that the probe invents."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1024))
    inside = SimpleNamespace(state=probe.FOREIGN, signature={}, partitions=(), flaw="", is_xfs=False, what="noise")
    run = Recorder()
    made = luks_volume.Volume(
        replace(WANTED, device=str(disk)), run, marker_dir=str(tmp_path / "m"), probe=lambda _device, _run: inside
    )
    return made, run, inside


def test_a_file_system_is_made_without_force(volume):
    made, run, _inside = volume
    made.step("mkfs")
    assert [argv for argv, _ in run.calls] == [["mkfs.xfs", "-q", "/dev/mapper/d0"]]


def test_a_finished_file_system_is_kept(volume):
    made, run, inside = volume
    inside.state = probe.XFS
    made.step("mkfs")
    assert run.calls == []


def test_an_unfinished_file_system_is_made_again(volume):
    made, run, inside = volume
    inside.flaw, inside.is_xfs, inside.signature = "an XFS that mkfs.xfs never finished", True, {"TYPE": "xfs"}
    made.step("mkfs")
    assert [argv[0] for argv, _ in run.calls] == ["wipefs", "mkfs.xfs"]


@pytest.mark.parametrize(
    "given",
    [{"signature": {"TYPE": "ext4"}}, {"partitions": ("p1",)}, {"state": probe.UNREADABLE}, {"state": probe.IN_USE}],
)
def test_over_anything_else_no_file_system_is_made(volume, given):
    made, run, inside = volume
    vars(inside).update(given)
    with pytest.raises(luks_volume.LuksError, match="gets no file system, and nothing was changed"):
        made.step("mkfs")
    assert run.calls == []


def test_opening_and_changing_flags_say_only_what_was_asked(volume):
    made, run, _inside = volume
    run.answers["status"] = (0, "flags: no_read_workqueue discards\n", "")
    made.step("open", KEY)
    made.step("refresh", KEY)
    made.step("close")
    assert not [flag for flag in run.calls[0][0] if flag.startswith(("--perf", "--allow"))]
    refresh = next(argv for argv, _ in run.calls if argv[1] == "refresh")
    assert "--perf-no_read_workqueue" in refresh and "--allow-discards" not in refresh
    assert run.calls[-1][0] == ["cryptsetup", "close", "d0"]


def test_a_step_that_needs_a_key_says_so(volume):
    with pytest.raises(luks_volume.LuksError, match="needs its key for the step open"):
        volume[0].step("open")


def test_a_broken_disk_does_not_hide_its_mapping(tmp_path):
    disk = tmp_path / "loop9"
    disk.write_bytes(b"")
    home = tmp_path / "sys" / "dm-0"
    (home / "dm").mkdir(parents=True)
    (home / "dm" / "name").write_text("d0\n")
    (home / "dm" / "uuid").write_text("CRYPT-LUKS2-%s-d0\n" % UUID.replace("-", ""))
    (home / "slaves" / "loop9").mkdir(parents=True)
    broken = SimpleNamespace(state=probe.UNREADABLE, what="input/output error")
    wanted = replace(WANTED, device=str(disk))
    made = luks_volume.Volume(wanted, Recorder(), sys_block=str(tmp_path / "sys"), probe=lambda *_: broken)
    assert (made.facts().mapper, made.facts().here) == (MAPPED, True)


def a_volume(tmp_path, run=None, **more):
    """A volume on a file that reads as blank."""
    disk = tmp_path / "loop9"
    disk.write_bytes(bytes(32 * header.MIB))
    blank = SimpleNamespace(state=probe.BLANK, what="", zero=True, partitions=False, signature={})
    options = {"marker_dir": str(tmp_path / "markers"), "sys_block": str(tmp_path), "probe": lambda *_: blank, **more}
    return luks_volume.Volume(replace(WANTED, device=str(disk)), run or Recorder(), **options)


def test_a_volume_is_remembered_and_looked_at_again(tmp_path):
    made = a_volume(tmp_path)
    assert made.facts().marker is None
    made.perform(["remember ready"])
    assert made.facts().marker == FormatRecord(UUID, "ready", format_record.boot_id())


def test_mappings_are_read_from_the_kernel(tmp_path):
    home = tmp_path / "dm-0"
    (home / "dm").mkdir(parents=True)
    (home / "dm" / "name").write_text("d0\n")
    (home / "dm" / "uuid").write_text("CRYPT-LUKS2-%s-d0\n" % UUID.replace("-", ""))
    (home / "slaves" / "loop9").mkdir(parents=True)
    assert luks_volume.mappers(str(tmp_path)) == [MAPPED]


@pytest.mark.parametrize(
    ("files", "name", "identity"),
    [
        ({"device/serial": "AWS22D0"}, "nvme1n1", "serial-AWS22D0-n1"),
        ({"serial": "d 0"}, "vda", "serial-d_200"),
        ({"loop/backing_file": "/data/x.img"}, "loop7", "file-_2fdata_2fx.img"),
        ({}, "xvdb", "name-xvdb"),
    ],
)
def test_a_disk_is_remembered_by_what_outlives_a_boot(tmp_path, files, name, identity):
    for file, content in files.items():
        path = tmp_path / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert format_record.identity("/dev/" + name, str(tmp_path)) == identity


@pytest.mark.parametrize("content", ["", "[]", '{"uuid": 1}', '{"uuid": "a", "state": "fine", "boot": "b"}'])
def test_a_damaged_memory_is_no_permission(tmp_path, content):
    path = tmp_path / "m.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(format_record.FormatRecordError):
        format_record.load(str(path))


def test_a_memory_is_read_as_it_was_written(tmp_path):
    path = str(tmp_path / "d" / "m.json")
    assert format_record.load(path) is None
    format_record.save(path, FormatRecord(UUID, "erased", NOW, "digest"))
    assert format_record.load(path) == FormatRecord(UUID, "erased", NOW, "digest")


@pytest.mark.parametrize("steps", ["nothing", "one key", "two keys", "other slots"])
def test_a_rotation_reads_where_it_stopped(steps):
    slots = {
        "nothing": (
            keyslots.Slots((0,), key=(0,), tokens=READY),
            ("add", "prove", "token", "remove old", "remove old tokens"),
        ),
        "two keys": (
            keyslots.Slots((0, 1), key=(0,), new=(1,), tokens=READY),
            ("token", "prove", "remove old", "remove old tokens"),
        ),
        "one key": (
            keyslots.Slots((1,), new=(1,), tokens={**READY, 1: {**READY[0], "keyslots": ["1"]}}),
            ("remove old tokens",),
        ),
        "other slots": (keyslots.Slots((1, 4), new=(1,), tokens={1: {**READY[0], "keyslots": ["1"]}}), ()),
    }[steps]
    assert keyslots.plan_rotated(slots[0]) == slots[1]


def test_thirty_two_keys_are_enough():
    with pytest.raises(keyslots.LuksKeyError, match="All 32 key slots are used"):
        assert keyslots.Slots(tuple(range(32))).free


def test_a_device_that_cannot_be_read_is_a_sentence(tmp_path):
    with pytest.raises(header.HeaderError, match="cannot be read"):
        header.scan(str(tmp_path))


def test_the_processor_is_asked_for_aes(tmp_path):
    for text, has in (
        ("flags\t: fpu aes sse\n", True),
        ("Features\t: fp aes pmull\n", True),
        ("flags\t: fpu sse\n", False),
    ):
        (tmp_path / "cpuinfo").write_text(text)
        assert luks_volume.cpu_has_aes(str(tmp_path / "cpuinfo")) is has


def test_a_key_is_overwritten():
    key = bytearray(b"x" * 64)
    luks_cryptsetup.forget(key)
    assert key == bytearray(64)


def test_the_verdict_names_its_reason():
    assert luks_volume.judge(facts("luks1"), WANTED) == Verdict(
        luks_volume.FOREIGN, "it holds a LUKS1 header, and only LUKS2 is ours"
    )
