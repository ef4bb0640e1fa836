"""From a random start to a program: the stages of the search, one step at a time.

Adam finds a region, the Levenberg-Marquardt method on small samples of pixels goes down in it, ever larger samples
bring it to rest, and `quantise` makes whole numbers of the weights.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from cppn.starry.descend import Adam, Levenberg
from cppn.starry.fit import Objective
from cppn.starry.shape import start
from cppn.training import named_generator

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
