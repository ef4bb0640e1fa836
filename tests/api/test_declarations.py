"""Tables made from the declarations: what every parameter refuses, and that all doors say the same."""

from __future__ import annotations

import json
import math
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

import app
from cppn.endpoint import OURS, Endpoint, Parameter, run_command
from cppn.hub import BUNDLED
from cppn.serving import QUEUES

# a file that is one, for each kind of file that an endpoint may want
FILES = {
    "picture": BUNDLED / "flags" / "targets" / "japan.png",
    "weights": BUNDLED / "flags" / "japan.safetensors",
    "file": BUNDLED / "starry" / "ours.pyth",
}
SILLY = {
    "nothing": None,
    "not a number": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "one point seven": 1.7,
    "huge": 1e30,
    "empty": "",
    "list": [1, 2],
    "table": {"a": 1},
    "long text": "y" * 10_000,
}
CASES = [
    pytest.param(asked, p, value, id=f"{asked.name}-{p.name}-{name}")
    for asked in app.ENDPOINTS
    for p in asked.parameters.values()
    for name, value in SILLY.items()
]


def fits(p: Parameter, value: object) -> bool:
    """Whether a silly value is a sensible one for this parameter after all."""
    if value is None:
        return p.default is None
    if p.base is float and isinstance(value, float) and math.isfinite(value):
        return (p.low is None or value >= p.low) and (p.high is None or value <= p.high)
    if p.base is str and not p.choices:
        return isinstance(value, str | float) and len(str(value)) <= (p.longest or math.inf)
    return False


def right(asked: Endpoint) -> dict[str, object]:
    """Arguments that an endpoint takes."""
    given = {p.name: FILES[p.name] for p in asked.parameters.values() if p.required and p.is_file}
    given |= {p.name: p.choices[0] for p in asked.parameters.values() if p.required and p.choices}
    return asked.defaults | given


def payload(value: object) -> object:
    """A value as it travels; files are ours, which the server knows."""
    return {"path": str(value)} if isinstance(value, Path) else value


@pytest.fixture(scope="module")
def http(url: str) -> httpx.Client:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


def refusal(http: httpx.Client, asked: Endpoint, arguments: dict[str, object]) -> str:
    """What the API answers with, as long as it is an error."""
    data = [payload(arguments.get(name)) for name in asked.parameters]
    body = json.dumps({"data": data})  # with NaN and Infinity, which Python writes and reads
    headers = {"content-type": "application/json"}
    posted = http.post(f"gradio_api/call/{asked.name}", content=body, headers=headers)
    stream = http.get(f"gradio_api/call/{asked.name}/{posted.raise_for_status().json()['event_id']}").text
    assert stream.startswith("event: error"), stream[:300]
    return json.loads(stream.split("data: ", 1)[1].split("\n")[0])["error"]


@pytest.mark.parametrize(("asked", "p", "value"), CASES)
def test_a_silly_value_is_refused_with_the_parameters_name_and_bound(asked: Endpoint, p: Parameter, value: object):
    if fits(p, value):
        pytest.skip("it is not silly here")
    with pytest.raises(ValueError) as error:
        asked(**right(asked) | {p.name: value})
    words = str(error.value)
    assert words.startswith(p.name)
    assert p.wanted in words
    assert len(words) < 120 + len(p.wanted)
    assert "y" * 100 not in words


@pytest.mark.parametrize("asked", app.ENDPOINTS, ids=lambda asked: asked.name)
def test_api_and_command_line_refuse_in_the_same_words(asked: Endpoint, http: httpx.Client, capsys):
    for p in asked.parameters.values():
        if p.base not in (int, float) and not p.choices:
            continue
        told = refusal(http, asked, right(asked) | {p.name: "no such thing"})
        given = right(asked) | {p.name: "no such thing"}
        argv = [str(value) for name in asked.arguments if (value := given.pop(name)) is not None]
        if p.name in given:
            argv += [f"--{p.name.replace('_', '-')}", "no such thing"]
        assert run_command(asked, "command", argv) == 2
        assert capsys.readouterr().err == f"command: {told}\n"
        assert p.wanted in told


def test_a_missing_file_is_asked_for(http: httpx.Client):
    for asked in app.ENDPOINTS:
        for p in asked.parameters.values():
            if p.is_file and p.default is not None:
                assert refusal(http, asked, right(asked) | {p.name: None}).startswith(p.name)


def test_a_fault_of_ours_is_owned_up_to_and_logged_whole(http: httpx.Client, monkeypatch, caplog):
    asked = app.ENDPOINTS[0]

    def planted(*_: object, **__: object) -> None:
        return {}["planted"]

    monkeypatch.setattr(asked, "function", planted)
    assert refusal(http, asked, asked.defaults) == OURS
    assert "Traceback" in caplog.text
    assert "planted" in caplog.text


@pytest.mark.parametrize("asked", app.ENDPOINTS, ids=lambda asked: asked.name)
def test_a_declaration_is_whole(asked: Endpoint):
    assert asked.__doc__
    assert asked.__doc__.split("\n")[0].endswith(".")
    assert asked.queue in QUEUES
    assert issubclass(asked.answer, tuple)
    for p in (*asked.parameters.values(), *asked.outputs.values()):
        assert p.description, (asked.name, p.name)
        assert "\n" not in p.description
    for p in asked.parameters.values():
        assert p.base not in (int, float) or (p.low is not None and p.high is not None), f"{p.name} has no limits"
        assert p.base is not str or p.choices or p.longest, f"{p.name} may be of any length"
        if not p.required and p.default is not None:
            assert p.check(p.default) == p.default


def test_the_documentation_says_range_and_unit(client: Client):
    told = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for asked in app.ENDPOINTS:
        shown = told[f"/{asked.name}"]
        for p, said in zip(asked.parameters.values(), shown["parameters"], strict=True):
            assert said["parameter_name"] == p.name
            assert json.dumps(p.words, ensure_ascii=False)[1:-1] in json.dumps(said, ensure_ascii=False)
        assert [value["label"] for value in shown["returns"]] == list(asked.outputs)
