"""User data that set a store up without Ansible, and the archive that they fetch."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.stores import encrypted_store_launch
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._stores import files, launch_template

KEY = {
    "bucket": "b",
    "key": "secretfs/secretfs/LuksInternalStorageKey-secretfs",
    "version_id": "v1",
    "sha256": "a" * 64,
    "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "encryption_context": {"n": "1"},
    "expected_bucket_owner": "123456789012",
}
STORE = {
    "store": "secretfs",
    "name": "secretfs",
    "mount": "/mnt/secretfs",
    "uuid": "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44",
    "subsystem": "secretfs",
    "file": {"path": "/var/lib/secretfs.img", "size": "2G"},
    "allow_format": "blank_only",
    "keys": [KEY],
}
PLACE = {"bucket": "b", "prefix": "secretfs", "region": "eu-west-1", "owner": "123456789012"}


def program(found):
    """Its text, and what it defines up to where it would begin to do things."""
    text = base64.b64decode(found["user_data"]).decode()
    names: dict = {}
    exec(compile(text[: text.index("if not ready")], "user-data", "exec"), names)
    return text, names


def test_the_archive_holds_what_the_role_would_write_with_the_same_modes():
    found = encrypted_store_launch([STORE], **PLACE)
    content = base64.b64decode(found["content"])
    written = files.files([STORE])
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        entries = {"/" + each.name: each for each in archive if each.isfile()}
        assert {path: archive.extractfile(entry).read().decode() for path, entry in entries.items()} == {
            path: file["content"] for path, file in written.items()
        }
        assert all(
            "%04o" % entry.mode == written[path]["mode"] and (entry.uid, entry.gid) == (0, 0)
            for path, entry in entries.items()
        )
        assert archive.getmember("etc/kafka-luks").mode == 0o700
    assert (
        hashlib.sha256(content).hexdigest() == found["sha256"]
        and found["object_key"] == "secretfs/launch/%s.tar.gz" % found["sha256"]
    )


def test_the_same_stores_make_the_same_archive_and_others_another():
    first, again = encrypted_store_launch([STORE], **PLACE), encrypted_store_launch([STORE], **PLACE)
    other = encrypted_store_launch([{**STORE, "keys": [{**KEY, "version_id": "v2"}]}], **PLACE)
    assert first == again and first["object_key"] != other["object_key"] and first["user_data"] != other["user_data"]


def test_the_user_data_are_a_program_that_fits_and_holds_names_only():
    found = encrypted_store_launch([STORE], **PLACE)
    text, names = program(found)
    compile(text, "user-data", "exec")
    assert text.startswith("#!/usr/bin/python3\n") and len(text) < launch_template.LARGEST
    assert names["FACTS"] == {
        "bucket": "b",
        "key": found["object_key"],
        "sha256": found["sha256"],
        "region": "eu-west-1",
        "owner": "123456789012",
        "packages": {
            "apt-get": ["cryptsetup-bin", "python3-boto3", "xfsprogs"],
            "dnf": ["cryptsetup", "python3-boto3", "xfsprogs"],
        },
        "units": ["kafka-luks@secretfs.service", "mnt-secretfs.mount"],
    }
    assert not re.search(r"version_id|BEGIN|AKIA", text)


def test_a_unit_whose_name_is_escaped_arrives_as_it_is():
    found = encrypted_store_launch([{**STORE, "mount": "/mnt/secret-fs"}], **PLACE)
    assert program(found)[1]["FACTS"]["units"][1] == "mnt-secret\\x2dfs.mount"


def test_too_many_stores_are_refused():
    stores = [
        {
            **STORE,
            "store": "s%d" % number,
            "name": "n%d" % number,
            "mount": "/mnt/%s%d" % ("x" * 200, number),
            "uuid": "6f1c0b6d-3a51-4f0e-9d0c-%012d" % number,
        }
        for number in range(100)
    ]
    with pytest.raises(RackawareError, match="EC2 takes 16384"):
        encrypted_store_launch(stores, **PLACE)


def test_a_store_that_is_not_whole_is_refused():
    with pytest.raises(RackawareError, match="must say name"):
        encrypted_store_launch([{**STORE, "keys": []}], **PLACE)


def test_an_object_with_another_digest_is_not_unpacked(monkeypatch):
    names = program(encrypted_store_launch([STORE], **PLACE))[1]

    class S3:
        def client(self, *_args, **_more):
            return self

        def get_object(self, **asked):
            assert asked == {"Bucket": "b", "Key": names["FACTS"]["key"], "ExpectedBucketOwner": "123456789012"}
            return {"Body": io.BytesIO(b"something else")}

    import boto3

    monkeypatch.setattr(boto3.session, "Session", lambda **_: S3())
    with pytest.raises(ValueError, match="another digest"):
        names["fetch"]()


def test_what_comes_late_is_insisted_on(monkeypatch, capsys):
    names = program(encrypted_store_launch([STORE], **PLACE))[1]
    waits, answers = [], [OSError("secret text"), OSError(), "content"]
    monkeypatch.setattr(names["time"], "sleep", waits.append)

    def attempt():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert names["insist"]("it", attempt) == "content" and waits == [1, 2]
    assert "it: OSError; next attempt in 1 s" in capsys.readouterr().err
