# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module gets the key of an encrypted volume; the spec is spec() in module_utils/_luks/key_source.py."""

from __future__ import annotations

from textwrap import indent

from . import wrapped_key

SOURCE = r"""
    type: dict
    suboptions:
      file:
        description:
          - A file with exactly the key's bytes, on a file system in memory (ramfs or tmpfs), readable by root only.
        type: path
""" + indent(wrapped_key.ModuleDocFragment.DOCUMENTATION.partition("options:\n")[2], "    ")


class ModuleDocFragment:
    """Fragments: the default for modules with one key, NEW_KEY for those that take a second one.

    They are annotated, because the sanity test yamllint takes every plain assignment here for one literal.
    """

    DOCUMENTATION: str = (
        r"""
requirements:
  - cryptsetup >= 2.4.3
  - boto3 >= 1.26.0, for O(key.wrapped) only (the package python3-boto3 of the distribution)
options:
  key:
    description:
      - The source of the key. The key itself is never an option.
      - Give O(key.file) or O(key.wrapped)."""
        + SOURCE
    )

    NEW_KEY: str = (
        r"""
options:
  new_key:
    description:
      - The source of the key to add, in the same form as O(key)."""
        + SOURCE
    )
