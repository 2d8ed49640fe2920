"""The lock of a roll: taken, renewed, refused with who has it, ended, broken, released; by main(), on real files."""

from __future__ import annotations

import json
import multiprocessing
from functools import partial

import pytest
from documented import declared, documented

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import lock
from ansible_collections.rackaware.kafka.plugins.modules import kafka_roll_lock

ME, OTHER = "ada@ops1:11 r1", "bob@ops2:22 r2"
START = 1_790_000_000


@pytest.fixture
def clock(monkeypatch):
    times = [START]
    monkeypatch.setattr(kafka_roll_lock.time, "time", lambda: times[0])
    return times


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "roll.lock"


@pytest.fixture
def run(run_main, path, clock):
    return partial(run_main, kafka_roll_lock, owner=ME, path=str(path))


def test_check_mode_asks_only(run, path):
    result = run(check=True)
    assert result["changed"] and result["held"] and not path.parent.exists()


def test_taken_and_its_directory_made(run, path):
    result = run(what="rolling_restart", lease_seconds=60)
    assert result["changed"] and result["held"] and result["previous"] is None
    assert result["lock"] == {
        "owner": ME,
        "what": "rolling_restart",
        "since": "2026-09-21T14:13:20Z",
        "expires": "2026-09-21T14:14:20Z",
    }
    assert json.loads(path.read_text()) == result["lock"] == result["diff"]["after"]
    assert [each.name for each in path.parent.iterdir()] == ["roll.lock"]


def test_taken_again_by_its_owner_it_keeps_the_beginning(run, clock):
    first = run(what="rolling_restart")["lock"]
    assert not run(what="rolling_restart")["changed"]
    clock[0] += 100
    result = run(what="rolling_restart")
    assert (
        result["changed"]
        and {**result["lock"], "expires": first["expires"]} == first
        and result["lock"]["expires"] == lock.text(START + 1000)
    )


@pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
def test_held_by_another_is_refused_with_who_since_and_until(run, path, check):
    run(owner=OTHER, what="rolling_upgrade")
    before = path.read_text()
    message = run(check)["msg"]
    assert (
        "is held by bob@ops2:22 r2 for rolling_upgrade, since 2026-09-21T14:13:20Z and until 2026-09-21T14:28:20Z"
        in message
    )
    assert "roll_break_lock=true" in message and path.read_text() == before


def test_ended_it_is_taken_over(run, clock):
    run(owner=OTHER)
    clock[0] += 899
    assert run()["failed"]
    clock[0] += 1
    result = run()
    assert result["held"] and result["previous"]["owner"] == OTHER and result["lock"]["since"] == lock.text(clock[0])


def test_broken_it_is_taken_over(run):
    run(owner=OTHER)
    assert run(break_lock=True)["held"]


@pytest.mark.parametrize("seconds", [0, -1, 7 * 86400 + 1, 10**12])
def test_a_lease_is_from_a_second_to_a_week(run, path, seconds):
    assert (
        run(lease_seconds=seconds)["msg"]
        == "lease_seconds is %d, but must be from 1 to 604800, which is a week." % seconds
    )
    assert not path.exists()


@pytest.mark.parametrize("other", [True, False], ids=["another has it", "no run has it"])
def test_renewing_what_was_lost_fails(run, path, other):
    if other:
        run(owner=OTHER)
    before = path.read_text() if other else None
    with pytest.raises(
        lock.LockError,
        match="no longer held by %s: %s" % (ME, "%s has taken it" % OTHER if other else "no run holds it"),
    ):
        lock.renew(str(path), ME, 900, now=START)
    assert (path.read_text() if path.exists() else None) == before


def test_renewed_also_when_it_has_expired_and_no_run_took_it(run, path):
    taken = run(what="rolling_restart")["lock"]
    lock.renew(str(path), ME, 60, now=START + 5000)
    assert json.loads(path.read_text()) == {**taken, "expires": lock.text(START + 5060)}


def test_released_by_its_owner_only(run, path):
    run()
    result = run(owner=OTHER, state="released")
    assert (result["changed"], result["held"]) == (False, False) and result["lock"]["owner"] == ME and path.exists()
    assert run(check=True, state="released")["changed"] and path.exists()
    assert run(state="released")["changed"] and not path.exists()
    assert not run(state="released")["changed"]
    run(owner=OTHER)
    assert run(state="released", break_lock=True)["changed"] and not path.exists()


def test_releasing_where_nothing_ever_was_makes_nothing(run, path):
    assert not run(state="released")["changed"] and not path.parent.exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"owner": 1}', '{"owner": "a", "what": "b", "since": "c", "expires": "d"}']
)
def test_a_file_that_is_no_lease_is_never_taken(run, path, text):
    path.parent.mkdir()
    path.write_text(text)
    assert "cannot be understood" in run()["msg"] and path.read_text() == text
    assert run(break_lock=True)["held"]


@pytest.mark.parametrize(("params", "why"), [({"owner": " "}, "owner is empty")])
def test_bad_input_is_one_sentence(run, path, params, why):
    assert why in run(**params)["msg"] and not path.exists()


def test_a_directory_that_cannot_be_made_is_one_sentence(run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be used" in run(path=str(tmp_path / "file" / "roll.lock"))["msg"]


def _race(path, owner, barrier, won):
    barrier.wait()
    try:
        with lock.guarded(path, make=True):
            lease = lock.take(lock.read(path), path, owner, "a race", now=START, seconds=60, break_lock=False)
            lock.write(path, lease)
        won.put(owner)
    except lock.LockError:
        won.put(None)


def test_of_many_at_once_exactly_one_gets_it(path):
    method = multiprocessing.get_context("fork")
    barrier, won = method.Barrier(8), method.Queue()
    racers = [method.Process(target=_race, args=(str(path), "runner %d" % number, barrier, won)) for number in range(8)]
    for racer in racers:
        racer.start()
    results = [won.get(timeout=30) for _ in racers]
    for racer in racers:
        racer.join()
    (winner,) = [owner for owner in results if owner]
    assert lock.read(str(path)).owner == winner


def test_the_options_are_the_documented_ones():
    assert documented(kafka_roll_lock) == declared(kafka_roll_lock.SPEC)


def test_renewed_by_its_owner_it_lasts_and_says_when_it_was_looked_at(run, clock):
    run()
    clock[0] += 100
    result = run(state="renewed")
    assert (
        result["held"]
        and result["changed"]
        and result["lock"]["expires"] == lock.text(START + 1000)
        and result["answered"] == START + 100
    )


@pytest.mark.parametrize("other", [False, True], ids=["no run has it", "another run has taken it"])
def test_a_run_that_has_lost_the_lock_does_not_get_it_back_by_renewing(run, path, other):
    if other:
        run(owner=OTHER)
    result = run(state="renewed")
    assert result["failed"] and "is no longer held by %s" % ME in result["msg"]
    assert not path.exists() or json.loads(path.read_text())["owner"] == OTHER


def test_in_check_mode_in_which_it_is_never_taken_only_another_run_stands_against_renewing(run):
    assert not run(check=True, state="renewed")["changed"]
    run(owner=OTHER)
    assert run(check=True, state="renewed")["failed"]
