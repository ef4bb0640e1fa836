"""What the README and the model card tell people to run runs, and says what they are told."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cppn.__main__ import main
from cppn.odd_shapes.endpoints import draw_odd_shapes

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = (ROOT / "weights" / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:7860"


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(holds: str) -> str:
    """The one block of the README that holds these words."""
    (found,) = [code for language in ("bash", "python") for code in blocks(README, language) if holds in code]
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder: the weights and a picture are in it, and it is the one that commands run in."""
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    (tmp_path / "picture.png").write_bytes(draw_odd_shapes(1).picture.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_lines_answer(folder: Path):
    for line in block("cppn flags decode").splitlines():
        words = shlex.split(line, comments=True)
        assert words[:3] == ["python", "-m", "cppn"]
        assert main(words[3:]) == 0, line
    for name, width in (("malaysia", 1280), ("hello", 2048), ("starry", 1544)):
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.width == width


def test_curl_gets_data_a_picture_an_upload_and_a_stream(url: str, folder: Path):
    code = block("curl -s").replace(ADDRESS, url.rstrip("/"))
    command = ["bash", "-euo", "pipefail", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = done.stdout.split("event: complete")
    assert len(answers) == 5  # four endpoints
    assert '"malaysia"' in answers[1]
    assert ".png" in answers[2]
    assert "weights_from" in answers[3]
    assert answers[3].count("event: generating") >= 2
    assert ".safetensors" in answers[4]


def test_python_asks_in_the_process_and_from_elsewhere(url: str):
    found: dict[str, object] = {}
    code = block("from gradio_client import").replace(ADDRESS, url.rstrip("/"))
    exec(compile(code, "README.md", "exec"), found)
    assert Image.open(found["picture"]).size == Image.open(found["flag"].picture).size
    assert found["facts"] == found["flag"].facts


def test_a_gift_is_opened_with_numpy_alone(monkeypatch):
    (snippet,) = blocks(CARD, "python")
    assert snippet.count("\n") <= 40
    monkeypatch.chdir(ROOT / "weights")
    found: dict[str, object] = {}
    exec(compile(snippet, "README.md", "exec"), found)
    shown = np.asarray(Image.open(ROOT / "weights/flags/targets/malaysia.png").convert("RGB")) / 255
    assert np.sqrt(np.mean((found["picture"] - shown) ** 2)) < 0.01
