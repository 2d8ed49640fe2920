"""main() of kerberos_keytab: check, apply, again, and the error; and that the keytab is in no result."""

from __future__ import annotations

import base64
import os
import struct

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secrets
from ansible_collections.rackaware.kafka.plugins.module_utils._host import keytab, service_state
from ansible_collections.rackaware.kafka.plugins.modules import kerberos_keytab

PRINCIPAL = "kafka/b1@EXAMPLE.COM"
KEY = b"c4n4ry-key"


def made(version):
    names = b"".join(struct.pack(">H", len(each)) + each for each in (b"EXAMPLE.COM", b"kafka", b"b1"))
    body = struct.pack(">H", 2) + names + struct.pack(">IIBHH", 1, 0, version, 18, len(KEY)) + KEY
    return keytab.MAGIC + struct.pack(">i", len(body)) + body


class Store:
    def __init__(self):
        self.texts = {}

    def one(self, where):
        text = self.texts.get(where.name)
        return secrets.Password(text, "v") if text else None


@pytest.fixture()
def run(run_main, monkeypatch, tmp_path):
    store = Store()
    monkeypatch.setattr(secrets, "connect", lambda: store)
    monkeypatch.setattr(service_state, "runs", lambda *_: True)
    # Without a right to give files away a test has its own numbers.
    monkeypatch.setattr(keytab.staging, "ids", lambda *_: (os.getuid(), os.getgid()))

    def call(check=False, **more):
        given = {"keytab": {"secret": "kafka/demo/b1"}, "principal": PRINCIPAL, "dest": str(tmp_path / "k" / "keytab")}
        return run_main(kerberos_keytab, check=check, **{**given, **more})

    call.store, call.dest = store.texts, tmp_path / "k" / "keytab"
    return call


def test_check_apply_again(run):
    run.store["kafka/demo/b1"] = base64.b64encode(made(3)).decode()
    check = run(check=True)
    assert check["changed"] and not run.dest.exists()
    done = run()
    assert (done["changed"], done["versions"], done["staged"]) == (True, [3], False)
    assert run.dest.read_bytes() == made(3) and run.dest.stat().st_mode & 0o777 == 0o440
    again = run()
    assert not again["changed"]
    for form in (KEY.decode(), KEY.hex(), base64.b64encode(made(3)).decode()):
        assert form not in str([check, done, again])


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        (None, {}, "There is no keytab, because there is no secret kafka/demo/b1; put it there."),
        (
            base64.b64encode(made(3)).decode(),
            {"principal": "kafka/b2@EXAMPLE.COM"},
            "has no key of kafka/b2@EXAMPLE.COM",
        ),
        ("c4n4ry", {}, "is not in base64"),
        (None, {"keytab": {"parameter": "/a:3"}}, "kafka_keytab has '/a:3', which is no name of a parameter"),
        (None, {"keytab": {}}, "must be in one secret, one parameter or one file"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_written(run, text, given, sentence):
    run.store["kafka/demo/b1"] = text
    said = run(**given)
    assert said["failed"] and sentence in said["msg"] and "c4n4ry" not in str(said) and not run.dest.exists()


def test_an_error_that_was_not_foreseen_shows_its_type_only(run, monkeypatch):
    monkeypatch.setattr(keytab, "check", lambda data, *_: {}[data])
    run.store["kafka/demo/b1"] = base64.b64encode(made(3)).decode()
    said = run()
    assert said["msg"] == "The keytab could not be kept: KeyError." and "c4n4ry" not in str(said)
