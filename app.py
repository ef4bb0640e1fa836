"""What very small neural networks hide in their weights: a Gradio app of one tab a wing.

python app.py
"""

from __future__ import annotations

import importlib
import importlib.util

import gradio as gr
import torch

from cppn import toys
from cppn.endpoint import endpoints_of
from cppn.hub import BUNDLED
from cppn.render import store_folder
from cppn.sections import WINGS, Wing, open_page
from cppn.serving import expose, serve_fairly

TITLE = "What tiny networks hide"
INTRODUCTION = """
# What tiny networks hide
Pictures and data, hidden in the weights of very small neural networks and opened in front of you.
"""
STYLE = """
.gradio-container { width: 100%; max-width: 1180px !important; margin: 0 auto !important; }
.lead { font-size: 1.05rem; }
/* a setting of several sections keeps its place, unseen, beside a section that it does nothing to */
.row:has(> .common):has(~ .tabs [role="tab"][aria-selected="true"]:not([id^="glyphs-"], [id^="quine-"])) > .common {
  visibility: hidden;
}
.common input { padding-inline-end: 1.5rem !important; text-overflow: ellipsis; }
.diagram svg { display: block; width: 100%; max-width: 460px; height: auto; margin: 0.5rem auto; }
/* a place that nothing has filled yet takes no room, until something is on its way there */
.block:has(> .empty):has(> [data-testid="status-tracker"].hide) { display: none; }
.column:has(> .block > .empty):not(:has(> * > [data-testid="status-tracker"]:not(.hide))) > .caption { display: none; }
/* small things are touched as if they were 24 pixels high, and look as before */
.gradio-container input[type="range"] { box-sizing: content-box; padding-block: 8px; background-clip: content-box; }
.gradio-container :is(.icon-button, .icon, .reset-button, .label-wrap, input[type="number"]) { min-height: 24px; }
.gradio-container .download-link { display: inline-block; padding-block: 4px; }
.gradio-container :is(.icon-button, .icon, .reset-button) { min-width: 24px; }
.gradio-container footer button { padding-block: 4px; }
.caption { color: var(--body-text-color-subdued); text-align: center; font-size: 0.9rem; }
.pixels img { image-rendering: pixelated; width: 100%; height: 100%; object-fit: contain; }
.whole .grid-wrap { max-height: none !important; }
:root:not(.stands) :is(.tabs, footer) { visibility: hidden; animation: appear 0s 4s forwards; }
@keyframes appear { to { visibility: visible; } }
@media (max-width: 640px) {
  /* on a phone the result comes first, its controls after it */
  .row > .column:is(.result, :has(.live)) { order: -1; }
  .controls { order: 1; }
  .prose h1 { font-size: 1.4rem !important; }
  .lead { font-size: 0.95rem; }
  .row:has(~ .tabs [role="tab"][aria-selected="true"]:not([id^="glyphs-"], [id^="quine-"])) > .common { display: none; }
  .prose table { display: block; width: 0; min-width: 100%; overflow-x: auto; }
  .prose table { border: 0 !important; padding: 0 !important; }
  .prose :is(th, td) { padding: 0.3rem !important; font-size: 0.8rem; word-break: normal; overflow-wrap: normal; }
  /* a shade at the edge over which a table can be pulled */
  .prose table { background: linear-gradient(90deg, var(--body-background-fill) 50%, #0000) left / 3rem 100% local,
    linear-gradient(270deg, var(--body-background-fill) 50%, #0000) right / 3rem 100% local,
    linear-gradient(90deg, #8889, #0000) left / 1rem 100%, linear-gradient(270deg, #8889, #0000) right / 1rem 100%;
    background-repeat: no-repeat; }
  .whole .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
}
"""


def build() -> tuple[gr.Blocks, list[Wing]]:
    """Lay out every wing and its endpoints; nothing is loaded or computed before a visitor asks."""
    torch.set_num_threads(1)  # visitors are served side by side; networks this small gain nothing from more
    gr.set_static_paths([BUNDLED, store_folder()])
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        gr.Markdown(INTRODUCTION)
        wings = []
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            for name, title in WINGS.items():
                with gr.Tab(title, id=name) as place:
                    wing = importlib.import_module(f"cppn.{name}.tab").tab()
                wing.place = place
                wings.append(wing)
        for asked in ENDPOINTS:
            expose(asked)
        open_page(demo, tabs, wings)
    return demo, wings


ENDPOINTS = [asked for name in WINGS for asked in endpoints_of(importlib.import_module(f"cppn.{name}.endpoints"))]
demo, wings = build()
LAUNCH = {
    "theme": gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"]).set(
        body_text_color_subdued="*neutral_500",  # 400 on white, and white on 500, are too pale for some eyes
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    ),
    "css": STYLE,
    "head": toys.head(),
    "footer_links": ["api", "settings"],
    "max_file_size": "12mb",
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,
    "mcp_server": importlib.util.find_spec("mcp") is not None,  # comes with gradio[mcp]; its absence changes nothing
    "show_error": False,  # texts of gr.Error always show; internals stay inside
    **serve_fairly(demo, ENDPOINTS),
}

if __name__ == "__main__":
    demo.launch(**LAUNCH)
