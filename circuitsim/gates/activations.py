"""What hidden units of networks do besides `relu`, `tanh` and `sigmoid`; see `scalar` for the style."""

from typing import Any, Literal

import numpy as np

from circuitsim.gates.error_function import erf
from circuitsim.gates.gate import gate
from circuitsim.gates.scalar import exp, min, tanh

_ROOT_HALF = 0.7071067811865476
_DENSITY = 0.3989422804014327  # of the normal distribution at 0: 1 / sqrt(2 pi)
_TANH_SCALE = 0.7978845608028654  # sqrt(2 / pi)
_TANH_CUBE = 0.044715


@gate(elementwise=True)
def leaky_relu(x: Any, *, slope: float = 0.01) -> Any:
    """Pass positive numbers on and turn the rest to ``slope * x``.

    At 0 the gradient is that of the rest, as in `relu`: `slope`.
    """
    return np.where(np.greater(x, 0.0), x, slope * x)


@leaky_relu.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, slope: float = 0.01) -> Any:
    return gradient * np.where(np.greater(x, 0.0), 1.0, slope)


@gate(elementwise=True)
def elu(x: Any, *, alpha: float = 1.0) -> Any:
    """Pass positive numbers on and turn the rest to ``alpha * (exp(x) - 1)`` (Clevert et al. 2015).

    At 0 the gradient is that of the rest, as in `relu`: `alpha`.
    """
    return np.where(np.greater(x, 0.0), x, alpha * np.expm1(min.forward(x, 0.0)))


@elu.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, alpha: float = 1.0) -> Any:
    return gradient * np.where(np.greater(x, 0.0), 1.0, alpha * exp(min(x, 0.0)))


@gate(elementwise=True)
def gelu(x: Any, *, approximate: Literal["none", "tanh"] = "none") -> Any:
    """Multiply by the share of the normal distribution below `x` (Hendrycks and Gimpel 2016); nan at -inf.

    It is ``x * (1 + erf(x / sqrt(2))) / 2``, or with ``approximate="tanh"`` what older networks were trained with,
    ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x*x*x))) / 2``.
    """
    if approximate == "tanh":
        return 0.5 * x * (1.0 + np.tanh(_TANH_SCALE * (x + _TANH_CUBE * (x * x * x))))
    return 0.5 * x * (1.0 + erf.forward(x * _ROOT_HALF))


@gelu.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, approximate: Literal["none", "tanh"] = "none") -> Any:
    if approximate == "tanh":
        bent = tanh(_TANH_SCALE * (x + _TANH_CUBE * (x * x * x)))
        inner = _TANH_SCALE * (1.0 + 3.0 * _TANH_CUBE * (x * x))
        return gradient * (0.5 * (1.0 + bent) + 0.5 * x * (1.0 - bent * bent) * inner)
    return gradient * (0.5 * (1.0 + erf(x * _ROOT_HALF)) + x * (_DENSITY * exp(-0.5 * (x * x))))
