"""Everything circuitsim raises on purpose, and the one warning it gives.

::

    CircuitSimError
    ├── GateError        (TypeError)        a gate is used or written wrongly
    ├── WireError        (TypeError)        a wire is used where a value is needed
    ├── CallError        (TypeError)        something is called as it cannot be
    ├── UnknownNameError (AttributeError)   something is asked for a name that it has not
    ├── CircuitError     (ValueError)       the wiring is wrong
    ├── ExpressionError  (ValueError)       the text is no expression
    ├── InputError       (ValueError)       a run was given wrong values
    ├── ScheduleError    (ValueError)       an order of work cannot be run
    ├── ShapeError       (ValueError)       shapes do not broadcast
    ├── TooLargeError    (MemoryError)      what was asked for is more than memory holds
    ├── DeadlockError    (RuntimeError)     the simulation ran dry with work unfinished
    ├── FencedError      (RuntimeError)     a device wrote its state after its next life had begun
    ├── NonFiniteError   (ArithmeticError)  a gate made inf or nan, and that was to be an error
    ├── DivergenceError  (ArithmeticError)  training went off to infinity
    ├── TraceError       (LookupError)      the trace does not hold what was asked for
    ├── SaveError        (OSError)          a file cannot be written
    └── LoadError        (OSError)          a file cannot be read

    NonFiniteWarning     (RuntimeWarning)   a gate made inf or nan

Each error derives from `CircuitSimError` and from the built-in that fits, so either may be caught. Each
message is one sentence that says what is wrong, where, and what to do.
"""

__all__ = [
    "CallError",
    "CircuitError",
    "CircuitSimError",
    "DeadlockError",
    "DivergenceError",
    "ExpressionError",
    "FencedError",
    "GateError",
    "InputError",
    "LoadError",
    "NonFiniteError",
    "NonFiniteWarning",
    "SaveError",
    "ScheduleError",
    "ShapeError",
    "TooLargeError",
    "TraceError",
    "UnknownNameError",
    "WireError",
]


#: The most letters of a message. Of a longer one the middle is left out, so that it still says what to do.
MOST = 400


class CircuitSimError(Exception):
    """The base of every error that circuitsim raises on purpose."""

    def __str__(self) -> str:
        text = "".join(letter if letter.isprintable() else " " for letter in " ".join(super().__str__().split()))
        return text if len(text) <= MOST else f"{text[: MOST - 150]} ... {text[-145:]}"


class GateError(CircuitSimError, TypeError):
    """A gate is applied to the wrong number of inputs, or its definition is incomplete."""


class WireError(CircuitSimError, TypeError):
    """Raised when a wire is used where a value is needed: as a condition, a number, an array or a list."""


class CallError(CircuitSimError, TypeError):
    """Something is called with settings that it does not take, or called or indexed at all."""


class UnknownNameError(CircuitSimError, AttributeError):
    """Something is asked for an attribute that it does not have."""


class CircuitError(CircuitSimError, ValueError):
    """The wiring is wrong: a cycle, an open port, a name used twice, wires of two circuits."""


class ExpressionError(CircuitSimError, ValueError):
    """The text is not an expression that can be read as a circuit."""


class InputError(CircuitSimError, ValueError):
    """A run was given a value too few, a value too many, or a value that is no number."""


class ScheduleError(CircuitSimError, ValueError):
    """A schedule deadlocks, omits or repeats work, or does not fit what it is to run."""


class ShapeError(CircuitSimError, ValueError):
    """Shapes meet in a gate that does not accept them together."""


class TooLargeError(CircuitSimError, MemoryError):
    """What was asked for is more than the memory of this machine holds."""


class DeadlockError(CircuitSimError, RuntimeError):
    """The simulation ran out of events while gates were still waiting for messages."""


class FencedError(CircuitSimError, RuntimeError):
    """A device wrote its state after its next life had begun: it is no longer the device."""


class NonFiniteError(CircuitSimError, ArithmeticError):
    """A gate made an infinite value or a nan in an engine that treats this as an error."""


class DivergenceError(CircuitSimError, ArithmeticError):
    """A training made an infinite or undefined cost; the best parameters so far are kept."""


class TraceError(CircuitSimError, LookupError):
    """The trace does not hold what was asked for, or there is none."""


class SaveError(CircuitSimError, OSError):
    """A file cannot be written."""


class LoadError(CircuitSimError, OSError):
    """A file cannot be read, or is not what it should be."""


class NonFiniteWarning(RuntimeWarning):
    """A gate made an infinite value or a nan: legal arithmetic, but seldom what was meant."""
