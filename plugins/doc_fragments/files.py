# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories and files that a module writes; the specs are DIRECTORIES_SPEC and FILES_SPEC in _host/staging.py."""

from __future__ import annotations


class ModuleDocFragment:
    """The suboptions of directories and files; modules describe the two options themselves."""

    DOCUMENTATION = r"""
options:
  directories:
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory.
        type: path
        required: true
      owner: &owner
        description: Its owner.
        type: str
        required: true
      group: &group
        description: Its group.
        type: str
        required: true
      mode: &mode
        description: Its mode, as an octal number in quotes.
        type: str
        required: true
  files:
    type: list
    elements: dict
    suboptions:
      dest:
        description: The file.
        type: path
        required: true
      content:
        description: Its text.
        type: str
        required: true
      owner: *owner
      group: *group
      mode: *mode
      at_once:
        description: Whether the file goes in place while the service runs, because the service itself does not read it.
        type: bool
        default: false
"""
