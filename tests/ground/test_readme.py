"""What the README promises agrees with the files that keep the promise."""

from __future__ import annotations

import re
from pathlib import Path

import gradio
import torch

from cppn.__main__ import HOUSE, WINGS, asking, making

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FRONT = dict(re.findall(r"^(\w+): (.+)$", README.split("---")[1], re.MULTILINE))
PINS = dict(
    line.split("==") for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line.strip()
)


def test_every_requirement_is_pinned_exactly_and_only_the_named_packages_are_there():
    assert set(PINS) == {"gradio", "torch", "safetensors", "pillow", "numpy", "huggingface-hub", "pytest"}
    assert PINS["torch"] == "2.13.0"


def test_the_space_runs_the_gradio_that_is_tested():
    assert FRONT["sdk_version"] == PINS["gradio"] == gradio.__version__
    assert torch.__version__.split("+")[0] == PINS["torch"]
    assert FRONT["python_version"] == '"3.11"'
    assert (ROOT / FRONT["app_file"]).is_file()
    assert len(FRONT["short_description"]) <= 60
    assert (ROOT / FRONT["thumbnail"]).is_file()
    assert len(README.splitlines()) <= 150


def test_every_command_in_the_readme_exists():
    known = {f"{wing} {verb}" for wing in WINGS for verb in (*asking(wing), *making(wing))} | set(HOUSE)
    named = {words.strip() for words in re.findall(r"-m cppn ((?:[a-z_]+ ?){1,2})", README)}
    assert named
    for words in named:
        assert words in known or words.split()[0] in HOUSE, words


def test_one_command_starts_the_app_and_one_tests_it():
    setup = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python"
    assert f"\n{setup} app.py\n" in README
    assert f"<!-- command: test -->\n```bash\n{setup} -m tests\n```" in README


def test_the_readme_lists_every_public_endpoint():
    import app

    public = {fn.api_name for fn in app.demo.fns.values() if fn.api_visibility == "public"}
    assert public
    for name in public:
        assert f"`/{name}`" in README, name
