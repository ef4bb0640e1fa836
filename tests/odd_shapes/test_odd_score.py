"""Scores, the study of the attention, and the contest, on networks whose answers are known beforehand."""

from __future__ import annotations

import contextvars
import json
import math

import numpy as np
import pytest
import torch

from cppn.__main__ import main
from cppn.faults import Abandoned, expect_work_while
from cppn.odd_shapes import contest, endpoints, score, views
from cppn.odd_shapes.contest import ROUNDS, Game
from cppn.odd_shapes.dataset import ABSENT, named_rng, sample
from cppn.odd_shapes.making import measure
from cppn.odd_shapes.network import Answer, SeedConfig, SeedNet, centres, shares
from cppn.odd_shapes.weights import Finder


class Constant(torch.nn.Module):
    """Always points at one place; its attention looks at one token alone."""

    FIRST, STEP = 4.0, 5.0

    def __init__(self, x: float = 31.5, y: float = 31.5, token: int = 0) -> None:
        super().__init__()
        self.x, self.y, self.token = x, y, token

    def forward(self, pictures: torch.Tensor) -> Answer:
        count = len(pictures)
        attention = torch.zeros(count, 1, 144, 144)
        attention[:, :, :, self.token] = 1
        even = torch.full((count, 144), -math.log(144))
        position = torch.tensor([self.x, self.y]).expand(count, 2)
        return Answer(position, even, torch.zeros(count, 144, 2), (attention,))


def test_measures_are_those_of_the_formulas():
    error = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 6.0], [1.0, -1.0]])
    found = score.measures(error)
    square = [12.5, 0, 18, 1]
    assert found["rmse"] == pytest.approx(math.sqrt(np.mean(square)), abs=1e-4)
    assert found["euclidean_rmse"] == pytest.approx(math.sqrt(2 * np.mean(square)), abs=1e-4)
    assert found["standard_error"] == pytest.approx(np.std(square) / 2 / 2 / found["rmse"], abs=1e-4)
    low, high = (np.mean(square) + side * 1.96 * np.std(square) / 2 for side in (-1, 1))
    assert found["interval_95"] == pytest.approx([math.sqrt(max(0, low)), math.sqrt(high)], abs=1e-4)
    assert found["median_distance"] == pytest.approx((5 + math.sqrt(2)) / 2, abs=1e-4)
    assert found["share_over_5px"] == 0.25


def test_a_constant_answer_is_off_by_the_spread_of_the_labels():
    *_, result = score.examine(Constant(), 4000, 0)
    summary = result.summary()
    assert summary["pictures"] == 4000
    assert summary["rmse"] == pytest.approx(14.477, abs=0.2)
    assert sum(part["share"] for part in summary["by_visible"].values()) == pytest.approx(1, abs=1e-3)
    assert summary["by_uncertainty"].keys() == {"over 5 px"}


def test_nineteen_of_twenty_intervals_hold_the_truth():
    """Normal errors of 2 px, 400 exams of 500 pictures each; 0.05 is 2.2 standard errors of such a share."""
    rng = np.random.default_rng(0)
    intervals = (score.measures(2 * rng.standard_normal((500, 2)))["interval_95"] for _ in range(400))
    assert np.mean([low <= 2 <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.025)


def test_regions_of_right_probabilities_hold_exactly_their_mass():
    probability = torch.from_numpy(np.random.default_rng(0).dirichlet(np.full(144, 0.1), 200))
    for mass in score.MASSES:
        held = score.held_by(probability.log(), probability, mass)
        torch.testing.assert_close(held, torch.full((200,), mass, dtype=torch.float64))


@pytest.mark.parametrize(
    ("mass", "expected"), [(0.3, [0, 0.5, 0, 0]), (0.6, [0, 1, 0, 0]), (0.7, [0, 1, 0, 1 / 3]), (0.95, [0.5, 1, 0, 1])]
)
def test_a_region_is_the_likeliest_tokens_and_a_share_of_the_last(mass: float, expected: list[float]):
    probability = torch.tensor([[0.1, 0.6, 0.0, 0.3]]).expand(4, 4)
    assert score.held_by(probability.log(), torch.eye(4), mass).tolist() == pytest.approx(expected)


def test_a_network_that_is_too_sure_is_found_out():
    rng = np.random.default_rng(1)
    right = rng.dirichlet(np.full(144, 0.1), 4000)
    true = torch.from_numpy(np.eye(144)[(right.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)])
    sure = right**2 / (right**2).sum(axis=1, keepdims=True)
    for mass in score.MASSES:
        held = score.held_by(torch.from_numpy(right).log(), true, mass).mean()
        assert held == pytest.approx(mass, abs=5 * (mass * (1 - mass) / 4000) ** 0.5)
        assert score.held_by(torch.from_numpy(sure).log(), true, mass).mean() < mass - 0.05


def test_a_centre_is_shared_out_among_the_four_tokens_round_it():
    places = torch.tensor([[4.0, 9.0], [6.0, 60.0], [21.5, 10.0]])
    weight = shares(places, 4.0, 5.0)
    torch.testing.assert_close(weight.sum(dim=1), torch.ones(3))
    torch.testing.assert_close(weight @ centres(4.0, 5.0), torch.tensor([[4.0, 9.0], [6.0, 59.0], [21.5, 10.0]]))
    assert (weight > 0).sum(dim=1).tolist() == [1, 2, 4]


def test_strata_do_not_overlap():
    visible = np.array([0, 0.1, 0.25, 0.26, 0.5, 0.51, 1])
    names = [[name for name in score.STRATA if score.stratum(visible, name)[n]] for n in range(len(visible))]
    assert names == [["hidden"], ["0-25%"], ["0-25%"], ["25-50%"], ["25-50%"], ["over 50%"], ["over 50%"]]


def test_a_longer_exam_begins_with_the_shorter_one():
    (short,) = score.exam(100, 5)
    first, second = score.exam(300, 5)
    assert np.array_equal(short.ink, first.ink[:100])
    assert (len(first), len(second)) == (250, 50)
    assert not np.array_equal(first.ink[:50], second.ink)


@pytest.fixture
def finder():
    torch.manual_seed(0)
    return Finder("seed", type("Checkpoint", (), {"net": SeedNet(SeedConfig()).eval()})(), "here", "")


def test_the_command_prints_a_score(finder, monkeypatch, capsys):
    monkeypatch.setattr(endpoints, "finder_of", lambda name: finder)
    assert main(["odd_shapes", "score", "--network", "seed", "--count", "20", "--seed", "5"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["facts"]["pictures"] == 20
    assert "20 fresh pictures" in shown.err
    assert main(["odd_shapes", "score", "--count", "0"]) == 2
    assert "count must be a whole number from 1 to 20,000; 0 came instead" in capsys.readouterr().err


def test_one_picture_has_no_error_bar(finder):
    *_, result = score.examine(finder.net, 1, 0)
    facts = json.loads(json.dumps(result.summary()))
    assert facts["standard_error"] is facts["interval_95"] is None
    (part,) = [part for part in facts["by_visible"].values() if part["share"]]
    assert part["standard_error"] is part["interval_95"] is None
    assert [region["held_interval_95"] for region in facts["regions"]] == [None] * 3
    said = views.describe_score(facts, 1)
    assert "on 1 fresh picture, which has no error bar" in said
    assert f"{facts['median_distance']:.2f} px from the true centre" in said
    assert "None" not in views.score_table(facts)
    assert f"| {part['rmse']:.2f} | – |" in views.score_table(facts)
    *_, result = score.examine(finder.net, 2, 0)
    assert result.summary()["standard_error"] > 0


def test_a_score_says_how_far_it_is_and_its_table_has_every_part(finder):
    *_, result = score.examine(finder.net, 250, 0)
    facts = result.summary()
    assert views.describe_score(facts, 1000).startswith("Measuring, 25%: ")
    assert views.describe_score(facts, 250).startswith(f"**{facts['rmse']:.2f} px** RMSE")
    table = views.score_table(facts)
    assert all(f"odd shape in view: {name} |" in table for name in score.STRATA)
    assert f"{facts['by_uncertainty']['over 5 px']['said_px']:.2f} |" in table


def test_nobody_is_examined_for_whom_nobody_waits(finder):
    def alone() -> None:
        expect_work_while(lambda: False)
        next(score.examine(finder.net, 250, 0))

    with pytest.raises(Abandoned):
        contextvars.copy_context().run(alone)


# --- what the attention does


def test_blocks_are_the_nine_tokens_round_a_centre():
    pictures = sample(named_rng("blocks", 0), 50)
    at = measure.blocks(pictures, 4.0, 5.0)
    present = pictures.kind != ABSENT
    assert (at.sum(axis=2) == np.where(present, 9, 0)).all()
    places = centres(4.0, 5.0).numpy()
    for n, slot in np.argwhere(present)[:100]:
        middle = places[at[n, slot]].mean(axis=0)
        off = np.abs(middle - (pictures.x[n, slot], pictures.y[n, slot]))
        assert off.max() <= 5  # half a token, or one token at the rim


def test_attention_to_one_token_is_counted_there():
    """All look at token 0 in the upper left corner: it counts for a shape exactly if the shape is there."""
    net = Constant(token=0)
    (entry,) = measure.who_looks_at_whom(net, 500, 0)
    (first, second) = score.exam(500, 0)
    whole = np.concatenate([p.visible == 1 for p in (first, second)])
    odd = np.concatenate([measure.blocks(p, 4.0, 5.0)[:, 0, 0] for p in (first, second)])[whole]
    any_base = np.concatenate([measure.blocks(p, 4.0, 5.0)[:, 1:, 0].any(axis=1) for p in (first, second)])[whole]
    assert entry["odd_to_odd"] == entry["received_odd"] == entry["follows"] == pytest.approx(odd.mean(), abs=1e-4)
    assert entry["odd_to_base"] == pytest.approx((any_base & ~odd).mean(), abs=1e-4)


def test_even_attention_gives_everybody_the_even_share():
    net = SeedNet(SeedConfig())
    for parameter in net.query.parameters():
        parameter.data.zero_()
    (entry,) = measure.who_looks_at_whom(net, 250, 0)
    assert entry["odd_to_base"] == pytest.approx(entry["base_share"], abs=2e-4)
    assert entry["odd_to_odd"] == entry["received_odd"] == pytest.approx(9 / 144, abs=1e-4)
    assert entry["received_base"] == pytest.approx(9 / 144, abs=1e-4)


def test_without_attention_leaves_the_network_alone(finder):
    before = finder.net.query.weight.clone()
    found = measure.without_attention(finder, 250, 0)
    assert found.keys() == {"none", "layer 1"}
    assert torch.equal(finder.net.query.weight, before)


def test_doubt_is_counted_in_tokens():
    found = measure.doubt_by_visibility(Constant(), 750, 0)
    assert found["hidden"]["tokens"] == found["in full view"]["tokens"] == pytest.approx(144, abs=0.01)
    spread = math.sqrt(2 * 25 * (144 - 1) / 12)  # of 12 x 12 even places, 5 pixels apart
    assert found["hidden"]["uncertainty_px"] == pytest.approx(spread, abs=0.01)


# --- the contest


def test_a_contest_is_ten_rounds_with_something_to_see(finder):
    rounds = contest.contest(3, finder)
    assert len(rounds) == ROUNDS
    drawn = sample(named_rng("odd_shapes contest", 3), 4 * ROUNDS)
    shown = [next(n for n in range(40) if np.array_equal(drawn.ink[n], played.ink)) for played in rounds]
    assert (drawn.visible[shown] >= contest.LEAST_VISIBLE).all()
    assert rounds[4].truth == tuple(drawn.targets[shown[4]].tolist())


def test_clicks_are_measured_against_the_truth(finder):
    rounds = contest.contest(3, finder)
    game = Game(3).click(rounds[0].truth)
    assert game.shown
    assert game.click((1, 1)) == game  # once a picture
    standing = contest.standing(rounds, game.clicks)
    assert standing["yours"] == [0.0]
    assert standing["networks"] == [round(math.dist(rounds[0].network, rounds[0].truth), 1)]
    assert standing["won"] == 1
    assert "0.0 pixels" in views.describe_contest(rounds, game)


def test_a_whole_contest_ends_with_a_verdict_and_starts_again(finder):
    rounds, game = contest.contest(3, finder), Game(3)
    for number in range(ROUNDS):
        assert f"Picture {number + 1} of 10" in views.describe_contest(rounds, game)
        game = game.click(rounds[number].truth)
        if not game.over:
            game = game.go_on()
    assert "You beat the network" in views.describe_contest(rounds, game)
    assert game.click((3, 3)) == game
    assert game.go_on() == Game(4)


def test_the_picture_that_is_up_stays_until_the_next_is_asked_for():
    game = Game(3)
    assert game.number == 0
    assert game.click((1, 1)).number == 0
    assert game.click((1, 1)).go_on().number == 1
    assert game.go_on() == game  # it has not been clicked
    for _ in range(ROUNDS - 1):
        game = game.click((1, 1)).go_on()
    assert game.click((1, 1)).number == ROUNDS - 1


@pytest.mark.parametrize("point", [(-1, 5), (5, 70), (math.nan, 3)])
def test_a_click_beside_the_canvas_does_not_count(point):
    assert Game(0).click(point) == Game(0)
