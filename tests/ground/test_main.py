"""`python -m cppn`: every command is found, explains itself, and the lists cost no heavy import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cppn import __main__ as command_line

MAKING = [(wing, verb) for wing in command_line.WINGS for verb in command_line.making(wing)]
ASKING = [(wing, verb) for wing in command_line.WINGS for verb in command_line.asking(wing)]


@pytest.mark.parametrize("words", [*MAKING, *((name,) for name in command_line.HOUSE)], ids=" ".join)
def test_every_command_that_makes_something_explains_itself_under_its_own_name(words, capsys):
    with pytest.raises(SystemExit) as end:
        command_line.main([*words, "--help"])
    assert end.value.code == 0
    assert f"usage: python -m cppn {' '.join(words)} " in capsys.readouterr().out


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_every_command_that_asks_something_explains_itself_under_its_own_name(words, capsys):
    assert command_line.main([*words, "--help"]) == 0
    assert f"Usage: python -m cppn {' '.join(words)} " in capsys.readouterr().out


def test_no_verb_means_two_things():
    assert len({*MAKING, *ASKING}) == len(MAKING) + len(ASKING)
    assert MAKING
    assert ASKING


@pytest.mark.parametrize("words", [[], ["nothing", "decode"], ["--help"]])
def test_anything_else_lists_the_wings_and_what_concerns_all(words, capsys):
    assert command_line.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    for known in (*command_line.WINGS, *command_line.HOUSE):
        assert f"python -m cppn {known}" in printed.err


@pytest.mark.parametrize("words", [["flags"], ["flags", "fly"]])
def test_a_wing_lists_its_verbs(words, capsys):
    assert command_line.main(words) == 2
    printed = capsys.readouterr().err
    for wing, verb in (*MAKING, *ASKING):
        assert (f"python -m cppn {wing} {verb}\n" in printed) == (wing == "flags")


def test_the_list_of_commands_costs_no_heavy_import():
    program = (
        "import sys; from cppn.__main__ import main; main([]); print(sorted({'torch', 'gradio'} & set(sys.modules)))"
    )
    checkout = Path(command_line.__file__).parents[1]
    assert subprocess.check_output([sys.executable, "-c", program], cwd=checkout, text=True) == "[]\n"


def test_asking_on_the_command_line_loads_no_gradio():
    wings = ", ".join(f"cppn.{wing}.endpoints" for wing in command_line.WINGS)
    program = f"import sys, {wings}; print('gradio' in sys.modules)"
    checkout = Path(command_line.__file__).parents[1]
    assert subprocess.check_output([sys.executable, "-c", program], cwd=checkout, text=True) == "False\n"
