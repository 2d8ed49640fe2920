"""A container whose removal was broken off: podman lists it, and cannot inspect it."""

from __future__ import annotations

from lab import machines
from lab.shell import LabError


def test_it_is_removed_all_the_same(monkeypatch):
    asked = []

    def podman(*command, check=True):
        asked.append(command[0])
        if command[0] == "inspect" and check:
            raise LabError("podman inspect ended with 125: container not known")
        return ""

    monkeypatch.setattr(machines, "podman", podman)
    monkeypatch.setattr(machines, "succeeds", lambda *command: command[:3] == ("podman", "container", "exists"))
    monkeypatch.setattr(machines.network, "unplug", lambda instance: None)
    container = machines.Container("i-1")
    assert not container.running()
    container.remove()
    assert asked[-1] == "rm"
