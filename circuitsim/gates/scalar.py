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

from circuitsim.gates.gate import gate
from circuitsim.gates.shapes import elementwise

# The rules take and return numbers as well as wires, hence Any.


@gate(infix="+", elementwise=True, numpy=np.add, additive=True)
def add(a: Any, b: Any) -> Any:
    """Add: the gradient goes to both inputs unchanged."""
    return a + b


@add.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient


@add.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient


add.code("a + b", "gradient", "gradient")


@gate(infix="−", elementwise=True, numpy=np.subtract, additive=True)
def sub(a: Any, b: Any) -> Any:
    """Subtract: the second input gets the gradient negated."""
    return a - b


@sub.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient


@sub.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return -gradient


sub.code("a - b", "gradient", "-gradient")


@gate(infix="×", elementwise=True, numpy=np.multiply)
def mul(a: Any, b: Any) -> Any:
    """Multiply: each input gets the gradient times the other."""
    return a * b


@mul.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * b


@mul.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    return gradient * a


mul.code("a * b", "gradient * b", "gradient * a")


@gate(infix="÷", elementwise=True, numpy=np.divide)
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


@gate(symbol="−x", infix="−", elementwise=True, numpy=np.negative)
def neg(x: Any) -> Any:
    """Negate."""
    return -x


@neg.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return -gradient


neg.code("-x", "-gradient")


@gate(infix="^", numpy=np.power)
def pow(a: Any, b: Any) -> Any:
    """Raise `a` to the power `b`; nan for a negative `a` with a `b` that is no whole number.

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


pow.shape(elementwise)  # but not declared so: NumPy takes another path for one element of a long array


@gate(elementwise=True, aliases=["maximum"], numpy=np.maximum)
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


max.code(
    "a if a >= b or a != a else b",
    "gradient * (1.0 if a >= b else 0.0)",
    "gradient * (1.0 if b > a else 0.0)",
    of="numbers",
)


@gate(elementwise=True, aliases=["minimum"], numpy=np.minimum)
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


min.code(
    "a if a <= b or a != a else b",
    "gradient * (1.0 if b >= a else 0.0)",
    "gradient * (1.0 if a > b else 0.0)",
    of="numbers",
)

maximum, minimum = max, min  # NumPy's names for them


@gate(elementwise=True, numpy=np.exp)
def exp(x: Any) -> Any:
    """Raise e to the power `x`."""
    return np.exp(x)


@exp.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * output


exp.code("exp(x)", "gradient * output")


@gate(elementwise=True, numpy=np.log)
def log(x: Any) -> Any:
    """Take the natural logarithm: -inf at 0, nan below."""
    return np.log(x)


@log.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div.forward(gradient, x)


@gate(symbol="√", elementwise=True, numpy=np.sqrt)
def sqrt(x: Any) -> Any:
    """Take the square root: nan below 0."""
    return np.sqrt(x)


@sqrt.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div.forward(gradient, 2.0 * output)


@gate(elementwise=True, numpy=np.sin)
def sin(x: Any) -> Any:
    """Take the sine of an angle in radians."""
    return np.sin(x)


@sin.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * cos(x)


@gate(elementwise=True, numpy=np.cos)
def cos(x: Any) -> Any:
    """Take the cosine of an angle in radians."""
    return np.cos(x)


@cos.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return -gradient * sin(x)


@gate(elementwise=True, numpy=np.tanh)
def tanh(x: Any) -> Any:
    """Squash to (-1, 1) with the hyperbolic tangent."""
    return np.tanh(x)


@tanh.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (1.0 - output * output)


tanh.code("tanh(x)", "gradient * (1.0 - output * output)")


@gate(symbol="σ", elementwise=True, aliases=["sig"])
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


sigmoid.code(None, "gradient * (output * (1.0 - output))")


@gate(elementwise=True)
def relu(x: Any) -> Any:
    """Pass positive numbers on and turn the rest to 0; at 0 and below no gradient passes."""
    if x.__class__ is float:
        return 0.0 if x <= 0.0 else x
    return np.where(x <= 0.0, 0.0, x)


@relu.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (x > 0.0)


relu.code("0.0 if x <= 0.0 else x", "gradient * (1.0 if x > 0.0 else 0.0)", of="numbers")
relu.code("maximum(x, 0.0) + 0.0", "gradient * (x > 0.0)", of="arrays")  # + 0.0 turns -0 into 0


@gate(symbol="|x|", elementwise=True, numpy=np.abs)
def abs(x: Any) -> Any:
    """Take the magnitude; at 0 no gradient passes."""
    return np.abs(x)


@abs.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (1.0 * (x > 0.0) - (x < 0.0))


# Comparisons give 1 where they hold and 0 elsewhere; no gradient passes. The rules above use them as switches, and
# between wires Python's signs wire them up.


@gate(infix=">", elementwise=True, numpy=np.greater, flat=["a", "b"])
def greater(a: Any, b: Any) -> Any:
    """Tell where `a` is greater than `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a > b)


@gate(infix="≥", elementwise=True, numpy=np.greater_equal, flat=["a", "b"])
def greater_equal(a: Any, b: Any) -> Any:
    """Tell where `a` is at least `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a >= b)


@gate(infix="<", elementwise=True, numpy=np.less, flat=["a", "b"])
def less(a: Any, b: Any) -> Any:
    """Tell where `a` is less than `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a < b)


@gate(infix="≤", elementwise=True, numpy=np.less_equal, flat=["a", "b"])
def less_equal(a: Any, b: Any) -> Any:
    """Tell where `a` is at most `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a <= b)


@gate(infix="=", elementwise=True, numpy=np.equal, flat=["a", "b"])
def equal(a: Any, b: Any) -> Any:
    """Compare elementwise: 1 where `a` is `b`, 0 elsewhere. No gradient passes."""
    return 1.0 * (a == b)


@gate(infix="≠", elementwise=True, numpy=np.not_equal, flat=["a", "b"])
def not_equal(a: Any, b: Any) -> Any:
    """Tell where `a` differs from `b`: 1 there, 0 elsewhere. No gradient passes."""
    return 1.0 * (a != b)
