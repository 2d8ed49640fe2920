# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Commands of the host: argv lists, one locale, a clean environment, input on stdin, and always a timeout."""

from __future__ import annotations

import os
import subprocess
from typing import Callable, Mapping, Sequence

from ._errors import RackawareError

# (argv, data=…, timeout=…) -> (code, stdout, stderr); also what module.run_command looks like to code that only reads.
Run = Callable[..., "tuple[int, str, str]"]
SECONDS = 120
# systemd and Ansible differ in what they put on the path; cryptsetup, blkid and losetup are in sbin.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CommandError(RackawareError):
    """A command could not be started, or did not end in time."""


def run(
    argv: Sequence[str],
    *,
    data: bytes | bytearray | None = None,
    timeout: float = SECONDS,
    environ_update: Mapping[str, str] | None = None,
    check_rc: bool = False,
) -> tuple[int, str, str]:
    """Run argv with data on stdin (empty without) and return code, stdout, stderr; raises CommandError.

    The child gets no environment but PATH and the locale, because the caller's may hold credentials.
    """
    environment = {"PATH": PATH, "LC_ALL": "C", **(environ_update or {})}
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            close_fds=True,
        )
    except OSError as error:
        raise CommandError(
            "%s cannot be run: %s; install the package that brings it." % (argv[0], error.strerror)
        ) from None
    with process:
        try:
            out, err = process.communicate(input=data if data is not None else b"", timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise CommandError(
                "%s did not end within %d seconds; look at the disk and at the kernel's log."
                % (os.path.basename(argv[0]), timeout)
            ) from None
    code = process.returncode
    if check_rc and code != 0:
        raise CommandError("%s failed with code %d." % (os.path.basename(argv[0]), code)) from None
    return code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
