"""A stop that is bound to a fresh answer and to the run that has claimed the host.

The real command runs, with a systemctl that only records its arguments.
"""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._host import claim

ANN, BOB = "ann@ops1 of 2026-05-01 10:00:00 UTC (4711)", "bob's laptop; $(reboot)"
NOW, FUTURE = "2026-05-01T10:30:00Z", "2036-05-01T10:00:00Z"
EARLY, LATE = "2026-05-01T10:00:00Z", "2026-05-01T10:20:00Z"


@pytest.fixture
def host(tmp_path):
    """Returns stop(owner, age, down, runs): the code, the last line of stderr, and how systemctl was called."""

    def stop(owner=ANN, age=0.0, down=False, runs=True):
        asked = 'test "$1" != is-active || exit %d' % (0 if runs else 3)
        (tmp_path / "systemctl").write_text('#!/bin/sh\n%s\necho "$@" >> %s/called\n' % (asked, tmp_path))
        (tmp_path / "systemctl").chmod(0o755)
        command = claim.stop_command(
            "kafka.service", owner=owner, answered=time.time() - age, down=down, path=str(tmp_path / "claim")
        )
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={"PATH": "%s:%s" % (tmp_path, os.environ["PATH"])},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        called = (tmp_path / "called").read_text().split("\n")[:-1] if (tmp_path / "called").exists() else []
        return done.returncode, done.stderr.strip(), called

    stop.path = str(tmp_path / "claim")
    return stop


@pytest.mark.parametrize("owner", [ANN, BOB])
def test_the_run_that_has_claimed_the_host_stops_on_a_fresh_answer(host, owner):
    assert claim.claim(owner, EARLY, now=NOW, path=host.path)
    assert host(owner, age=claim.OLDEST_ANSWER - 5) == (0, "", ["stop kafka.service"])


def test_a_run_that_slept_while_another_took_the_lock_stops_nothing(host):
    claim.claim(ANN, EARLY, now=NOW, path=host.path)
    claim.claim(BOB, LATE, now=NOW, path=host.path)
    code, said, called = host(ANN)
    assert (code, called) == (claim.ANOTHER_RUN, []) and BOB in said
    assert "has claimed the host, not this run, which has lost the lock of the cluster" in claim.refusal(code, said)


def test_nothing_stops_on_a_host_that_no_run_has_claimed(host):
    assert host(ANN)[0] == claim.ANOTHER_RUN and host(ANN)[2] == []


@pytest.mark.parametrize(
    ("age", "sentence"),
    [(claim.OLDEST_ANSWER + 2, "older than 60 s it may be true no longer"), (-30, "look at chrony on both")],
)
def test_nothing_stops_on_an_answer_that_is_old_or_from_the_future(host, age, sentence):
    claim.claim(ANN, EARLY, now=NOW, path=host.path)
    code, said, called = host(ANN, age)
    assert (code, called) == (claim.OLD_ANSWER, []) and sentence in claim.refusal(code, said)


@pytest.mark.parametrize("runs", [True, False])
def test_a_service_that_was_down_and_has_started_by_itself_is_not_stopped(host, runs):
    claim.claim(ANN, EARLY, now=NOW, path=host.path)
    code, _, called = host(ANN, down=True, runs=runs)
    assert (code, called) == ((claim.RUNS_AGAIN, []) if runs else (0, ["stop kafka.service"]))
    assert not runs or "it did not run when the gate answered, and runs now" in claim.refusal(code, "")


def test_any_other_end_is_systemds(host):
    assert claim.refusal(1, "Failed to stop") is None and claim.refusal(0, "") is None


def test_a_claim_is_written_once_and_never_goes_back_to_an_earlier_run(host):
    assert claim.claim(ANN, LATE, now=NOW, path=host.path)
    assert not claim.claim(ANN, LATE, now=NOW, path=host.path)
    with pytest.raises(claim.ClaimError, match="belongs to a run that took the lock later"):
        claim.claim(BOB, EARLY, now=NOW, path=host.path)
    assert host(ANN)[0] == 0


def test_a_lock_whose_host_set_its_clock_back_is_said_to_be_one_reason(host):
    claim.claim(ANN, LATE, now=NOW, path=host.path)
    with pytest.raises(
        claim.ClaimError, match="the clock of the host that keeps the lock was set back: correct it, and run"
    ):
        claim.claim(BOB, EARLY, now=NOW, path=host.path)


def test_a_claim_of_a_clock_that_ran_ahead_refuses_no_run(host):
    claim.claim(BOB, FUTURE, now=NOW, path=host.path)
    assert claim.claim(ANN, LATE, now=NOW, path=host.path) and host(ANN)[0] == 0


@pytest.mark.parametrize(
    ("owner", "answered", "sentence"),
    [(BOB, 1000, "has claimed the host"), (ANN, 900, "100 s old"), (ANN, 1000, None), (ANN, None, None)],
)
def test_what_a_module_does_for_ever_is_bound_in_the_same_way(host, owner, answered, sentence):
    claim.claim(ANN, EARLY, now=NOW, path=host.path)
    if sentence is None:
        claim.check(owner, answered, now=1000.5, path=host.path)
    else:
        with pytest.raises(claim.ClaimError, match=sentence):
            claim.check(owner, answered, now=1000.5, path=host.path)
