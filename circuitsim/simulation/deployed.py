"""A circuit on devices: what of a plan is worked out once, and the actors that are made of it for each run."""

from collections.abc import Callable, Mapping
from typing import Any

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.value import Value
from circuitsim.plan.costs import Costs
from circuitsim.plan.deployment import Deployment
from circuitsim.simulation.kernel import World
from circuitsim.simulation.parameter import Parameter
from circuitsim.simulation.stage_graph import StageGraph
from circuitsim.simulation.stage_plan import StagePlan, compute, plan_stages
from circuitsim.simulation.stream import Stream
from circuitsim.trace.kinds import Layout
from circuitsim.trace.trace import Trace

__all__ = ["Deployed"]


class Deployed:
    """What of a plan is worked out once.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    deployment : Deployment
        The plan as it comes out for the circuit and the cluster.
    costs : Costs or None
        What messages weigh.
    on_nonfinite : callable
        Called with a sentence when a gate makes an infinity or a nan.
    """

    def __init__(
        self, netlist: Netlist, deployment: Deployment, costs: Costs | None, on_nonfinite: Callable[[str], None]
    ) -> None:
        self.netlist = netlist
        self.deployment = deployment
        self.on_nonfinite = on_nonfinite
        self._plans: dict[frozenset[int], list[StagePlan]] = {}
        names = [netlist.nodes[wire.source].name for wire in netlist.wires]
        sizes = {wire: costs.size(name) for wire, name in enumerate(names)} if costs is not None else {}
        self._sizes = {wire: size for wire, size in sizes.items() if size is not None}

    def stages(self, roots: frozenset[int]) -> list[StagePlan]:
        """Return what each stage does when the backward pass begins at these outputs."""
        if roots not in self._plans:
            names = self.deployment.placement.stages
            self._plans[roots] = plan_stages(self.netlist, names, roots, self.on_nonfinite)
        return self._plans[roots]

    def start(
        self,
        parameters: Mapping[int, Parameter],
        roots: frozenset[int],
        depth: str,
        examples: int,
        learn: bool,
        seed: int,
    ) -> Stream:
        """Make the actors of a run.

        Parameters
        ----------
        parameters : mapping of int to Parameter
            The parameters, by node.
        roots : frozenset of int
            The outputs at which the backward pass begins.
        depth : {"all", "work", ""}
            What to record.
        examples : int
            How many there are.
        learn : bool
            Whether parameters move.
        seed : int
            Seeds random times and faults.

        Raises
        ------
        ScheduleError
            If the schedule does not fit the batches.
        """
        batch = self.deployment.batch(examples)
        deployment = self.deployment.scheduled(batch)
        for size in {batch, examples % batch or batch}:  # all refusals come before the run
            for replica in range(deployment.plan.replicas or 1):
                if share := deployment.share(size, replica):
                    deployment.order(share)
        placement, plan = deployment.placement, deployment.plan
        asynchronous = learn and plan.update == "async"
        trace = None
        if depth:
            layout = Layout(
                deployment.devices,
                placement.stages,
                placement.homes,
                batch,
                plan.replicas,
                self._sizes,
                asynchronous and plan.local_steps > 1,
                depth == "all",
            )
            trace = Trace(self.netlist, {node: one.memory.value for node, one in parameters.items()}, layout)
        world = World()
        world.begin(trace, depth == "all")
        stream = Stream(self.netlist, world)
        stream.graph = StageGraph(
            self.netlist,
            world,
            deployment,
            self.stages(roots),
            parameters,
            self.netlist.carries_gradient(roots),
            stream,
            asynchronous=asynchronous,
            batch=batch,
            sizes=self._sizes,
            seed=seed,
        )
        return stream

    def compute(self, values: Mapping[int, Value]) -> dict[str, Value]:
        """Return the outputs of an example from inputs and parameters by node; no time passes."""
        nodes: dict[int, Any] = {index: node.value for index, node in enumerate(self.netlist.nodes)}
        nodes.update(values)
        for plan in self.stages(frozenset()):
            slots = [nodes[node] for node in plan.nodes]
            compute(plan, slots)
            nodes.update(zip(plan.nodes, slots, strict=True))
        wires, incoming = self.netlist.wires, self.netlist.incoming
        return {name: nodes[wires[incoming[index][0]].source] for name, index in self.netlist.of_kind("output").items()}
