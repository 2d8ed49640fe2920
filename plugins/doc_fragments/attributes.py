# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode and diff mode do, in the same words for every module."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: the default for modules that change something, INFO for readers, NOTE for reports and events."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Shows in C(check_mode) what would change, and changes nothing.
  diff_mode:
    support: full
    description: Returns in diff mode what has changed, or would change in C(check_mode).
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Only reads, so that check mode and a real run are the same.
  diff_mode:
    support: N/A
    description: Changes nothing, so there is no difference to show.
"""

    NOTE = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Writes nothing in check mode.
  diff_mode:
    support: none
    description: Files that are written on the controller are no change to a host.
"""
