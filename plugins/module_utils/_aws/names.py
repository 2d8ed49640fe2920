# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Names in AWS that must be known without boto3, which takes a tenth of a second to import."""

from __future__ import annotations

# How the last part of a wrapped key's name begins.
KEY_NAME = "LuksInternalStorageKey"
