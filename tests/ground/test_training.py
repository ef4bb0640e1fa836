"""`cppn.training` against numpy written from the formulas."""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import hashlib
import io
import json
import math
import signal
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn

from cppn import hub, training
from cppn.training import (
    Adam,
    ImportanceSampler,
    MuonWithAdam,
    carry_out,
    linear_decay,
    log_spaced,
    my_share,
    named_generator,
    psnr,
    save_state,
)

MOMENTUM = 0.95
BETAS, EPSILON = (0.9, 0.99), 1e-8


def numpy_adam(start: np.ndarray, gradients: list[np.ndarray], learning_rate: float) -> np.ndarray:
    """Kingma and Ba (2015), algorithm 1."""
    value, m, v = start.astype(np.float64), 0.0, 0.0
    for t, gradient in enumerate(gradients, start=1):
        m = BETAS[0] * m + (1 - BETAS[0]) * gradient
        v = BETAS[1] * v + (1 - BETAS[1]) * gradient**2
        value = value - learning_rate * (m / (1 - BETAS[0] ** t)) / (np.sqrt(v / (1 - BETAS[1] ** t)) + EPSILON)
    return value


def nearest_orthogonal(matrix: np.ndarray) -> np.ndarray:
    """U V^T of the singular value decomposition."""
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    return u @ vt


def numpy_muon(start: np.ndarray, gradients: list[np.ndarray], learning_rate: float) -> np.ndarray:
    """Muon with Nesterov momentum, the orthogonal factor exact, each step as long as one of Adam."""
    value, average = start.astype(np.float64), np.zeros(start.shape)
    for gradient in gradients:
        average = MOMENTUM * average + (1 - MOMENTUM) * gradient
        direction = nearest_orthogonal(MOMENTUM * average + (1 - MOMENTUM) * gradient)
        value = value - learning_rate * 0.2 * math.sqrt(max(start.shape)) * direction
    return value


# --- seeds, schedules, measures


def test_a_generator_depends_on_its_name_and_seed_alone():
    seed = int.from_bytes(hashlib.sha256(b"flags:3").digest()[:8], "big") // 2
    expected = torch.rand(4, generator=torch.Generator().manual_seed(seed))
    torch.manual_seed(1)
    assert torch.equal(torch.rand(4, generator=named_generator("flags", 3)), expected)
    for other in (named_generator("flags", 4), named_generator("flag", 3)):
        assert not torch.equal(torch.rand(4, generator=other), expected)


@pytest.mark.parametrize(
    ("fraction", "warmup", "factor"),
    [(0, 0, 1), (0.5, 0, 0.5), (1, 0, 0), (1.5, 0, 0), (0, 0.1, 0), (0.05, 0.1, 0.475), (0.1, 0.1, 0.9), (1, 0.1, 0)],
)
def test_the_learning_rate_rises_then_falls_to_nothing(fraction, warmup, factor):
    assert linear_decay(fraction, warmup) == pytest.approx(factor)


def test_psnr_is_that_of_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 5, 7)), rng.random((3, 5, 7))
    expected = -10 * np.log10(np.mean((a - b) ** 2))
    assert psnr(torch.tensor(a), torch.tensor(b)) == pytest.approx(expected, rel=1e-12)
    assert psnr(torch.full((9,), 0.1), torch.zeros(9)) == pytest.approx(20, abs=1e-5)


def test_psnr_of_equal_pictures_is_infinite():
    assert psnr(torch.ones(2), torch.ones(2)) == math.inf


def test_log_spaced_numbers_run_from_zero_to_the_last_ever_farther_apart():
    numbers = log_spaced(20_000, 64)
    assert numbers[:4] == [0, 1, 2, 3]
    assert numbers[-1] == 20_000
    assert 40 <= len(numbers) <= 64
    gaps = np.diff(numbers)
    assert gaps.min() >= 1
    large = gaps > 20  # below, rounding to whole numbers shows
    assert np.all(np.diff(gaps[large]) > 0)


@pytest.mark.parametrize(("last", "numbers"), [(0, [0]), (1, [0, 1]), (2, [0, 1, 2])])
def test_log_spaced_numbers_of_a_short_run_do_not_repeat(last, numbers):
    assert log_spaced(last, 5) == numbers


# --- importance sampling

ERROR = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
SHARE = 0.6
PROBABILITY = (1 - SHARE) / 5 + SHARE * np.arange(5) / 10
DRAWS = 100_000


def draw_after(sampler: ImportanceSampler, *errors: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Indices and weights of many draws after these updates."""
    for error in errors:
        sampler.update(error)
    index, weight = sampler.draw(DRAWS, named_generator("test", 0))
    return index.numpy(), weight.numpy()


def assert_frequencies(index: np.ndarray, probability: np.ndarray) -> None:
    """Every count lies within five standard deviations of a binomial."""
    counts = np.bincount(index, minlength=len(probability))
    spread = np.sqrt(DRAWS * probability * (1 - probability))
    assert np.all(np.abs(counts - DRAWS * probability) < 5 * spread)


def test_samples_are_uniform_at_first():
    index, weight = draw_after(ImportanceSampler(5, SHARE))
    assert_frequencies(index, np.full(5, 0.2))
    np.testing.assert_allclose(weight, 1, rtol=1e-6)


def test_samples_follow_the_error_by_the_share():
    index, weight = draw_after(ImportanceSampler(5, SHARE), torch.ones(5), ERROR)
    assert_frequencies(index, PROBABILITY)
    np.testing.assert_allclose(weight, (1 / (5 * PROBABILITY))[index], rtol=1e-6)


def test_weighted_samples_keep_the_mean_of_anything_unbiased():
    index, weight = draw_after(ImportanceSampler(5, SHARE), ERROR)
    anything = np.array([9.0, 5.0, 2.0, 1.0, 0.5])
    samples = weight * anything[index]
    assert abs(samples.mean() - anything.mean()) < 5 * samples.std() / math.sqrt(DRAWS)
    assert abs(anything[index].mean() - anything.mean()) > 0.5  # without the weights it would be far off


@pytest.mark.parametrize(
    ("share", "error"), [(0.0, ERROR), (SHARE, torch.zeros(5)), (SHARE, torch.full((5,), math.nan))]
)
def test_an_error_that_says_nothing_leaves_samples_uniform(share, error):
    index, _ = draw_after(ImportanceSampler(5, share), error)
    assert_frequencies(index, np.full(5, 0.2))


def test_the_same_generator_draws_the_same_samples():
    sampler = ImportanceSampler(1000, SHARE)
    first, second = (sampler.draw(64, named_generator("test", 1))[0] for _ in range(2))
    assert torch.equal(first, second)


# --- Muon and Adam


def random_matrix(rows: int, columns: int, seed: int) -> torch.Tensor:
    """A matrix with singular values from 1 down to 1/20 and random directions."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (rows, columns))
    rank = min(rows, columns)
    return torch.tensor(left[:, :rank] * np.geomspace(1, 0.05, rank) @ right[:rank], dtype=torch.float32)


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (16, 32), (32, 16), (5, 3), (1, 8)])
def test_orthogonalised_matrices_have_singular_values_of_about_one(rows, columns):
    stack = torch.stack([random_matrix(rows, columns, seed) * 10.0 ** (seed - 3) for seed in range(7)])
    for before, after in zip(stack.numpy(), MuonWithAdam.orthogonalise(stack).numpy(), strict=True):
        values = np.linalg.svd(after, compute_uv=False)
        assert np.all(np.abs(values - 1) < 0.05)
        np.testing.assert_allclose(after, nearest_orthogonal(before), atol=0.05)


def test_a_matrix_of_zeros_stays_zero():
    assert torch.equal(MuonWithAdam.orthogonalise(torch.zeros(1, 4, 4)), torch.zeros(1, 4, 4))


def gradients_for(parameter: nn.Parameter, seed: int) -> list[torch.Tensor]:
    """Four gradients of a parameter's shape."""
    if parameter.ndim == 1:
        return list(torch.randn(4, *parameter.shape, generator=named_generator("gradients", seed)))
    shape = parameter.flatten(1).shape
    return [random_matrix(*shape, seed * 10 + step).reshape(parameter.shape) for step in range(4)]


def take_steps(
    optimizer: MuonWithAdam | Adam, parameters: list[nn.Parameter], steps: slice = slice(None)
) -> list[np.ndarray]:
    """The parameters' values after these of the four steps along `gradients_for`."""
    everything = [gradients_for(parameter, seed)[steps] for seed, parameter in enumerate(parameters)]
    for gradients in zip(*everything, strict=True):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step(0.01)
    return [parameter.detach().numpy() for parameter in parameters]


def fresh_parameters() -> list[nn.Parameter]:
    """Two small matrices, a kernel of four axes, a matrix too large for the stack of small ones, and a vector."""
    shapes = [(4, 6), (9, 8), (5, 2, 3, 3), (65, 64), (5,)]
    generator = named_generator("parameters", 0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def test_muon_moves_matrices_and_adam_the_rest():
    *matrices, rest = parameters = fresh_parameters()
    starts = [parameter.detach().numpy().copy() for parameter in parameters]
    ends = take_steps(MuonWithAdam(matrices, [rest], rest_rate=0.5), parameters)
    for seed, (parameter, start, end) in enumerate(zip(parameters, starts, ends, strict=True)):
        gradients = [gradient.numpy() for gradient in gradients_for(parameter, seed)]
        if parameter is rest:
            np.testing.assert_allclose(end, numpy_adam(start, gradients, 0.5 * 0.01), rtol=1e-5)
        else:
            before, after, *flat = (array.reshape(len(array), -1) for array in (start, end, *gradients))
            moved = numpy_muon(before, flat, 0.01) - before
            np.testing.assert_allclose(after - before, moved, atol=0.05 * np.abs(moved).max())


def test_muon_goes_on_where_a_saved_run_stopped():
    *matrices, rest = parameters = fresh_parameters()
    optimizer = MuonWithAdam(matrices, [rest])
    take_steps(optimizer, parameters, slice(2))
    file = io.BytesIO()
    torch.save([optimizer.state_dict(), parameters], file)
    uninterrupted = take_steps(optimizer, parameters, slice(2, None))
    file.seek(0)
    state, (*matrices, rest) = torch.load(file, weights_only=False)
    optimizer = MuonWithAdam(matrices, [rest])
    optimizer.load_state_dict(state)
    for resumed, expected in zip(take_steps(optimizer, [*matrices, rest], slice(2, None)), uninterrupted, strict=True):
        np.testing.assert_array_equal(resumed, expected)


def test_padding_in_the_stack_has_no_influence():
    def stepped(*companions: tuple[int, int]) -> np.ndarray:
        matrix = nn.Parameter(torch.ones(4, 6))
        others = [nn.Parameter(torch.zeros(shape)) for shape in companions]
        return take_steps(MuonWithAdam([matrix, *others], [nn.Parameter(torch.zeros(1))]), [matrix, *others])[0]

    np.testing.assert_allclose(stepped((9, 8), (2, 11)), stepped(), atol=1e-6)


def test_adam_is_adam():
    parameter = nn.Parameter(torch.randn(7, generator=named_generator("start", 0)))
    start = parameter.detach().numpy().copy()
    (end,) = take_steps(Adam([parameter]), [parameter])
    gradients = [gradient.numpy() for gradient in gradients_for(parameter, 0)]
    np.testing.assert_allclose(end, numpy_adam(start, gradients, 0.01), rtol=1e-5)


@pytest.mark.parametrize("optimizer", [Adam, lambda matrices: MuonWithAdam(matrices[:1], matrices[1:])])
def test_zero_grad_forgets_every_gradient(optimizer):
    matrices = [nn.Parameter(torch.ones(2, 2)) for _ in range(2)]
    for matrix in matrices:
        matrix.grad = torch.ones(2, 2)
    optimizer(matrices).zero_grad()
    assert [matrix.grad for matrix in matrices] == [None, None]


# --- shares of the work


def test_a_single_process_does_everything(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert my_share("abc") == ["a", "b", "c"]


def test_processes_share_the_work_without_overlap(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        shares.append(my_share(range(8)))
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5]]


def test_a_state_is_written_whole_or_not_at_all(tmp_path):
    class Counter:
        def __init__(self, value: object) -> None:
            self.value = value

        def state_dict(self) -> dict[str, object]:
            return {"value": self.value}

    path = tmp_path / "new" / "run.state"
    save_state(Counter(torch.ones(2)), path)
    with pytest.raises(Exception, match="pickle"):
        save_state(Counter(lambda: None), path)  # fails half-way
    torch.testing.assert_close(torch.load(path, weights_only=True)["value"], torch.ones(2))


class Count:
    """A run that counts to a number."""

    def __init__(self, goal: int) -> None:
        self.goal, self.step, self.cpu_seconds, self.curve = goal, 0, 0.0, []

    @property
    def done(self) -> bool:
        return self.step >= self.goal

    def advance(self) -> None:
        self.step += 1
        self.curve.append(self.step)

    def state_dict(self) -> dict[str, object]:
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.step = state["step"]
        self.curve = list(range(1, self.step + 1))


def test_a_run_goes_on_where_it_was_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "deep" / "count.state"
    first = carry_out(Count(100), path, lambda run: str(run.step), every=2, until=lambda run: run.step == 5)
    assert first.step == 5
    assert capsys.readouterr().out.splitlines() == ["count: 2", "count: 4"]
    again = carry_out(Count(9), path, lambda run: str(run.step))
    assert again.step == 9
    assert capsys.readouterr().out.splitlines()[:2] == ["count: going on after 0 s", "count: 6"]


def test_a_run_that_fails_leaves_its_state(tmp_path: Path):
    class Failing(Count):
        def advance(self) -> None:
            super().advance()
            if self.step == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(Failing(100), tmp_path / "count.state", lambda run: "")
    assert carry_out(Count(3), tmp_path / "count.state", lambda run: "").step == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_ends_its_step_first(tmp_path: Path, number: int):
    class Stopped(Count):
        def advance(self) -> None:
            if self.step == 2:
                signal.raise_signal(number)
            super().advance()

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        carry_out(Stopped(100), tmp_path / "count.state", lambda run: "")
    assert signal.getsignal(number) == before
    assert torch.load(tmp_path / "count.state", weights_only=True) == {"step": 3}


def test_whoever_stops_a_run_that_fails_is_heard():
    with pytest.raises(KeyboardInterrupt), training.uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise FloatingPointError


@dataclasses.dataclass(frozen=True)
class Recipe:
    steps: int
    seed: int = 0


def test_a_run_by_another_recipe_has_a_state_of_its_own(tmp_path: Path):
    def place(steps: int, seed: int = 0) -> Path:
        return training.state_file(tmp_path, "ours", Recipe(steps, seed), Recipe(100))

    assert place(100) == tmp_path / "ours-0.state"
    assert place(100, 7) == tmp_path / "ours-7.state"
    assert place(3) == place(3)
    assert len({place(100), place(100, 7), place(3), place(3, 7), place(4)}) == 5


def test_a_sampler_goes_on_where_it_was():
    first, second = ImportanceSampler(5, SHARE), ImportanceSampler(5, SHARE)
    first.update(ERROR)
    second.load_state_dict(first.state_dict())
    for a, b in zip(draw_after(first), draw_after(second), strict=True):
        np.testing.assert_array_equal(a, b)


# --- what the commands take


def parsed(*words: str) -> tuple[list[str], argparse.Namespace]:
    parser = argparse.ArgumentParser("train")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--steps", type=training.positive)
    training.add_options(parser, Path("runs/here"))
    args = parser.parse_args(words)
    return training.chosen(parser, args, "flag", ("peru", "chad", "mali"), {"Chad (Africa)": "chad"}), args


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["mali", "peru"], ["peru", "mali"]),
        (["CHAD", " chad (africa)"], ["chad"]),
        (["--all"], ["peru", "chad", "mali"]),
    ],
)
def test_names_are_taken_in_any_case_once_and_in_order(words, names):
    assert parsed(*words)[0] == names


def test_every_recipe_has_the_same_defaults():
    args = parsed("--all")[1]
    assert (args.out, args.force, args.workshop) == (hub.BUNDLED, False, Path("runs/here"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "train: error: name a flag, or say --all\n"),
        (["peru", "nowhere\n"], "train: error: there is no flag 'nowhere\\n'; known are peru, chad, mali\n"),
        (["--all", "--steps", "0"], "it must be at least 1"),
        (["--all", "--steps", "many"], "many"),
        (["--all", "--out", __file__], "is not a folder"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(words, told, capsys):
    with pytest.raises(SystemExit) as end:
        parsed(*words)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


# --- delivering


def brought(root, name: str, score: float, **options) -> bool:
    files = {f"flags/{name}.safetensors": f"{score}".encode(), f"flags/runs/{name}.json": json.dumps(score).encode()}
    place = root / "flags" / "runs" / f"{name}.json"
    return training.deliver(root, files, score, lambda: json.loads(place.read_text()), **options)


def test_a_better_training_replaces_a_worse_one_with_record_and_manifest(tmp_path):
    assert brought(tmp_path, "a", 1.0)
    assert not brought(tmp_path, "a", 0.5)
    assert not brought(tmp_path, "a", 1.0)  # no better
    assert (tmp_path / "flags" / "a.safetensors").read_bytes() == b"1.0"
    assert brought(tmp_path, "a", 0.5, force=True)
    assert brought(tmp_path, "a", 2.0)
    assert (tmp_path / "flags" / "a.safetensors").read_bytes() == b"2.0"
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)
    (tmp_path / "flags" / "runs" / "a.json").write_text("no record")
    assert brought(tmp_path, "a", 0.1)


@pytest.mark.parametrize("lost", ["a.safetensors", "runs/a.json"])
def test_what_is_not_whole_counts_as_worse(tmp_path, lost):
    brought(tmp_path, "a", 1.0)
    (tmp_path / "flags" / lost).unlink()
    assert brought(tmp_path, "a", 0.5)


def test_a_delivery_that_was_cut_off_is_mended_by_the_next(tmp_path, monkeypatch):
    brought(tmp_path, "a", 1.0)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(hub, "write_manifest", Mock(side_effect=OSError("the disk is full")))
        brought(tmp_path, "a", 2.0)
    assert brought(tmp_path, "a", 2.0)
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)


def test_a_delivery_is_not_interrupted(tmp_path, monkeypatch):
    write = hub.write_manifest
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(hub, "write_manifest", lambda root: (signal.raise_signal(signal.SIGINT), write(root)))
        brought(tmp_path, "a", 1.0)
    assert not brought(tmp_path, "a", 1.0)  # it is all there
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)


def test_several_processes_deliver_to_one_folder(tmp_path):
    names = [f"n{number}" for number in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda name: brought(tmp_path, name, 1.0), names))
    assert set(hub.read_manifest(tmp_path)) == {f"flags/{name}.safetensors" for name in names}
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)
