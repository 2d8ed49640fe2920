"""Running commands: argv in, text out, and an error that says what failed and why."""

from __future__ import annotations

import subprocess
from typing import Sequence


class LabError(Exception):
    """What the lab could not do, and why: one sentence for the person who ran it."""


def run(
    *argv: object, data: str | None = None, check: bool = True, timeout: float = 600, env: dict[str, str] | None = None
) -> str:
    """Run a command and return its standard output. Raises LabError with the end of its standard error."""
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, text=True, check=False, timeout=timeout, env=env
        )
    except FileNotFoundError:
        raise LabError("%s is not installed; run make setup." % command[0]) from None
    except subprocess.TimeoutExpired:
        raise LabError("%s did not end within %d seconds." % (" ".join(command[:4]), timeout)) from None
    if check and done.returncode:
        raise LabError("%s ended with %d: %s" % (" ".join(command[:6]), done.returncode, done.stderr.strip()[-800:]))
    return done.stdout


def succeeds(*argv: object, timeout: float = 60) -> bool:
    """Whether a command ends with 0."""
    command: Sequence[str] = [str(word) for word in argv]
    return (
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=timeout).returncode
        == 0
    )


def podman(*argv: object, **options: object) -> str:
    """podman with the runtime that works on machines with a hybrid cgroup layout, where crun refuses to start."""
    return run("podman", "--runtime", "runc", *argv, **options)
