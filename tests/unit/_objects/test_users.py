"""Which users are made, changed and removed, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secrets
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import users
from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import ObjectsError

SHA512, SHA256 = "SCRAM-SHA-512", "SCRAM-SHA-256"
APP = ("app", SHA512)
SECRET = "c4n4ry-p4ssw0rd"


def entry(name="app", **change):
    return {
        **{key: option.get("default") for key, option in users.USER_OPTIONS.items()},
        **{"name": name, "password": SECRET},
        **change,
    }


def wanted(*entries):
    return users.wanted(entries, {"/secret": "from-a-file"}.__getitem__)


def plan(before, *entries, refused=(), owned=(), protected=("User:operator",)):
    present, absent = wanted(*entries)
    return users.plan(before, present, absent, refused=set(refused), owned=owned, protected=set(protected))


def test_a_user_that_is_missing_is_made():
    change = plan({}, entry())
    assert [each.key for each in change.upsert] == [APP] and change.remove == ()


def test_a_user_that_logs_in_with_the_same_iterations_is_left_alone():
    assert plan({APP: 8192}, entry()) == users.Change({APP: 8192}, (), ())


@pytest.mark.parametrize(
    ("before", "change", "refused"),
    [({APP: 4096}, {}, ()), ({APP: 8192}, {}, (APP,)), ({("app", SHA256): 8192}, {}, ())],
    ids=["other iterations", "another password", "another mechanism"],
)
def test_a_user_that_differs_is_written(before, change, refused):
    assert [each.key for each in plan(before, entry(**change), refused=refused).upsert] == [APP]


def test_only_users_of_whom_nothing_else_differs_are_asked_to_log_in():
    present, _absent = wanted(
        entry("same"), entry("other", iterations=9000), entry("new"), entry("without", password=None)
    )
    before = {("same", SHA512): 8192, ("other", SHA512): 8192, ("without", SHA512): 8192}
    assert [each.user for each in users.checked_by_login(before, present)] == ["same"]


def test_a_file_has_the_password():
    present, _absent = wanted(entry(password=None, password_file="/secret"))
    assert present[0].credential().password == "from-a-file"


def test_no_line_and_no_repr_has_a_password():
    change = plan({APP: 8192}, entry(), entry("new"), refused=[APP])
    said = repr(change) + repr([each.credential() for each in change.upsert]) + str(change.edits())
    assert SECRET not in said
    assert str(change.edits()[0]).endswith("-> user app, SCRAM-SHA-512, 8192 iterations, another password")


def test_a_user_without_a_password_must_exist_and_is_not_looked_at():
    assert plan({APP: 8192}, entry(password=None)) == users.Change({APP: 8192}, (), ())
    with pytest.raises(ObjectsError, match=r"user app \(SCRAM-SHA-512\) does not exist, but no password is given"):
        plan({}, entry(password=None))


def test_a_user_is_removed_by_name_with_all_its_mechanisms():
    before = {APP: 8192, ("app", SHA256): 8192, ("other", SHA512): 8192}
    assert plan(before, entry(state="absent")).remove == (("app", SHA256), APP)
    assert plan({}, entry(state="absent")).remove == ()


def test_a_purge_stays_inside_its_prefixes_and_keeps_operators():
    names = ["orders-a", "orders-b", "order", "orders-admin", "__orders-x"]
    before = {(name, SHA512): 8192 for name in names}
    change = plan(before, entry("orders-a"), owned=("orders-", "_"), protected=["User:orders-admin"])
    assert [user for user, _how in change.remove] == ["orders-b"]
    assert [user for user, _how in plan(before, owned=("orders-",)).remove] == ["orders-a", "orders-admin", "orders-b"]
    assert plan(before).remove == ()


@pytest.mark.parametrize(
    ("entries", "refused", "sentence"),
    [
        ([entry(iterations=4095)], (), "has 4095 iterations, but Kafka takes no fewer than 4096"),
        ([entry(), entry()], (), r"declared twice: app \(SCRAM-SHA-512\)"),
        ([entry(), entry(state="absent")], (), "declared present and absent"),
        ([entry(password_file="/secret")], (), "has a password and a password_file"),
        ([entry(password_from={"secret": "a"})], (), "has a password and a password_from"),
        ([entry(password="")], (), "is empty, or has a line break"),
        ([entry(password=SECRET + "\n" + SECRET)], (), "is empty, or has a line break"),
        ([entry("a,b")], (), "leave commas and equals signs out"),
        ([entry("operator", state="absent")], (), "is an operator and is never removed"),
        ([entry("operator")], [("operator", SHA512)], "is an operator, and its password or iterations differ"),
        ([entry("operator", iterations=9000)], (), "is an operator, and its password or iterations differ"),
    ],
)
def test_what_no_user_can_be_or_no_run_may_do_is_refused(entries, refused, sentence):
    with pytest.raises(ObjectsError, match=sentence) as caught:
        plan({("operator", SHA512): 8192}, *entries, refused=refused)
    assert SECRET not in str(caught.value)


def test_an_operator_that_is_missing_is_made():
    assert plan({}, entry("operator")).upsert


def test_what_is_read_is_declared_again_and_changes_nothing():
    before = {APP: 8192, ("app", SHA256): 16384, ("a,b", SHA512): 8192}
    declared = [entry(password=None, **each) for each in users.entries(before)]
    assert plan(before, *declared) == users.Change(before, (), ())


def test_more_iterations_than_kafka_takes_are_refused_before_a_password_is_hashed_so_often():
    with pytest.raises(ObjectsError, match="16385 iterations, but Kafka takes no more than 16384"):
        plan({}, entry(iterations=16385))
    assert plan({}, entry(iterations=16384)).upsert
    # Older tools could write more; what is there already stays as it is.
    assert plan({APP: 20000}, entry(iterations=20000)).upsert == ()


def test_a_name_that_no_broker_takes_at_a_login_is_refused_and_such_a_password_is_not():
    with pytest.raises(ObjectsError, match="é can never log in"):
        wanted(entry("é"))
    # It can be removed.
    assert wanted(entry("é", state="absent", password=None)) == ([], ["é"])
    assert wanted(entry(password="pässwörd"))[0]


FROM = {"password": None, "password_from": {"secret": "kafka/demo/app"}}
WHERE = secrets.Source("secret", "kafka/demo/app")


def resolved(before, found, *entries):
    return users.resolved(before, wanted(*entries)[0], {WHERE: found})


def test_a_password_out_of_aws_is_one_that_was_declared():
    found = secrets.Password(SECRET, "v-1")
    (user,) = resolved({APP: 8192}, found, entry(**FROM))
    assert (user.password, user.version, user.unkept) == (SECRET, "v-1", False)
    assert [each.user for each in users.checked_by_login({APP: 8192}, [user])] == ["app"]
    said = {"user": "app", "mechanism": SHA512, "source": "secret kafka/demo/app", "version": "v-1"}
    assert users.versions([user, *wanted(entry("other"))[0]]) == [said]


def test_a_missing_one_is_made_once_for_a_user_that_is_new():
    both = resolved({}, None, entry(**FROM), entry(mechanism=SHA256, **FROM))
    assert both[0].password == both[1].password and all(each.unkept for each in both)
    change = users.plan({}, both, [], refused=(), owned=(), protected=())
    assert change.unkept() == {WHERE: secrets.Password(both[0].password)}
    assert [str(edit) for edit in change.edits()] == [
        "create: secret kafka/demo/app, with a new password",
        "create: user app, SCRAM-SHA-512, 8192 iterations",
        "create: user app, SCRAM-SHA-256, 8192 iterations",
    ]
    assert both[0].password not in repr(change) and users.versions(both) == []
    # Another host was first.
    after = users.kept(change, {WHERE: secrets.Password(SECRET, "v-1")})
    assert {(each.password, each.version) for each in after.upsert} == {(SECRET, "v-1")} and after.unkept() == {}


@pytest.mark.parametrize(
    ("before", "source", "sentence"),
    [
        ({APP: 8192}, {}, "exists, but there is no secret kafka/demo/app, and a new password would shut its clients"),
        ({("app", SHA256): 8192}, {}, "exists, but there is no secret"),
        ({}, {"generate": False}, "has no password, because there is no secret kafka/demo/app; make it"),
    ],
    ids=["the user exists", "with another mechanism", "not to be generated"],
)
def test_a_missing_one_is_not_always_made(before, source, sentence):
    user = entry(password=None, password_from={"secret": "kafka/demo/app", **source})
    present, _absent = wanted(user)
    with pytest.raises(ObjectsError, match=sentence):
        users.resolved(before, present, {present[0].source: None})


def test_a_password_out_of_aws_is_judged_as_any_other():
    with pytest.raises(ObjectsError, match="has a line break") as caught:
        resolved({}, secrets.Password(SECRET + "\n" + SECRET, "v"), entry(**FROM))
    assert SECRET not in str(caught.value)
    with pytest.raises(ObjectsError, match="leave commas and equals signs out"):
        wanted(entry("a,b", **FROM))


@pytest.mark.parametrize("name", ["CN=kafka,OU=demo,O=rackaware", "CN=operator,OU=a-1,O=rackaware"])
def test_no_user_has_the_name_of_nodes_or_of_an_operator(name):
    for more in ({"password": None}, {}):
        with pytest.raises(
            ObjectsError, match=r"would have the name of the cluster's nodes or operator.*security\.md\.$"
        ):
            wanted(entry(name, **more))
    assert plan({(name, SHA512): 8192}, entry(name, state="absent")).remove == ((name, SHA512),)


@pytest.mark.parametrize(
    "name", ["kafka", "operator", "CN=kafka,OU=demo,O=example", "CN=kafka", "CN=kafka,O=rackaware"]
)
def test_other_names_are_free(name):
    assert plan({(name, SHA512): 8192}, entry(name, password=None)).upsert == ()
