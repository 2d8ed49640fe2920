"""Who gets a new password, with which one a broken-off run goes on, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.filter import objects as filters
from ansible_collections.rackaware.kafka.plugins.module_utils._aws.secret_rotation import Kept
from ansible_collections.rackaware.kafka.plugins.module_utils._aws.secrets import Password, Source
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import declaration, password_rotation, users
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

SHA512 = "SCRAM-SHA-512"
SEE = "See docs/runbooks/passwords.md."


def user(name, **change):
    return {"name": name, "password_from": {"secret": "kafka/demo/" + name}, **change}


def acl(name, *operations):
    return {"principal": "User:" + name, "resource_type": "topic", "name": "t", "operations": list(operations)}


def chosen(names, *declared):
    return filters.kafka_rotated_users({"localhost": {"kafka_users": list(declared)}}, names)


@pytest.mark.parametrize("names", [["a", "c"], "a, c,", ("a", "c", "a")])
def test_those_that_are_named_are_chosen_without_a_password(names):
    found = chosen(names, user("a"), user("b"), user("c", iterations=9000), {"name": "d", "password": "c4n4ry"})
    assert [(each["name"], each["iterations"]) for each in found] == [("a", 8192), ("c", 9000)]
    assert all(set(each) == {"name", "mechanism", "iterations", "password_from"} for each in found)


PAIR = (user("a", pair="b"), user("b"))


@pytest.mark.parametrize(
    ("names", "declared", "sentence"),
    [
        ([], [user("a")], "kafka_selected_users names no user; name those"),
        (["x"], [user("a")], "kafka_selected_users has 'x', which kafka_users does not declare; correct the name"),
        (["a"], [user("a", state="absent")], "kafka_selected_users has 'a', which kafka_users does not declare"),
        (
            ["a"],
            [{"name": "a", "password_file": "/x"}],
            "The user a has no password_from, so that a new password would",
        ),
        (["a"], [{"name": "a"}], "The user a has no password_from"),
        (["a"], [user("a", password_from={"secret": "s", "key": "k"})], "user a is one entry of a secret, of which"),
        (["a", "b"], PAIR, "The users a and b are a pair, of which one keeps its password"),
        (["b", "a"], PAIR, "The users a and b are a pair, of which one keeps its password"),
        (["a"], [user("a"), user("b", password_from={"secret": "kafka/demo/a"})], "a and b have the same password"),
    ],
)
def test_who_cannot_be_given_one_is_named_with_what_to_do(names, declared, sentence):
    with pytest.raises(Exception, match=sentence) as caught:
        chosen(names, *declared)
    assert str(caught.value).endswith(SEE)


def test_one_of_a_pair_and_two_users_of_one_secret_can():
    assert [each["name"] for each in chosen(["b"], *PAIR)] == ["b"]
    same = {"password_from": {"parameter": "/kafka/demo/a"}}
    assert len(chosen(["a", "b"], user("a", **same), user("b", **same))) == 2


def test_a_file_with_a_fault_is_refused_as_objects_refuses_it():
    with pytest.raises(Exception, match="no fewer than 4096"):
        chosen(["a"], user("a", iterations=1))


@pytest.mark.parametrize(
    ("declared", "acls", "sentence"),
    [
        ([user("a", pair="x")], [], "The user a has the pair x, which is no other user of kafka_users"),
        ([user("a", pair="a")], [], "has the pair a, which is no other user"),
        ([user("a", pair="b"), user("b", state="absent")], [], "has the pair b, which is no other user"),
        ([user("a", pair="b"), user("b", pair="c"), user("c")], [], "are in more than one pair"),
        (PAIR, [acl("a", "read", "write"), acl("b", "read")], "does not give both the same rights"),
        (PAIR, [acl("a", "read")], "does not give both the same rights"),
    ],
)
def test_a_pair_that_clients_cannot_move_within_is_a_finding(declared, acls, sentence):
    (found,) = declaration.findings({"kafka_users": list(declared), "kafka_acls": acls})
    assert sentence in found


def test_a_pair_with_the_same_rights_is_none():
    rules = [acl("a", "read", "write"), acl("b", "write"), acl("b", "read")]
    both = [user("a", pair="b"), user("b", pair="a")]
    assert declaration.findings({"kafka_users": both, "kafka_acls": rules}) == []
    assert declaration.findings({"kafka_users": both}) == []


# What AWS keeps, and what a run that was broken off has left.

NOW, NEXT = Password("c4n4ry-now", "v-1"), Password("c4n4ry-next", "v-2")
SECRET, PARAMETER = Source("secret", "kafka/demo/a"), Source("parameter", "/kafka/demo/b")
BOTH = [users.Wanted("a", SHA512, 8192, None, SECRET), users.Wanted("b", SHA512, 8192, None, PARAMETER)]
THERE = {("a", SHA512): 8192, ("b", SHA512): 8192}


def plan(kept, *, rotation=(), there=THERE, protected=()):
    return password_rotation.plan(BOTH, there, kept, rotation=dict(rotation), protected=set(protected))


def test_without_anything_left_all_get_a_new_one():
    made = plan({SECRET: Kept(NOW), PARAMETER: Kept(NOW)})
    assert (made.missing, made.found, made.present) == ((SECRET, PARAMETER), {}, {SECRET: NOW, PARAMETER: NOW})
    said = [str(edit) for edit in made.edits(BOTH)]
    assert said[0] == "change: user a, SCRAM-SHA-512, 8192 iterations -> a new password in the secret kafka/demo/a"
    assert "c4n4ry" not in str(said) + repr(made)


def test_what_waits_beside_a_secret_is_taken():
    made = plan({SECRET: Kept(NOW, NEXT), PARAMETER: Kept(NOW)})
    assert (made.missing, made.found) == ((PARAMETER,), {SECRET: NEXT})
    assert "the new password that an earlier run left" in str(made.edits(BOTH)[0])


def test_what_the_run_has_shown_to_all_already_gets_no_other_one():
    left = {str(SECRET): "v-2", str(PARAMETER): "v-2"}
    made = plan({SECRET: Kept(NEXT), PARAMETER: Kept(NEXT)}, rotation=left)
    assert (made.missing, made.found) == ((), {SECRET: NEXT, PARAMETER: NEXT})
    # Not begun yet, or changed by another one since.
    assert plan({SECRET: Kept(NOW), PARAMETER: Kept(NEXT)}, rotation=left).missing == (SECRET,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"kept": {SECRET: None, PARAMETER: Kept(NOW)}},
            "has no password yet, as there is no secret kafka/demo/a; run",
        ),
        ({"there": {("a", SHA512): 8192}}, r"The user b \(SCRAM-SHA-512\) does not exist; run objects first"),
        ({"protected": ["User:b"]}, "The user b is an operator, and gets no new password here"),
    ],
)
def test_what_no_run_may_do_is_refused(change, sentence):
    with pytest.raises(ObjectsError, match=sentence) as caught:
        plan(**{"kept": {SECRET: Kept(NOW), PARAMETER: Kept(NOW)}, **change})
    assert str(caught.value).endswith(SEE)


def test_the_users_have_the_new_ones_then():
    made = password_rotation.with_passwords(BOTH, {SECRET: NEXT, PARAMETER: NOW})
    assert [(each.password, each.version) for each in made] == [("c4n4ry-next", "v-2"), ("c4n4ry-now", "v-1")]
