"""Checks for those who extend circuitsim: hold your gate, rule, engine or policy against what the others rely on.

::

    from circuitsim.testing import check_engine, check_gate, check_policy, check_rule

    check_gate(my_gate, 0.5)
    check_rule(MyOptimizer(0.1))
    check_engine(MyEngine)
    check_policy(MyPolicy)

Each returns quietly, or raises an error that says what is wrong and with which numbers.
``python -m circuitsim.testing`` shows that an installation of circuitsim works.
"""

from circuitsim.testing.arithmetic import check_gate, check_rule
from circuitsim.testing.runs import check_engine, check_policy

__all__ = ["check_engine", "check_gate", "check_policy", "check_rule"]
