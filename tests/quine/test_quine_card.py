"""What the model card, the README and the tab say about the quines is what was measured, recomputed in part."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import quine_reference as reference

from cppn import ui
from cppn.hub import BUNDLED
from cppn.quine import measured
from cppn.quine.network import Quine, flatten
from cppn.quine.weights import SHIPPED, quine_of

CARD = (BUNDLED / "README.md").read_text(encoding="utf-8")
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def row_of(slug: str) -> list[str]:
    (line,) = re.findall(rf"^\| `{slug}`: .*$", CARD, re.MULTILINE)
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_cards_row_is_what_numpy_finds(slug):
    _, weights, error, r2, margin, proved, *_ = row_of(slug)
    if slug == "auxiliary":
        found = measured.results()["files"][slug]
        theta_count, worst, explained = found["weights"], found["max_delta"], found["r2"]
    else:
        theta, output = reference.prints(BUNDLED / SHIPPED[slug].file, np.float64)
        theta_count, worst = len(theta), abs(output - theta).max()
        explained = 1 - ((output - theta) ** 2).sum() / ((theta - theta.mean()) ** 2).sum()
    assert weights == f"{theta_count:,}"
    assert float(r2) == pytest.approx(explained, abs=1e-4)
    assert (error == "exactly 0") == (worst == 0)
    assert error == "exactly 0" or float(error) == pytest.approx(worst, rel=5 if worst < 1e-12 else 0.05)
    proof = measured.results()["proofs"][slug]
    assert (proved == "every correct computer") == (proof["verdict"] == "certified") == (margin != "")
    if proof["verdict"] == "enclosed":
        assert float(proved.removeprefix("a true quine within ")) == pytest.approx(proof["radius"], rel=0.1)


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_table_that_is_not_printed_is_as_large_as_is_said(slug):
    net = quine_of(slug).net
    if isinstance(net, Quine):
        assert net.table.numel() / len(flatten(net)) == net.CODE in (20, 16)
    for text in (ui.text("quine", "lead"), README):
        assert "20 times" in " ".join(text.split())


def test_every_rung_of_the_ladder_has_its_r2():
    rows = measured.ladder_table().splitlines()[2:7]
    assert [row.split("|")[3].strip() for row in rows] == ["0.9982", "1", "1", "1", "1"]
