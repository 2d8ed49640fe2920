# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWS modules find the Region and the credentials; the spec is CONNECTION_SPEC in module_utils/_aws/client.py."""

from __future__ import annotations


class ModuleDocFragment:
    """The same options for every module that asks AWS from the controller."""

    DOCUMENTATION = r"""
options:
  region:
    description: The AWS Region; by default that of the environment or of the profile.
    type: str
  profile:
    description: The profile of the AWS configuration to use; by default that of the environment.
    type: str
"""
