"""Training recipes: ours, and the seed article's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run; the defaults are the best recipe we know.

    A run ends after `steps`, or after `seconds` of wall time if given and sooner; its schedule follows whichever is
    further along.
    """

    steps: int = 20_000
    seconds: float | None = None
    batch: int = 4096  # 1,000 to 4,000 points a step beat the whole picture: many more steps in the same time
    optimizer: str = "muon"  # or "adam"
    learning_rate: float = 2e-2  # 4e-2 diverges
    batch_norm: bool = False  # normalise with batch statistics while training; otherwise only at export
    fourier: bool = False  # replace the first layer by fixed sines and cosines; the result is no MysteryNet any more
    importance: float = 0.6  # share of the samples that follow the error
    jitter: float = 0.75  # share of the samples drawn between the pixel centres; keeps zooming in clean
    blur: float = 0.0  # radius in pixels of the Gaussian blur in the first stage
    noise: tuple[float, float] = (0.0, 0.0)  # standard deviation of the target noise in stages one and two
    stages: tuple[float, float] = (0.25, 0.5)  # where stage one and stage two end
    # Decibels below its best that send a run back there, at half the learning rate. Between two looks the quality
    # wavers by about 1 dB; a long run on a detailed flag that falls further does not recover by itself.
    rollback: float | None = 2.5
    warmup: float = 0.02
    period: float | None = None  # pixels along x after which much of the picture repeats itself; see `repeats.Zigzags`
    seed: int = 0


# The recipe of the seed article: blurred and noisy, then noisy, then clean, the learning rate falling linearly
# throughout. It names no numbers; these are ours: a usual rate for Adam on coordinate networks, blur and noise as
# strong as one would choose by eye.
SEED_RECIPE = Recipe(
    optimizer="adam",
    learning_rate=5e-3,
    batch_norm=True,
    importance=0.0,
    jitter=0.0,
    blur=4.0,
    noise=(0.1, 0.03),
    rollback=None,
)
