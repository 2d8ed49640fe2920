# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The record of an upgrade on a host; what stands in it is _upgrade.rules's."""

from __future__ import annotations

import json
from typing import Any

from .._errors import RackawareError, reason

PATH = "/var/lib/kafka-admin/upgrade.json"
KEYS = ("from", "to", "metadata", "protocol", "features", "began", "rolled", "finalizing", "finalized")


class RecordError(RackawareError):
    """The record cannot be read."""


def read(path: str = PATH) -> dict[str, Any] | None:
    """The record on this host, None without one.

    Raises RecordError for a file that is no record, because that file may hold a protocol down.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            record = json.load(stream)
        return {key: record[key] for key in KEYS}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(
            "The record of the upgrade, %s, cannot be read: %s; look at it on the host." % (path, reason(error))
        ) from None
    except (ValueError, KeyError, TypeError):
        raise RecordError(
            "The record of the upgrade, %s, cannot be understood, so it is not known what may be started; copy it from"
            " another broker." % path
        ) from None
