"""rotate_passwords under Ansible itself: who is asked as what, what is refused before anything is asked, and that the lock is given back."""

from __future__ import annotations

import pytest
from objects_play import Plays

SECRET = "c4n4ry-p4ssw0rd"
USERS = [
    {"name": "orders", "password_from": {"secret": "kafka/demo/orders"}, "pair": "orders-b"},
    {"name": "orders-b", "password_from": {"secret": "kafka/demo/orders-b"}},
    {"name": "billing", "password": SECRET},
]


@pytest.fixture(scope="module")
def plays(tmp_path_factory):
    return Plays(tmp_path_factory.mktemp("rotate"), ("kafka_roll_lock", "kafka_user_passwords"))


def modules(plays):
    return [each["module"] for each in plays.log]


@pytest.mark.parametrize("check", [(), ("--check",)], ids=["run", "check"])
def test_one_broker_is_asked_as_the_operator_with_the_chosen_users_only(plays, check):
    answers = {"kafka_user_passwords": [{"changes": ["change: user orders -> new"], "changed": True}]}
    code, said = plays.run(
        "rotate_passwords", *check, answers=answers, kafka_users=USERS, kafka_selected_users="orders,"
    )
    assert code == 0 and "change: user orders -> new" in said, said
    assert modules(plays) == ["kafka_roll_lock", "kafka_user_passwords", "kafka_roll_lock"]
    asked = plays.log[1]
    assert (asked["on"], asked["check"], asked["ssl_certfile"]) == ("b1", bool(check), "/etc/kafka/tls/operator.pem")
    assert asked["bootstrap_servers"] == ["127.0.0.1:9091", "127.0.0.2:9091", "127.0.0.3:9091"]
    # At every broker, where clients log in.
    assert asked["login_servers"] == ["127.0.0.1:9092", "127.0.0.2:9092", "127.0.0.3:9092"]
    (user,) = asked["users"]
    assert (user["name"], user["password_from"]["secret"]) == ("orders", "kafka/demo/orders")
    assert plays.log[0]["what"] == "rotate_passwords" and SECRET not in said + str(plays.log)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "kafka_selected_users names no user"),
        ({"kafka_selected_users": ["undeclared"]}, "which kafka_users does not declare"),
        ({"kafka_selected_users": ["billing"]}, "The user billing has no password_from"),
        ({"kafka_selected_users": ["orders", "orders-b"]}, "The users orders and orders-b are a pair, of which one"),
        ({"kafka_selected_users": {"orders": 1}}, "kafka_selected_users is a mapping, but must be a list"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(plays, given, sentence):
    code, said = plays.run("rotate_passwords", kafka_users=USERS, **given)
    assert code != 0 and sentence in said and plays.log == [] and SECRET not in said
    assert "Finalization of task args" not in said


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"failed": True, "msg": "No. See docs/runbooks/passwords.md."}, "No. See docs/runbooks/passwords.md."),
        (
            {"unreachable": True, "msg": "No route."},
            "cannot be reached; bring it back, then run the same command again",
        ),
    ],
)
def test_a_refusal_and_a_lost_host_leave_no_lock_behind(plays, answer, sentence):
    given = {"kafka_users": USERS, "kafka_selected_users": ["orders"]}
    code, said = plays.run("rotate_passwords", answers={"kafka_user_passwords": [answer]}, **given)
    assert code != 0 and sentence in said
    assert [each.get("state") for each in plays.log if each["module"] == "kafka_roll_lock"] == [None, "released"]
