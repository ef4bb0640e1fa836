"""The weights as they are shipped: good enough, described truthfully, decoded alike by an independent program."""

from __future__ import annotations

import json

import flag_reference as reference
import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from cppn import checkpoint
from cppn.flags.decode import open_gift
from cppn.flags.fit import measure
from cppn.flags.network import GiftConfig
from cppn.flags.target import TARGETS, Target
from cppn.flags.teams import TEAMS
from cppn.flags.views import RESULTS, team_facts
from cppn.flags.weights import gift_of
from cppn.hub import BUNDLED

RESULT = json.loads((RESULTS / "flags.json").read_text(encoding="utf-8"))
LEAST, LEAST_ZOOMED = 47, 44  # decibels of the hardest flags, at 320 pixels and at 4x zoom


@pytest.mark.parametrize("slug", TEAMS)
def test_every_flag_is_as_good_as_promised(slug):
    facts, row = team_facts(TEAMS[slug], gift_of(TEAMS[slug])), RESULT["teams"][slug]
    assert row["sha256"] == facts["sha256"]
    # the page folds the normalisations away before it decodes, so a value now and then rounds to the other level
    assert 255 * 10 ** (-row["psnr"] / 20) == pytest.approx(facts["rms_error_levels"], abs=0.02)
    assert row["psnr"] >= LEAST
    assert row["psnr_zoomed_4x"] >= LEAST_ZOOMED
    assert row["psnr_train_mode"] >= LEAST - 3  # a finder who forgets .eval() still sees the flag


def test_the_means_are_as_promised():
    rows = RESULT["teams"].values()
    assert np.mean([row["psnr"] for row in rows]) == pytest.approx(RESULT["summary"]["mean_psnr"], abs=0.01)
    assert RESULT["summary"]["mean_psnr"] >= 60
    assert RESULT["summary"]["mean_psnr_zoomed_4x"] >= 58


def test_a_measured_figure_can_be_measured_again():
    _, zoomed = measure(gift_of(TEAMS["iran"]).checkpoint.net, Target.of_team("iran"))
    assert RESULT["teams"]["iran"]["psnr_zoomed_4x"] == pytest.approx(zoomed, abs=0.02)


def test_a_gift_that_does_not_say_its_size_is_measured_at_the_usual_one():
    gift = open_gift(checkpoint.to_bytes(gift_of(TEAMS["japan"]).checkpoint.net, GiftConfig()))
    facts = team_facts(TEAMS["japan"], gift)
    assert (facts["width"], facts["height"]) == (320, 160)
    assert facts["psnr_db"] > 20


@pytest.mark.parametrize("slug", ["japan", "malaysia"])
def test_an_independent_program_sees_the_flag(slug):
    state = safetensors.numpy.load_file(BUNDLED / "flags" / f"{slug}.safetensors")
    with Image.open(TARGETS / f"{slug}.png") as target:
        small = np.array(target.convert("RGB"))
    assert reference.psnr(reference.picture(state, small.shape[1], small.shape[0]), small) > 33
