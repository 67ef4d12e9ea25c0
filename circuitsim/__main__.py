"""Lets ``python -m circuitsim`` stand for ``circuitsim``."""

from circuitsim.cli import main

main()
