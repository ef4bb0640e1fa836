"""What very small neural networks hide in their weights: a Gradio app of one tab a wing.

python app.py
"""

from __future__ import annotations

import gradio as gr
import torch

from cppn.flags import tab as flags
from cppn.glyphs import tab as glyphs
from cppn.hub import BUNDLED
from cppn.odd_shapes import tab as odd_shapes
from cppn.quine import tab as quine
from cppn.starry import tab as starry
from cppn.tab import WINGS, opened, query

LAYOUTS = {
    "flags": flags.tab,
    "glyphs": glyphs.tab,
    "quine": quine.tab,
    "odd_shapes": odd_shapes.tab,
    "starry": starry.tab,
}

TITLE = "What tiny networks hide"
INTRODUCTION = """
# What tiny networks hide
Pictures and data, hidden inside the weights of very small neural networks and opened in front of you.
"""
STYLE = """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
.lead { font-size: 1.05rem; }
.caption { color: var(--body-text-color-subdued); text-align: center; font-size: 0.9rem; }
.pixels img { image-rendering: pixelated; width: 100%; height: 100%; object-fit: contain; }
.whole .grid-wrap { max-height: none !important; }
@media (max-width: 640px) {
  .prose table { display: block; width: 0; min-width: 100%; overflow-x: auto; }
  .prose table { border: 0 !important; padding: 0 !important; }
  .prose :is(th, td) { padding: 0.35rem !important; word-break: normal; overflow-wrap: normal; }
  .whole .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
}
"""
LAUNCH = {
    "theme": gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"]),
    "css": STYLE,
    "footer_links": ["api", "settings"],
    "max_file_size": "12mb",
    "run_history": False,
    "ssr_mode": False,
    "show_error": False,  # texts of gr.Error always show; internals stay inside
}


def chosen_tab(request: gr.Request) -> object:
    """Open the tab that the page's address names."""
    return opened(query(request).get("tab"), WINGS)


def build() -> gr.Blocks:
    """Lay out every wing; nothing is loaded or computed before a visitor asks."""
    torch.set_num_threads(1)  # visitors are served side by side; networks this small gain nothing from more
    gr.set_static_paths([BUNDLED])
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 86400)) as demo:
        gr.Markdown(INTRODUCTION)
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            for name, title in WINGS.items():
                with gr.Tab(title, id=name) as wing:
                    LAYOUTS[name](demo, wing)
        demo.load(chosen_tab, None, tabs, api_visibility="private")
    # the queue counts the calls of all visitors; beyond this a caller is told to come back
    return demo.queue(max_size=64)


demo = build()

if __name__ == "__main__":
    demo.launch(**LAUNCH)
