"""One declaration: what it says of its parameters, what it refuses and how, the command that is made of it."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import pytest
from PIL import Image
from pydantic import Field

from cppn.endpoint import OURS, Parameter, endpoint, named, run_command, sentence
from cppn.faults import VisitorError


class Answer(NamedTuple):
    """What it returns."""

    picture: Annotated[Path | None, Field(description="a picture")]
    facts: Annotated[dict, Field(description="facts")]


class Look(NamedTuple):
    """What it yields."""

    words: Annotated[str, Field(description="words")]


Name = named(("ann", "bob"), "who", {"Robert": "bob"})
Count = Annotated[int, Field(ge=1, le=5000, description="pieces")]
Share = Annotated[float, Field(ge=0, le=1, description="of all")]
Text = Annotated[str, Field(max_length=10, description="a word")]


@endpoint(command="ask", arguments=("name",), status=lambda answer: 1 if answer.facts["count"] == 13 else 0)
def ask(name: Name, count: Count = 3, share: Share = 0.5, text: Text = "x") -> Answer:
    """Ask something."""
    return Answer(None, {"name": name, "count": count, "share": share, "text": text})


@endpoint(command="open")
def open_file(file: Annotated[Path, Field(description="any file")]) -> Answer:
    """Open a file."""
    return Answer(file, {"bytes": file.stat().st_size})


@endpoint(command="watch")
def watch(count: Count = 2) -> Iterator[Look]:
    """Watch something."""
    for number in range(count):
        yield Look(f"{number} done")


def test_an_endpoint_answers_as_the_function_that_it_is():
    assert ask("ann", share=1).facts == {"name": "ann", "count": 3, "share": 1.0, "text": "x"}
    assert ask("ROBERT").facts["name"] == "bob"
    assert ask("bob", 4.0).facts["count"] == 4  # JSON has one kind of number
    assert ask("bob", text=42).facts["text"] == "42"
    assert [look.words for look in watch(3)] == ["0 done", "1 done", "2 done"]
    assert ask.__doc__ == "Ask something."
    assert (ask.name, ask.defaults) == ("ask", {"count": 3, "share": 0.5, "text": "x"})
    assert list(ask.outputs) == ["picture", "facts"]


SILLY = [None, math.nan, math.inf, -math.inf, 1.7, 1e30, "", [1], {"a": 1}, "y" * 10_000, True, "\0", -1]


@pytest.mark.parametrize("value", SILLY, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("name", ["name", "count"])
def test_what_does_not_fit_is_refused_with_name_bound_and_what_came(name: str, value: object):
    with pytest.raises(VisitorError) as error:
        ask(**{"name": "ann", name: value})
    words = str(error.value)
    assert words.startswith(f"{name} must be ")
    assert {"name": "ann, bob", "count": "1 to 5,000"}[name] in words
    assert "came instead" in words
    assert len(words) < 160


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.01, "", [0.5], None, "half"])
def test_a_number_is_finite_and_within_its_limits(value: object):
    with pytest.raises(VisitorError, match=r"share must be a number from 0.* to 1"):
        ask("ann", share=value)


def test_calls_that_do_not_fit_the_signature_are_refused():
    for call, words in (
        (ask, "name is missing: who"),
        (lambda: ask("ann", 1, 1, "x", 5), "takes 4 values"),
        (lambda: ask("ann", size=3), "no parameter 'size'"),
        (lambda: open_file(Path("/dev/null")), "no file"),
        (lambda: open_file(""), "file must be a file"),
        (lambda: watch(0), "count must be"),  # a stream is checked before its first look
    ):
        with pytest.raises(VisitorError, match=words):
            call()


def test_a_parameter_reads_its_annotation():
    p = Parameter.of("count", Count, 3)
    assert (p.low, p.high, p.words, p.required) == (1, 5000, "pieces (1 to 5,000)", False)
    assert p.schema()["maximum"] == 5000
    assert Parameter.of("name", Name).choices == ("ann", "bob")
    assert Parameter.of("text", Text).wanted == "a text of at most 10 characters"


def test_a_visitors_fault_is_told_and_one_of_ours_is_logged_whole(caplog: pytest.LogCaptureFixture):
    assert sentence(VisitorError("too wide")) == "too wide"
    assert not caplog.records
    try:
        {}["psnr"]  # a bug
    except KeyError as error:
        with caplog.at_level(logging.ERROR):
            assert sentence(error) == OURS
    assert "Traceback" in caplog.text
    assert "psnr" in caplog.text


# --- the command


def run(asked: object, *argv: str) -> int:
    return run_command(asked, f"python -m cppn test {asked.command}", list(argv))


def test_a_command_prints_the_answer_and_takes_its_status(capsys: pytest.CaptureFixture):
    assert run(ask, "ann", "--count", "7", "--text", "007") == 0
    assert json.loads(capsys.readouterr().out)["facts"] == {"name": "ann", "count": 7, "share": 0.5, "text": "007"}
    assert run(ask, "ann", "--count", "13") == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("eve",), "name must be one of"),
        (("ann", "--count", "1.7"), "count must be a whole number from 1 to 5,000; 1.7 came instead"),
        (("ann", "--share", "nan"), "share must be a number from 0 to 1; nan came instead"),
        (("ann", "--count", "many"), "'many' came instead"),
    ],
)
def test_a_command_refuses_in_one_line_with_the_words_of_the_declaration(argv, words, capsys):
    assert run(ask, *argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("python -m cppn test ask: ")


def test_a_commands_file_is_written_where_and_as_what_it_is_asked_for(tmp_path, capsys):
    source = tmp_path / "source.png"
    Image.new("RGB", (8, 8), "red").save(source)
    for target in ("out.png", "out.jpg"):
        assert run(open_file, str(source), "--out", str(tmp_path / target)) == 0
        with Image.open(tmp_path / target) as picture:
            assert picture.format == {"png": "PNG", "jpg": "JPEG"}[target[4:]]
    for target, words in (("missing/out.png", "no folder"), ("out.txt", "cannot be written as")):
        capsys.readouterr()
        assert run(open_file, str(source), "--out", str(tmp_path / target)) == 2
        assert words in capsys.readouterr().err
    assert run(open_file, str(tmp_path / "none.png")) == 2


def test_a_stream_tells_its_looks_and_prints_the_last(capsys):
    assert run(watch, "--count", "2") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"words": "1 done"}
    assert printed.err == "0 done\n1 done\n"


def test_a_command_explains_itself(capsys):
    assert run(ask, "--help") == 0
    shown = capsys.readouterr().out
    assert "python -m cppn test ask [OPTIONS]" in shown
    for words in ("pieces (1 to", "Ask something.", "--share"):
        assert words in shown
