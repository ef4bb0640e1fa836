"""The house's own rules: which way imports run, what lies in the repository, and what must not be in it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ROOT / "cppn"
WINGS = sorted(path.parent.name for path in CODE.glob("*/__init__.py"))
GROUND = sorted(CODE.glob("*.py"))
MODULES = sorted(CODE.rglob("*.py"))

VERBS = ("decode", "channel", "interpolate", "locate", "verify", "program", "paint")
RECIPES = ("train", "solve", "fit")  # what makes weights; only those who ask for it load it
TOP_LEVEL = {"app.py", "cppn", "weights", "requirements.txt", "README.md", "tests", "LICENSE"}


def name_of(path: Path) -> str:
    """The module in a file: cppn/flags/decode.py is cppn.flags.decode."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def path_of(name: str) -> Path | None:
    """The file of one of our modules; None for the name of anything else."""
    base = ROOT.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def statements(node: ast.AST, inside_functions: bool) -> Iterator[ast.AST]:
    """Every node below this one, those within functions only if asked for."""
    for child in ast.iter_child_nodes(node):
        if inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from statements(child, inside_functions)


@cache
def imports(path: Path, inside_functions: bool = True) -> frozenset[str]:
    """Every module that a file imports, and its parents. `from a import b` counts as a.b, since b may be a module."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    found = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")), inside_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return frozenset(name[:end] for name in found for end in [*(dot.start() for dot in re.finditer(r"\.", name)), None])


def loaded_with(path: Path) -> set[Path]:
    """Our files that importing this one loads, itself included."""
    loaded, waiting = set(), {path}
    while waiting:
        here = waiting.pop()
        loaded.add(here)
        waiting |= {found for name in imports(here, inside_functions=False) if (found := path_of(name))} - loaded
    return loaded


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(ROOT)) for path in paths])


# --- which way imports run


@each([path for path in MODULES if path not in GROUND])
def test_no_wing_imports_another_wing(path):
    others = [f"cppn.{wing}" for wing in WINGS if wing != path.parent.name]
    assert not imports(path).intersection(others)


@each(GROUND)
def test_the_ground_floor_imports_no_wing(path):
    assert not imports(path).intersection(f"cppn.{wing}" for wing in WINGS)


@each([path for path in MODULES if path.name != "tab.py"])
def test_only_tabs_and_the_app_import_gradio(path):
    assert "gradio" not in imports(path)


@each([path for path in [ROOT / "app.py", *MODULES] if path != CODE / "hub.py"])
def test_only_the_hub_module_imports_the_hub_client(path):
    assert "huggingface_hub" not in imports(path)


@each([path for path in MODULES if path.name != "tab.py"])
def test_only_the_app_and_other_tabs_import_a_tab(path):
    assert not {name for name in imports(path) if name.split(".")[-1] == "tab" and name.startswith("cppn.")}


@each([path for path in MODULES if path.stem == "network" or path.stem in VERBS])
def test_networks_and_verbs_import_no_recipe(path):
    assert not imports(path).intersection(f"cppn.{path.parent.name}.{recipe}" for recipe in RECIPES)


@each([ROOT / "app.py", *CODE.glob("*/tab.py")])
def test_no_recipe_is_loaded_at_start_up(path):
    loaded = loaded_with(path)
    assert CODE / "hub.py" in loaded  # the walk got somewhere
    assert not [name_of(other) for other in loaded if other.stem in RECIPES]


# --- what lies in the repository


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file that git tracks or would add."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_holds_what_the_layout_names_and_nothing_else(files):
    top = {path.parts[0] for path in files}
    assert {"app.py", "cppn", "tests"} <= top
    assert not [name for name in top - TOP_LEVEL if not name.startswith(".")]


FORBIDDEN = {
    "this checkout's own place": re.compile(re.escape(str(ROOT)).encode() + rb"\b"),
    "a path of somebody's machine": re.compile(rb"(?<![\w.:/])/(?:home|Users|root|work|workspace)/[\w.]"),
    "a package registry": re.compile(
        rb"pypi\.|pythonhosted\.|registry\.npmjs|download\.pytorch\.org|--(?:extra-)?index-url"
    ),
}


@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN)
def test_no_file_names_a_machine_or_a_registry(files, pattern):
    found = {str(path): match[0] for path in files if (match := pattern.search((ROOT / path).read_bytes()))}
    assert not found
