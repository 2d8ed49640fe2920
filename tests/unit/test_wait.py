"""The one waiting loop."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._wait import WaitTimeout, wait_until


class Clock:
    """Time that passes only in sleep()."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def wait(answers, timeout, clock):
    return wait_until(
        lambda: next(answers),
        lambda seen: seen == "up",
        what="the broker",
        timeout=timeout,
        interval=1,
        clock=clock,
        sleep=clock.sleep,
    )


def test_returns_what_fulfilled_the_condition():
    clock = Clock()
    assert wait(iter(["down", "down", "up"]), 10, clock) == "up"
    assert clock.now == 2


def test_looks_once_without_any_time():
    assert wait(iter(["up"]), 0, Clock()) == "up"


def test_says_what_it_waited_for_and_what_it_saw_last():
    with pytest.raises(WaitTimeout, match=r"Waited 3 seconds for the broker; last seen: down\."):
        wait(iter(["down"] * 9), 3, Clock())


def test_an_error_of_the_question_is_not_swallowed():
    def broken():
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        wait_until(broken, bool, what="anything", timeout=5)
