"""How long the app takes to start, side by side with the barest gradio app that also imports torch.

python -m cppn startup
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

APP = Path(__file__).parents[1] / "app.py"
BARE = (
    "import gradio as gr, torch\n"
    "with gr.Blocks(analytics_enabled=False) as demo:\n"
    "    gr.Button('Nothing').click(lambda: None)\n"
    "demo.launch(ssr_mode=False)\n"
)


def seconds_to_first_answer(command: list[str], patience: float = 120.0) -> float:
    """Wall time from starting a gradio process to its first HTTP 200; the process is ended again.

    Raises:
        RuntimeError: the process ended by itself, or did not answer within `patience` seconds.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    start = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            while time.monotonic() - start < patience:
                if process.poll() is not None:
                    raise RuntimeError(f"the app ended by itself: {process.stderr.read().decode()[-500:]}")
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                        if answer.status == 200:
                            return time.monotonic() - start
                except (urllib.error.URLError, OSError):
                    time.sleep(0.02)
            raise RuntimeError(f"no answer within {patience:g} seconds")
        finally:
            process.kill()


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn startup`."""
    parser = argparse.ArgumentParser(prog="python -m cppn startup", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="starts of each, taking turns (default: %(default)s)")
    args = parser.parse_args(argv)
    contenders = {"app": [sys.executable, str(APP)], "bare": [sys.executable, "-c", BARE]}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(args.repeats):
        for name, command in contenders.items():
            times[name].append(seconds_to_first_answer(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    report = {
        "median_seconds": {name: round(value, 2) for name, value in medians.items()},
        "ratio": round(medians["app"] / medians["bare"], 2),
        "all_seconds": {name: [round(value, 2) for value in values] for name, values in times.items()},
    }
    print(json.dumps(report, indent=1))
    return 0
