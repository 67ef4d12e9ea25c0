"""Lets ``python -m circuitsim`` stand for ``circuitsim``."""

from circuitsim.cli.main import main

main()
