"""What work takes and how large messages are: guessed, declared or measured, as plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol, TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.circuit.wire import by_name
from circuitsim.errors import InputError, TraceError
from circuitsim.habits import told
from circuitsim.plan.plain_values import Fixed, Written
from circuitsim.plan.times import Distribution, Ticks, as_ticks

__all__ = ["Costs", "Parts"]

#: The times that are added up for a piece of work: one, or two for a B that takes what I and W take.
Parts: TypeAlias = tuple[Ticks, ...]

#: About how many bytes the costs of a stage take, at least.
STAGE = 100

FIELDS = {"F": "forward", "I": "input", "W": "weight", "B": "backward"}


class Measured(Protocol):
    """A piece of work as a trace has it."""

    @property
    def kind(self) -> str:
        """F, I, W or B."""

    @property
    def stage(self) -> int:
        """The number of the stage."""

    @property
    def start(self) -> float:
        """The tick when it began."""

    @property
    def end(self) -> float:
        """The tick when it was done."""


class Pieces(Protocol):
    """What happened when; of it only the work counts here."""

    @property
    def work(self) -> Iterable[Measured]:
        """All pieces of work."""


class Traced(Protocol):
    """A trace, as far as it matters here."""

    @property
    def timeline(self) -> Pieces:
        """What happened when."""


@told
@dataclass(frozen=True, repr=False)
class Costs(Written):
    """The ticks that pieces of work take, and the bytes of messages.

    Parameters
    ----------
    forward : float, Distribution or sequence of those
        What F takes: the same at every stage, or for each stage.
    input, weight : float, Distribution or sequence of those, optional
        The same for I, the gradient to what came in, and W, the gradient to the parameters; if not given, half of
        `backward`, or 1 if that is not given either.
    backward : float, Distribution or sequence of those, optional
        The same for B, which is I and W in one piece; what I and W take together, if not given.
    bytes : float or mapping of str or Wire to float, optional
        The bytes of a message: of all, or of those that carry what the gate or the parameter of this name makes, or
        its gradient. Those that are not told have the size of the array that they carry.

    activations : float or sequence of float, optional
        The bytes that F leaves for the way back, the same at every stage or for each stage; those of the arrays that a
        stage keeps, if not given.

    Raises
    ------
    InputError
        If one is no time, or no size.

    Examples
    --------
    >>> Costs(forward=[1, 1.4], backward=3).of_stages(2)["I"]
    [(1.5,), (1.5,)]
    """

    forward: Ticks | Sequence[Ticks] = 1.0
    input: Ticks | Sequence[Ticks] | None = None
    weight: Ticks | Sequence[Ticks] | None = None
    backward: Ticks | Sequence[Ticks] | None = None
    bytes: float | Mapping[Any, float] | None = None
    activations: float | Sequence[float] | None = None

    def __post_init__(self) -> None:
        for kind, name in FIELDS.items():
            given = getattr(self, name)
            if given is not None or kind == "F":
                object.__setattr__(self, name, _ticks(given, kind))
        if isinstance(self.bytes, Mapping):
            sizes: Fixed[str, float] = Fixed({name: _size(size, name) for name, size in by_name(self.bytes).items()})
            object.__setattr__(self, "bytes", sizes)
        elif self.bytes is not None:
            object.__setattr__(self, "bytes", _size(self.bytes, None))
        given = self.activations.tolist() if isinstance(self.activations, np.ndarray) else self.activations
        if isinstance(given, Sequence) and not isinstance(given, str):
            checks.fits(
                STAGE * len(given), f"what each of {checks.shown(len(given))} stages keeps", "give fewer stages"
            )
            kept = tuple(_whole(size, f"what stage {stage} keeps") for stage, size in enumerate(given))
            object.__setattr__(self, "activations", kept)
        elif given is not None:
            object.__setattr__(self, "activations", _whole(given, "what a stage keeps"))

    def of_stages(self, stages: int) -> dict[str, list[Parts]]:
        """Return the times of F, I, W and B at each of this many stages.

        Raises
        ------
        InputError
            If there are times for another number of stages.
        TooLargeError
            If the times of so many stages do not fit into memory.
        """
        stages = _number(stages)
        given = {kind: self._each(kind, stages) for kind in "FIWB"}
        back = given["B"]
        for kind in "IW":
            if given[kind] is None:
                given[kind] = [1.0] * stages if back is None else [_half(ticks) for ticks in back]
        times: dict[str, list[Parts]] = {kind: [(ticks,) for ticks in given[kind] or ()] for kind in "FIWB"}
        if back is None:
            times["B"] = [(*i, *w) for i, w in zip(times["I"], times["W"], strict=True)]
        return times

    def size(self, name: str) -> float | None:
        """Return the bytes of a message from this gate or parameter; None if they are those of the array."""
        return self.bytes.get(name) if isinstance(self.bytes, Mapping) else self.bytes

    def kept_by(self, stages: int) -> list[float] | None:
        """Return the bytes that F leaves at each of this many stages; None if they are those of the arrays.

        Raises
        ------
        InputError
            If there are sizes for another number of stages.
        """
        given, stages = self.activations, _number(stages)
        if not isinstance(given, tuple):
            return None if given is None else [given] * stages  # type: ignore[list-item]
        if len(given) not in (1, stages):
            raise InputError(f"there are activations of {len(given)} stages, but {stages} stages: give one for each")
        return list(given) * (stages if len(given) == 1 else 1)

    @classmethod
    def from_trace(cls, trace: Traced) -> "Costs":
        """Measure costs in a trace: the median time of each kind of work at each stage.

        Where a device was slower than the others, its stages come out as the slower ones.

        Raises
        ------
        TraceError
            If a stage has no work, or has gone forward only while others went back.

        Examples
        --------
        >>> from types import SimpleNamespace as Fake
        >>> work = [Fake(kind=kind, stage=0, start=0, end=end) for kind, end in (("F", 1), ("F", 2), ("B", 4))]
        >>> Costs.from_trace(Fake(timeline=Fake(work=work)))
        Costs(forward=(1.5,), backward=(4.0,))
        """
        taken: dict[tuple[str, int], list[float]] = {}
        for piece in trace.timeline.work:
            taken.setdefault((piece.kind, piece.stage), []).append(float(piece.end) - float(piece.start))
        if not taken:
            raise TraceError("the trace has no pieces of work: make it with a plan that puts the circuit on devices")
        found = {key: float(median(times)) for key, times in taken.items()}
        stages = range(1 + max(stage for _, stage in found))
        kinds = {kind for kind, _ in found}
        forward, back, to_input, to_weight = [], [], [], []
        for stage in stages:
            f, i, w, b = (found.get((kind, stage)) for kind in "FIWB")
            if f is None or (kinds != {"F"} and b is None and (i is None or w is None)):
                raise TraceError(f"the trace lacks work of stage {stage}: make it with whole batches")
            forward.append(f)
            back.append(b if b is not None else (i or 0.0) + (w or 0.0))
            to_input.append(i if i is not None else back[-1] / 2)
            to_weight.append(w if w is not None else back[-1] / 2)
        apart = "I" in kinds
        return cls(
            forward,
            input=to_input if apart else None,
            weight=to_weight if apart else None,
            backward=back if "B" in kinds else None,
        )

    def _each(self, kind: str, stages: int) -> list[Ticks] | None:
        """Return what one kind of work takes at each stage, None if that was not given."""
        given = getattr(self, FIELDS[kind])
        if not isinstance(given, tuple):
            return None if given is None else [given] * stages
        if len(given) not in (1, stages):
            raise InputError(f"there are {len(given)} times of {kind} for {stages} stages: give one for each")
        return list(given) * (stages if len(given) == 1 else 1)


def _number(stages: object) -> int:
    found = checks.count(stages, "the number of stages")
    checks.fits(STAGE * found, f"the costs of {checks.shown(found)} stages", "give fewer stages")
    return found


def _ticks(given: object, kind: str) -> Ticks | tuple[Ticks, ...]:
    if isinstance(given, np.ndarray) and given.ndim:
        given = given.tolist()
    if isinstance(given, Sequence) and not isinstance(given, str):
        if not given:
            raise InputError(f"there are no times of {kind}: give one for each stage, or one for all")
        checks.fits(STAGE * len(given), f"a time of {kind} for each of {checks.shown(len(given))} stages", "give fewer")
        return tuple(as_ticks(ticks, f"the time of {kind} at stage {stage}") for stage, ticks in enumerate(given))
    return as_ticks(given, f"the time of {kind}")


def _half(ticks: Ticks) -> Ticks:
    return ticks.scaled(0.5) if isinstance(ticks, Distribution) else ticks / 2


def _size(given: object, name: str | None) -> float:
    return _whole(given, "the size of a message" if name is None else f"the size of a message of {name!r}")


def _whole(given: object, what: str) -> float:
    """Return a number of bytes, as a whole number if it is one."""
    size = checks.number(given, what, "bytes")
    return int(size) if size.is_integer() else size
