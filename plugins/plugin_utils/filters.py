# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What all files of filters share."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import RackawareError


def as_filters(*functions: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """{name: filter} of functions by their own names; a RackawareError becomes AnsibleFilterError with its sentence.

    To find one filter, ansible-core loads all files of filters, in each worker again. So a function imports what it
    needs of module_utils itself: at the top of the files, the imports would cost each worker a quarter of a second.
    """
    return {function.__name__: _translated(function) for function in functions}


def _translated(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def translated(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except RackawareError as error:
            raise AnsibleFilterError(str(error)) from None

    return translated
