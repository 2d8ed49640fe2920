"""The options of a module as they are documented, with its fragments, and as they are declared: both in one shape, so that a test can compare them."""

from __future__ import annotations

import importlib

import yaml

COMPARED = ("type", "elements", "required", "choices", "default")
FRAGMENTS = "rackaware.kafka."


def documented(module) -> dict:
    """What the module's DOCUMENTATION says. An option that a fragment brings, too, has the fragment's words where it has none of its own."""
    page = yaml.safe_load(module.DOCUMENTATION)
    options = page.get("options", {})
    for name in page.get("extends_documentation_fragment", []):
        file, _, part = name.removeprefix(FRAGMENTS).partition(".")
        fragment = importlib.import_module(
            "ansible_collections.rackaware.kafka.plugins.doc_fragments." + file
        ).ModuleDocFragment
        for option, words in yaml.safe_load(getattr(fragment, part.upper() or "DOCUMENTATION"))["options"].items():
            options[option] = {**words, **options.get(option, {})}
    return declared(options)


def declared(options: dict) -> dict:
    """What an argument_spec says."""
    out = {}
    for name, option in options.items():
        out[name] = {key: option[key] for key in COMPARED if key in option}
        if not option.get("required"):
            out[name].pop("required", None)
        inner = option.get("options") or option.get("suboptions")
        if inner:
            out[name]["options"] = declared(inner)
    return out
