"""The cable of a machine that has just ended."""

from __future__ import annotations

import pytest

from lab import network
from lab.shell import LabError


def test_a_cable_that_the_kernel_took_away_meanwhile_is_gone(monkeypatch):
    there = [True]

    def succeeds(*command):
        # Deleting fails because it has just gone.
        there[0] = False if command[2] == "delete" else there[0]
        return command[2] == "show" and there[0]

    def run(*command):
        raise LabError("ip link delete ended with 1: Cannot find device")

    monkeypatch.setattr(network, "succeeds", succeeds)
    monkeypatch.setattr(network, "run", run)
    network.unplug("i-1")


def test_a_cable_that_stays_is_an_error(monkeypatch):
    def run(*command):
        raise LabError("ip link delete ended with 2: Operation not permitted")

    monkeypatch.setattr(network, "succeeds", lambda *command: command[2] == "show")
    monkeypatch.setattr(network, "run", run)
    with pytest.raises(LabError, match="not permitted"):
        network.unplug("i-1")
