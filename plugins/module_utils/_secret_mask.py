# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Texts of configuration files as they may be shown: passwords, keys, tokens and JAAS configurations are left out.

Where it is not sure, more is left out. It is for showing only: what is written to a host never passes through it.
"""

from __future__ import annotations

import re
from typing import Iterator

NOT_SHOWN = "(not shown)"
CHANGED = "(not shown, changed)"
# A name that says what it is. The store of the AWS article is called secretfs, and so are its mount and its units.
NAMED = (
    r"authorization(?![a-z.])|basic[._-]auth(?![._-]cred)|user[._-]info|storepin|license(?![a-z])|"
    r"pass(?:w(?:or)?d|phrase|code)|pass(?![a-z])|pwd|secret(?!fs)|jaas|token|credential|(?:private|api)[._-]?key"
)
# ssl.keystore.key, private_key, apiKey, but neither key.serializer nor ssl.keystore.location.
KEY = r"[._-]key|(?-i:[a-z0-9]Key)"
# A properties file may have blanks instead of a sign between name and value; elsewhere only a sign says that a word is a name.
SECRET = re.compile(
    r"(?:%s)[\w.\-\[\]]*[\"']?[ \t]*[=:]?[ \t]*|(?:%s)[\"']?[ \t]*[=:][ \t]*|^[ \t]*[#!]?[ \t]*[\w.\-]*(?:%s)[ \t]+" % (NAMED, KEY, KEY), re.IGNORECASE
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)", re.DOTALL)
# Up to the semicolon that ends a line, because one inside quotes ends nothing. PLAIN keeps passwords under user_<name>.
JAAS = re.compile(r"(?<=LoginModule)\s+(?:required|requisite|sufficient|optional)\b(.*?(?:;[ \t\r\"'}]*$|\Z))", re.DOTALL | re.MULTILINE)
URL = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")
BLOCK = re.compile(r"[|>\[{]?[-+0-9]*[ \t\r]*")


def masked(text: str) -> str:
    """The text with each secret replaced by one phrase."""
    return _replaced(text, frozenset())


def masked_pair(before: str, after: str) -> tuple[str, str]:
    """Two texts of one file, masked; a secret of the second that the first does not have is said to be changed."""
    return masked(before), _replaced(after, frozenset(before[start:end] for start, end in _spans(before)))


def _replaced(text: str, known: frozenset[str]) -> str:
    """known are the secrets that were there before, if any were."""
    out, done = [], 0
    for start, end in _spans(text):
        out += [text[done:start], CHANGED if known and text[start:end] not in known else NOT_SHOWN]
        done = end
    return "".join([*out, text[done:]])


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the secrets are, in order, none within another."""
    found = [match.span() for match in PRIVATE_KEY.finditer(text)]
    found += [match.span(1) for pattern in (JAAS, URL) for match in pattern.finditer(text)]
    found += _named(text)
    out: list[tuple[int, int]] = []
    for start, end in sorted(span for span in found if text[slice(*span)].strip()):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _named(text: str) -> Iterator[tuple[int, int]]:
    """The rest of each line behind a name that says that it is secret, with the lines that belong to it."""
    lines = text.split("\n")
    starts, position = [], 0
    for line in lines:
        starts.append(position)
        position += len(line) + 1
    number = 0
    while number < len(lines):
        first = number
        while number + 1 < len(lines) and _goes_on(lines[number]):
            number += 1
        end = starts[number] + len(lines[number])
        match = SECRET.search(text[starts[first] : end])
        if match:
            begin = starts[first] + match.end()
            if BLOCK.fullmatch(text[begin:end]):
                # YAML or JSON that puts the value below its name.
                depth = _depth(lines[first])
                while number + 1 < len(lines) and (not lines[number + 1].strip() or _depth(lines[number + 1]) > depth):
                    number += 1
                end = starts[number] + len(lines[number])
            yield begin, end
        number += 1


def _goes_on(line: str) -> bool:
    """Whether a properties file, a unit or a shell continues the line on the next: it ends with a backslash that stands for itself."""
    kept = line.rstrip("\r")
    return (len(kept) - len(kept.rstrip("\\"))) % 2 == 1


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
