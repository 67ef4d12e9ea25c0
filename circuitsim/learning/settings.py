"""Checks of the numbers that people set a training with: one sentence for what cannot be."""

from typing import Any

import numpy as np

from circuitsim.errors import InputError

__all__ = ["number", "whole"]


def number(name: str, setting: Any, lowest: float, highest: float = np.inf, *, closed: bool = False) -> float:
    """Return a setting that lies between two bounds, the lower one included only if `closed`.

    Raises
    ------
    InputError
        If it does not, or is no number.
    """
    try:
        found = float(setting)
    except (TypeError, ValueError):
        found = np.nan
    if not (lowest <= found < highest if closed else lowest < found < highest):
        above = "from" if closed else "above"
        limit = f" to below {highest:g}" if highest < np.inf else ""
        raise InputError(f"{name}={setting!r} cannot be: give a finite number {above} {lowest:g}{limit}")
    return found


def whole(name: str, setting: Any, least: int) -> int:
    """Return a setting that is a whole number, and not below the least.

    Raises
    ------
    InputError
        If it is not.
    """
    if isinstance(setting, bool) or not isinstance(setting, int | np.integer) or setting < least:
        raise InputError(f"{name}={setting!r} cannot be: give a whole number from {least} up")
    return int(setting)
