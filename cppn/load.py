"""How the app bears visitors: rate, processor time, memory and right bytes, beside the barest app of one decoder.

python -m cppn load            everything, about six minutes; writes weights/results/load.json
python -m cppn load --quick    a try of half a minute
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cppn import render
from cppn.checkpoint import write_atomically
from cppn.load_client import CallError, Server, Visitor, sizes_below
from cppn.load_tally import Call, Tally, cpu_ratios, table, times

ROOT = Path(__file__).parents[1]
OUT = ROOT / "weights" / "results" / "load.json"
FLAG = "malaysia"
BARE = f"""
import tempfile
import gradio as gr, torch
from PIL import Image
from safetensors.torch import load_file
from cppn.flags.network import MysteryNet

torch.set_num_threads(1)
net = MysteryNet().eval()
net.load_state_dict(load_file({str(ROOT / "weights" / "flags" / f"{FLAG}.safetensors")!r}))

@torch.no_grad()
def decode_flag(width):
    y, x = torch.meshgrid(torch.linspace(-1, 1, width // 2), torch.linspace(-1, 1, width), indexing="ij")
    colours = net(torch.stack((x, y), -1).reshape(-1, 2)).reshape(width // 2, width, 3)
    with tempfile.NamedTemporaryFile(suffix=".png", delete=False) as file:
        Image.fromarray((colours.clamp(0, 1) * 255).round().to(torch.uint8).numpy()).save(file)
    return file.name

with gr.Blocks(analytics_enabled=False) as demo:
    inputs, output = gr.Slider(1, 4096, 320, step=1), gr.Image(type="filepath", format="png")
    gr.Button().click(decode_flag, inputs, output, api_name="decode_flag", concurrency_limit=2)
demo.queue(max_size=64).launch(ssr_mode=False)
"""
CLIENTS = (1, 8, 32)
TURNS = 2  # in which the two apps share the time of a row, so that a noisy machine is noisy for both
PICTURE = object()  # stands for a picture of odd shapes, uploaded before
MIXED: dict[str, list[object]] = {
    "list_teams": [],
    "decode_flag": [FLAG, 320, 1, 0, 0],
    "draw_glyph": ["script", "Hello!", 512, 4.0],
    "verify_quine": ["exact_mlp"],
    "tamper_quine": ["exact_mlp", 500, 0],
    "draw_odd_shapes": [1, "any", "any", 0],
    "locate_odd_shape": [PICTURE, "ours"],
    "attention_of": [PICTURE, -1, 1, 1, "ours"],
    "paint_starry": ["ours", 386, 1, 0, 0],
    "list_quines": [],
    "flag_progress": [FLAG],
    "heal_quine": ["exact_mlp", 0.1, 1, 20],
    "send_glyph": ["script", "Hello!", 1, 1],
}
# --quick; anything that is given beside it wins
QUICK = {"clients": (1, 8), "row": 1.0, "seconds": 4.0, "sessions": 60, "pictures": 300, "patience": 5.0}

BROKEN = (CallError, OSError, http.client.HTTPException)
Asked = tuple[str, list[object], list[str]]  # endpoint, arguments, SHA-256 of the pictures that belong to it


def ask(visitor: Visitor, asked: Asked) -> Call:
    """One call with all its pictures, compared with what they were."""
    name, data, wanted = asked
    start = time.monotonic()
    try:
        fault = "" if visitor.hashes(visitor.call(name, data)) == wanted else "wrong"
    except BROKEN:
        fault = "error"
    return Call(name, time.monotonic() - start, fault)


def drive(visitors: Sequence[Visitor], plan: Sequence[Asked], seconds: float, tally: Tally) -> None:
    """Let visitors ask side by side, each without a pause, and each from its own place in the plan on."""
    server = visitors[0].server

    def visit(place: int) -> list[Call]:
        calls = []
        while time.monotonic() < start + seconds:
            calls.append(ask(visitors[place], plan[(place + len(calls)) % len(plan)]))
        return calls

    if not tally.memory:
        tally.memory, tally.files = [server.megabytes()], [server.files()]
    start, cpu, own = time.monotonic(), server.cpu_seconds(), time.process_time()
    with ThreadPoolExecutor(len(visitors)) as pool:
        for calls in pool.map(visit, range(len(visitors))):
            tally.calls += calls
    tally.seconds += time.monotonic() - start
    tally.cpu += server.cpu_seconds() - cpu
    tally.client_cpu += time.process_time() - own
    tally.memory.append(server.megabytes())
    tally.files.append(server.files())


def reference(visitor: Visitor, name: str, data: list[object]) -> Asked:
    """What a call must bring, asked while nobody else asks."""
    return name, data, visitor.hashes(visitor.call(name, data))


@contextlib.contextmanager
def crowd(server: Server, clients: int, kept: bool) -> Iterator[list[Visitor]]:
    """So many visitors, who hang up at the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Visitor(server, kept)) for _ in range(clients)]


def compare(servers: Sequence[Server], plans: Sequence[list[Asked]], clients: Sequence[int], row: float) -> list[dict]:
    """The same call in every app: with kept and with new sessions, for each number of clients; `row` in seconds."""
    rows = []
    for kind in ("kept", "new"):
        with contextlib.ExitStack() as stack:
            crowds = [stack.enter_context(crowd(server, max(clients), kind == "kept")) for server in servers]
            if kind == "kept":  # making a session is measured by the other kind
                for visitors, plan in zip(crowds, plans, strict=True):
                    for visitor in visitors:
                        ask(visitor, plan[0])
            for number in clients:
                tallies = [Tally() for _ in servers]
                for _ in range(TURNS):
                    for visitors, plan, tally in zip(crowds, plans, tallies, strict=True):
                        drive(visitors[:number], plan, row / TURNS, tally)
                for server, tally in zip(servers, tallies, strict=True):
                    rows.append({"app": server.name, "sessions": kind, "clients": number} | tally.row())
    return rows


def mixed_plan(visitor: Visitor) -> list[Asked]:
    """Every cheap endpoint, with what it must bring."""
    [shapes] = visitor.pictures(visitor.call("draw_odd_shapes", MIXED["draw_odd_shapes"]))
    uploaded = visitor.upload(shapes)
    return [
        reference(visitor, name, [uploaded if value is PICTURE else value for value in data])
        for name, data in MIXED.items()
    ]


def mixed(server: Server, plan: Sequence[Asked], clients: int, seconds: float) -> dict[str, object]:
    """Every cheap endpoint in turn, from kept sessions."""
    with crowd(server, clients, kept=True) as visitors:
        tally = Tally()
        drive(visitors, plan, seconds, tally)
    by_name = {
        name: {"pictures": len(hashes)} | times(call for call in tally.calls if call.name == name)
        for name, _, hashes in plan
    }
    return {"clients": clients} | tally.row() | {"endpoints": by_name}


def sessions(server: Server, count: int) -> dict[str, object]:
    """One new session after the other with the cheapest call: what stays of them."""
    memory, calls, cpu = [server.megabytes()], [], server.cpu_seconds()
    with Visitor(server) as visitor:
        for number in range(count):
            calls.append(ask(visitor, ("list_teams", [], [])))
            if (number + 1) % max(1, count // 4) == 0:
                memory.append(server.megabytes())
    spent = server.cpu_seconds() - cpu
    grown = {"rss_mb_by_quarter": [round(value) for value in memory], "grown_mb": round(memory[-1] - memory[0])}
    slowest = {"slowest": round(max(call.seconds for call in calls), 3)}
    return times(calls) | slowest | {"cpu_ms": round(1000 * spent / count, 1)} | grown


def flood(server: Server, posts: int, picture: bytes, patience: float) -> dict[str, object]:
    """Long jobs posted by somebody who does not wait for them, and how others are served meanwhile."""
    refused: list[Exception] = []
    start = time.monotonic()
    with Visitor(server, patience=patience) as visitor:
        brought = visitor.upload(picture)
        for _ in range(posts):
            try:
                visitor.post("hide_picture", [brought, 60])
            except BROKEN as error:
                refused.append(error)
    return {
        "posts": posts,
        "accepted": posts - len(refused),
        "refused_words": sorted({str(error) for error in refused}),
        "posting_seconds": round(time.monotonic() - start, 2),
        "page_seconds": _page_after(server, patience),
        "flag_seconds": _flag_after(server, patience),
        "rss_mb": round(server.megabytes()),
    }


def _page_after(server: Server, patience: float) -> float | None:
    """Seconds until the page is there; None if it does not come within the patience."""
    start = time.monotonic()
    with contextlib.suppress(*BROKEN), Visitor(server, patience=patience) as visitor:
        visitor.get("/")
        return round(time.monotonic() - start, 2)
    return None


def _flag_after(server: Server, patience: float) -> float | None:
    """Seconds until a flag is decoded for somebody who tries again and again; None if never within the patience."""
    start = time.monotonic()
    while time.monotonic() - start < patience:
        left = patience - (time.monotonic() - start)
        with contextlib.suppress(*BROKEN), Visitor(server, patience=left) as visitor:
            visitor.call("decode_flag", MIXED["decode_flag"])
            return round(time.monotonic() - start, 2)
        time.sleep(0.2)
    return None


def store(pictures: int) -> dict[str, object]:
    """Processor time of a new picture in an empty and in a full store, in this process, and what lies on disk then."""
    cpu, wall = [], []
    for number in range(pictures):
        # not two are alike, and 20,000 are more than the store's limit, so that it has to make room
        data = b"\x89PNG\r\n\x1a\n" + random.Random(number).randbytes(16_000)
        start, start_cpu = time.monotonic(), time.process_time()
        render.save_bytes(data, "picture", ".png")
        cpu.append(1000 * (time.process_time() - start_cpu))
        wall.append(1000 * (time.monotonic() - start))
    place = render.store_folder()  # of this process alone
    sizes = sizes_below(place)
    return {
        "pictures": pictures,
        "cpu_ms_first_100": round(statistics.mean(cpu[:100]), 3),
        "cpu_ms_last_100": round(statistics.mean(cpu[-100:]), 3),
        "wall_ms_median": round(statistics.median(wall), 3),
        "wall_ms_most": round(max(wall), 1),
        "files": len(sizes),
        "folders": sum(len(names) for _, names, _ in os.walk(place)),
        "bytes": sum(sizes),
    }


def measured(args: argparse.Namespace) -> Iterator[tuple[str, object]]:
    """The report, section by section; the flood comes last of what the app goes through, since it may not recover."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Server("ours", [sys.executable, str(ROOT / "app.py")]))
        bare = stack.enter_context(Server("bare", [sys.executable, "-c", BARE]))
        visitor, other = stack.enter_context(Visitor(ours)), stack.enter_context(Visitor(bare))
        plans = [[reference(visitor, "decode_flag", MIXED["decode_flag"])], [reference(other, "decode_flag", [320])]]
        plan = mixed_plan(visitor)  # now, so that an endpoint of another name is missed before minutes have passed
        [flag] = visitor.pictures(visitor.call("decode_flag", MIXED["decode_flag"]))
        rows = compare([ours, bare], plans, args.clients, args.row)
        yield "decode_flag", rows
        yield "cpu_ours_over_bare", cpu_ratios(rows)
        if args.seconds:
            yield "mixed", mixed(ours, plan, max(args.clients), args.seconds)
        if args.sessions:
            yield "sessions", sessions(ours, args.sessions)
        if args.flood:
            yield "flood", flood(ours, args.flood, flag, args.patience)
    if args.pictures:
        yield "store", store(args.pictures)
    yield "cores", os.cpu_count()


def show(name: str, found: object) -> None:
    """Print a section as soon as it is there."""
    print(f"\n{name}")
    if isinstance(found, list):
        print(table(found), flush=True)
        return
    if isinstance(found, dict) and (parts := found.get("endpoints")):
        print(table([{"endpoint": part} | values for part, values in parts.items()]))
        found = {key: value for key, value in found.items() if key != "endpoints"}
    print(json.dumps(found), flush=True)


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn load`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--clients", type=int, nargs="+", default=CLIENTS, help="visitors side by side (default: 1 8 32)")
    add("--row", type=float, default=6.0, help="seconds for a row of the comparison (default: %(default)s)")
    add("--seconds", type=float, default=60.0, help="for the mixed endpoints, 0: without (default: %(default)s)")
    add("--sessions", type=int, default=2000, help="new sessions, one after the other (default: %(default)s)")
    add("--flood", type=int, default=100, help="long jobs that nobody waits for (default: %(default)s)")
    add("--patience", type=float, default=60.0, help="seconds to wait for a flag in the flood (default: %(default)s)")
    add("--pictures", type=int, default=20_000, help="new ones for the picture store (default: %(default)s)")
    add("--quick", action="store_true", help="only a try: everything is shorter, and nothing is written without --out")
    add("--out", type=Path, help=f"the report (default: {OUT.relative_to(ROOT)})")
    args = parser.parse_args(argv)
    if args.quick:
        parser.set_defaults(**QUICK)
        args = parser.parse_args(argv)
    report = {}
    for name, found in measured(args):
        report[name] = found
        show(name, found)
    if out := args.out or (None if args.quick else OUT):
        write_atomically(out, (json.dumps(report, indent=1) + "\n").encode())
    return 0
