"""Calls that fail for an argument of the wrong kind say which it is, and calls that go well are not judged."""

import copy
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

import circuitsim as cs
from circuitsim.arguments import misfit
from circuitsim.habits import told


def many(
    number: float = 0.0,
    whole: int = 0,
    text: str = "",
    yes: bool = False,
    array: npt.ArrayLike = (),
    floats: npt.NDArray[np.float64] | float = 0.0,
    list_: Sequence[int] = (),
    names: Iterable[str] = (),
    mapping: Mapping[str, float] | None = None,
    pair: tuple[str, int] = ("a", 1),
    call: Callable[..., Any] = print,
    kind: Literal["a", "b"] = "a",
    circuit: cs.Circuit | None = None,
    cls: type[cs.Engine] = cs.Compiled,
    rule: cs.extend.Rule | None = None,
    anything: Any = None,
) -> None:
    """Take one of each."""


@pytest.mark.parametrize(("name", "fitting", "wrong", "words"), [
    ("number", [1, 1.5, np.float32(2), float("nan"), 10**400], [None, "1", True, 1j, [1.0]], "a number"),
    ("whole", [1, np.int64(2)], [None, 1.5, "1", True], "a whole number"),
    ("text", ["", np.str_("x")], [None, 1, b"x", ["x"]], "a text"),
    ("yes", [True, np.True_], [None, 1, "yes"], "True or False"),
    ("array", [1, [1, 2], ["a"], np.ones(3), [[1, 2], [3, 4]]], [None, [[1], [2, 3]], object(), 1j], "an array"),
    ("floats", [1.5, np.ones(3)], ["x", None, object()], "an array of numbers or a number"),
    ("list_", [[1, 2], (), range(3), np.array([1, 2])], [3, [1.5], {1}, [None]], "a list of a whole number"),
    ("names", ["x y", ["x"], {"x": 1}, (name for name in "xy")], [3, [3], {3}], "a list of a text"),
    ("mapping", [{"a": 1.0}, {}, None], [[], {"a": "b"}, {1: 2.0}], "a mapping, of a text to a number or None"),
    ("pair", [("a", 1)], [("a",), (1, "a"), ["a", 1], None], "a list of a text and a whole number"),
    ("call", [print, lambda: 0, int], [None, "print"], "a function"),
    ("kind", ["a"], ["c", 1, None, []], "'a' or 'b'"),
    ("circuit", [cs.parse("x * y"), None], [cs.Circuit, "x * y"], "a Circuit or None"),
    ("cls", [cs.Compiled], [cs.SGD, cs.Compiled(cs.parse("x * y")), None], "a class, Engine or one made from it"),
    ("rule", [cs.SGD(0.1), None], ["sgd", cs.SGD, 3], "a Rule or None"),
    ("anything", [None, 1, object()], [], ""),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_the_argument_that_does_not_fit_is_found(name, fitting, wrong, words):
    for thing in fitting:
        assert misfit(many, (), {name: thing}) is None
    for thing in wrong:
        sentence = misfit(many, (), {name: thing})
        assert sentence.startswith(f"{name} of many is ")
        assert sentence.endswith(f": give {words}")


def test_only_a_call_that_fails_is_judged():
    @told
    def twice(x: float) -> float:
        return x * 2

    assert twice("ab") == "abab"
    with pytest.raises(cs.CallError, match="x of twice is None: give a number") as caught:
        twice(None)
    assert isinstance(caught.value.__cause__, TypeError)  # with its traceback, for those who look for it


def test_what_fits_and_fails_all_the_same_comes_out_as_it_is():
    @told
    def inverse(x: float) -> float:
        return 1 / x

    with pytest.raises(ZeroDivisionError):
        inverse(0.0)


def test_what_memory_cannot_hold_is_told_by_whoever_needed_it():
    @told
    def twice(x: np.ndarray) -> np.ndarray:
        return x * 2

    with pytest.raises(cs.TooLargeError, match="twice needs more memory than is free: give it less"):
        twice(np.broadcast_to(1.0, (10**9, 10**7)))


def test_all_methods_of_a_class_are_told():
    @told
    class Clock:
        def __init__(self, start: float) -> None:
            self.now = start + 0.0

        def wait(self, ticks: float) -> float:
            return self.now + ticks

        @classmethod
        def at(cls, text: str) -> "Clock":
            return cls(float(text.strip()))

    assert Clock.at("3").wait(2) == 5.0
    for call in (lambda: Clock("x"), lambda: Clock(1.0).wait("x"), lambda: Clock.at(3)):
        with pytest.raises(cs.CallError, match="give a"):
            call()


@pytest.mark.parametrize("message", ["a\nb\tc\0d", "x" * 10_000 + ": do this instead"])
def test_a_message_is_one_line_that_ends_with_what_to_do(message):
    text = str(cs.InputError(message))
    assert len(text) <= 400
    assert text.isprintable()
    assert text[-10:] == message.replace("\n", " ").replace("\t", " ").replace("\0", " ")[-10:]


@pytest.mark.parametrize("make", [cs.Simulation, cs.Compiled])
def test_parameters_that_are_handed_out_refuse_to_change(make):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("w", 2.0) * circuit.input("x"))
    engine = make(circuit)
    for change in (
        lambda: engine.parameters.__setitem__("w", 3.0),
        lambda: engine.parameters.update(w=3.0),
        lambda: engine.parameters.pop("w"),
        lambda: engine.parameters.__ior__({"w": 3.0}),
    ):
        with pytest.raises(cs.CallError, match=r"write engine\.set_parameters"):
            change()
    assert engine.parameters == {"w": 2.0}
    assert type(dict(engine.parameters)) is dict


def test_what_came_of_a_run_refuses_to_change():
    run = cs.Simulation(cs.parse("x * y")).run(x=2.0, y=3.0)
    for values in (run.outputs, run.gradients, pickle.loads(pickle.dumps(run.outputs)), copy.deepcopy(run.outputs)):
        with pytest.raises(cs.CallError, match=r"make a dict of it first, as in dict\(run.outputs\)"):
            values["f"] = 1.0
    assert pickle.loads(pickle.dumps(run.outputs)) == {"f": 6.0}
