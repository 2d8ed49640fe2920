# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module gets the key of an encrypted volume; the spec of the same name is in module_utils/_key.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: the default for modules with one key, NEW_KEY for those that take a second one; both whole, because the linters read only literals."""

    DOCUMENTATION = r"""
options:
  key:
    description:
      - Where the key is; the key itself is never an option.
      - Give O(key.file) or O(key.wrapped).
    type: dict
    suboptions:
      file:
        description:
          - A file with the key's bytes, all of them, on a file system in memory (ramfs or tmpfs), that only root can read.
        type: path
      wrapped:
        description:
          - A wrapped key in S3, as RV(rackaware.kafka.kms_data_key#module:wrapped) gives it; it is decrypted on this host, within the module.
        type: dict
        suboptions:
          bucket:
            description: The bucket.
            type: str
            required: true
          key:
            description: The object.
            type: str
            required: true
          version_id:
            description: The version of the object.
            type: str
            required: true
          sha256:
            description: What the object's SHA-256 must be, in hexadecimal digits.
            type: str
            required: true
          key_arn:
            description: The ARN of the KMS key; an alias is refused, because it can be pointed at another key.
            type: str
            required: true
          encryption_context:
            description: What the key was bound to when it was made.
            type: dict
            required: true
          expected_bucket_owner:
            description: The account that must own the bucket.
            type: str
            required: true
      credentials:
        description:
          - Whose credentials ask S3 and KMS.
          - V(instance) is the instance's role by its metadata service, version 2 only; V(environment) is what every AWS SDK looks for.
        type: str
        choices: [instance, environment]
        default: instance
requirements:
  - cryptsetup >= 2.4.3
  - boto3 >= 1.26.0, for O(key.wrapped) only (the package python3-boto3 of the distribution)
"""

    NEW_KEY = r"""
options:
  new_key:
    description:
      - Where the key is that shall be added, in the same form as O(key).
    type: dict
    suboptions:
      file:
        description:
          - A file with the key's bytes, all of them, on a file system in memory (ramfs or tmpfs), that only root can read.
        type: path
      wrapped:
        description:
          - A wrapped key in S3, as RV(rackaware.kafka.kms_data_key#module:wrapped) gives it; it is decrypted on this host, within the module.
        type: dict
        suboptions:
          bucket:
            description: The bucket.
            type: str
            required: true
          key:
            description: The object.
            type: str
            required: true
          version_id:
            description: The version of the object.
            type: str
            required: true
          sha256:
            description: What the object's SHA-256 must be, in hexadecimal digits.
            type: str
            required: true
          key_arn:
            description: The ARN of the KMS key; an alias is refused, because it can be pointed at another key.
            type: str
            required: true
          encryption_context:
            description: What the key was bound to when it was made.
            type: dict
            required: true
          expected_bucket_owner:
            description: The account that must own the bucket.
            type: str
            required: true
      credentials:
        description:
          - Whose credentials ask S3 and KMS.
          - V(instance) is the instance's role by its metadata service, version 2 only; V(environment) is what every AWS SDK looks for.
        type: str
        choices: [instance, environment]
        default: instance
"""
