# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules of declared objects take and return."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of OWNED_SPEC in _objects/declared.py.

    PROTECTED is for what gives access, LOGIN (_objects/login.py) for passwords.
    """

    DOCUMENTATION = r"""
options:
  owned_prefixes:
    description:
      - The beginnings of names that the caller owns. O(purge) touches nothing else.
      - A prefix that begins with C(*) or C(__), and an empty one, are refused.
    type: list
    elements: str
    default: []
  purge:
    description: Whether to remove what exists under O(owned_prefixes) and is not declared, also when nothing is
      declared.
    type: bool
    default: false
  removals:
    description:
      - V(later) creates and changes, and only names in RV(removals) what is to be removed, so that several kinds of
        objects can be created before any is removed.
    type: str
    choices: [now, later]
    default: now
"""

    PROTECTED = r"""
options:
  protected_principals:
    description: Operators, as C(User:name), whose access is never taken away. The user that the module logs in as is
      one.
    type: list
    elements: str
    default: []
"""

    LOGIN = r"""
options:
  login_servers:
    description:
      - Where to log in as a user, as V(host:port). By default O(bootstrap_servers), when
        O(security_protocol) is one with SASL.
      - Without either, only mechanism and iterations are compared.
    type: list
    elements: str
    default: []
  login_protocol:
    description: The security protocol of O(login_servers).
    type: str
    choices: [SASL_PLAINTEXT, SASL_SSL]
    default: SASL_SSL
"""
