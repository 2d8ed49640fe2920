# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack the texts of files before they travel, as file_set does. The module of the same name has the documentation."""

from __future__ import annotations

from ..module_utils._stores import activate
from .file_set import ActionModule as Packing


class ActionModule(Packing):
    """The module of the same name, with its texts packed."""

    SPEC = activate.SPEC
