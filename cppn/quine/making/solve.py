"""Remake the quines from nothing.

    python -m cppn quine solve exact_mlp            write weights/quine/exact_mlp.safetensors
    python -m cppn quine solve exact_mlp --check    make it again and compare it with the file in place, byte by byte
    python -m cppn quine solve --all                every one; the seed's training takes three minutes

Exact quines, `newton` and `query` come out the same on every machine: a census has only one answer, and the other two
are rounded from 50 correct digits. `seed_rmsprop` and `auxiliary` are float arithmetic all the way, which another
processor or another version of torch may round differently; the seed's training is chaotic and shows it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from cppn import checkpoint
from cppn.quine.architectures import build
from cppn.quine.making import auxiliary, multiprecision
from cppn.quine.making.census import census, make_exact
from cppn.quine.making.levenberg import levenberg_marquardt, start_weights
from cppn.quine.making.newton import Root, find_roots
from cppn.quine.making.seed_training import STEPS, draw_as_the_seed, train_as_the_seed
from cppn.quine.network import Mlp, Quine, assign, copier, flatten
from cppn.quine.query import QueryQuine
from cppn.quine.verify import examine, verify
from cppn.quine.views import verdict_words
from cppn.quine.weights import SHIPPED, Shipped, open_quine
from cppn.recipes import add_options, chosen, deliver, my_share

DIGITS = 50  # of the solutions that are rounded to float64
QUERY_ITERATIONS = 300  # a start that has not arrived by then is stuck
COLLAPSED = 1e-4  # weights with a smaller standard deviation are on their way to the zero quine
AUXILIARY_WEIGHT = 0.15  # of a digit's score against a printed weight

Progress = Callable[[float, str], None]  # share done, what to say


def solve(quine: Shipped, on_progress: Progress = lambda share, text: None) -> Quine | QueryQuine:
    """Make one shipped quine from its recipe.

    Raises:
        ArithmeticError: the recipe did not arrive.
    """
    if quine.slug == "seed_rmsprop":
        return solve_as_the_seed(on_progress)
    if quine.config.architecture == "auxiliary":
        return solve_auxiliary(quine, on_progress)
    if quine.config.architecture == "query":
        return solve_query(quine, on_progress)
    if quine.config.head == "sign":
        return solve_exact(quine, on_progress)
    return solve_newton(quine)


def solve_exact(quine: Shipped, on_progress: Progress) -> Quine:
    """The exact quine with the largest margin in an environment."""
    net = build(quine.config)
    found = census(net, lambda share: on_progress(share, "of all codes tried"))
    if not found:
        raise ArithmeticError(f"there is no exact quine in environment {quine.config.environment}")
    make_exact(net, max(found, key=lambda exact: exact.margin).code)
    return net


def newton_root(quine: Shipped) -> tuple[Quine, Root]:
    """The network of a recipe, and the root that Newton's method finds from the recipe's start.

    Raises:
        ArithmeticError: that start leads nowhere.
    """
    net = build(quine.config)
    roots = find_roots(net, range(quine.start, quine.start + 1))
    if not roots:
        raise ArithmeticError(f"Newton's method finds nothing from start {quine.start}")
    return net, roots[0]


def solve_newton(quine: Shipped) -> Quine:
    """Newton's method in the code, then the nearest float64 weights to the exact solution."""
    net, root = newton_root(quine)
    refined = multiprecision.refine_mlp(net, root.code, root.jacobian, DIGITS)
    assign(net, torch.from_numpy(refined.weights))
    return net


def search_query(net: QueryQuine, start: int) -> tuple[Tensor, int]:
    """Levenberg-Marquardt from one start: the weights (N,) where it ends, float64, and the steps it took."""
    printed = copier(net)
    theta = start_weights(net.environment, start, [tuple(p.shape) for p in net.parameters()])
    path = levenberg_marquardt(lambda theta: printed(theta) - theta, theta, QUERY_ITERATIONS)
    steps = 0
    for steps, (theta, worst) in enumerate(path, 1):  # noqa: B007
        if worst < 1e-15 or theta.std() < COLLAPSED:
            break
    return theta, steps


def solve_query(quine: Shipped, on_progress: Progress) -> QueryQuine:
    """Levenberg-Marquardt from the recipe's start, then the nearest float64 weights to the exact solution."""
    net = build(quine.config)
    theta, steps = search_query(net, quine.start)
    on_progress(0.5, f"after {steps} steps; now to {DIGITS} digits")
    jacobian = torch.func.jacfwd(copier(net))(theta)
    refined = multiprecision.refine_query(net.probe, theta, jacobian, DIGITS)
    assign(net, torch.from_numpy(refined.weights))
    return net


def solve_as_the_seed(on_progress: Progress) -> Mlp:
    """The seed's own run: float64 and random seed 0, as in its author's repository."""
    net = draw_as_the_seed(0, "float64")
    for step, loss, worst in train_as_the_seed(net):
        on_progress(step / STEPS, f"step {step:>7}  loss {loss:.2e}  largest error {worst:.2e}")
    return net


def solve_auxiliary(quine: Shipped, on_progress: Progress) -> auxiliary.Auxiliary:
    """Weights and digits at once."""
    net = build(quine.config)
    training, _ = auxiliary.load_digits()
    for step, (_, read) in enumerate(auxiliary.train(net, training, AUXILIARY_WEIGHT)):
        r2 = examine(net, quine.config, flatten(net)).report.r2
        on_progress(step / auxiliary.ITERATIONS, f"R2 {r2:.3f}  digits read {read:.1%}")
    return net


def finish(quine: Shipped, net: Quine | QueryQuine, root: Path, force: bool) -> None:
    """Deliver a quine unless the file in place, which tells its own figures, prints itself at least as well."""
    report = examine(net, quine.config, flatten(net)).report

    def standing() -> float:
        return -verify(open_quine(root / quine.file)).report.max_delta

    files = {quine.file: checkpoint.to_bytes(net, quine.config)}
    kept = deliver(root, files, -report.max_delta, standing, force)
    fate = "kept" if kept else "not better than the file in place, which stays"
    print(f"{quine.slug}: {fate}. {verdict_words(report)}", flush=True)


def _announce(slug: str) -> Progress:
    """Prints a line for every twentieth of a run."""
    told = -1

    def announce(share: float, text: str) -> None:
        nonlocal told
        if int(share * 20) > told:
            told = int(share * 20)
            print(f"{slug}: {share:4.0%} {text}", flush=True)

    return announce


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn quine solve`; with --check, exit status 1 if a file came out differently."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn quine solve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(SHIPPED))
    parser.add_argument("--all", action="store_true", help="every quine")
    add_options(parser)
    parser.add_argument("--check", action="store_true", help="write nothing, compare with the files in place")
    args = parser.parse_args(argv)
    quines = [SHIPPED[name] for name in my_share(chosen(parser, args, "quine", SHIPPED))]
    torch.set_num_threads(1)  # for networks this small a second thread costs more than it gives
    different = 0
    try:
        for quine in quines:
            net = solve(quine, _announce(quine.slug))
            if args.check:
                path = args.out / quine.file
                same = path.is_file() and checkpoint.to_bytes(net, quine.config) == path.read_bytes()
                different += not same
                print(f"{quine.slug}: {'the same bytes' if same else 'NOT the same bytes'}", flush=True)
            else:
                finish(quine, net, args.out, args.force)
    except KeyboardInterrupt:
        return 130  # what a shell expects of an interrupted command; what is solved is in place
    return int(different > 0)
