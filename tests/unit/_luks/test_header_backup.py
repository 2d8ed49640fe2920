"""Copies of headers: which volume and state a copy is of, and that an earlier volume never comes back over the next."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._luks import format_record, header, header_backup
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import volume as luks_volume
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.header import Header, Scan
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.header_backup import Copy, HeaderBackupError
from ansible_collections.rackaware.kafka.plugins.modules import luks_header_backup

UUID = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44"
NEXT = Header(version=2, uuid=UUID, keyslots=(0,), sequence=3, key_digest="next", copies=2)
# As cryptsetup counts: three steps make a volume, so that the one before has the same number.
EARLIER = replace(NEXT, key_digest="earlier")


def copy_of(held):
    return Copy(held, 0o400, owned=True)


def restored(scan, held, **more):
    options = {
        "copy": copy_of(held),
        "uuid": UUID,
        "confirm_uuid": UUID,
        "used": "",
        "signed": False,
        "remembered": "next",
        "dest": "/copy",
        **more,
    }
    return header_backup.plan_restored(scan, **options)


def test_a_copy_of_an_earlier_volume_is_not_up_to_date():
    assert header_backup.plan_present(NEXT, copy_of(EARLIER), UUID, "/copy") == ("remove copy", "copy")
    assert header_backup.plan_present(NEXT, copy_of(replace(NEXT, copies=1)), UUID, "/copy") == ()


@pytest.mark.parametrize(
    "present", [NEXT, replace(NEXT, sequence=4), replace(NEXT, sequence=1), replace(NEXT, copies=1)]
)
def test_it_is_not_restored_over_a_header_of_the_next(present):
    with pytest.raises(HeaderBackupError, match="is of an earlier volume"):
        restored(Scan(present, torn=False), EARLIER)
    assert restored(Scan(present, torn=False), replace(NEXT, sequence=9)) == ("restore",)


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize(
    ("remembered", "held", "refused"), [("next", NEXT, False), ("next", EARLIER, True), ("", NEXT, True)]
)
def test_over_a_damaged_header_only_a_copy_of_the_volume_that_this_host_formatted_is_restored(
    torn, remembered, held, refused
):
    if refused:
        with pytest.raises(
            HeaderBackupError, match="does not know the device as %s with the volume key of /copy" % UUID
        ):
            restored(Scan(None, torn), held, remembered=remembered)
    else:
        assert restored(Scan(None, torn), held, remembered=remembered) == ("restore",)


def luks2(path, salt, *, uuid=UUID, slots=("0",), unbound=False):
    """The first header of a LUKS2 volume, with nothing behind it."""
    digests = {"0": {"salt": salt, "digest": "d", "segments": ["0"], "keyslots": list(slots)}}
    if unbound:
        digests["1"] = {"salt": "other", "digest": "e", "segments": [], "keyslots": ["5"]}
    area = {
        "segments": {"0": {}},
        "keyslots": {slot: {"key_size": 64} for slot in slots},
        "tokens": {},
        "config": {},
        "digests": digests,
    }
    binary = bytearray(header.BINARY)
    binary[:6], binary[6:24] = header.PRIMARY, struct.pack(">HQQ", 2, header.OFFSETS[0], 3)
    binary[72:78], binary[168 : 168 + len(uuid)] = b"sha256", uuid.encode()
    whole = (bytes(binary) + json.dumps(area).encode()).ljust(header.OFFSETS[0], b"\0")
    with open(path, "r+b" if path.exists() else "wb") as stream:
        stream.write(whole[:448] + hashlib.sha256(whole).digest().ljust(64, b"\0") + whole[512:])


def test_a_volume_is_known_by_its_volume_key_whatever_its_slots_are(tmp_path):
    def digest(*given, **more):
        luks2(tmp_path / "disk", *given, **more)
        return header.scan(str(tmp_path / "disk")).header.key_digest

    assert digest("a") == digest("a", slots=("1", "2")) == digest("a", unbound=True) != digest("b")


def test_a_format_destroys_copies_of_the_earlier_volume_and_notes_the_key_of_the_new_one(tmp_path):
    copies, disk = tmp_path / "markers" / "headers", tmp_path / "disk"
    copies.mkdir(parents=True)
    disk.write_bytes(bytes(32 * header.MIB))
    luks2(copies / "d0.luks", "earlier")
    luks2(copies / "d1.luks", "of another store", uuid=UUID.replace("6", "7"))
    (copies / "notes").write_text("mine")
    (copies / "old").mkdir()

    def run(argv, **_):
        if "luksFormat" in argv:
            luks2(disk, "new")
        return 0, "", ""

    wanted = luks_volume.Wanted(device=str(disk), name="d0", uuid=UUID, label="d0", subsystem="s")
    volume = luks_volume.Volume(wanted, run, marker_dir=str(tmp_path / "markers"), sys_block=str(tmp_path))
    volume.perform(["remember formatting", "format"], bytearray(64))
    assert sorted(path.name for path in copies.iterdir()) == ["d1.luks", "notes", "old"]
    record = format_record.load(format_record.path_of(str(disk), str(tmp_path / "markers"), str(tmp_path)))
    assert (record.state, record.key_digest) == ("formatting", header.scan(str(disk)).header.key_digest)
    volume.perform(["remember ready"])
    assert (
        format_record.load(format_record.path_of(str(disk), str(tmp_path / "markers"), str(tmp_path))).key_digest
        == record.key_digest
    )


@pytest.mark.parametrize(
    ("known", "found", "noted"),
    [
        ("", NEXT, "next"),
        ("earlier", NEXT, "earlier"),
        ("", replace(NEXT, uuid="11111111-3a51-4f0e-9d0c-0f6ef3a41a44"), ""),
        ("", None, ""),
    ],
)
def test_a_record_of_an_earlier_release_gets_the_key_of_the_header_that_is_copied(tmp_path, known, found, noted):
    path = str(tmp_path / "disk.json")
    record = format_record.FormatRecord(uuid=UUID, state=format_record.READY, boot="b", key_digest=known)
    format_record.save(path, record)
    luks_header_backup._note_key(path, found)
    assert format_record.load(path) == replace(record, key_digest=noted)
