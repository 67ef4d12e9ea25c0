"""The scalar gates: forward and backward of one operation side by side.

They work on floats and, element by element with broadcasting, on arrays. The engine sums each gradient
back to the shape of the wire it belongs to, so the rules here need not.

The forward functions use NumPy's transcendental functions, never those of `math`, because NumPy gives an
element of an array and a lone number the same bits. A choice is made at each kink: a tie of `max` or
`min` belongs to the first input, `relu` at 0 passes nothing, `abs` at 0 passes nothing.
"""

import math
from typing import Any

import numpy as np

from circuitsim.gates.gate import gate, registry
from circuitsim.gates.shapes import elementwise

# The rules take and return numbers as well as wires, hence Any.


@gate(symbol="+")
def add(a: Any, b: Any) -> Any:
    """Add: the gradient goes to both inputs unchanged."""
    return a + b


@add.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient


@add.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient


@gate(symbol="−")
def sub(a: Any, b: Any) -> Any:
    """Subtract: the second input gets the gradient reversed."""
    return a - b


@sub.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient


@sub.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return -gradient


@gate(symbol="×")
def mul(a: Any, b: Any) -> Any:
    """Multiply: each input gets the gradient times the other."""
    return a * b


@mul.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * b


@mul.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * a


@gate(symbol="÷")
def div(a: Any, b: Any) -> Any:
    """Divide, by IEEE 754: 1/0 is inf and 0/0 is nan."""
    try:
        return a / b  # as a rule's part it divides wires too
    except ZeroDivisionError:  # Python's floats raise where NumPy's do not
        return np.divide(a, b)


@div.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return div.forward(gradient, b)


@div.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return -gradient * div.forward(output, b)


@gate(symbol="−x")
def neg(x: Any) -> Any:
    """Negate."""
    return -x


@neg.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return -gradient


@gate(symbol="^")
def pow(a: Any, b: Any) -> Any:
    """Raise `a` to the power `b`; nan for a negative `a` with a broken `b`.

    ``a ** 0`` is 1 for every `a`, so its gradient to `a` is 0. The gradient to the exponent is 0 where
    `a` is 0 and nan where `a` is negative.
    """
    return np.power(a, b)


@pow.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    # b == 0 needs any finite power of a, also at a == 0: 0 * a ** 0.
    return gradient * (b * pow(a, b - not_equal(b, 0.0)))


@pow.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    # At a == 0 the logarithm is taken of 1 instead: the gradient is 0, not 0 * -inf.
    return gradient * (output * log(a + (1.0 - not_equal(a, 0.0))))


@gate
def max(a: Any, b: Any) -> Any:
    """Pass the larger input on; the gradient goes to it alone, at a tie to the first. nan passes through."""
    if a.__class__ is float and b.__class__ is float:
        return a if a >= b or a != a else b
    return np.where((a >= b) | (a != a), a, b)


@max.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * (a >= b)


@max.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * (b > a)


registry["maximum"] = maximum = max  # NumPy's name for it


@gate
def min(a: Any, b: Any) -> Any:
    """Pass the smaller input on; the gradient goes to it alone, at a tie to the first. nan passes through."""
    if a.__class__ is float and b.__class__ is float:
        return a if a <= b or a != a else b
    return np.where((a <= b) | (a != a), a, b)


@min.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * (b >= a)


@min.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * (a > b)


@gate
def exp(x: Any) -> Any:
    """Raise e to the power `x`."""
    return np.exp(x)


@exp.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * output


@gate
def log(x: Any) -> Any:
    """Take the natural logarithm: -inf at 0, nan below."""
    return np.log(x)


@log.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div.forward(gradient, x)


@gate(symbol="√")
def sqrt(x: Any) -> Any:
    """Take the square root: nan below 0."""
    return np.sqrt(x)


@sqrt.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div.forward(gradient, 2.0 * output)


@gate
def sin(x: Any) -> Any:
    """Take the sine of an angle in radians."""
    return np.sin(x)


@sin.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * cos(x)


@gate
def cos(x: Any) -> Any:
    """Take the cosine of an angle in radians."""
    return np.cos(x)


@cos.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return -gradient * sin(x)


@gate
def tanh(x: Any) -> Any:
    """Squash to (-1, 1) with the hyperbolic tangent."""
    return np.tanh(x)


@tanh.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (1.0 - output * output)


@gate(symbol="σ")
def sigmoid(x: Any) -> Any:
    """Squash to (0, 1) with 1 / (1 + exp(-x)), without overflow for any finite `x`."""
    if x.__class__ is float:
        z = float(np.exp(-math.fabs(x)))
        return (1.0 if x >= 0.0 else z) / (1.0 + z)
    z = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, z) / (1.0 + z)


@sigmoid.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (output * (1.0 - output))


@gate
def relu(x: Any) -> Any:
    """Pass positive numbers on and turn the rest to 0; at 0 and below no gradient passes."""
    if x.__class__ is float:
        return 0.0 if x <= 0.0 else x
    return np.where(x <= 0.0, 0.0, x)


@relu.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (x > 0.0)


@gate(symbol="|x|")
def abs(x: Any) -> Any:
    """Take the magnitude; at 0 no gradient passes."""
    return np.abs(x)


@abs.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (1.0 * (x > 0.0) - (x < 0.0))


# Comparisons give 1 where they hold and 0 elsewhere. They are flat, so every gradient through them is 0. The rules
# above use them as switches; between wires, `>` and `>=` wire them up.


@gate(symbol=">")
def greater(a: Any, b: Any) -> Any:
    """Tell where `a` is greater than `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a > b)


@gate(symbol="≥")
def greater_equal(a: Any, b: Any) -> Any:
    """Tell where `a` is at least `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a >= b)


@gate(symbol="≠")
def not_equal(a: Any, b: Any) -> Any:
    """Tell where `a` differs from `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a != b)


for _flat in (greater, greater_equal, not_equal):
    for _port in (0, 1):

        @_flat.vjp(_port)
        def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
            return 0.0


for _gate in list(registry.values()):
    _gate.shape(elementwise)
