# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Models as self-contained HTML pages: no script, font or image from elsewhere, light or dark as the reader has it.

Only for the controller. The templates lie beside this file and share one base and one style sheet.
"""

from __future__ import annotations

import functools
import os
from datetime import datetime, timezone
from typing import Any, Mapping

from .._text import counted, duration, size
from . import chart, cluster, roll, roll_text

TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")


def cluster_page(model: Mapping[str, Any]) -> str:
    """The page of a cluster; model is what _report.cluster.build made. Raises ModelError."""
    try:
        nodes = [node for rack in model["racks"] for node in rack["nodes"]]
        brokers = sum(cluster.BROKER in node["roles"] for node in nodes)
        return _render(
            "cluster.html.j2",
            cluster=model,
            brokers=brokers,
            health=cluster.health(model["counts"]),
            full_percent=cluster.FULL_PERCENT,
            restart_pending=cluster.RESTART_PENDING,
        )
    except _wrong_model() as error:
        raise cluster.ModelError(
            "The page cannot be made, because something in its model is missing or of another kind (%s); hand over what"
            " kafka_model made." % error
        ) from None


def roll_page(model: Mapping[str, Any]) -> str:
    """The page of a roll; model is what _report.roll.model made. Raises RollReportError."""
    try:
        return _render(
            "roll.html.j2",
            roll=model,
            started=datetime.fromtimestamp(model["started"], timezone.utc),
            chart=chart.chart(model),
            legend=chart.legend(model),
            waits=roll.waits_together(model["gates"]),
            phases=roll.PHASES,
            phase_text=roll_text.PHASE_TEXT,
            nouns=roll_text.NOUNS,
        )
    except _wrong_model() as error:
        raise roll.RollReportError(
            "The page cannot be made, because something in its model is missing or of another kind (%s); hand over the"
            " events of a roll, or the data beside an earlier page." % error
        ) from None


def _wrong_model() -> tuple[type[Exception], ...]:
    from jinja2 import UndefinedError

    return (KeyError, TypeError, AttributeError, UndefinedError)


def _render(name: str, **context: Any) -> str:
    return _environment().get_template(name).render(context)


@functools.cache
def _environment() -> Any:
    # Not on top of the file: only the controller has Jinja2, and ansible-test imports every file without it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        behind=cluster.behind,
        counted=counted,
        date=cluster.date,
        duration=duration,
        in_order=roll.in_order,
        role_title=cluster.TITLES.__getitem__,
        size=size,
        thousands=lambda number: format(number, ","),
        troubles=cluster.troubles,
    )
    return environment
