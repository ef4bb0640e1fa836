"""From a random start to a program: the stages of the search, one step at a time.

Adam finds a region, the Levenberg-Marquardt method on small samples of pixels goes down in it, ever larger samples
bring it to rest, and `quantise` makes whole numbers of the weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.starry.descend import Adam, Levenberg
from cppn.starry.fit import Objective
from cppn.starry.program import Program
from cppn.starry.quantise import fit_in, polish, round_all
from cppn.starry.shape import OURS, Shape, start
from cppn.training import named_generator

_LAST_POLISH = 0.9  # share of a squeeze after which no round of polish begins: it takes seconds
ALL = 1 << 30  # a sample of that many pixels is all of them


@dataclass(frozen=True)
class Stage:
    """A stretch of the search.

    Attributes:
        steps: of Adam, or of the Levenberg-Marquardt method. pixels: of a sample, for Adam or for the curvature.
        judged: pixels for the loss and the gradient; 0 in a stage of Adam.
        least: least damping. Small samples need much: their curvature knows nothing of many pixels.
        reach: what the weights' bounds are multiplied by at the end of the stage; it goes there from the stage before.
            A search with room to move finds better places, and few weights still use the room there.
    """

    steps: int
    pixels: int
    judged: int = 0
    least: float = 0.0
    reach: float = 1.0


class Search:
    """One start on its way through its stages; every random draw comes from its seed."""

    def __init__(self, objective: Objective, stages: tuple[Stage, ...], seed: int) -> None:
        self.objective, self.stages, self.seed = objective, stages, seed
        self._generator = named_generator("starry", seed)
        self.weights = start(objective.shape, objective.width, objective.height, self._generator)
        self.stage, self.step, self.cpu_seconds = 0, 0, 0.0
        self.curve: list[tuple[float, float]] = []  # CPU-seconds, loss on all pixels
        self._fitter: Adam | Levenberg | None = None
        self._damping = (
            0.02  # 0.3, for one, is never left: steps of that length foretell the loss neither well nor badly
        )

    @property
    def done(self) -> bool:
        """Whether all stages are over."""
        return self.stage >= len(self.stages)

    def advance(self) -> float:
        """One step; returns the loss on its sample. Now and then, the loss on all pixels is added to the curve."""
        began = time.process_time()
        stage = self.stages[self.stage]
        before = self.stages[max(0, self.stage - 1)].reach
        fitter = self._levenberg(stage) if stage.judged else self._adam()
        fitter.reach = before + (stage.reach - before) * min(1.0, (self.step + 1) / stage.steps)
        pixels = self.objective.sample(stage.pixels, self._generator)
        if stage.judged:
            loss = fitter.step(pixels, self.objective.sample(stage.judged, self._generator))
            self._damping = fitter.damping
        else:
            loss = fitter.step(pixels)
        self.weights = fitter.weights
        self.step += 1
        if self.step == stage.steps:
            self.enter(self.stage + 1)
        if self.step % (10 if stage.judged else 100) == 0:
            loss = self.objective.loss(self.weights)
            self.curve.append((round(self.cpu_seconds + time.process_time() - began, 1), round(loss, 2)))
        self.cpu_seconds += time.process_time() - began
        return loss

    def enter(self, stage: int) -> None:
        """Go to the start of a stage, from wherever the search is."""
        self.stage, self.step, self._fitter = stage, 0, None

    def _adam(self) -> Adam:
        if self._fitter is None:
            self._fitter = Adam(self.objective, self.weights)
        return self._fitter

    def _levenberg(self, stage: Stage) -> Levenberg:
        if self._fitter is None:
            ridge = 1e-3 if stage.pixels < ALL else 1e-5
            self._fitter = Levenberg(self.objective, self.weights, max(self._damping, stage.least), stage.least, ridge)
        return self._fitter

    def state_dict(self) -> dict[str, object]:
        """All that the next steps depend on, at the start of a stage or in one of the Levenberg-Marquardt method."""
        return {
            "weights": self.weights,
            "place": [self.stage, self.step],
            "cpu_seconds": self.cpu_seconds,
            "curve": self.curve,
            "damping": self._damping,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a state. Inside a stage of Adam its averages begin anew."""
        self.weights, (self.stage, self.step) = state["weights"], state["place"]
        self.cpu_seconds, self.curve = state["cpu_seconds"], [tuple(point) for point in state["curve"]]
        self._damping, self._fitter = state["damping"], None
        self._generator.set_state(state["generator"])


@dataclass(frozen=True)
class Step:
    """How far a kilobyte of a visitor's picture has come.

    Attributes:
        stage: "adam", "levenberg", "rounding" or "polish". share: of the time that is over, in [0, 1].
        score: the contest's, of `program`; lower is better.
        program: runnable; the last one is the answer and has at most 1024 bytes.
    """

    stage: str
    share: float
    score: float
    program: Program


def squeeze(picture: Tensor, seconds: float, seed: int = 0, shape: Shape = OURS) -> Iterator[Step]:
    """Put a picture into a program within a time, by the recipe that made ours, each of its stages cut short.

    Args:
        picture: uint8 (height, width, 3), in the size that the program shall paint.
        seconds: wall clock, from the first step to the last. The end takes as long as one block of rounding, a second
            or so, so it comes that much early or late.

    Yields:
        Progress about twice a second.
    """
    clock = _Clock(seconds)
    objective = Objective(picture, shape)
    stages = (
        (0.12, Stage(ALL, 4_000)),
        (0.45, Stage(ALL, 4_000, 15_000, 1e-2)),
        (0.70, Stage(ALL, 8_000, 60_000, 3e-3)),
    )
    search = Search(objective, tuple(stage for _, stage in stages), seed)
    for number, (until, stage) in enumerate(stages):
        search.enter(number)
        while clock.share < until:
            search.advance()
            if clock.due():
                yield _report("levenberg" if stage.judged else "adam", clock.share, objective, search.weights)
    whole = search.weights
    generator = named_generator("starry rounding", seed)
    for _, whole in round_all(objective, search.weights, 16, 4_000, 30_000, generator, steps=2):
        if clock.due():
            yield _report("rounding", min(clock.share, 1.0), objective, whole)
    better = polish(objective, whole)
    while clock.share < _LAST_POLISH and (found := next(better, None)):
        whole = found[1]
        yield _report("polish", min(clock.share, 1.0), objective, whole)
    yield _report("polish", 1.0, objective, fit_in(objective, whole))


class _Clock:
    """Wall-clock time as a share of what there is, and a beat for reports."""

    def __init__(self, seconds: float, beat: float = 0.5) -> None:
        self._seconds, self._beat = seconds, beat
        self._start = self._last = time.monotonic()

    @property
    def share(self) -> float:
        return (time.monotonic() - self._start) / self._seconds

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._beat:
            return False
        self._last = now
        return True


def _report(stage: str, share: float, objective: Objective, weights: Tensor) -> Step:
    program = objective.shape.program(weights, objective.width, objective.height)
    factors = torch.tensor(program.factors, dtype=torch.float64)
    return Step(stage, share, objective.loss(factors, floor=True), program)
