"""What is shipped: our program, its record, and the measured figures belong together."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import paint_reference
import pytest

from cppn import hub
from cppn.starry.paint import paint
from cppn.starry.program import BYTE_LIMIT, Program, count_escapes, read, write

FOLDER = hub.BUNDLED / "starry"


@pytest.fixture(scope="module")
def data() -> bytes:
    return (FOLDER / "ours.pyth").read_bytes()


@pytest.fixture(scope="module")
def program(data: bytes) -> Program:
    return read(data)


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    return json.loads((hub.BUNDLED / "results" / "starry.json").read_text(encoding="utf-8"))


def test_our_program_fits_and_reads_back(data: bytes, program: Program):
    assert len(data) <= BYTE_LIMIT
    assert write(program) == data
    assert (program.width, program.height) == (386, 320)


def test_our_painting_is_that_of_an_independent_evaluation(program: Program):
    painted = paint(program, 386, 320).numpy()
    kind = {name: getattr(program, name) for name in ("scale", "constant", "activation", "bend")}
    assert np.array_equal(painted, paint_reference.picture(program.weights, 386, 320, **kind))


def test_the_record_is_that_of_our_program(data: bytes, results: dict[str, object]):
    record = json.loads((FOLDER / "ours.json").read_text(encoding="utf-8"))
    assert record["sha256"] == hashlib.sha256(data).hexdigest()
    assert results["search"] == record
    assert record["target_sha256"] == results["target_sha256"]
    assert results["ours"]["sha256"] == record["sha256"]
    # the search computes in float32, which floors a value or two of 370,560 to the other side
    assert results["ours"]["score"] == pytest.approx(record["score"], abs=0.5)


def test_the_figures_are_those_of_the_programs(data: bytes, program: Program, results: dict[str, object]):
    ours, published = results["ours"], results["published"]
    assert (ours["bytes"], ours["escapes"], ours["levels"]) == (len(data), count_escapes(data), program.levels)
    assert round(published["score"], 2) == 4695.07  # as its author gives it
    assert (published["bytes"], published["escapes"], published["neurons"]) == (1020, 4, 45)


@pytest.mark.parametrize("name", ["published", "ours"])
def test_the_real_interpreter_painted_the_same(name: str, results: dict[str, object]):
    report = results["pyth"][name]
    assert report["sha256"] == results[name]["sha256"]
    assert (report["differing"], report["values"]) == (0, 386 * 320 * 3)
