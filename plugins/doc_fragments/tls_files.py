# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host keeps keys and certificates."""

from __future__ import annotations


class ModuleDocFragment:
    """The same options for the modules that work on them."""

    DOCUMENTATION = r"""
options:
  directory:
    description: The directory of keys and certificates, which belongs to root.
    type: path
    required: true
  group:
    description: The group of the service, which reads what is its own.
    type: str
    required: true
"""
