"""Kafka's archive: verified before it is unpacked, put in place in one move, never changed after that."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import urllib.error

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._host import archive
from ansible_collections.rackaware.kafka.plugins.modules import kafka_archive

URL = "https://mirror.example.com/kafka_2.13-4.3.1.tgz"
JAR = "kafka_2.13-4.3.1/libs/kafka_2.13-4.3.1.jar"


def packed(*names, link=None):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid = 3, 0o777 if name.endswith(".sh") else 0o666, 1000
            tar.addfile(entry, io.BytesIO(b"jar"))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(entry)
    return raw.getvalue()


GOOD = packed(JAR, "kafka_2.13-4.3.1/bin/kafka-storage.sh")


@pytest.fixture
def web(monkeypatch):
    """What URLs give; a test changes it."""
    served = {URL: GOOD, URL + ".sha512": ("%s  kafka_2.13-4.3.1.tgz\n" % hashlib.sha512(GOOD).hexdigest()).encode()}

    def opened(url):
        if url not in served:
            raise urllib.error.HTTPError(url, 404, "Not Found", {}, None)
        return io.BytesIO(served[url])

    monkeypatch.setattr(kafka_archive, "opened", opened)
    return served


def run(capsys, directory, **params):
    with (
        patch_module_args({"version": "4.3.1", "url": URL, "directory": str(directory), **params}),
        pytest.raises(SystemExit),
    ):
        kafka_archive.main()
    return json.loads(capsys.readouterr().out)


def test_check_then_install_then_nothing(capsys, tmp_path, web):
    assert run(capsys, tmp_path, _ansible_check_mode=True)["changed"]
    assert os.listdir(tmp_path) == []
    first = run(capsys, tmp_path)
    assert first["changed"] and first["sha512"] == hashlib.sha512(GOOD).hexdigest()
    assert os.listdir(tmp_path) == ["kafka-4.3.1"]
    web.clear()
    assert not run(capsys, tmp_path)["changed"], "what is there is not fetched again"


def test_files_belong_to_root_and_only_root_writes_them(capsys, tmp_path, web):
    run(capsys, tmp_path)
    jar, script = tmp_path / "kafka-4.3.1/libs/kafka_2.13-4.3.1.jar", tmp_path / "kafka-4.3.1/bin/kafka-storage.sh"
    assert [(oct(path.stat().st_mode)[-3:], path.stat().st_uid) for path in (jar, script)] == [
        ("644", os.getuid()),
        ("755", os.getuid()),
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({URL + ".sha512": b"0" * 128}, "it was not unpacked"),
        ({URL + ".sha512": b"<html>"}, "holds no SHA-512"),
        ({URL + ".sha512": None}, "set kafka_install_checksum"),
        ({URL: None}, "HTTP Error 404"),
    ],
    ids=["wrong checksum", "no checksum", "missing checksum", "missing archive"],
)
def test_what_cannot_be_verified_changes_nothing(capsys, tmp_path, web, change, sentence):
    for url, content in change.items():
        web.pop(url)
        if content is not None:
            web[url] = content
    assert sentence in run(capsys, tmp_path)["msg"]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not an archive", "is no gzipped tar archive"),
        (packed("kafka_2.13-4.3.0/libs/kafka_2.13-4.3.0.jar"), "is not the archive of Kafka 4.3.1"),
        (packed(JAR, "kafka_2.13-4.3.1/../../etc/cron.d/x"), "holds paths"),
        (packed(JAR, "other/x"), "holds paths"),
        (packed(JAR, "/etc/cron.d/x"), "holds paths"),
        (packed(JAR, link="kafka_2.13-4.3.1/x"), "holds paths"),
    ],
    ids=["no archive", "another version", "a path upwards", "two tops", "an absolute path", "a link"],
)
def test_what_is_no_archive_of_kafka_is_refused(capsys, tmp_path, web, content, sentence):
    web[URL] = content
    assert sentence in run(capsys, tmp_path, checksum=hashlib.sha512(content).hexdigest())["msg"]
    assert os.listdir(tmp_path) == []


def test_a_given_checksum_needs_no_file_and_may_be_in_capitals(capsys, tmp_path, web):
    del web[URL + ".sha512"]
    assert run(capsys, tmp_path, checksum=hashlib.sha512(GOOD).hexdigest().upper())["changed"]
    assert "choose another kafka_version" in run(capsys, tmp_path, checksum="1" * 128)["msg"]
    assert "128 hexadecimal digits" in run(capsys, tmp_path, checksum="abc")["msg"]


def test_a_foreign_directory_is_left_alone(capsys, tmp_path, web):
    (tmp_path / "kafka-4.3.1").mkdir()
    assert "move it away" in run(capsys, tmp_path)["msg"]


def test_what_a_run_that_died_left_behind_is_removed(capsys, tmp_path, web):
    (tmp_path / ".kafka-4.3.1.dead" / "tree").mkdir(parents=True)
    (tmp_path / ".kafka-3.9.2.alive").mkdir()
    run(capsys, tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".kafka-3.9.2.alive", "kafka-4.3.1"]


@pytest.mark.parametrize(
    "text",
    ["{d}  kafka_2.13-4.3.1.tgz\n", "{d}\n", "{d} *kafka_2.13-4.3.1.tgz\n", "kafka_2.13-4.3.1.tgz: {g}\n"],
    ids=["sha512sum", "bare", "binary", "as Apache publishes it"],
)
def test_every_form_of_a_checksum_file_is_read(text):
    digest = hashlib.sha512(b"x").hexdigest()
    groups = "\n ".join(" ".join(digest.upper()[at : at + 8] for at in range(row, row + 64, 8)) for row in (0, 64))
    assert archive.parse_checksum(text.format(d=digest, g=groups), URL) == digest
