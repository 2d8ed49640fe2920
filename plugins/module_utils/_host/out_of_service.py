# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The record of a broker that is out of service.

It stays stopped, also after a boot, and rolls leave it out by name, until it is back in service.
"""

from __future__ import annotations

import json
import os
from typing import Any

from .. import _durable
from .._config.units import OUT_OF_SERVICE
from .._errors import RackawareError

FIELDS = ("since", "by", "reason")


class OutOfServiceError(RackawareError):
    """The record cannot be read or written."""


def read(path: str = OUT_OF_SERVICE) -> dict[str, str] | None:
    """The record as {since, by, reason}, None for a broker in service; raises OutOfServiceError for a damaged one."""
    try:
        with open(path, encoding="utf-8") as stream:
            plain = json.load(stream)
        return {name: str(plain[name]) for name in FIELDS}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = getattr(error, "strerror", None) or "it is no record"
        raise OutOfServiceError(
            "%s cannot be read: %s; the broker stays stopped while it is there, so look at it on the host."
            % (path, why)
        ) from None


def new_record(
    before: dict[str, str] | None, *, present: bool, since: str, by: str, reason: str
) -> dict[str, str] | None:
    """The record as it shall be; one that is there for the same reason stays as it is."""
    if not present:
        return None
    if before is not None and before["reason"] == reason:
        return before
    return {"since": since, "by": by, "reason": reason}


def write(record: dict[str, Any] | None, path: str = OUT_OF_SERVICE) -> None:
    """Put the record in place, or take it away; raises OutOfServiceError."""
    try:
        if record is None:
            os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        _durable.write(path, json.dumps(record) + "\n")
    except OSError as error:
        raise OutOfServiceError(
            "%s cannot be written: %s; look at the disk of the host." % (path, error.strerror)
        ) from None


def sentence(name: str, record: dict[str, str]) -> str:
    """Why a broker is left out, as a phrase for the operator."""
    return "%s is out of service since %s (%s, by %s) and counts as stopped; grant gives it back." % (
        name,
        record["since"],
        record["reason"],
        record["by"],
    )
