"""The house's own rules: which way imports run, what lies in the repository, and what must not be in it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
CODE = ROOT / "cppn"
WINGS = sorted(path.parent.name for path in CODE.glob("*/__init__.py"))
GROUND = sorted(CODE.glob("*.py"))
MODULES = sorted(CODE.rglob("*.py"))

ROOMS = {"network.py", "weights.py", "endpoints.py", "views.py", "tab.py", "text", "making"}
PRESENTATION = {"views", "tab"}
ON_TOP = {"tab": 4, "endpoints": 3, "views": 2, "network": 0}  # every other module of a wing stands on floor 1
# where gradio may be imported, besides the app and the tabs
SCREEN = {f"cppn.{name}" for name in ("ui", "sections", "toys", "serving")}
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


def shown(path: Path) -> str:
    """A file as it is named in a message."""
    return path.relative_to(ROOT).as_posix()


def wing_of(path: Path) -> str | None:
    """The wing that a module belongs to."""
    first = path.relative_to(CODE).parts[0]
    return first if first in WINGS else None


def wing_of_name(name: str) -> str | None:
    """The wing of a module by its name; None for the ground floor and for the wing's package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "cppn" and len(parts) > 2 and parts[1] in WINGS else None


def is_making(path: Path) -> bool:
    """Whether a module only makes weights or figures."""
    return "making" in path.parts


# --- which way imports run


def test_no_wing_imports_another_wing_and_the_ground_floor_none():
    for path in MODULES:
        others = {f"cppn.{wing}" for wing in WINGS if wing != wing_of(path)}
        assert not imports(path) & others, shown(path)


def test_only_the_screen_imports_gradio():
    allowed = SCREEN | {f"cppn.{wing}.tab" for wing in WINGS}
    assert {name_of(path) for path in MODULES if "gradio" in imports(path)} <= allowed


def test_only_the_hub_module_imports_the_hub_client():
    importers = {shown(path) for path in [ROOT / "app.py", *MODULES] if "huggingface_hub" in imports(path)}
    assert importers == {"cppn/hub.py"}


def test_nothing_that_serves_imports_what_only_makes():
    for path in [ROOT / "app.py", *MODULES]:
        assert is_making(path) or not [name for name in imports(path) if ".making" in name], shown(path)


def test_presentation_stands_above_what_it_shows():
    """Tab over endpoints over views over everything else of a wing; the screen's parts below all tabs, above none."""
    for path in MODULES:
        if (wing := wing_of(path)) is None or is_making(path):
            continue
        floor = ON_TOP.get(path.stem, 1) if path.stem not in PRESENTATION or path.parent.name == wing else 1
        for name in imports(path):
            above = ON_TOP.get(name.removeprefix(f"cppn.{wing}."), 1)
            target = path_of(name) if name.startswith(f"cppn.{wing}.") else None
            if (
                target
                and target.stem not in ON_TOP
                and not any(wing_of_name(other) == wing for other in imports(target))
            ):
                above = 0  # what stands on nothing of its wing may lie under its network
            assert target is None or above <= floor, f"{shown(path)} imports {name}"
        assert path.stem == "tab" or not imports(path) & SCREEN, shown(path)
    assert not [shown(path) for path in GROUND if any(name.endswith((".tab", ".views")) for name in imports(path))]


def test_no_recipe_is_loaded_at_start_up():
    loaded = loaded_with(ROOT / "app.py") | {p for wing in WINGS for p in loaded_with(CODE / wing / "tab.py")}
    assert CODE / "hub.py" in loaded  # the walk got somewhere
    assert not [shown(path) for path in loaded if is_making(path)]


# --- the wings are alike


def test_every_wing_has_the_same_rooms():
    for wing in WINGS:
        assert {path.name for path in (CODE / wing).iterdir()} >= ROOMS, wing
        assert {path.stem for path in (CODE / wing / "text").glob("*.md")} >= {"lead", "how"}, wing
        drawn = ElementTree.parse(CODE / wing / "text" / "how.svg").getroot()
        assert drawn.get("role") == "img" and len(drawn.get("aria-label")) > 50, wing


def test_the_same_things_have_the_same_names_and_shapes():
    from cppn import sections
    from cppn.endpoint import endpoints_of

    assert sorted(sections.WINGS) == WINGS
    for wing in WINGS:
        tab = importlib.import_module(f"cppn.{wing}.tab")
        assert not inspect.signature(tab.tab).parameters, wing
        assert inspect.signature(tab.tab).return_annotation == "Wing", wing
        declared = endpoints_of(importlib.import_module(f"cppn.{wing}.endpoints"))
        assert len(declared) >= 3, wing
        assert len({asked.command for asked in declared}) == len(declared), wing
        weights = importlib.import_module(f"cppn.{wing}.weights")
        openers = [name for name in vars(weights) if re.fullmatch(r"[a-z]+_of", name)]
        assert openers, f"{wing}.weights opens nothing by name"


def test_every_module_says_where_it_stands():
    for path in MODULES:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert doc, shown(path)


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


def test_no_file_names_a_machine_or_a_registry(files):
    found = {}
    for path in files:
        if path.suffix in (".safetensors", ".png", ".webp", ".pyth"):
            continue  # numbers and pixels
        data = (ROOT / path).read_bytes()
        found |= {f"{path}: {what}": match[0] for what, pattern in FORBIDDEN.items() if (match := pattern.search(data))}
    assert not found
