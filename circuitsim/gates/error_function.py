"""The error function, made of NumPy's operations alone, so that a float and an element of an array get the same bits.

The method and the coefficients are those of ``s_erf.c`` in fdlibm (Sun Microsystems, 1993), whose error is below 1 unit
in the last place: a rational function on each of four ranges of ``abs(x)``, beyond 1.25 one of ``1 / x**2`` under an
exponential. There fdlibm splits ``x * x``, for the sake of ``1 - erf(x)``; what its rounding adds here is below a tenth
of a unit.
"""

import math
from typing import Any

import numpy as np

from circuitsim.gates.gate import gate
from circuitsim.gates.scalar import exp

_SLOPE = 1.1283791670955126  # at 0: 2 / sqrt(pi)
_AT_ONE = 0.8450629115104675

# from the constant term on
_NEAR = (
    (0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442,
     -2.3763016656650163e-05),
    (1.0, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766,
     0.00013249473800432164, -3.960228278775368e-06),
)  # fmt: skip
_AROUND_ONE = (
    (-0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175,
     -0.11089469428239668, 0.035478304325618236, -0.002166375594868791),
    (1.0, 0.10642088040084423, 0.540397917702171, 0.07182865441419627,
     0.12617121980876164, 0.01363708391202905, 0.011984499846799107),
)  # fmt: skip
_FAR = (
    (-0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006,
     -162.39666946257347, -184.60509290671104, -81.2874355063066, -9.814329344169145),
    (1.0, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679,
     429.00814002756783, 108.63500554177944, 6.570249770319282, -0.0604244152148581),
)  # fmt: skip
_FARTHER = (
    (-0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192,
     -637.5664433683896, -1025.0951316110772, -483.5191916086514),
    (1.0, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955,
     2553.0504064331644, 474.52854120695537, -22.44095244658582),
)  # fmt: skip


@gate(elementwise=True)
def erf(x: Any) -> Any:
    """Take the error function: 2 / sqrt(pi) times the integral of ``exp(-t*t)`` from 0 to `x`.

    It is within 2 units in the last place everywhere, 1 and -1 at the infinities.
    """
    if x.__class__ is float:
        size = math.fabs(x)
        if size < 0.84375:
            return _near(x)
        return math.copysign(_around_one(size) if size < 1.25 else _beyond(size), x) if x == x else x
    size = np.abs(x)
    above = np.where(size < 1.25, _around_one(np.minimum(size, 1.25)), _beyond(np.maximum(size, 1.25)))
    return np.where(size < 0.84375, _near(np.clip(x, -1.0, 1.0)), np.copysign(above, x))


@erf.vjp(0)
def _(gradient: Any, output: Any, x: Any) -> Any:
    return gradient * (_SLOPE * exp(-(x * x)))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    """Return a polynomial divided by another, by Horner's rule."""
    above, below = coefficients[0][-1], coefficients[1][-1]
    for coefficient in coefficients[0][-2::-1]:
        above = coefficient + x * above
    for coefficient in coefficients[1][-2::-1]:
        below = coefficient + x * below
    return above / below


def _near(x: Any) -> Any:
    return x + x * _ratio(_NEAR, x * x)


def _around_one(size: Any) -> Any:
    return _AT_ONE + _ratio(_AROUND_ONE, size - 1.0)


def _beyond(size: Any) -> Any:
    """Return the function from 1.25 on; from 6 on it is 1, and nan stays."""
    if size.__class__ is float:
        size = size if size < 6.0 else 6.0
        inverse = 1.0 / (size * size)
        ratio = _ratio(_FAR if size < 1.0 / 0.35 else _FARTHER, inverse)
    else:
        size = np.minimum(size, 6.0)
        inverse = 1.0 / (size * size)
        ratio = np.where(size < 1.0 / 0.35, _ratio(_FAR, inverse), _ratio(_FARTHER, inverse))
    return 1.0 - np.exp(ratio - 0.5625 - size * size) / size
