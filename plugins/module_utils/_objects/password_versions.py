# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which version of its password each user of a cluster was seen to log in with, and which versions a rotation made
that is not over yet: a record on the host that asked.

A login costs a second of CPU for thirty users, and the version of a secret says the same. The record has neither a
password nor a digest of one. Where it is missing, or of another cluster, users log in.
"""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Iterable, Mapping, Sequence

from .. import _durable, _regular_file
from .._errors import reason
from .declared import ObjectsError
from .users import Wanted

PATH = "/var/lib/kafka-admin/password_versions.json"


class Versions:
    """The record of one cluster; cluster gives its id, and is asked only where the record is used."""

    def __init__(self, path: str, cluster: Callable[[], str], users: Iterable[Wanted]) -> None:
        self._path = path
        self._users: dict[str, Any] = {}
        self.rotation: dict[str, str] = {}
        self._used = os.path.lexists(path) or any(each.source is not None for each in users)
        self._cluster = cluster() if self._used else ""
        if self._used:
            self._read()

    def _read(self) -> None:
        try:
            record = json.loads(_regular_file.read(self._path))
            if record["cluster_id"] == self._cluster:
                self._users, self.rotation = dict(record["users"]), dict(record.get("rotation", {}))
        except (OSError, ValueError, KeyError, TypeError):
            # Without it all users log in, which is slower and no less right.
            return

    def unknown(self, users: Iterable[Wanted]) -> list[Wanted]:
        """Those that have to log in."""
        return [each for each in users if not each.version or self._users.get(_name(each.key)) != _seen(each)]

    def forget(self, keys: Iterable[tuple[str, str]]) -> None:
        """What is written or removed next: if the run breaks off there, nothing is known of it. Raises ObjectsError."""
        gone = {_name(key) for key in keys}
        self._write({name: seen for name, seen in self._users.items() if name not in gone})

    def keep(self, users: Sequence[Wanted], there: Iterable[tuple[str, str]]) -> None:
        """These have logged in, so that the rotation of their passwords is over; of users that are not there nothing is
        kept. Raises ObjectsError.
        """
        seen = {_name(each.key): _seen(each) for each in users if each.version}
        names = {_name(key) for key in there} | seen.keys()
        over = {str(each.source) for each in users if each.version}
        self._write(
            {name: each for name, each in {**self._users, **seen}.items() if name in names},
            {source: version for source, version in self.rotation.items() if source not in over},
        )

    def rotate(self, made: Mapping[str, str]) -> None:
        """The versions, by source, that a rotation made, or found to go on with. Raises ObjectsError."""
        self._write(self._users, {**self.rotation, **made})

    def _write(self, users: dict[str, Any], rotation: dict[str, str] | None = None) -> None:
        rotation = self.rotation if rotation is None else rotation
        if not self._used or (users, rotation) == (self._users, self.rotation):
            return
        self._users, self.rotation = users, rotation
        record = {"cluster_id": self._cluster, "users": users, **({"rotation": rotation} if rotation else {})}
        text = json.dumps(record, sort_keys=True, indent=1)
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
            _durable.write(self._path, text + "\n", mode=0o600)
        except OSError as error:
            raise ObjectsError(
                "The record of the passwords' versions, %s, cannot be written: %s; correct that on the host."
                % (self._path, reason(error))
            ) from None


def _name(key: tuple[str, str]) -> str:
    return "%s %s" % key


def _seen(each: Wanted) -> dict[str, Any]:
    return {"source": str(each.source), "version": each.version, "iterations": each.iterations}
