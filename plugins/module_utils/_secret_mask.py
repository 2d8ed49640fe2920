# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Texts of configuration files as they may be shown: passwords, keys, tokens and JAAS configurations are left out.

Where it is not sure, more is left out. It is for showing only: what is written to a host never passes through it.
"""

from __future__ import annotations

import re
from typing import Iterator, Sequence

NOT_SHOWN = "(not shown)"
CHANGED = "(not shown, changed)"
# A name that says what it is. The store of the AWS article is called secretfs, and so are its mount and its units.
NAMED = (
    r"authorization(?![a-z.])|basic[._-]auth(?![._-]cred)|user[._-]info|storepin|license(?![a-z])|"
    r"pass(?:w(?:or)?d|phrase|code|key)|pass(?![a-z])|pwd|(?:(?<![a-z])|bind|(?-i:[a-z](?=P)))pw(?![a-z])|"
    r"secret(?!fs)|jaas|token|credential|creds?(?![a-z])|super[._-]?digest|"
    r"(?:private|api|access|account|encryption|decryption|signing|shared|master|storage)[._-]?key"
)
# ssl.keystore.key, private_key, apiKey, but neither key.serializer nor ssl.keystore.location.
KEY = r"[._-]key|(?-i:[a-z0-9]Key)"
# A properties file may have blanks instead of a sign between name and value. Elsewhere only a sign makes a word a name.
SECRET = re.compile(
    r"(?:%s)[\w.\-\[\]]*[\"']?[ \t]*[=:]?[ \t]*|"
    r"(?:%s)[\"']?[ \t]*[=:][ \t]*|^[ \t]*(?:[#!][ \t]*)?[\w.\-]*(?:%s)[ \t]+" % (NAMED, KEY, KEY),
    re.IGNORECASE,
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)", re.DOTALL
)
# Up to the semicolon that ends a line, because one inside quotes ends nothing. PLAIN keeps passwords under user_<name>.
# The JVM reads flags in any case.
JAAS = re.compile(
    r"(?<=LoginModule)[\s\\]+(?:required|requisite|sufficient|optional)\b(.*?(?:;[ \t\r\"'}]*$|\Z))",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
# A password may have any of the signs that end a host's name; a token may stand alone.
URL = re.compile(r":(?:\\?/){2}(\S*)")
BLOCK = re.compile(r"[|>\[{]?[-+0-9]*[ \t\r]*")
ITEM, ITEMS = re.compile(r"[ \t]*-(?:[ \t\r]|$)"), re.compile(r"[ \t]*(?:-[ \t]+)*")
# A list or a table of JSON that the line does not end; what is in quotes opens and closes nothing.
OPEN, QUOTED = re.compile(r"[\[{](?:.*[,\[{])?[ \t\r]*", re.DOTALL), re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")


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
    spans = [match.span() for match in PRIVATE_KEY.finditer(text)]
    spans += [match.span(1) for match in JAAS.finditer(text)]
    urls = (match for match in URL.finditer(text) if "@" in match[1])
    spans += [(match.start(1), match.start(1) + match[1].rindex("@")) for match in urls]
    spans += _named(text)
    out: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if text[slice(*span)].strip()):
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
            number = _last_below(lines, first, number, text[begin:end])
            yield begin, starts[number] + len(lines[number])
        number += 1


def _last_below(lines: Sequence[str], first: int, last: int, value: str) -> int:
    """The last line of a value that begins behind its name in lines first to last.

    YAML and JSON go on below: deeper, as a list, or in brackets.
    """
    name = ITEMS.match(lines[first]).end()
    depth = _depth(lines[first]) if BLOCK.fullmatch(value) else name
    unclosed = _unclosed(value) if OPEN.fullmatch(value) else 0
    # Comments between a name and its list are passed over, but not behind a comment: each would look at all others.
    passed = "" if lines[first].lstrip().startswith("#") else "#"
    for number in range(last + 1, len(lines)):
        line = lines[number]
        if _depth(line) > depth and line.strip() or unclosed > 0 or (_depth(line) == name and ITEM.match(line)):
            unclosed += _unclosed(line) if unclosed > 0 else 0
            last = number
        elif line.strip() and line.strip()[0] != passed:
            break
    return last


def _unclosed(text: str) -> int:
    bare = QUOTED.sub("", text)
    return sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))


def _goes_on(line: str) -> bool:
    """Whether a properties file, a unit or a shell continues the line on the next.

    It ends with an unescaped backslash.
    """
    kept = line.rstrip("\r")
    return (len(kept) - len(kept.rstrip("\\"))) % 2 == 1


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
