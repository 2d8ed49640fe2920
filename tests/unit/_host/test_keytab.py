"""A keytab: what is read from it, which are refused, where it goes, and that its keys are in no sentence and no repr."""

from __future__ import annotations

import base64
import os
import struct

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._host import keytab

REALM, PRINCIPAL = "EXAMPLE.COM", "kafka/b1.example.com@EXAMPLE.COM"
KEY = b"c4n4ry-key"
WHERE = keytab.Source("secret", "kafka/demo/b1")


def entry(principal=PRINCIPAL, version=2, kind=18, *, small=False):
    name, _at, realm = principal.rpartition("@")
    parts = [realm, *name.split("/")]
    body = struct.pack(">H", len(parts) - 1)
    body += b"".join(struct.pack(">H", len(each)) + each.encode() for each in parts)
    body += struct.pack(">IIBHH", 1, 1700000000, version & 0xFF, kind, len(KEY)) + KEY
    body += b"" if small else struct.pack(">I", version)
    return struct.pack(">i", len(body)) + body


def table(*parts):
    return keytab.MAGIC + b"".join(parts)


HOLE = struct.pack(">i", -6) + b"\0" * 6


def test_whose_keys_are_in_it_of_which_version_and_kind():
    data = table(entry(), HOLE, entry("alice@EXAMPLE.COM", 300), entry("bob@EXAMPLE.COM", 7, 17, small=True))
    assert keytab.entries(data) == [
        keytab.Entry(PRINCIPAL, 2, 18),
        keytab.Entry("alice@EXAMPLE.COM", 300, 18),
        keytab.Entry("bob@EXAMPLE.COM", 7, 17),
    ]
    assert keytab.check(table(entry(), entry(version=3), entry(version=3, kind=17)), PRINCIPAL, WHERE) == [3, 2]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "secret kafka/demo/b1 is none; put there what ktadd of kadmin writes"),
        (b"-----BEGIN PRIVATE KEY-----", "is none; put there"),
        (table(entry())[:-9], "is none; put there"),
        (table(struct.pack(">i", 3) + b"\0\x09\0"), "is none; put there"),
        (table(), "has no key of kafka/b1.example.com@EXAMPLE.COM, but of no one; add it with ktadd"),
        (table(entry("kafka/b2@EXAMPLE.COM")), "has no key of .* but of kafka/b2@EXAMPLE.COM; add it"),
        (
            table(entry("kafka/b1.example.com@OTHER.ORG")),
            "has keys of kafka/b1.example.com@OTHER.ORG, which is of another",
        ),
        (
            table(entry(kind=23)),
            "has only old kinds of keys of kafka/b1.example.com@EXAMPLE.COM in version 2, its newest, which Java does not",
        ),
        (table(entry(version=3, kind=23), entry()), "in version 3, its newest, which Java does not use; have the KDC"),
    ],
    ids=[
        "empty",
        "another kind of file",
        "cut off",
        "no entry",
        "no key",
        "another name",
        "another realm",
        "old kinds",
        "the newest of an old kind",
    ],
)
def test_one_that_would_not_do_is_refused_in_one_sentence(data, sentence):
    with pytest.raises(keytab.KeytabError, match=sentence) as caught:
        keytab.check(data, PRINCIPAL, WHERE)
    assert "c4n4ry" not in str(caught.value)


def kept(text):
    return lambda _kind, _name: text


def test_it_comes_from_aws_in_base64_or_from_a_file(tmp_path):
    data = table(entry())
    lines = base64.encodebytes(data).decode()
    assert keytab.read(WHERE, kept(lines)) == data
    (tmp_path / "k").write_bytes(data)
    assert keytab.read(keytab.Source("file", str(tmp_path / "k")), kept(None)) == data


@pytest.mark.parametrize(
    ("where", "text", "sentence"),
    [
        (WHERE, None, "There is no keytab, because there is no secret kafka/demo/b1; put it there"),
        (WHERE, "c4n4ry!", "secret kafka/demo/b1 is not in base64; put what base64 makes of the keytab there"),
        (keytab.Source("file", "/nowhere"), None, "cannot be read from the file /nowhere: No such file or directory"),
    ],
)
def test_what_cannot_be_read_is_said_without_its_content(where, text, sentence):
    with pytest.raises(keytab.KeytabError, match=sentence) as caught:
        keytab.read(where, kept(text))
    assert "c4n4ry" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("given", [{}, {"secret": "a", "file": "/b"}, {"host": "b1"}])
def test_it_is_in_one_place(given):
    with pytest.raises(keytab.KeytabError, match="must be in one secret, one parameter or one file"):
        keytab.source(given)


@pytest.fixture()
def place(tmp_path):
    return str(tmp_path / "kafka.keytab")


def put(path, data):
    with open(path, "wb") as stream:
        stream.write(data)


def test_a_new_version_goes_in_place_while_the_broker_runs(place):
    old, new = table(entry()), table(entry(), entry(version=3))
    assert keytab.decide(new, place, PRINCIPAL, held=True).writes == place
    put(place, old)
    step = keytab.decide(new, place, PRINCIPAL, held=True)
    assert (step.writes, step.waits, step.changed) == (place, False, True) and "c4n4ry" not in repr(step)
    put(place, new)
    assert not keytab.decide(new, place, PRINCIPAL, held=True).changed


def test_for_another_principal_than_the_running_brokers_it_waits_for_the_restart(place):
    put(place, table(entry("kafka/old@EXAMPLE.COM", 9)))
    data = table(entry())
    step = keytab.decide(data, place, PRINCIPAL, held=True)
    assert (step.writes, step.waits) == (place + ".staged", True)
    put(place + ".staged", data)
    assert not keytab.decide(data, place, PRINCIPAL, held=True).changed
    step = keytab.decide(data, place, PRINCIPAL, held=False)
    assert (step.writes, step.drops, step.waits) == (place, place + ".staged", False)


def test_a_damaged_one_is_replaced_at_once(place):
    put(place, table(entry())[:-9])
    step = keytab.decide(table(entry()), place, PRINCIPAL, held=True)
    assert (step.writes, step.waits) == (place, False)


def test_an_older_one_is_refused(place):
    put(place, table(entry(version=3)))
    with pytest.raises(keytab.KeytabError, match="newest key of .* is version 2, and that in .* is version 3 already"):
        keytab.decide(table(entry()), place, PRINCIPAL, held=False)


def test_only_root_writes_it_and_only_the_group_reads_it(tmp_path, monkeypatch):
    # Without a right to give files away a test has its own numbers.
    monkeypatch.setattr(keytab.staging, "ids", lambda *_: (os.getuid(), os.getgid()))
    place = str(tmp_path / "kerberos" / "kafka.keytab")
    keytab.apply(keytab.decide(table(entry()), place, PRINCIPAL, held=False), "root")
    status = os.stat(place)
    assert (
        status.st_mode & 0o777 == 0o440 and keytab.decide(table(entry()), place, PRINCIPAL, held=False).changed is False
    )
    assert os.stat(os.path.dirname(place)).st_mode & 0o777 == 0o750
