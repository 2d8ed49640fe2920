"""The record of verified passwords: what it says, when it says nothing, and that no password is in it."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secrets
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import password_versions, users
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

SECRET = "c4n4ry-p4ssw0rd"
SHA512, SHA256 = "SCRAM-SHA-512", "SCRAM-SHA-256"


def user(name="app", mechanism=SHA512, iterations=8192, version="v-1", where="kafka/demo/app"):
    return users.Wanted(name, mechanism, iterations, SECRET, secrets.Source("secret", where), version)


PLAIN = users.Wanted("plain", SHA512, 8192, SECRET)


@pytest.fixture()
def record(tmp_path):
    def versions(*present, cluster="one"):
        return password_versions.Versions(str(tmp_path / "made" / "record"), lambda: cluster, present)

    versions.path = tmp_path / "made" / "record"
    return versions


def keys(listed):
    return [each.key for each in listed]


def test_a_user_that_logged_in_with_a_version_need_not_do_so_again(record):
    first = record(user(), PLAIN)
    assert keys(first.unknown([user(), PLAIN])) == [user().key, PLAIN.key]
    first.keep([user(), PLAIN], [])
    assert keys(record(user(), PLAIN).unknown([user(), PLAIN])) == [PLAIN.key]
    assert record.path.stat().st_mode & 0o777 == 0o600 and SECRET not in record.path.read_text()
    assert list(json.loads(record.path.read_text())["users"]) == ["app SCRAM-SHA-512"]


@pytest.mark.parametrize(
    "changed",
    [user(version="v-2"), user(iterations=9000), user(mechanism=SHA256), user(where="kafka/demo/b"), user("other")],
    ids=["version", "iterations", "mechanism", "secret", "user"],
)
def test_what_differs_is_unknown(record, changed):
    record(user()).keep([user()], [])
    assert keys(record(changed).unknown([changed])) == [changed.key]


def test_a_record_of_another_cluster_says_nothing_and_gives_way(record):
    record(user()).keep([user()], [])
    other = record(user(), cluster="two")
    assert keys(other.unknown([user()])) == [user().key]
    other.keep([user()], [])
    assert json.loads(record.path.read_text())["cluster_id"] == "two"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cluster_id": "one", "users": 5}', '{"users": {}}'])
def test_a_record_that_cannot_be_understood_says_nothing(record, text):
    record.path.parent.mkdir()
    record.path.write_text(text)
    assert keys(record(user()).unknown([user()])) == [user().key]


def test_what_is_written_next_is_forgotten_first_and_others_stay(record):
    record(user(), user("other")).keep([user(), user("other")], [])
    record(user()).forget([user().key])
    assert keys(record(user()).unknown([user(), user("other")])) == [user().key]


def test_users_of_other_files_stay_until_they_are_gone_from_the_cluster(record):
    record(user(), user("other")).keep([user(), user("other")], [])
    record(user()).keep([user()], [user().key, user("other").key])
    assert len(json.loads(record.path.read_text())["users"]) == 2
    record(user()).keep([user()], [user().key])
    assert list(json.loads(record.path.read_text())["users"]) == ["app SCRAM-SHA-512"]


def test_where_no_password_is_in_aws_nothing_is_asked_or_written(record):
    def asked():
        raise AssertionError("the cluster was asked")

    made = password_versions.Versions(str(record.path), asked, [PLAIN])
    made.forget([PLAIN.key])
    made.keep([PLAIN], [PLAIN.key])
    assert keys(made.unknown([PLAIN])) == [PLAIN.key] and not record.path.exists()


def test_a_removed_user_is_forgotten_by_a_run_that_declares_no_secret(record):
    record(user()).keep([user()], [])
    record(PLAIN).forget([user().key])
    assert json.loads(record.path.read_text())["users"] == {}


def test_an_unchanged_record_is_not_written_again(record):
    record(user()).keep([user()], [])
    before = os.stat(record.path).st_ino
    record(user()).keep([user()], [user().key])
    assert os.stat(record.path).st_ino == before


def test_a_record_that_cannot_be_written_is_one_sentence(record):
    record.path.parent.write_text("a file")
    with pytest.raises(ObjectsError, match="The record of the passwords' versions, .* cannot be written: .*; correct"):
        record(user()).keep([user()], [])


def test_the_versions_that_a_rotation_made_stay_until_they_are_proven(record):
    record(user()).rotate({"secret kafka/demo/app": "v-1", "secret b": "v-1"})
    # Broken off; the next run makes another one for b.
    second = record(user())
    assert second.rotation == {"secret kafka/demo/app": "v-1", "secret b": "v-1"}
    second.rotate({"secret b": "v-2"})
    assert record(user()).rotation == {"secret kafka/demo/app": "v-1", "secret b": "v-2"}
    second.keep([user(version="v-7")], [])
    third = record(user())
    assert third.rotation == {"secret b": "v-2"} and keys(third.unknown([user(version="v-7")])) == []
    third.keep([user(where="b")], [])
    assert "rotation" not in json.loads(record.path.read_text())


def test_a_rotation_that_objects_has_ended_is_not_taken_for_one_to_go_on_with(record):
    record(user()).rotate({"secret kafka/demo/app": "v-2"})
    record(user()).keep([user(version="v-2")], [user().key])
    assert record(user()).rotation == {}
