"""What the browser tests look for."""

from __future__ import annotations

PATIENCE = 30_000  # milliseconds; a busy machine is slow


def fits(page: object) -> bool:
    """Nothing sticks out sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def painted(page: object) -> None:
    """Wait until an image is there and whole."""
    page.wait_for_function(
        "[...document.querySelectorAll('img')].some(i => i.offsetParent && i.complete && i.naturalWidth > 50)"
    )


def shown(page: object, text: str) -> None:
    """Wait until a text is to be seen."""
    page.get_by_text(text).filter(visible=True).first.wait_for(state="visible", timeout=PATIENCE)
