"""`python -m cppn`: every command that it lists is there and explains itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cppn import __main__ as command_line


@pytest.mark.parametrize("words", command_line.COMMANDS, ids=" ".join)
def test_every_command_explains_itself_under_its_own_name(words, capsys):
    with pytest.raises(SystemExit) as end:
        command_line.main([*words, "--help"])
    assert end.value.code == 0
    assert f"usage: python -m cppn {' '.join(words)} " in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["flags"], ["flags", "fly"], ["nothing", "decode"], ["--help"]])
def test_anything_else_lists_the_commands(words, capsys):
    assert command_line.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    for known in command_line.COMMANDS:
        assert f"python -m cppn {' '.join(known)}\n" in printed.err


def test_a_command_gets_the_rest_of_the_line_and_decides_the_exit_status(tmp_path, monkeypatch):
    (tmp_path / "some_command.py").write_text("def run(argv): return len(argv)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(command_line, "COMMANDS", {("one",): "some_command:run", ("one", "two"): "some_command:run"})
    assert command_line.main(["one", "x", "y", "z"]) == 3
    assert command_line.main(["one", "two", "y", "z"]) == 2


def test_the_list_of_commands_costs_no_heavy_import():
    program = (
        "import sys; from cppn.__main__ import main; main([]); print(sorted({'torch', 'gradio'} & set(sys.modules)))"
    )
    checkout = Path(command_line.__file__).parents[1]
    assert subprocess.check_output([sys.executable, "-c", program], cwd=checkout, text=True) == "[]\n"
