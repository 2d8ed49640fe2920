"""What pages for people say is so: links lead somewhere, commands and files exist, runbooks quote the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.module_utils._tls import identity

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [*DOCS, *sorted((ROOT / "roles").glob("*/README.md"))]
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
HEADINGS = ["Symptom", "Check", "Decide", "Do", "Verify", "If it fails"]
# Folders of the checkout; other paths in code are those of hosts or of the reader.
FOLDERS = ("docs", "inventories", "molecule", "playbooks", "plugins", "roles", "tests")
FEWEST_LETTERS = 9

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[sdrfg]|%%|\0|\{\{.*?\}\}", re.DOTALL)
RUNBOOK = re.compile(r"docs/runbooks/(\w+)\.md")
# The end of a refusal, as a text of its own: the whole file's sentences end with it.
ENDING = re.compile(r"(?:%s)?( See docs/runbooks/\w+\.md\.)")
# Texts in an expression of Jinja, with what is put between them.
BETWEEN = r"\s*~\s*(?:\((?:[^()]|\([^()]*\))*\)|[^'~()]+)\s*~\s*"
JINJA_TEXT = re.compile(r"'[^']*'(?:%s'[^']*')*" % BETWEEN)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))


def code(text: str) -> list[str]:
    """The lines of code blocks and what stands in backticks."""
    blocks = [line.strip() for _, _, block in FENCE.findall(text) for line in block.splitlines()]
    return blocks + re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path, text: str) -> list[str]:
    out = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        here = text if file == page else file.read_text() if file.is_file() and file.suffix == ".md" else ""
        if not file.exists() or (anchor and anchor not in anchors(here)):
            out.append(target)
    return out


@cache
def public_names() -> set[str]:
    """Playbooks, modules, filters and roles."""
    globs = ("playbooks/*.yml", "plugins/modules/*.py", "plugins/filter/*.*", "roles/*")
    return {path.stem for glob in globs for path in ROOT.glob(glob)}


def unknown_names(text: str) -> list[str]:
    said = re.findall(r"rackaware\.kafka\.([a-z][a-z0-9_-]*)", text)
    run = re.findall(r"ansible-playbook\b[^\n`|]*?rackaware\.kafka\.([a-z][a-z0-9_-]*)", text)
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    return sorted((set(said) - public_names()) | (set(run) - playbooks))


def unknown_targets(text: str) -> list[str]:
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    said = [found for line in code(text) for found in re.findall(r"(?:^|\$\(|\$ )make (?:-s )?([a-z][a-z-]*)", line)]
    return sorted(set(said) - set(targets))


@cache
def words_of_playbooks() -> set[str]:
    files = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/*/*.yml"), ROOT / "docs/variables.md"]
    return set(re.findall(r"\w+", " ".join(path.read_text() for path in files)))


def unknown_variables(text: str) -> list[str]:
    """Variables that a command of a page sets, and nothing reads."""
    said = re.findall(r"-e '?([a-z]\w*)=", text) + re.findall(r"-e '\{\"(\w+)\":", text)
    return sorted(set(said) - words_of_playbooks())


def missing_files(text: str) -> list[str]:
    out = []
    for span in code(text):
        for path in re.findall(r"(?<![\w/.~$<-])((?:%s)/[\w./-]*\w)" % "|".join(FOLDERS), span):
            if not (ROOT / path).exists():
                out.append(path)
        if re.fullmatch(r"_\w+/\w+\.py", span) and not (ROOT / "plugins/module_utils" / span).is_file():
            out.append(span)
        if re.fullmatch(r"\w+\.py", span) and not any(files().get(span, [])):
            out.append(span)
    return out


@cache
def files() -> dict[str, list[Path]]:
    out: dict[str, list[Path]] = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            out.setdefault(path.name, []).append(path)
    return out


def python_texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.ImportFrom) and any(each.name == "PAGE" for each in node.names):
            # The end of sentences, as a text of a file below.
            yield identity.PAGE
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)


def yaml_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from yaml_texts(item)
    elif isinstance(value, str):
        yield value
        for text in JINJA_TEXT.findall(value):
            yield re.sub("'%s'" % BETWEEN, "\0", text)[1:-1]


def pattern(text: str) -> re.Pattern[str] | None:
    """A literal with its placeholders as something; None for one that says too little to be known again."""
    text = " ".join(text.split())
    if len(re.sub(r"[^A-Za-z]", "", PLACEHOLDER.sub("", RUNBOOK.sub("", text)))) < FEWEST_LETTERS:
        return None
    parts = [re.escape(part) for part in PLACEHOLDER.split(text)]
    # What fills a gap names no page: only the sentence itself sends people to one.
    gaps = ["%" if gap == "%%" else r"(?:(?!docs/runbooks/).)*?" for gap in PLACEHOLDER.findall(text)]
    pages = [RUNBOOK.pattern if part.endswith(r"\ See\ ") else "" for part in parts]
    return re.compile("".join(part + (page or gap) for part, page, gap in zip(parts, pages, [*gaps, ""])))


def with_endings(texts: set[str]) -> set[str]:
    """The texts of a file, and its sentences with the page that the file puts behind them."""
    endings = {found[1] for found in map(ENDING.fullmatch, texts) if found}
    return texts | {
        text + ending for text in texts for ending in endings if text.endswith(".") and not RUNBOOK.search(text)
    }


@cache
def printed() -> set[str]:
    """Every text that the code can print."""
    texts: set[str] = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        texts |= with_endings(set(python_texts(ast.parse(path.read_text()))))
    globs = ("playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/vars/*.yml")
    for path in (path for glob in globs for path in ROOT.glob(glob)):
        texts.update(yaml_texts(yaml.safe_load(path.read_text())))
    return texts


@cache
def literals() -> list[re.Pattern[str]]:
    return [found for found in map(pattern, printed()) if found]


def quotes(text: str) -> list[str]:
    """The sentences in blocks of text, one for each paragraph."""
    blocks = [block for _, kind, block in FENCE.findall(text) if kind == "text"]
    return [" ".join(paragraph.split()) for block in blocks for paragraph in re.split(r"\n\s*\n", block.strip())]


def unsaid(text: str) -> list[str]:
    """Quoted sentences that the code does not print."""
    return [quote for quote in quotes(text) if not any(literal.fullmatch(quote) for literal in literals())]


def nameless(page: str, text: str) -> list[str]:
    """Sentences quoted as a symptom that do not end with the name of the page."""
    said = quotes(text.partition("\n## Symptom\n")[2].partition("\n## ")[0])
    return [quote for quote in said if not quote.endswith(" See docs/runbooks/%s.md." % page)] if said else ["nothing"]


def inside(texts: set[str]) -> list[str]:
    """Texts that name a page anywhere but at the end of a sentence."""
    end = re.compile(r"^docs/runbooks/\w+\.md$| See docs/runbooks/\w+\.md\.(?=['\"]|$)")
    return [text for text in texts if RUNBOOK.search(end.sub("", text))]


def wrong_headings(text: str) -> list[str]:
    found = [heading for heading in re.findall(r"^## (.+)$", FENCE.sub("", text), re.MULTILINE) if heading in HEADINGS]
    return [] if found == HEADINGS else found or ["none"]


every_page = pytest.mark.parametrize("page", PAGES, ids=name)
quoting = pytest.mark.parametrize("page", [*RUNBOOKS, ROOT / "docs/security.md"], ids=lambda page: page.stem)
every_runbook = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


@every_page
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page):
    assert dead_links(page, page.read_text()) == []


@every_page
def test_every_name_of_the_collection_is_one_and_every_playbook_can_be_run(page):
    assert unknown_names(page.read_text()) == []


@every_page
def test_every_make_target_exists(page):
    assert unknown_targets(page.read_text()) == []


@every_page
def test_every_variable_of_a_command_is_read_by_a_playbook_or_a_role(page):
    assert unknown_variables(page.read_text()) == []


@every_page
def test_every_file_that_is_named_exists(page):
    assert missing_files(page.read_text()) == []


@every_runbook
def test_a_runbook_has_its_six_headings_in_order(page):
    assert wrong_headings(page.read_text()) == []


@quoting
def test_a_page_quotes_what_the_code_prints(page):
    assert unsaid(page.read_text()) == []


@every_runbook
def test_a_runbook_begins_with_refusals_that_name_it(page):
    assert nameless(page.stem, page.read_text()) == []


def test_refusals_name_every_runbook_and_no_other_page_at_their_end():
    assert {name for text in printed() for name in RUNBOOK.findall(text)} == {page.stem for page in RUNBOOKS}
    assert inside(printed()) == []


@every_runbook
def test_every_runbook_is_in_the_index(page):
    assert "(runbooks/%s)" % page.name in (ROOT / "docs/README.md").read_text()


def test_the_readme_names_every_playbook():
    text = (ROOT / "README.md").read_text()
    assert [path.stem for path in sorted((ROOT / "playbooks").glob("*.yml")) if "`%s`" % path.stem not in text] == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (lambda text: dead_links(ROOT / "docs/README.md", text), "See [that](runbooks/nowhere.md)."),
        (lambda text: dead_links(ROOT / "docs/README.md", text), "See [that](design.md#no-such-heading)."),
        (lambda text: dead_links(ROOT / "docs/README.md", text), "See [that](#no-such-heading)."),
        (unknown_names, "`ansible-playbook -i x rackaware.kafka.no_such_playbook`"),
        (unknown_names, "`ansible-playbook -i x rackaware.kafka.kafka_verify`"),
        (unknown_targets, "```sh\nmake no-such-target\n```\n"),
        (unknown_variables, "```sh\nansible-playbook x.yml -e roll_onyl=a\n```\n"),
        (unknown_variables, "`-e '{\"nodse\": [3]}'`"),
        (missing_files, "`plugins/module_utils/_roll/nothing.py`"),
        (missing_files, "`ansible-playbook playbooks/nothing.yml`"),
        (missing_files, "`_roll/nothing.py` and `nothing_here.py`"),
        (wrong_headings, "## Symptom\n## Check\n## Do\n## Decide\n## Verify\n## If it fails\n"),
        (unsaid, "```text\nThe disk /x of broker-1 is 93 % filled.\n```\n"),
        (unsaid, "```text\nThe quorum of controllers has no leader. See docs/runbooks/disk_full.md.\n```\n"),
        (unsaid, "```text\nNo node needs a restart. See docs/runbooks/roll_stopped.md.\n```\n"),
        (lambda text: nameless("az_down", text), "# x\n\n## Symptom\n\nIt is down.\n\n## Check\n"),
        (lambda text: nameless("az_down", text), "# x\n\n## Symptom\n\n```text\nIt is down.\n```\n\n## Check\n"),
        (lambda text: inside({text}), "It is down. See docs/runbooks/az_down.md, then go on."),
        (lambda text: inside({text}), "It is down. See docs/runbooks/az_down.md. Then go on."),
        (unsaid, "1. x\n\n   ```text\n   The roll stopped at a. Nothing was touched.\n   ```\n"),
    ],
)
def test_each_check_sees_a_planted_fault(check, text):
    assert check(text) != []
