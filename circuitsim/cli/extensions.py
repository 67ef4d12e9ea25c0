"""Installed packages that extend the command line: they announce a module, which registers what they add.

A package writes in its pyproject.toml::

    [project.entry-points.circuitsim]
    mine = "my_package.circuitsim_extension"

and the module is imported when a command starts, so that what it registers (gates, engines, forms) is known by name.
"""

from functools import cache
from importlib.metadata import entry_points

from circuitsim.cli.console import tell

__all__ = ["load_extensions"]


@cache
def load_extensions() -> None:
    """Import what packages announce; of one that cannot be imported, say so on stderr and go on without it.

    Once in a process, for `circuitsim run` serves two command lines: its own, and the scenario's.
    """
    for entry in entry_points(group="circuitsim"):
        try:
            entry.load()
        except Exception as error:
            package = f" of package {entry.dist.name}" if entry.dist is not None else ""
            tell(
                f"note: the extension {entry.name!r}{package} was not loaded, because {entry.value} cannot be imported "
                f"({type(error).__name__}: {error}): mend or uninstall it"
            )
