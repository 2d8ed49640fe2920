# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The requests that an installed release of Kafka answers, and the levels of its features, as it says itself."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable

from .._errors import RackawareError
from . import archive

# As org.apache.kafka.common.protocol.Protocol prints it for Kafka's docs: name and key of an API, then each version of
# its request.
PROTOCOL = re.compile(r'<a name="The_Messages_\w+">(\w+) API \(Key: (\d+)\):</a>|<pre>\w+ Request \(Version: (\d+)\)')
LEVEL = re.compile(r"^([a-z][a-z.]*)=(\d+)(?: .*)?$", re.MULTILINE)


class ReleaseError(RackawareError):
    """The release is not there, or does not answer."""


@dataclass(frozen=True)
class Release:
    """A version below a directory; run is module.run_command."""

    version: str
    directory: str
    java: str
    run: Callable[..., tuple[int, str, str]]

    def apis(self) -> dict[str, list[Any]]:
        """{key: [name, oldest, newest]} of the requests that it answers."""
        return parse_protocol(self._ask("org.apache.kafka.common.protocol.Protocol"), self.version)

    def features(self) -> dict[str, int]:
        """{feature: level} that this release finalizes by default."""
        levels = {
            name: int(level)
            for name, level in LEVEL.findall(
                self._ask("kafka.tools.StorageTool", "version-mapping", "--release-version", self.version)
            )
        }
        if not levels:
            raise ReleaseError(
                "Kafka %s does not list the levels of its features; only releases from 4.0 on can be finalized by them."
                % self.version
            )
        return levels

    def _ask(self, *arguments: str) -> str:
        if archive.installed(self.version, self.directory, None) is None:
            raise ReleaseError(
                "Kafka %s is not in %s; install it with the role kafka_install first." % (self.version, self.directory)
            )
        libs = os.path.join(archive.target(self.version, self.directory), "libs", "*")
        code, out, err = self.run([self.java, "-Xmx128m", "-cp", libs, *arguments], environ_update={"LC_ALL": "C"})
        if code != 0:
            raise ReleaseError(
                "Kafka %s does not tell about itself (%s): %s"
                % (self.version, arguments[0], (err or out).strip()[-600:] or "code %d" % code)
            )
        return out


def parse_protocol(text: str, version: str) -> dict[str, list[Any]]:
    """The APIs of Protocol's page; raises ReleaseError for a page without any."""
    out: dict[str, list[Any]] = {}
    key = ""
    for name, number, one in PROTOCOL.findall(text):
        if name:
            key, out[number] = number, [name]
        elif key:
            out[key] = [out[key][0], min([*out[key][1:2], int(one)]), max([*out[key][2:], int(one)])]
    apis = {number: versions for number, versions in out.items() if len(versions) == 3}
    if not apis:
        raise ReleaseError("Kafka %s tells about no request that it answers; look at its archive." % version)
    return apis
