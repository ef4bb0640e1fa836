"""What a stranger may try over HTTP: files of the server, ways round the queue, floods, requests beyond every bound."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio.components import Component

from cppn import serving, ui
from cppn.hub import BUNDLED

ROOT = Path(__file__).parents[2]
FLAG = BUNDLED / "flags" / "targets" / "japan.png"
# whatever of gradio's own opens the files that it is sent
OPENERS = (
    gr.Image,
    gr.File,
    gr.Gallery,
    gr.ImageEditor,
    gr.ImageSlider,
    gr.AnnotatedImage,
    gr.Audio,
    gr.Video,
    gr.DownloadButton,
    gr.UploadButton,
    gr.MultimodalTextbox,
    gr.FileExplorer,
    gr.Model3D,
    gr.Chatbot,
)
CHECKED = (ui.Picture, ui.Upload)


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def listened(http: httpx.Client, name: str, data: list[object]) -> str:
    """Ask a public endpoint and listen; returns the stream's text."""
    event = http.post(f"gradio_api/call/{name}", json={"data": data}).raise_for_status().json()["event_id"]
    return http.get(f"gradio_api/call/{name}/{event}").text


def test_no_listener_opens_a_file_that_nobody_checked(url: str):
    import app

    seen = 0
    for function in app.demo.fns.values():
        for component in function.inputs:
            seen += isinstance(component, CHECKED)
            assert not isinstance(component, OPENERS) or isinstance(component, CHECKED), (function, component)
            assert isinstance(component, Component), function
    assert seen > 3


SECRETS = ("/etc/passwd", str(ROOT / "app.py"), str(ROOT / ".git" / "config"), "/dev/ptmx", "", "\0")


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize("kind", CHECKED)
def test_only_files_of_visitors_and_our_own_pictures_are_opened(kind: type, path: str):
    """The forms that went round gradio's own check: no mark of an upload, a name that promises no picture."""
    payload = gr.data_classes.FileData(path=path, orig_name="a.svg")
    start = time.monotonic()
    with pytest.raises(serving.VisitorError, match="upload"):
        kind(render=False).preprocess(payload)
    assert time.monotonic() - start < 1


def test_a_link_out_of_the_upload_folder_is_followed_before_it_is_judged(tmp_path: Path):
    folder = Path(gr.utils.get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "innocent.png").unlink(missing_ok=True)
    (folder / "innocent.png").symlink_to("/etc/passwd")
    with pytest.raises(serving.VisitorError):
        serving.uploaded({"path": str(folder / "innocent.png")})
    (folder / "innocent.png").unlink()
    assert serving.uploaded({"path": str(FLAG)}) == FLAG


@pytest.mark.parametrize("path", [str(ROOT / "app.py"), "/dev/ptmx", str(ROOT / "tests" / "none.png")])
def test_the_server_tells_no_file_and_hangs_on_no_device(http: httpx.Client, path: str):
    start = time.monotonic()
    file = {"path": path, "orig_name": "a.svg"}
    for name, data in (("open_gift", [file, 0, 0, "xy", "-1..1"]), ("hide_picture", [file, 20])):
        answer = listened(http, name, data)
        assert "event: error" in answer
        assert "is not a file that was uploaded here" in answer
    assert time.monotonic() - start < 2


def test_the_way_round_the_queue_is_closed(http: httpx.Client):
    assert http.post("gradio_api/run/decode_flag", json={"data": ["japan", 320, 1, 0, 0]}).status_code in (
        401,
        403,
        404,
    )


def test_browsers_are_told_not_to_guess_and_too_large_requests_are_not_read(http: httpx.Client):
    assert http.get("").headers["x-content-type-options"] == "nosniff"
    answer = http.post("gradio_api/upload", content=bytes(serving.REQUEST_LIMIT + 1))
    assert answer.status_code == 413
    assert "MiB" in answer.json()["detail"]

    def endless() -> Iterator[bytes]:
        for _ in range(serving.REQUEST_LIMIT // 2**20 + 2):
            yield bytes(2**20)

    with pytest.raises(httpx.HTTPError):  # without a length it is cut off where the bound is reached
        http.post("gradio_api/upload", content=endless()).raise_for_status()


def test_the_page_is_small_on_the_wire_and_streams_are_not_held_back(http: httpx.Client):
    with http.stream("GET", "", headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert sum(map(len, answer.iter_raw())) < 120_000
    event = http.post("gradio_api/call/list_teams", json={"data": []}).json()["event_id"]
    headers = {"accept-encoding": "gzip"}
    with http.stream("GET", f"gradio_api/call/list_teams/{event}", headers=headers) as stream:
        assert "content-encoding" not in stream.headers


def test_a_flood_of_trainings_leaves_the_rest_open(http: httpx.Client):
    import app

    uploaded = http.post("gradio_api/upload", files={"files": FLAG.read_bytes()}).json()[0]
    picture = {"path": uploaded, "meta": {"_type": "gradio.FileData"}}

    def post(_: int) -> int:
        return http.post("gradio_api/call/hide_picture", json={"data": [picture, 60]}).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(post, range(100)))
    assert codes.count(200) <= serving.PLACES_OF_ONE["training"]
    assert set(codes) <= {200, 503}
    refusal = http.post("gradio_api/call/hide_picture", json={"data": [picture, 60]})
    assert "wait until one is answered" in refusal.json()["detail"]
    start = time.monotonic()
    assert "event: complete" in listened(http, "decode_flag", ["japan", 320, 1, 0, 0])
    assert time.monotonic() - start < 2
    assert http.get("").status_code == 200
    waiting = app.demo._queue.event_queue_per_concurrency_id["training"]
    assert waiting.current_concurrency == 0  # nobody listens to any of them
    for event in list(waiting.queue):
        waiting.queue.remove(event)
        app.demo._queue.forget(event)


def test_what_nobody_listens_to_is_forgotten(http: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    import app

    monkeypatch.setattr(serving, "PATIENCE", 0.2)
    queue = app.demo._queue
    event = http.post("gradio_api/call/list_teams", json={"data": []}).json()["event_id"]
    deadline = time.monotonic() + 10
    while event in queue.event_ids_to_events and time.monotonic() < deadline:
        time.sleep(0.05)
    assert event not in queue.event_ids_to_events
    assert event not in queue.pending_messages_per_session
    assert not queue.event_queue_per_concurrency_id["quick"].queue


def test_costly_questions_wait_with_the_large_ones(url: str):
    import app

    queue = app.demo._queue
    fn = next(fn for fn in app.demo.fns.values() if fn.api_name == "decode_flag")
    asked = queue._asked(fn)
    assert queue._kind(fn, asked, ["japan", 320, 1, 0, 0]) == "quick"
    assert queue._kind(fn, asked, ["japan", 4096, 1, 0, 0]) == "large"
    for nonsense in ([None] * 5, [], ["japan", "wide"], [[1], {}, 3]):
        assert queue._kind(fn, asked, nonsense) == "quick"


def test_costly_views_of_the_page_wait_with_the_large_ones(url: str):
    import app

    queue = app.demo._queue
    weighed = [fn for fn in app.demo.fns.values() if getattr(fn.fn, "cost", None) and fn.api_visibility == "private"]
    paint = next(fn for fn in weighed if [c.label for c in fn.inputs][:2] == ["Program", "Width in pixels"])
    assert queue._kind(paint, None, ["ours", 1158, 1, 0, 0]) == "quick"
    assert queue._kind(paint, None, ["ours", 4096, 1, 0, 0]) == "large"
    assert queue._kind(paint, None, ["ours", "wide"]) == "quick"


def test_callers_who_know_fewer_parameters_are_answered(http: httpx.Client):
    assert "event: complete" in listened(http, "decode_flag", ["japan"])
    assert "event: complete" in listened(http, "flag_progress", [])


def test_sessions_are_few_and_light(http: httpx.Client):
    import app

    holder = app.demo.app.state_holder
    assert holder.capacity == serving.SESSIONS
    listened(http, "list_teams", [])
    session = next(reversed(holder.session_data.values()))
    assert isinstance(session, serving.LightSession)
    assert len(session.config_values) <= 1  # nothing was described but the answer


def test_on_a_space_the_visitor_is_whom_its_proxy_saw(monkeypatch: pytest.MonkeyPatch):
    class Request:
        headers = {"x-forwarded-for": "6.6.6.6, 10.1.2.3"}  # noqa: RUF012
        client = type("Client", (), {"host": "127.0.0.1"})

    monkeypatch.delenv("SPACE_ID", raising=False)
    assert serving.visitor_of(Request) == "127.0.0.1"
    monkeypatch.setenv("SPACE_ID", "owner/name")
    assert serving.visitor_of(Request) == "10.1.2.3"
