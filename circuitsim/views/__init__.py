"""What people look at: drawn from a trace, never from live objects. Only this package imports matplotlib."""

from circuitsim.views.animation import animate
from circuitsim.views.picture import draw

__all__ = ["animate", "draw"]
