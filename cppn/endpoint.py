"""What can be asked: one declaration each, from which API, command line, notebooks and tabs are made.

An endpoint is a function whose signature says everything. Each parameter is annotated with its type, limits and a line
of explanation; the answer is a NamedTuple whose fields are annotated likewise:

    Width = Annotated[int, Field(ge=1, le=4096, description="pixels along x")]

    class Flag(NamedTuple):
        picture: Annotated[Path, Field(description="the picture as a PNG file")]
        facts: Annotated[dict, Field(description="facts about it")]

    @endpoint(command="decode")
    def decode_flag(team: Team, width: Width = 320) -> Flag:
        '''Decode a team's flag from its weights.'''

`decode_flag(...)` then checks what it is given and answers, in a notebook as anywhere else. `cppn.serving.expose` makes
the public endpoint of it, `run_command` the command, `cppn.ui.slider` the sliders.
A check is written once, so no door lets through what another refuses.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pydantic
from annotated_types import Ge, Le, MaxLen

from cppn.faults import Abandoned, VisitorError, quoted

HEAVY = 1.0  # seconds of a processor from which a question waits with the large ones
OURS = "Something went wrong on our side, not yours. It has been noted; please try again, or try something else."
_CONFIG = pydantic.ConfigDict(allow_inf_nan=False, coerce_numbers_to_str=True)


@dataclass(frozen=True)
class Parameter:
    """One parameter of an endpoint, or one field of its answer.

    Attributes:
        name: in calls, in the API and, with dashes, on the command line. base: its type without annotations.
        description: one line. default: what counts where nothing is given; `inspect.Parameter.empty` if required.
        low, high: limits of a number, both included; None where there is none.
        longest: characters of a text. choices: what it may be; empty for anything.
    """

    name: str
    hint: Any
    base: Any
    description: str
    default: Any = inspect.Parameter.empty
    low: float | None = None
    high: float | None = None
    longest: int | None = None
    choices: tuple = ()

    @classmethod
    def of(cls, name: str, hint: Any, default: Any = inspect.Parameter.empty) -> Parameter:
        """Read an annotation."""
        base, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        found: dict[str, Any] = {}
        for mark in marks:
            if isinstance(mark, pydantic.fields.FieldInfo):
                found["description"] = mark.description
                marks += mark.metadata
            elif isinstance(mark, Ge):
                found["low"] = mark.ge
            elif isinstance(mark, Le):
                found["high"] = mark.le
            elif isinstance(mark, MaxLen):
                found["longest"] = mark.max_length
        choices = get_args(base) if get_origin(base) is Literal else ()
        return cls(name, hint, base, found.pop("description", None) or "", default, choices=choices, **found)

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.base is Path or self.base == Path | None

    @property
    def range(self) -> str:
        """Its limits in words, empty if it has none."""
        if self.low is not None and self.high is not None:
            return f"{self.low:,} to {self.high:,}"
        return f"at most {self.longest} characters" if self.longest else ""

    @property
    def wanted(self) -> str:
        """What it must be, as the end of a sentence."""
        if self.choices:
            return f"one of: {', '.join(map(str, self.choices))}"
        if self.is_file:
            return "a file"
        noun = {int: "a whole number", float: "a number", bool: "true or false"}.get(self.base, "a text")
        joint = " of " if self.longest else " from "
        return f"{noun}{joint}{self.range}" if self.range else noun

    @functools.cached_property
    def _adapter(self) -> pydantic.TypeAdapter:
        return pydantic.TypeAdapter(self.hint, config=_CONFIG)

    def check(self, value: Any) -> Any:
        """The value in the right type.

        Raises:
            VisitorError: it names the parameter, what it must be and what came.
        """
        try:
            if isinstance(value, bool) and self.base is not bool:
                raise ValueError("true is 1 to Python, but not to us")
            if self.is_file and value == "":
                raise ValueError("to a path this is the present folder")
            checked = self._adapter.validate_python(value)
            missing = self.is_file and checked is not None and not checked.is_file()
        except VisitorError:
            raise
        except (ValueError, TypeError, OverflowError, RecursionError, OSError):  # OSError: a name that is too long
            came = "nothing" if value is None or value == "" else _short(value)
            raise VisitorError(f"{self.name} must be {self.wanted}; {came} came instead") from None
        if missing:
            raise VisitorError(f"{self.name}: there is no file {quoted(checked.name)}")
        return checked

    @property
    def words(self) -> str:
        """Its explanation with its limits, as documentation shows it."""
        return " ".join(part for part in (self.description, f"({self.range})" if self.range else "") if part)

    def schema(self) -> dict[str, Any]:
        """Its values as a JSON schema."""
        return self._adapter.json_schema()


class Endpoint:
    """A function that can be asked through four doors; see the module.

    Attributes:
        name: of the endpoint. command: its verb on the command line.
        parameters: name -> `Parameter`. outputs: the same for the fields of the answer.
        arguments: parameters that stand in order on the command line; the others are options.
        cost: processor seconds of a call, from the same arguments, where that differs much from call to call.
        queue: "quick", "large" or "training": with whom it waits. status: exit status of the command for an answer.
    """

    def __init__(
        self,
        function: Callable,
        command: str,
        queue: str = "quick",
        cost: Callable[..., float] | None = None,
        status: Callable[[Any], int] = lambda answer: 0,
        arguments: tuple[str, ...] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function, self.name, self.command = function, function.__name__, command
        self.queue, self.cost, self.status = queue, cost, status
        self.streams = inspect.isgeneratorfunction(function)
        self._arguments = arguments

    @functools.cached_property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.function, include_extras=True)

    @functools.cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Its parameters in order."""
        signature = inspect.signature(self.function).parameters.values()
        return {p.name: Parameter.of(p.name, self._hints[p.name], p.default) for p in signature}

    @functools.cached_property
    def answer(self) -> type:
        """The NamedTuple that it returns, or yields."""
        hint = self._hints["return"]
        return get_args(hint)[0] if self.streams else hint

    @functools.cached_property
    def outputs(self) -> dict[str, Parameter]:
        """The fields of its answer in order."""
        hints = typing.get_type_hints(self.answer, include_extras=True)
        return {name: Parameter.of(name, hints[name]) for name in self.answer._fields}

    @property
    def arguments(self) -> tuple[str, ...]:
        """The parameters without a name on the command line: those declared so, else the required ones."""
        required = tuple(name for name, p in self.parameters.items() if p.required)
        return required if self._arguments is None else self._arguments

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that need not be given, with what counts then."""
        return {name: p.default for name, p in self.parameters.items() if not p.required}

    def check(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """All arguments in their right types, defaults filled in.

        Raises:
            VisitorError: a sentence about the first that is wrong, missing or too many.
        """
        names = list(self.parameters)
        if len(args) > len(names):
            raise VisitorError(f"{self.name} takes {len(names)} values, not {len(args)}")
        given = dict(zip(names, args, strict=False)) | kwargs
        if unknown := [name for name in given if name not in self.parameters]:
            raise VisitorError(f"{self.name} has no parameter {quoted(unknown[0])}; it has: {', '.join(names)}")
        if missing := [p.name for p in self.parameters.values() if p.required and p.name not in given]:
            raise VisitorError(f"{missing[0]} is missing: {self.parameters[missing[0]].description}")
        values = self.defaults | given
        return {
            name: p.default if not p.required and values[name] is p.default else p.check(values[name])
            for name, p in self.parameters.items()
        }

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Check, then answer; a stream's checks are made at once, too."""
        return self.function(**self.check(*args, **kwargs))


def endpoint(command: str, **options: Any) -> Callable[[Callable], Endpoint]:
    """Declare a function as an endpoint; for the options see `Endpoint`."""
    return lambda function: Endpoint(function, command, **options)


def endpoints_of(module: Any) -> list[Endpoint]:
    """All endpoints that a module declares, in order."""
    return [value for value in vars(module).values() if isinstance(value, Endpoint)]


def named(names: Iterable[str], description: str, also: Mapping[str, str] | None = None) -> Any:
    """The hint of a parameter that is one of these names, whatever its case; `also` maps other spellings to them."""
    names = tuple(names)
    known = {written.casefold(): name for written, name in [*(also or {}).items(), *((n, n) for n in names)]}

    def find(value: Any) -> Any:
        return known.get(value.strip().casefold(), value) if isinstance(value, str) else value

    return Annotated[
        Literal[names],
        pydantic.BeforeValidator(find),
        pydantic.Field(description=description),
    ]


def sentence(fault: Exception) -> str:
    """What the visitor is told of a fault; one of ours is logged with its traceback."""
    if isinstance(fault, VisitorError):
        return str(fault)
    if isinstance(fault, Abandoned):
        return "it was given up, because nobody waited for it any more"
    logging.getLogger("cppn").error("a fault of ours", exc_info=fault)
    return OURS


def _short(value: Any) -> str:
    if isinstance(value, int | float):
        return str(value)[:60]
    return quoted(value)


# --- the command line


def run_command(asked: Endpoint, program: str, argv: list[str]) -> int:
    """Ask on the command line.

    Data is printed as JSON; files are written to `--out` (further ones beside it), or into the present folder.

    Returns:
        The exit status: that of the answer, or 2 after one line on what was wrong.
    """
    import typer

    command = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    status = 0

    def run(**given: Any) -> None:
        nonlocal status
        out = given.pop("out", None)
        numbers = {name for name, p in asked.parameters.items() if p.base in (int, float)}
        values = {name: _typed(v) if name in numbers else v for name, v in given.items() if v is not None}
        try:
            for answer in asked(**values) if asked.streams else [asked(**values)]:
                if asked.streams and getattr(answer, "words", None):
                    print(answer.words, file=sys.stderr, flush=True)
            print(json.dumps(_written(asked, answer, out), indent=1, ensure_ascii=False, default=str))
            status = asked.status(answer)
        except (VisitorError, OSError) as fault:
            print(f"{program}: {fault}", file=sys.stderr)
            status = 2

    run.__signature__ = inspect.Signature([*_options(asked), *_out(asked)])
    run.__doc__ = asked.__doc__
    command.command()(run)
    try:
        command(argv, prog_name=program, standalone_mode=True)
    except SystemExit as end:
        return status or int(end.code or 0)
    return status


def _options(asked: Endpoint) -> list[inspect.Parameter]:
    """The parameters as typer takes them: as texts, so that the declaration alone judges what they say."""
    import typer

    found = []
    for p in asked.parameters.values():
        kind = typer.Argument if p.name in asked.arguments else typer.Option
        words = p.words if p.required or p.default is None else f"{p.words} [default: {p.default}]"
        hint = Annotated[str if p.required else str | None, kind(help=words, show_default=False)]
        default = inspect.Parameter.empty if p.required else None
        found.append(inspect.Parameter(p.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint))
    return found


def _out(asked: Endpoint) -> list[inspect.Parameter]:
    import typer

    files = [p.name for p in asked.outputs.values() if p.is_file]
    if not files:
        return []
    hint = Annotated[Path | None, typer.Option(help=f"where to write the {files[0]}; its suffix decides the format")]
    return [inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)]


def _typed(text: str) -> Any:
    """A number where the text is one: "4" is 4, "nan" is not a number that anybody accepts, "malaysia" stays."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _written(asked: Endpoint, answer: tuple, out: Path | None) -> dict[str, Any]:
    """An answer as data, its files in their places."""
    from cppn.render import write_as

    shown: dict[str, Any] = {}
    for name, p in asked.outputs.items():
        value = getattr(answer, name)
        if p.is_file and value is not None:
            first = not any(asked.outputs[other].is_file for other in shown)
            beside = out if first or out is None else out.with_name(f"{out.stem}-{name}{value.suffix}")
            value = str(write_as(value, beside or Path(value.name)))
        shown[name] = value
    return shown
