"""More functions of one input, for expressions and for circuits from other systems; see `scalar` for the style."""

from typing import Any

import numpy as np

from circuitsim.gates.gate import gate
from circuitsim.gates.scalar import div, sigmoid, sqrt


@gate(symbol="x", elementwise=True, numpy=np.positive)
def identity(x: Any) -> Any:
    """Pass everything on as it is."""
    return x


@identity.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient


identity.code("x", "gradient")


@gate(symbol="x²", elementwise=True, numpy=np.square)
def square(x: Any) -> Any:
    """Multiply by itself."""
    return x * x


@square.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (2.0 * x)


square.code("x * x", "gradient * (2.0 * x)")


@gate(symbol="1/x", elementwise=True, numpy=np.reciprocal)
def reciprocal(x: Any) -> Any:
    """Divide 1 by `x`: inf at 0."""
    return div.forward(1.0, x)


@reciprocal.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return -gradient * (output * output)


@gate(elementwise=True, numpy=np.tan)
def tan(x: Any) -> Any:
    """Take the tangent of an angle in radians."""
    return np.tan(x)


@tan.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (1.0 + output * output)


@gate(elementwise=True, numpy=np.sinh)
def sinh(x: Any) -> Any:
    """Take the hyperbolic sine."""
    return np.sinh(x)


@sinh.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * cosh(x)


@gate(elementwise=True, numpy=np.cosh)
def cosh(x: Any) -> Any:
    """Take the hyperbolic cosine."""
    return np.cosh(x)


@cosh.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * sinh(x)


@gate(elementwise=True, numpy=np.arcsin)
def arcsin(x: Any) -> Any:
    """Take the angle in radians whose sine is `x`: nan outside [-1, 1]."""
    return np.arcsin(x)


@arcsin.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div(gradient, sqrt((1.0 - x) * (1.0 + x)))


@gate(elementwise=True, numpy=np.arccos)
def arccos(x: Any) -> Any:
    """Take the angle in radians whose cosine is `x`: nan outside [-1, 1]."""
    return np.arccos(x)


@arccos.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return -div(gradient, sqrt((1.0 - x) * (1.0 + x)))


@gate(elementwise=True, numpy=np.arctan)
def arctan(x: Any) -> Any:
    """Take the angle in radians whose tangent is `x`."""
    return np.arctan(x)


@arctan.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div(gradient, 1.0 + x * x)


@gate(elementwise=True, numpy=np.log1p)
def log1p(x: Any) -> Any:
    """Take the logarithm of 1 + x without losing small `x`."""
    return np.log1p(x)


@log1p.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return div(gradient, 1.0 + x)


@gate(elementwise=True, numpy=np.expm1)
def expm1(x: Any) -> Any:
    """Raise e to the power `x` and take 1 away without losing small `x`."""
    return np.expm1(x)


@expm1.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (output + 1.0)


@gate(elementwise=True)
def softplus(x: Any) -> Any:
    """Take log(1 + exp(x)), a smooth relu, without overflow."""
    return np.logaddexp(0.0, x)


@softplus.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * sigmoid(x)
