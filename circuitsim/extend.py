"""What you need to add something of your own to circuitsim, collected from the modules that define it.

====================  ================================================================================================
a gate                `gate`, `many`, `Gate`; a shape rule from `same_shape`, `broadcast`, `reduced_shape`
an optimizer          `Optimizer`, with `Step` and `State`; or any `Rule`
a force               `Force`
a penalty             `Penalty`; or any `Spring`
a scheduling policy   `Policy`, `Work`; a schedule, which is fixed before the run, `Schedule`
an engine             `Engine`, `Netlist`, `Node`, `Wiring`, `Firing`, `add_up`, `fit`, `shape_of`, `Memory`
a name for an engine  `register_engine`, for ``--engine``
a form of file        `register_form`, for ``run.save`` and ``--save``; `Trace`, `Record`, `Kind`, `writing`
====================  ================================================================================================

`circuitsim.testing` checks gates, rules, engines and policies. docs/extend.md has an example of each kind and says what
each must keep to. An installed package can announce its extensions to the command line by an entry point of the group
``circuitsim``, which names a module to import.
"""

from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.engine import Engine, register_engine
from circuitsim.files import writing
from circuitsim.gates.firing import Firing
from circuitsim.gates.gate import Gate, gate
from circuitsim.gates.shapes import broadcast
from circuitsim.gates.shapes import elementwise as same_shape
from circuitsim.gates.shapes import reduced as reduced_shape
from circuitsim.gates.value import Value, add_up, fit, own_value, shape_of
from circuitsim.gates.variadic import many
from circuitsim.learning.forces import Force
from circuitsim.learning.optimizers import Optimizer, State, Step
from circuitsim.learning.penalties import Penalty
from circuitsim.plan import Policy, Schedule, Work
from circuitsim.rules import Memory, Rule, Spring
from circuitsim.trace import Kind, Record, Trace
from circuitsim.views.forms import register_form

__all__ = [
    "Engine",
    "Firing",
    "Force",
    "Gate",
    "Kind",
    "Memory",
    "Netlist",
    "Node",
    "Optimizer",
    "Penalty",
    "Policy",
    "Record",
    "Rule",
    "Schedule",
    "Spring",
    "State",
    "Step",
    "Trace",
    "Value",
    "Wiring",
    "Work",
    "add_up",
    "broadcast",
    "fit",
    "gate",
    "many",
    "own_value",
    "reduced_shape",
    "register_engine",
    "register_form",
    "same_shape",
    "shape_of",
    "writing",
]
