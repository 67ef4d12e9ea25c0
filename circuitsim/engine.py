"""What every engine does with a circuit: run it forward, pull it backward, hold its parameters.

An engine subclasses `Engine` and supplies `_forward` and `_backward`; what users give is checked here, once
for all engines. The life of an engine is::

    engine = Simulation(circuit)                  # the circuit is validated, the parameters are taken over
    outputs = engine.forward({"x": 2.0})          # values flow to the outputs
    gradients = engine.backward(1.0)              # the outputs are pulled, the inputs and parameters feel it
    engine.set_parameters({"a": 1.5})             # and may answer
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from circuitsim.circuit import Circuit
from circuitsim.errors import InputError, NonFiniteError, NonFiniteWarning, ShapeError
from circuitsim.gates.value import Value, as_value, shape_of
from circuitsim.netlist import Netlist

__all__ = ["Engine"]


class Engine(ABC):
    """The interface that all engines share.

    Parameters
    ----------
    circuit : Circuit
        What to run. It is taken as it stands; later changes to it are not seen.
    nonfinite : {"warn", "error", "ignore"}
        What to do when a gate makes an infinity or a nan: warn once with the gate's name, raise
        `NonFiniteError`, or nothing.

    Raises
    ------
    CircuitError
        If the circuit's wiring is wrong.
    """

    def __init__(self, circuit: Circuit, *, nonfinite: Literal["warn", "error", "ignore"] = "warn") -> None:
        if nonfinite not in ("warn", "error", "ignore"):
            raise InputError(f"nonfinite={nonfinite!r} is unknown: use 'warn', 'error' or 'ignore'")
        self.netlist = Netlist(circuit)
        self.nonfinite = nonfinite
        self._inputs = self.netlist.of_kind("input")
        self._parameters = self.netlist.of_kind("parameter")
        self._outputs = self.netlist.of_kind("output")
        self._pulled: frozenset[int] = frozenset(self._outputs.values())
        self._values: dict[str, Value] | None = None  # outputs that wait for a pull
        self._reported = False

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Value]:
        """The parameters' present values by name; a copy."""

    @abstractmethod
    def _forward(self, inputs: dict[str, Value]) -> dict[str, Value]: ...

    @abstractmethod
    def _backward(self, pulls: dict[int, Value]) -> dict[str, Value]: ...

    @abstractmethod
    def _set_parameters(self, values: dict[str, Value]) -> None: ...

    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Value]:
        """Send values in and return the outputs.

        Parameters
        ----------
        inputs : mapping of str to number or array_like
            A value for every input of the circuit.

        Raises
        ------
        InputError
            If one is missing, unknown, or no number.
        ShapeError
            If arrays meet in a gate that do not broadcast.
        """
        values = self._check_inputs(inputs)
        with np.errstate(all="ignore"):
            self._values = self._forward(values)
        return dict(self._values)

    def backward(self, pull: Any = 1.0) -> dict[str, Value]:
        """Pull on the outputs of the last forward pass and return what inputs and parameters feel.

        Parameters
        ----------
        pull : number, array_like, or mapping of str to those
            The gradient put on the outputs: one for all of them, or one for each output named, the others
            being left alone. A number pulls every element of an output that is an array.

        Returns
        -------
        dict of str to float or ndarray
            The gradient of every input and parameter, in the shape of its value; 0 where the pulled outputs
            do not depend on it.

        Raises
        ------
        InputError
            If nothing was run forward since the last pull, or the pull fits no output.
        """
        if self._values is None:
            raise InputError("there is nothing to pull: run forward first, each pull uses up one forward pass")
        pulls = self._check_pull(pull, self._values)
        self._values = None
        with np.errstate(all="ignore"):
            return self._backward(pulls)

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Give parameters new values.

        Raises
        ------
        InputError
            If a name is no parameter of the circuit, or a value is no number.
        """
        self._set_parameters(
            {name: self._named(name, value, self._parameters, "parameter") for name, value in values.items()}
        )

    def _check_inputs(self, inputs: Mapping[str, Any]) -> dict[str, Value]:
        if missing := [name for name in self._inputs if name not in inputs]:
            raise InputError(
                f"circuit {self.netlist.name!r} needs a value for {_list('input', missing)}: "
                f"its inputs are {', '.join(self._inputs)}"
            )
        return {name: self._named(name, value, self._inputs, "input") for name, value in inputs.items()}

    def _check_pull(self, pull: Any, outputs: Mapping[str, Value]) -> dict[int, Value]:
        if not isinstance(pull, Mapping):
            pull = dict.fromkeys(outputs, pull)
        pulls = {}
        for name, force in pull.items():
            value = self._named(name, force, self._outputs, "output")
            try:
                pulls[self._outputs[name]] = as_value(np.broadcast_to(value, shape_of(outputs[name])))
            except ValueError:
                raise ShapeError(
                    f"output {name!r} has shape {shape_of(outputs[name])} and was pulled with shape "
                    f"{shape_of(value)}: pull it with a number or with its own shape"
                ) from None
        return pulls

    def _named(self, name: str, thing: Any, known: Mapping[str, int], kind: str) -> Value:
        if name not in known:
            raise InputError(
                f"circuit {self.netlist.name!r} has no {kind} {name!r}: its {kind}s are {', '.join(known) or 'none'}"
            )
        try:
            value = as_value(thing)
        except InputError as error:
            raise InputError(f"{kind} {name!r} of circuit {self.netlist.name!r}: {error}") from None
        return value.copy() if isinstance(value, np.ndarray) else value

    def _report_nonfinite(self, culprit: str) -> None:
        """Tell of the first infinity or nan, as the user chose; `culprit` says who made what."""
        if self.nonfinite == "error":
            raise NonFiniteError(culprit)
        if self.nonfinite == "warn" and not self._reported:
            self._reported = True
            warnings.warn(culprit, NonFiniteWarning, stacklevel=4)


def _list(kind: str, names: list[str]) -> str:
    return f"{kind if len(names) == 1 else kind + 's'} {', '.join(names)}"
