"""Stores by their units: what is to do, what is done, and whose words are given when a store stays locked."""

from __future__ import annotations

import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._luks import device_match, unlocker, volume
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import header as luks_header
from ansible_collections.rackaware.kafka.plugins.module_utils._luks.header import Header, Scan
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import activate
from ansible_collections.rackaware.kafka.plugins.modules import encrypted_store

SERVICE, MOUNT = "kafka-luks@d0.service", "mnt-d0.mount"
ON = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
    "StatusText": "",
    "Result": "success",
}
OFF = {**ON, "ActiveState": "inactive", "UnitFileState": "disabled"}
UUID = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44"


class Systemd:
    """Gives its answers one by one, the last one again and again, and records all other requests."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, argv, **_more):
        if argv[1] != "show":
            self.asked.append(argv[1:])
            return 0, "", ""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        blocks = zip((SERVICE, MOUNT), answer)
        return (
            0,
            "\n\n".join("\n".join(["Id=" + name, *("%s=%s" % pair for pair in told.items())]) for name, told in blocks)
            + "\n",
            "",
        )


@pytest.fixture()
def call(monkeypatch, capsys):
    def run(systemd, check=False, **more):
        monkeypatch.setattr(
            encrypted_store.AnsibleModule, "run_command", lambda _self, argv, **how: systemd(argv, **how)
        )
        monkeypatch.setattr(activate, "owned", lambda *_: True)
        monkeypatch.setattr(activate, "_give", lambda mount, root: systemd.asked.append(["give", mount, root.owner]))
        params = {"stores": [{"store": "d0", "mount": "/mnt/d0"}], "_ansible_check_mode": check, **more}
        with patch_module_args(params), pytest.raises(SystemExit):
            encrypted_store.main()
        return json.loads(capsys.readouterr().out)

    return run


def test_a_store_is_enabled_opened_and_mounted_and_check_mode_says_the_same(call):
    checked = Systemd((OFF, OFF))
    first = call(checked, check=True)
    assert checked.asked == []
    systemd = Systemd((OFF, OFF), (dict(OFF, ActiveState="activating"), OFF), (ON, ON))
    second = call(systemd)
    assert first["changed"] and second["changed"] and first["stores"] == second["stores"]
    assert second["stores"][0]["actions"] == ["enable", "open", "mount"]
    assert [words[0] for words in systemd.asked] == ["daemon-reload", "enable", "reset-failed", "start"]
    assert systemd.asked[-1] == ["start", "--no-block", SERVICE, MOUNT]


def test_an_open_store_is_left_alone(call):
    systemd = Systemd((ON, ON))
    assert call(systemd)["changed"] is False and systemd.asked == []


def test_a_changed_unit_is_reloaded(call):
    systemd = Systemd((dict(ON, NeedDaemonReload="yes"), ON))
    assert call(systemd)["stores"][0]["actions"] == ["reload"] and systemd.asked == [["daemon-reload"]]


def test_the_mounted_root_is_given_to_its_owner(call):
    systemd = Systemd((OFF, OFF), (ON, ON))
    call(systemd, owner="daemon", group="daemon", mode="0750")
    assert systemd.asked[-1] == ["give", "/mnt/d0", "daemon"]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            dict(OFF, ActiveState="activating", StatusText="locked: AWS says AccessDenied. Next attempt in 300 s."),
            "stays locked, and tries again every few",
        ),
        (
            dict(OFF, ActiveState="failed", StatusText="refused: the disk holds ext4."),
            "is not open: refused: the disk holds ext4. See journalctl",
        ),
        (
            dict(OFF, ActiveState="activating", StatusText="waiting: no network"),
            "goes on trying. It says: waiting: no network.",
        ),
    ],
)
def test_what_keeps_a_store_closed_is_said_in_the_unlockers_words(call, told, sentence):
    result = call(Systemd((OFF, OFF), (told, OFF)), timeout=0)
    assert result["failed"] and sentence in result["msg"], result["msg"]


def test_a_mount_point_that_is_none_is_refused(call):
    assert "is no plain absolute path" in call(Systemd((ON, ON)), stores=[{"store": "d0", "mount": "mnt"}])["msg"]


def test_ownership_is_judged_by_owner_group_and_mode(tmp_path):
    tmp_path.chmod(0o750)
    name = {os.getuid(): activate.pwd.getpwuid(os.getuid()).pw_name}[os.getuid()]
    group = activate.grp.getgrgid(tmp_path.stat().st_gid).gr_name
    assert activate.owned(str(tmp_path), activate.Root(name, group, "0750"))
    assert not activate.owned(str(tmp_path), activate.Root(name, group, "0755"))


# Places: which disk, and what lies below a mount.


def header(uuid):
    return Header(
        version=2, uuid=uuid, label="", subsystem="", cipher="", key_size=512, sector_size=512, keyslots=(), tokens={}
    )


@pytest.fixture()
def by_id(tmp_path):
    for name in "ab":
        (tmp_path / ("disk-" + name)).write_text("")
        (tmp_path / ("store-" + name)).symlink_to(tmp_path / ("disk-" + name))
        (tmp_path / ("store-%s-part1" % name)).symlink_to(tmp_path / ("disk-" + name))
        (tmp_path / ("store-%s_1" % name)).symlink_to(tmp_path / ("disk-" + name))
    return tmp_path


def test_links_to_one_disk_count_once_and_partitions_not_at_all(by_id):
    assert device_match.disks(str(by_id / "store-*")) == [str(by_id / "store-a"), str(by_id / "store-b")]


def test_a_disk_with_the_volume_is_found_wherever_it_is_and_a_blank_one_by_turn(by_id):
    pattern = str(by_id / "store-*")

    def scan(path):
        return Scan(header(UUID) if path.endswith("-b") else None, torn=False)

    assert device_match.find(pattern, UUID, 0, 2, scan) == str(by_id / "store-b")
    blank = [device_match.find(pattern, UUID, slot, 2, lambda _path: Scan(None, torn=False)) for slot in range(3)]
    assert blank == [str(by_id / "store-a"), str(by_id / "store-b"), None]


def test_no_disk_is_chosen_by_turn_before_all_are_there(by_id):
    (by_id / "store-a").unlink()
    (by_id / "store-a_1").unlink()
    assert device_match.find(str(by_id / "store-*"), UUID, 0, 2, lambda _path: Scan(None, torn=False)) is None


def test_a_mount_point_is_made_closed_and_made_once(tmp_path):
    mount = tmp_path / "a/b"
    # The unlocker's own, with which no other user could pass the directories above.
    before = os.umask(0o077)
    try:
        for _time in range(2):
            device_match.cover(str(mount))
            assert mount.stat().st_mode & 0o7777 == 0
        assert mount.parent.stat().st_mode & 0o7777 == 0o755
    finally:
        os.umask(before)
        unlock(mount)


def test_a_mount_point_that_holds_something_is_refused(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/file").write_text("")
    with pytest.raises(device_match.DeviceMatchError, match="is not empty"):
        device_match.cover(str(tmp_path / "m"))
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(device_match.DeviceMatchError, match="symbolic link"):
        device_match.cover(str(tmp_path / "link"))


def unlock(path):
    """So that the test's directory can be removed."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = device_match._flags(handle)
        if flags is not None and flags & device_match.IMMUTABLE:
            device_match.fcntl.ioctl(
                handle, device_match.SET_FLAGS, device_match.struct.pack("l", flags & ~device_match.IMMUTABLE)
            )
    finally:
        os.close(handle)


# The keys that a new configuration names, against the volume that is there.

SUBSYSTEM = "kafka-demo-1"


def wrapped(version, sha=None, **more):
    """A wrapped key; its ciphertext, and so its digest, is another for each version, unless said otherwise."""
    return {
        "bucket": "keys",
        "key": "demo/1/LuksInternalStorageKey-d0",
        "version_id": version,
        "sha256": (sha or version)[-1] * 64,
        "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "expected_bucket_owner": "123456789012",
        "encryption_context": {"cluster_id": "demo", "node_id": "1"},
        **more,
    }


def token(key, slots=("0",)):
    return {**key, "type": "rackaware-kms", "state": "ready", "keyslots": list(slots)}


@pytest.fixture()
def told(tmp_path, monkeypatch, by_id):
    """The configuration of one store, as the role gives it to the module, and the header on its second disk."""
    own = activate.pwd.getpwuid(os.getuid()).pw_name
    group = activate.grp.getgrgid(os.getgid()).gr_name
    monkeypatch.setattr(unlocker, "CONFIG", str(tmp_path / "etc"))

    def given(*keys, on_disk=None, uuid=UUID, slots=(0,), file=None):
        headers = (
            {}
            if on_disk is None
            else {
                str(tmp_path / "store-b"): Header(
                    2, uuid, subsystem=SUBSYSTEM, keyslots=slots, tokens=dict(enumerate(on_disk))
                )
            }
        )
        monkeypatch.setattr(luks_header, "scan", lambda path: Scan(headers.get(path), torn=False))
        content = {"name": "kafka-d0", "uuid": UUID, "subsystem": SUBSYSTEM, "keys": list(keys), "slots": 2}
        content.update(
            {"file": {"path": str(tmp_path / "store-b"), "size": "1G"}}
            if file
            else {"device": str(tmp_path / "store-*")}
        )
        place = {"owner": own, "group": group}
        return {
            "stores": [{"store": "d0", "mount": "/mnt/d0"}],
            "directories": [{"path": str(tmp_path / "etc"), "mode": "0700", **place}],
            "files": [{"dest": str(tmp_path / "etc/d0.json"), "content": json.dumps(content), "mode": "0600", **place}],
        }

    monkeypatch.setattr(volume, "check_names", lambda *_args, **_more: None)
    return given


@pytest.mark.parametrize("state", [ON, OFF], ids=["open", "closed"])
@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
@pytest.mark.parametrize("file", [False, True], ids=["disk", "file"])
def test_a_configuration_that_no_longer_opens_the_volume_is_not_written(call, told, tmp_path, state, check, file):
    systemd = Systemd((state, state))
    result = call(systemd, check=check, timeout=0, **told(wrapped("v2"), on_disk=[token(wrapped("v1"))], file=file))
    assert result["failed"] and not result["changed"] and systemd.asked == []
    assert (
        "the volume on %s/store-b opens with version v1 of s3://keys/demo/1/LuksInternalStorageKey-d0" % tmp_path
        in result["msg"]
    )
    assert "names only version v2" in result["msg"] and "stay locked at the next boot" in result["msg"]
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize(
    ("keys", "header"),
    [
        (["v1"], {"on_disk": [token(wrapped("v1"))]}),
        (["v1", "v2"], {"on_disk": [token(wrapped("v1"))]}),
        (["v1", "v2"], {"on_disk": [token(wrapped("v2"))]}),
        (["v2"], {"on_disk": [token(wrapped("v1")), token(wrapped("v2"), ["1"])], "slots": (0, 1)}),
        (["v2"], {}),
        (["v2"], {"on_disk": []}),
        (["v2"], {"on_disk": [token(wrapped("v1"))], "uuid": UUID.replace("6f", "70")}),
        (["v2"], {"on_disk": [{"type": "clevis", "keyslots": ["0"]}]}),
    ],
    ids=[
        "the same",
        "rotation begun",
        "rotation done",
        "old token left",
        "blank",
        "no token yet",
        "another volume",
        "a token that is not ours",
    ],
)
def test_a_configuration_that_opens_the_volume_or_has_none_is_written(call, told, tmp_path, keys, header):
    result = call(Systemd((ON, ON)), **told(*map(wrapped, keys), **header))
    assert result["changed"] and result["changed_files"] == [str(tmp_path / "etc/d0.json")], result
    assert json.loads((tmp_path / "etc/d0.json").read_text())["keys"] == [wrapped(key) for key in keys]
    again = call(Systemd((ON, ON)), **told(*map(wrapped, keys), **header))
    assert not again["changed"] and again["changed_files"] == []


def test_a_version_that_was_copied_back_is_the_same_key(call, told):
    assert call(Systemd((ON, ON)), **told(wrapped("v3", sha="v1"), on_disk=[token(wrapped("v1"))]))["changed"]
    other = wrapped("v3", sha="v1", encryption_context={"cluster_id": "demo", "node_id": "2"})
    assert "stay locked" in call(Systemd((ON, ON)), **told(other, on_disk=[token(wrapped("v1"))]))["msg"]


def test_a_token_whose_slot_is_gone_does_not_count(call, told):
    left = [token(wrapped("v1"), []), token(wrapped("v2"), ["1"])]
    assert "opens with version v2" in call(Systemd((ON, ON)), **told(wrapped("v1"), on_disk=left, slots=(1,)))["msg"]


def test_a_store_that_then_stays_locked_says_what_was_written(call, told, tmp_path):
    locked = dict(OFF, ActiveState="activating", StatusText="locked: AWS says AccessDenied.")
    result = call(Systemd((OFF, OFF), (locked, OFF)), timeout=0, **told(wrapped("v1")))
    assert result["failed"] and result["changed"] and result["changed_files"] == [str(tmp_path / "etc/d0.json")]
