"""A circuit says what is wired to what, and nothing else; engines run it.

The wiring is a `networkx.MultiDiGraph`, `Circuit.graph`, with a node for every wire's source (an input, a
parameter, a constant or a gate) and an edge for every connection, whose key is the port it enters. A wire is
named after the node that drives it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any

import networkx as nx

from circuitsim import checks, display
from circuitsim.circuit import structure
from circuitsim.circuit.shape_inference import infer
from circuitsim.circuit.table import Table, tabulate
from circuitsim.circuit.wire import Wire
from circuitsim.errors import CircuitError, GateError, InputError, ShapeError
from circuitsim.gates.attributes import own_attributes
from circuitsim.gates.gate import Gate
from circuitsim.gates.shapes import Shape
from circuitsim.gates.value import own_value
from circuitsim.habits import advises, told
from circuitsim.spelling import shown

__all__ = ["Circuit"]


@told
@advises("circuit")
class Circuit:
    """Inputs, parameters, constants, gates and named outputs, wired together.

    Parameters
    ----------
    name : str
        What error messages and pictures call it.

    Attributes
    ----------
    graph : networkx.MultiDiGraph
        The wiring, as a view that follows the circuit and cannot be changed; ``circuit.graph.copy()`` can. A node's
        attribute ``kind`` is ``"input"``, ``"parameter"``, ``"constant"`` or ``"gate"``; parameters and constants have
        a ``value``, gates have a ``gate`` and, if any, ``attributes``. The key of an edge is the port. The order of a
        node's out-edges is the wiring order in which gradients that meet there are summed. What writes files cannot
        write gates and arrays: give it `to_networkx`, as in ``nx.write_graphml(circuit.to_networkx(), path)`` and
        ``json.dumps(nx.node_link_data(circuit.to_networkx()))``.
    outputs : dict of str to str
        The node that each named output shows.

    Examples
    --------
    >>> import circuitsim as cs
    >>> c = cs.Circuit("two gates")
    >>> x, y, z = c.inputs("x y z")
    >>> c.output("f", (x + y) * z)
    >>> c
    <circuit 'two gates': 3 inputs, 0 parameters, 2 gates, outputs f>
    """

    def __init__(self, name: str = "circuit") -> None:
        self.name = checks.name(name, "the name of a circuit", error=CircuitError)
        self._graph = nx.MultiDiGraph()
        self.graph = _view(self._graph)
        self.outputs: dict[str, str] = {}
        self._numbers: dict[str, int] = {}  # the last that was given to each stem of a name
        self._prefix = ""  # of the scopes that are open

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Put a name and a dot before the names of all that is added inside, outputs too.

        Scopes may stand within one another, and a scope may be opened again. Pictures and pages fold big circuits by
        scope, and put the inputs of a scope beside it.

        Parameters
        ----------
        name : str
            What comes before the dot.

        Raises
        ------
        CircuitError
            If the name is no text, or an empty one.

        Examples
        --------
        >>> import circuitsim as cs
        >>> c = cs.Circuit("two steps")
        >>> h = c.input("h0")
        >>> for step in (1, 2):
        ...     with c.scope(f"t{step}"):
        ...         h = cs.tanh(h + c.input("x"))
        >>> c.names("input"), c.names("gate")
        (['h0', 't1.x', 't2.x'], ['t1.add1', 't1.tanh1', 't2.add1', 't2.tanh1'])
        """
        before = self._prefix
        self._prefix += f"{checks.name(name, f'the name of a scope of circuit {self.name!r}', error=CircuitError)}."
        try:
            yield
        finally:
            self._prefix = before

    def input(self, name: str, shape: Sequence[int | None] | None = None) -> Wire:
        """Add an input, whose value is given anew for every run.

        Parameters
        ----------
        name : str
            What it is called.
        shape : sequence of int or None, optional
            The shape that its values have, ``()`` for a number; None in it stands for a length that may differ from
            run to run. It lets `validate` find shapes that cannot meet before anything runs.
        """
        if shape is None:
            return self._place(name, kind="input")
        lengths = _lengths(shape) if isinstance(shape, Sequence) else None
        if lengths is None:
            raise InputError(
                f"input {shown(name)} cannot have shape {shown(shape)}: give a length or None for each axis"
            )
        return self._place(name, kind="input", shape=lengths)

    def inputs(self, names: str | Iterable[str]) -> tuple[Wire, ...]:
        """Add several inputs, named in a string with spaces (or commas) between them, or in a list."""
        if isinstance(names, str):
            names = names.replace(",", " ").split()
        return tuple(self.input(name) for name in names)

    @told
    def parameter(self, name: str, value: Any) -> Wire:
        """Add a parameter: a value that stays from run to run until training moves it."""
        try:
            return self._place(name, kind="parameter", value=own_value(value))
        except InputError as error:
            raise InputError(f"parameter {shown(name)} of circuit {shown(self.name)}: {error}") from None

    def parameters(self, **values: Any) -> tuple[Wire, ...]:
        """Add several parameters with their first values, in the order they are given."""
        return tuple(self.parameter(name, value) for name, value in values.items())

    def constant(self, value: Any, name: str | None = None) -> Wire:
        """Add a constant: a value that never changes and is sent no gradient."""
        try:
            number = own_value(value)
        except InputError as error:
            raise InputError(f"a constant of circuit {shown(self.name)}: {error}") from None
        if name is not None:
            return self._place(name, kind="constant", value=number)
        name = self._free_name("const")
        self._graph.add_node(name, kind="constant", value=number)
        return Wire(self, name)

    def gate(self, gate: Gate, *inputs: Any, name: str | None = None, **attributes: Any) -> Wire:
        """Add a gate and wire its ports.

        Parameters
        ----------
        gate : Gate
            The arithmetic.
        *inputs : Wire, number, array or None
            What enters each port. A number becomes a constant; None leaves the port open for `connect`.
        name : str, optional
            The name of the gate and of the wire it drives; ``mul1`` and so on if not given.
        **attributes
            The gate's attributes. They are copied: an array, list or dict that changes later changes no circuit.

        Raises
        ------
        GateError
            If the number of inputs or an attribute does not fit the gate.
        CircuitError
            If the name is taken, or a wire belongs to another circuit.
        """
        if not isinstance(gate, Gate):
            raise GateError(f"circuit {shown(self.name)} was given {shown(gate)} for a gate: give it one, as in cs.add")
        gate = gate.for_inputs(len(inputs))
        gate.check_arguments(len(inputs), attributes)
        name = self._free_name(gate.name) if name is None else self._full_name(name, "gate")
        sources = [
            # The usual case is decided here: a circuit may have a million gates.
            thing.name if thing.__class__ is Wire and thing.circuit is self else self._source(thing, gate, name)
            for thing in inputs
        ]
        self._check_free(name)  # only now: a constant may just have taken it
        graph = self._graph
        if attributes:
            graph.add_node(name, kind="gate", gate=gate, attributes=own_attributes(attributes))
        else:
            graph.add_node(name, kind="gate", gate=gate)
        for port, source in enumerate(sources):
            if source is not None:
                graph.add_edge(source, name, port)
        return Wire(self, name)

    def connect(self, source: Wire, target: Wire, port: int) -> None:
        """Wire `source` to a port of the gate that drives `target`, which must have been left open.

        Raises
        ------
        CircuitError
            If the target is no gate, has no such port, or has something on it already.
        """
        node = self._graph.nodes[self._own(target, f"the target of a connection in {self.name!r}")]
        gate = node.get("gate")
        if gate is None:
            raise CircuitError(f"{shown(target.name)} is {_a(node['kind'])}: only gates have ports to connect to")
        number = checks.whole(port)
        if number is None or not 0 <= number < gate.arity:
            raise CircuitError(
                f"gate {shown(target.name)} has no port {shown(port)}: {gate.name} has ports 0 to {gate.arity - 1}"
            )
        for other, _, key in self._graph.in_edges(target.name, keys=True):
            if key == number:
                raise CircuitError(f"port {port} of gate {shown(target.name)} is wired already, to {shown(other)}")
        self._graph.add_edge(self._own(source, f"gate {target.name!r}"), target.name, key=number)

    @told
    def output(self, name: str, wire: Wire) -> None:
        """Make a wire an output: runs return its value, and backward passes begin at it."""
        name = self._full_name(name, "output")
        if name in self.outputs:
            raise CircuitError(f"circuit {shown(self.name)} has an output {shown(name)} already: choose another name")
        self.outputs[name] = self._own(wire, f"output {name!r}")

    def names(self, kind: str) -> list[str]:
        """Return the names of all nodes of one kind, in the order they were added."""
        return [name for name, found in self._graph.nodes(data="kind") if found == kind]

    def validate(self) -> list[str]:
        """Check the wiring and return its nodes in topological order; backward sweeps take it reversed.

        Raises
        ------
        CircuitError
            If the circuit is empty, has no output, has an open port, or has a cycle; the message names every
            culprit.
        ShapeError
            If shapes meet in a gate that cannot take them, as far as shapes are known.
        """
        return self._table().order

    def shapes(self) -> dict[str, Shape]:
        """Return the shape of what each node sends out, as far as it is known before anything runs.

        Raises
        ------
        ShapeError
            If shapes meet in a gate that cannot take them.
        """
        return infer(self.name, self._graph, list(nx.topological_sort(self._graph)))

    def to_json(self) -> str:
        """Return the circuit as a JSON text, from which `from_json` makes the same: its numbers keep all their bits.

        Gates stand in it by name, and their attributes must be numbers, texts, lists, tuples, slices, dicts or arrays.
        `circuitsim.circuit.structure` describes the text.

        Raises
        ------
        CircuitError
            If the wiring is wrong, or an attribute is something else.
        ShapeError
            If shapes meet in a gate that cannot take them.

        Examples
        --------
        >>> import circuitsim as cs
        >>> c = cs.Circuit("twice")
        >>> c.output("f", 2.0 * c.input("x"))
        >>> cs.Circuit.from_json(c.to_json())
        <circuit 'twice': 1 inputs, 0 parameters, 1 gates, outputs f>
        """
        self.validate()
        nodes, wires = self._graph.nodes(data=True), self._graph.edges(keys=True)
        return json.dumps(structure.describe(self.name, nodes, wires, self.outputs), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Circuit":
        """Return the circuit that `to_json` wrote.

        Raises
        ------
        LoadError
            If it is no such text, or a gate in it is not defined here: import the module that defines it first.
        CircuitError
            If the wiring is wrong: a port is open or has two wires, or there is a cycle.
        ShapeError
            If shapes meet in a gate that cannot take them.
        """
        parts = structure.build(structure.parse(text))
        circuit = cls(parts.name)
        circuit._graph.add_nodes_from(parts.nodes)
        for source, target, port in parts.wires:
            circuit._graph.add_edge(source, target, port)
        circuit.outputs.update(parts.outputs)
        circuit.validate()
        return circuit

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return a copy of the wiring with plain data, which any of networkx's writers can write.

        A node's attributes are ``kind``, and ``gate`` (the gate's name), ``symbol``, ``attributes``, ``value``,
        ``shape`` and ``outputs`` (the names under which it is shown), if it has them; an edge has its ``port``. All are
        numbers and texts; shapes, arrays and attributes are JSON texts as `to_json` has them.

        Raises
        ------
        CircuitError
            If an attribute of a gate is nothing that JSON can hold.

        Examples
        --------
        >>> import circuitsim as cs
        >>> c = cs.Circuit("twice")
        >>> c.output("f", 2.0 * c.input("x"))
        >>> dict(c.to_networkx().nodes(data=True))["mul1"]
        {'kind': 'gate', 'gate': 'mul', 'symbol': '×', 'outputs': '["f"]'}
        """
        plain = nx.MultiDiGraph(name=self.name)
        for name, node in self._graph.nodes(data=True):
            plain.add_node(name, **structure.plain(name, node))
        for source, target, port in self._graph.edges(keys=True):
            plain.add_edge(source, target, port, port=port)
        shown: dict[str, list[str]] = {}
        for output, source in self.outputs.items():
            shown.setdefault(source, []).append(output)
        for source, names in shown.items():
            plain.nodes[source]["outputs"] = json.dumps(names)
        return plain

    def draw(self, path: str | PathLike[str]) -> None:
        """Draw the circuit; the suffix chooses the format, .svg, .png or .pdf.

        Raises
        ------
        CircuitError
            If the wiring is wrong.
        SaveError
            If the suffix is unknown or the file cannot be written.
        """
        display.draw(self, path)

    def _repr_svg_(self) -> str | None:
        """Show the circuit in a notebook; a circuit that is not finished shows its words instead."""
        try:
            return display.svg(self)
        except (CircuitError, ShapeError):
            return None

    def _check_nodes(self) -> None:
        """Raise an error that names every culprit, if some node lacks a wire or has one too many."""
        open_ports = []
        for name, node in self._graph.nodes(data=True):
            if "kind" not in node:
                raise CircuitError(
                    f"node {shown(name)} of circuit {shown(self.name)} is no input, parameter, constant or gate: "
                    "add nodes with the methods of Circuit"
                )
            gate = node.get("gate")
            ports = [port for _, _, port in self._graph.in_edges(name, keys=True)]
            wanted = gate.arity if gate else 0
            if (
                len(ports) == wanted
                and len(set(ports)) == wanted
                and all(type(port) is int and 0 <= port < wanted for port in ports)
            ):
                continue
            missing = [port for port in range(wanted) if port not in ports]
            if not missing:
                raise CircuitError(
                    f"node {shown(name)} of circuit {shown(self.name)} has wires on ports {ports}, "
                    f"but {_a(node['kind'])} has {wanted} ports"
                )
            open_ports += [f"port {port} ({gate.ports[port]}) of gate {name!r}" for port in missing]
        if open_ports:
            raise CircuitError(
                f"circuit {shown(self.name)} has unwired ports: {', '.join(open_ports)}; "
                "connect each with circuit.connect(source, gate, port)"
            )

    def _table(self) -> Table:
        """Return the nodes and wires by number, after all checks of `validate`."""
        if not self._graph:
            raise CircuitError(f"circuit {shown(self.name)} is empty: add inputs, gates and an output")
        if not self.outputs:
            raise CircuitError(f"circuit {shown(self.name)} has no output: name one with circuit.output('f', wire)")
        for output, source in self.outputs.items():
            if source not in self._graph._node:
                raise CircuitError(
                    f"output {shown(output)} of circuit {shown(self.name)} shows {shown(source)}, which is no "
                    f"node of it: name "
                    "one with circuit.output('f', wire)"
                )
        table = tabulate(self._graph, self.outputs)
        if table is None:
            self._check_nodes()
            cycle = [edge[0] for edge in nx.find_cycle(self._graph)]
            path = " → ".join([*cycle, cycle[0]])
            raise CircuitError(
                f"circuit {shown(self.name)} has a cycle, {path}: a value would wait for itself; break it at one gate"
            )
        infer(self.name, self._graph, table.order)
        return table

    def _place(self, name: str, **node: Any) -> Wire:
        name = self._full_name(name, node["kind"])
        self._check_free(name)
        self._graph.add_node(name, **node)
        return Wire(self, name)

    def _full_name(self, name: Any, kind: str) -> str:
        """Return a name that was given with the scopes that are open."""
        if name.__class__ is not str or not name:
            name = self._check_name(name, kind)
        return self._prefix + name  # type: ignore[no-any-return]

    def _check_free(self, name: str) -> None:
        if name in self._graph._node:
            taken = _a(self._graph.nodes[name].get("kind", "node"))
            raise CircuitError(
                f"circuit {shown(self.name)} has {taken} called {shown(name)} already: choose another name"
            )

    def _check_name(self, name: Any, kind: str) -> str:
        return checks.name(name, f"the name of {_a(kind)} of circuit {self.name!r}", error=CircuitError)

    def _source(self, thing: Any, gate: Gate, name: str) -> str | None:
        if thing is None:
            return None
        if isinstance(thing, Wire):
            return self._own(thing, f"gate {name!r}")
        try:
            return self.constant(thing).name
        except InputError:
            raise InputError(
                f"gate {shown(name)} ({gate.name}) of circuit {shown(self.name)} was given {shown(thing)}: give "
                f"it a wire or a number"
            ) from None

    def _own(self, wire: Wire, where: str) -> str:
        if not isinstance(wire, Wire):
            raise CircuitError(f"{where} was given {shown(wire)}: give it a wire of circuit {shown(self.name)}")
        if wire.circuit is not self:
            raise CircuitError(
                f"{where} of circuit {shown(self.name)} was given wire {shown(wire.name)} of another circuit, "
                f"{shown(wire.circuit.name)}: wires cannot leave their circuit"
            )
        return wire.name

    def _free_name(self, stem: str) -> str:
        stem = self._prefix + stem
        number = self._numbers.get(stem, 0) + 1
        while (name := f"{stem}{number}") in self._graph._node:
            number += 1
        self._numbers[stem] = number
        return name

    def __repr__(self) -> str:
        kinds = [kind for _, kind in self._graph.nodes(data="kind")]
        parts = [f"{kinds.count(kind)} {kind}s" for kind in ("input", "parameter", "gate")]
        return f"<circuit {self.name!r}: {', '.join(parts)}, outputs {', '.join(self.outputs) or 'none'}>"


def _view(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Return a view of a graph in whose place networkx's own refusal to change it says what to do."""
    view = nx.graphviews.generic_graph_view(graph)
    for name in [name for name, refusal in vars(view).items() if callable(refusal)]:
        setattr(view, name, _refuse_change)
    return view


def _refuse_change(*_: Any, **__: Any) -> Any:
    raise CircuitError(
        "a circuit's graph is for reading: wire with the methods of Circuit, or change a copy, circuit.graph.copy()"
    )


def _lengths(shape: Sequence[Any]) -> Shape | None:
    """Return a shape in Python's numbers, None if it is none."""
    lengths = []
    for length in shape:
        found = None if length is None else checks.whole(length)
        if length is not None and (found is None or found < 0):
            return None
        lengths.append(found)
    return tuple(lengths)


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
