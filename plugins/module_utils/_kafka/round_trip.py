# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A record written to every partition of a topic and read back, once as it is and once compressed."""

from __future__ import annotations

import uuid
from typing import Any

from . import check_records
from .client import Connection, KafkaError, consume, produce


def run(where: Connection, topic: str, placed: list[dict[str, Any]]) -> tuple[str, dict[int, int]]:
    """The marker in each record, and the offset of each partition's record; raises KafkaError or CheckError.

    placed is what check_records.places returned.
    """
    marker = str(uuid.uuid4())
    offsets: dict[int, int] = {}
    for compression in (None, check_records.COMPRESSION):
        values = check_records.values(placed, marker, padded=compression is not None)
        try:
            wrote = produce(where, topic, values, key=marker.encode(), compression=compression)
        except KafkaError as error:
            if compression is None:
                raise
            raise KafkaError("%s %s" % (error, check_records.NOT_COMPRESSED), error.code) from None
        check_records.compare(topic, placed, wrote, values, marker, consume(where, topic, wrote))
        offsets = offsets or wrote
    return marker, offsets
