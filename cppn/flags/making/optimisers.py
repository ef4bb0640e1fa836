"""Adam, Muon, SOAP and Levenberg-Marquardt on a MysteryNet of 6,675 parameters, in equal processor time.

    python -m cppn flags optimisers

All start from the same weights, draw the same kind of points and have the same seconds. Each has its learning rate
(Levenberg-Marquardt: its batch) chosen on a seed of its own before the seeds that count. The rate falls linearly to
nothing, as in every training here. Runs are appended to a log as they end and are not repeated, so the comparison can
be interrupted and goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.flags.fit import Progress, Run, forward
from cppn.flags.network import MysteryNet
from cppn.flags.recipe import Recipe
from cppn.flags.target import Target
from cppn.journal import Journal
from cppn.recipes import positive
from cppn.training import interval_95

FLAG = "usa"  # the one with the most detail that a long training gets right
SETTINGS = {
    "adam": (3e-3, 6e-3, 1.2e-2),
    "muon": (1e-2, 2e-2, 3e-2),
    "soap": (3e-3, 6e-3, 1.2e-2),
    "levenberg-marquardt": (128, 512),
}
CHOSEN_ON = 100  # the seed that settings are chosen on
ENDLESS = 1_000_000  # steps, more than any run comes to: time ends it
RESULT = hub.BUNDLED / "results" / "flag_optimisers.json"


class Soap:
    """SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al., arXiv 2409.11321).

    Each layer's weight and bias are one matrix (outputs, inputs + 1), and all matrices one zero-padded stack.
    """

    _AVERAGES, _EVERY = 0.95, 10  # the paper's, for both averages and the preconditioner; steps between two bases

    def __init__(self, layers: list[nn.Linear]) -> None:
        self._layers = layers
        rows, columns = (max(layer.weight.shape[axis] for layer in layers) for axis in (0, 1))
        shape = (len(layers), rows, columns + 1)
        self._mask, self._mean, self._square = (torch.zeros(shape) for _ in range(3))
        self._left, self._right = torch.zeros(len(layers), rows, rows), torch.zeros(len(layers), *shape[2:] * 2)
        self._bases: list[Tensor] = []
        self._count = 0
        for slot, layer in zip(self._mask, layers, strict=True):
            slot[: layer.out_features, : layer.in_features + 1] = 1

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for layer in self._layers:
            layer.zero_grad()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Take one step of this length; the first only begins the preconditioner."""
        gradient = torch.zeros_like(self._mean)
        for slot, layer in zip(gradient, self._layers, strict=True):
            slot[: layer.out_features, : layer.in_features] = layer.weight.grad
            slot[: layer.out_features, layer.in_features] = layer.bias.grad
        rest = 1 - self._AVERAGES
        self._left.lerp_(gradient @ gradient.mT, rest)
        self._right.lerp_(gradient.mT @ gradient, rest)
        self._mean.lerp_(gradient, rest)
        self._count += 1
        if not self._bases:
            self._bases = [torch.linalg.eigh(m).eigenvectors.flip(2) for m in (self._left, self._right)]
            return
        left, right = self._bases
        self._square.lerp_((left.mT @ gradient @ right).square(), rest)
        mean = left.mT @ self._mean @ right / (1 - self._AVERAGES**self._count)
        turned = mean / ((self._square / (1 - self._AVERAGES ** (self._count - 1))).sqrt() + 1e-10)
        direction = left @ turned @ right.mT * self._mask
        for slot, layer in zip(direction, self._layers, strict=True):
            layer.weight.sub_(slot[: layer.out_features, : layer.in_features], alpha=learning_rate)
            layer.bias.sub_(slot[: layer.out_features, layer.in_features], alpha=learning_rate)
        if self._count % self._EVERY == 0:
            self._turn()

    def _turn(self) -> None:
        """Bring the bases up to date by one step of the power method, the largest eigenvalues first."""
        for side, matrix in enumerate((self._left, self._right)):
            base = self._bases[side]
            order = (base * (matrix @ base)).sum(1).argsort(1, descending=True)  # (layers, size)
            base = base.gather(2, order[:, None].expand_as(base))
            places = order[:, :, None] if side == 0 else order[:, None]
            self._square = self._square.gather(1 + side, places.expand_as(self._square))
            self._bases[side] = torch.linalg.qr(matrix @ base).Q


class TimedRun(Run):
    """A run that processor time ends; its learning rate falls with the time that is left."""

    def __init__(self, target: Target, recipe: Recipe, seconds: float) -> None:
        super().__init__(target, recipe)
        self._budget = seconds

    def advance(self) -> Progress | None:
        """As any run's."""
        look = super().advance()
        self._fraction = self.cpu_seconds / self._budget
        return look


class SoapRun(TimedRun):
    """A run whose steps are SOAP's."""

    def fresh_optimizer(self) -> Soap:
        """SOAP on every layer."""
        return Soap(layers_of(self.net))


class LevenbergRun(TimedRun):
    """A run by the Levenberg-Marquardt method on fresh points at each step; it needs no learning rate.

    The step solves (J^T J + damping) d = -J^T r by way of J J^T, the smaller matrix where there are few points.
    """

    _damping = 1.0

    @torch.no_grad()
    def _step(self) -> None:
        x, y, weight = self._samples.draw(self._fraction)
        layers, root = layers_of(self.net), weight.sqrt()[:, None]
        output, jacobian = derivatives(layers, x)
        residual = ((output - y) * root).flatten()  # (3 B,)
        jacobian = (jacobian * root[:, :, None]).flatten(0, 1)  # (3 B, parameters)
        gram = jacobian @ jacobian.T
        gram.diagonal().add_(self._damping)
        step = jacobian.T @ torch.linalg.solve(gram, residual)
        before = nn.utils.parameters_to_vector(parameters_of(layers))
        nn.utils.vector_to_parameters(before - step, parameters_of(layers))
        after = (forward(self.net, x, self.recipe) - y).square().sum(1) @ weight
        if after < residual.square().sum():
            self._damping /= 2
        else:
            nn.utils.vector_to_parameters(before, parameters_of(layers))
            self._damping *= 4
        self.step += 1


def layers_of(net: MysteryNet) -> list[nn.Linear]:
    """All dense layers, from the coordinates to the colours."""
    return [*(dense for dense, _ in net.stages()), net.dense_head]


def parameters_of(layers: list[nn.Linear]) -> list[nn.Parameter]:
    """Weight and bias of each layer in turn."""
    return [parameter for layer in layers for parameter in (layer.weight, layer.bias)]


def derivatives(layers: list[nn.Linear], x: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (B, 3) at coordinates (B, 2), and their derivatives by all weights and biases, (B, 3, parameters)."""
    values, slopes = [x], []
    for dense in layers[:-1]:
        z = dense(values[-1])
        density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
        slopes.append((1 + torch.erf(z / math.sqrt(2))) / 2 + z * density)
        values.append(F.gelu(z))
    parts = []
    towards = torch.eye(3).expand(len(x), 3, 3)  # by the sums of the layer at hand, (B, 3, outputs)
    for number in range(len(layers) - 1, -1, -1):
        parts += [towards, (towards[:, :, :, None] * values[number][:, None, None]).flatten(2)]
        if number:
            towards = (towards @ layers[number].weight) * slopes[number - 1][:, None]
    return layers[-1](values[-1]), torch.cat(parts[::-1], dim=2)


def begin(optimizer: str, setting: float, seed: int, seconds: float) -> TimedRun:
    """A run of so many processor seconds; the target is always `FLAG`."""
    target = Target.of_team(FLAG)
    recipe = Recipe(ENDLESS, optimizer="adam" if optimizer == "adam" else "muon", seed=seed)
    if optimizer == "levenberg-marquardt":
        return LevenbergRun(target, replace(recipe, batch=int(setting), rollback=None), seconds)
    return (SoapRun if optimizer == "soap" else TimedRun)(target, replace(recipe, learning_rate=setting), seconds)


def perform(optimizer: str, setting: float, seed: int, seconds: float) -> dict[str, object]:
    """One run in so many processor seconds; what came out."""
    run = begin(optimizer, setting, seed, seconds)
    try:
        while not run.done:
            run.advance()
        quality = run.curve[-1][2]
    except FloatingPointError:
        quality = None  # it diverged
    return {
        "optimizer": optimizer,
        "setting": setting,
        "seed": seed,
        "seconds": seconds,
        "steps": run.step,
        "cpu_seconds": round(run.cpu_seconds, 1),
        "psnr": quality,
    }


def best_setting(runs: list[dict[str, object]], optimizer: str) -> float:
    """The setting with the best picture on the seed that settings are chosen on."""
    tried = [run for run in runs if (run["optimizer"], run["seed"]) == (optimizer, CHOSEN_ON)]
    return max(tried, key=lambda run: -math.inf if run["psnr"] is None else run["psnr"])["setting"]


def summarise(runs: list[dict[str, object]]) -> list[dict[str, object]]:
    """Mean quality with its 95% interval for each optimiser at its chosen setting, over the seeds that count."""
    rows = []
    for optimizer in SETTINGS:
        counted = [run for run in runs if run["optimizer"] == optimizer and run["seed"] != CHOSEN_ON]
        found = [run["psnr"] for run in counted if run["psnr"] is not None]
        if len(found) > 1:
            rows.append(
                {
                    "optimizer": optimizer,
                    "setting": counted[0]["setting"],
                    "runs": len(counted),
                    "steps": round(statistics.mean(run["steps"] for run in counted)),
                    "cpu_seconds": round(statistics.mean(run["cpu_seconds"] for run in counted), 1),
                    "mean_psnr": round(statistics.mean(found), 2),
                    "interval_95": interval_95(found, 2),
                }
            )
    return rows


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags optimisers`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn flags optimisers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of one core for each run (default: %(default)s)")
    parser.add_argument("--seeds", type=positive, default=5, help="that count (default: %(default)s)")
    parser.add_argument("--journal", type=Path, default=Path("runs/flag_optimisers.jsonl"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    journal = Journal(args.journal)

    def once(optimizer: str, setting: float, seed: int) -> None:
        keys = ("optimizer", "setting", "seed", "seconds")
        if (optimizer, setting, seed, args.seconds) not in {tuple(r[key] for key in keys) for r in journal.entries()}:
            journal.add(found := perform(optimizer, setting, seed, args.seconds))
            print(found, flush=True)

    for optimizer, settings in SETTINGS.items():
        for setting in settings:
            once(optimizer, setting, CHOSEN_ON)
    chosen = {optimizer: best_setting(journal.entries(), optimizer) for optimizer in SETTINGS}
    for seed in range(args.seeds):
        for optimizer, setting in chosen.items():
            once(optimizer, setting, seed)
    runs = [run for run in journal.entries() if run["seconds"] == args.seconds]
    summary = {"flag": FLAG, "seconds": args.seconds, "summary": summarise(runs), "runs": runs}
    write_atomically(args.out, (json.dumps(summary, indent=1) + "\n").encode())
    return 0
