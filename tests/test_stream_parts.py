"""The parts that streams are made of, each by itself, against numbers worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.rules import Memory
from circuitsim.simulation.actors import Source
from circuitsim.simulation.kernel import World
from circuitsim.simulation.links import Line
from circuitsim.simulation.parameter import Parameter
from circuitsim.simulation.stage import Resident, StageActor
from tests.pipelines import chain, linked, network, stream


def line(link, size=0.0):
    return Line(World(), link, np.random.default_rng(0), lambda wire, payload: size)


def test_what_a_link_holds_up_it_holds_up_for_a_random_part_of_the_time():
    asked = line(cs.Link(2.0, reorder=0.25, hold_up=8.0))
    late = np.array([asked.carry(0.0)[1] for _ in range(4000)]) - 2.0
    held_up = late[late > 0]
    assert len(held_up) / len(late) == pytest.approx(0.25, abs=0.03)
    assert held_up.min() < 0.1
    assert 7.9 < held_up.max() < 8.0
    assert held_up.mean() == pytest.approx(4.0, abs=0.2)


def test_a_transfer_is_over_when_the_last_of_its_messages_has_arrived():
    """Several wires lead from stage to stage; their messages overtake each other, and the sender waits for all."""
    circuit = cs.Circuit("three wires")
    x = circuit.input("x")
    wires = [gate(x) for gate in (cs.sin, cs.cos, cs.tanh)]
    circuit.output("f", wires[0] * wires[1] * wires[2])
    plan = cs.Plan(
        cs.place(circuit, {"left": ["sin1", "cos1", "tanh1"], "right": ["mul1", "mul2"]}),
        schedule=cs.Schedule.from_table(
            "0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1\n1RECV_F0 1F0 1RECV_F1 1F1 1B0 1SEND_B0 1B1 1SEND_B1"
        ),
    )
    overtaken = 0
    for seed in range(10):
        run = stream(circuit, [{"x": 1.0}, {"x": 2.0}], plan, linked(cs.uniform(0.0, 5.0)), seed=seed)
        ends = [t.end for t in sorted(run.timeline.transfers, key=lambda t: t.wire) if (t.what, t.tag) == ("value", 0)]
        assert len(ends) == 3
        overtaken += ends[-1] < max(ends)
        (begun,) = [piece.start for piece in run.timeline.work if (piece.kind, piece.stage, piece.tag) == ("F", 0, 1)]
        assert begun == max(ends)
    assert overtaken


def test_acknowledgements_are_lost_as_values_are():
    """Where everything else arrives, a value that is sent again tells that its acknowledgement was lost."""
    circuit, placement = network(2)
    given = [{"x": 0.1 * n, "y": 0.5} for n in range(30)]
    run = stream(circuit, given, cs.Plan(placement), linked(1.0, loss=0.3), seed=1)
    fates = [transfer.fate for transfer in run.timeline.transfers]
    assert fates.count("lost") / len(fates) == pytest.approx(0.3, abs=0.1)
    assert "dropped" in fates  # it had arrived before


def test_a_backward_pass_whose_version_is_gone_uses_the_oldest_kept():
    resident = Resident(0.5, 3, lambda tag: None)
    for version in range(1, 6):
        resident.on_value(0, version, 0.5 + version, version)
    assert [resident.recall(version) for version in range(6)] == [(3, 3.5)] * 4 + [(4, 4.5), (5, 5.5)]


def test_a_gradient_is_as_old_as_the_oldest_version_that_it_was_computed_from():
    source = Source("w")
    source.outgoing, source.awaited = [None] * 3, 3
    for place, version in enumerate((4, 2, 3)):
        source.on_gradient(place, 0, 1.0 + place, version)
    assert (source.totals, source.reads) == ({0: 6.0}, {0: 2})


def test_a_batch_is_as_old_as_the_oldest_version_that_it_was_computed_from():
    parameter = Parameter("w", 0, Memory(0.5))
    for tag, version in enumerate((4, 2, 3)):
        parameter.on_gradient(0, tag, 1.0 + tag, version)
    parameter.add()
    assert parameter.end_batch(3) == (6.0, 2)


@pytest.mark.parametrize(("what", "between"), [("value", 2 + 1.5 * (2 + 4)), ("gradient", 10 + 1.5 * (10 + 4))])
def test_what_is_lost_is_sent_again_after_half_as_long_again_as_there_and_back(what, between):
    """From when the message has left: 80 bytes take 2 ticks to leave one way and 10 the other, and 4 both ways."""
    links = {
        ("device 0", "device 1"): cs.Link(1.0, bandwidth=40.0, loss=0.4),
        ("device 1", "device 0"): cs.Link(3.0, bandwidth=8.0, loss=0.4),
    }
    found = []
    for seed in range(12):
        run = stream(chain(2), [{"x": np.ones(10)}], cs.Plan(2), cs.Cluster(link=links), seed=seed)
        sent = sorted((t.start, t.fate) for t in run.timeline.transfers if t.what == what)
        if sent[0][1] == "lost":
            found.append(sent[1][0] - sent[0][0])
    assert found
    assert set(found) == {between}


def test_where_nothing_goes_wrong_each_message_goes_once():
    """Also where a device might crash and a link might lose: the sites do nothing on their own."""
    circuit, placement = network(3)
    given = [{"x": 0.1 * n, "y": 0.5} for n in range(5)]
    sure = stream(circuit, given, cs.Plan(placement), linked(1.0))
    unsure = stream(circuit, given, cs.Plan(placement), cs.Cluster(link=cs.Link(1.0, loss=1e-12), crash_every=1e9))

    def sent(run):
        return sorted((t.what, t.wire, t.tag, t.fate) for t in run.timeline.transfers)

    assert sent(unsure) == sent(sure)
    assert {fate for *_, fate in sent(sure)} == {"arrived"}


def test_a_number_takes_8_bytes_as_it_does_in_an_array():
    ends = []
    for x in (0.5, [0.5], [0.5, 0.5]):
        run = stream(chain(2), [{"x": x}], cs.Plan(2), linked(1.0, bandwidth=4.0))
        ends.append([(t.size, t.end - t.start) for t in run.timeline.transfers])
    assert ends == [[(8, 3.0)] * 2, [(8, 3.0)] * 2, [(16, 5.0)] * 2]


def test_a_stage_goes_on_when_the_last_of_its_parameters_has_come():
    begun, residents = [], [Resident(0.5, None, lambda tag: None) for _ in range(2)]
    device = SimpleNamespace(ready=lambda stage, kind, tag: begun.append((kind, tag)))
    stage = SimpleNamespace(
        residents=list(enumerate(residents)), device=device, waiting=[3, 4], late=False, newest=None
    )
    stage.catch_up = lambda: StageActor.catch_up(stage)
    for resident in residents:
        resident.readers.append(stage)
        resident.expect(1)
    assert stage.late
    residents[0].on_value(0, 0, 0.6, 1)
    assert (stage.late, begun) == (True, [])
    residents[1].on_value(0, 0, 0.7, 1)
    assert (stage.late, begun, stage.waiting) == (False, [("F", 3), ("F", 4)], [])


def test_without_devices_a_batch_moves_parameters_with_its_last_example():
    run = stream(chain(2), [{"x": 1.0}] * 3, rule=cs.SGD(0.1))
    assert [update.tag for update in run.trace.find(cs.Kind.UPDATE)] == [2, 2]


def test_inputs_of_different_lengths_are_not_cut_into_microbatches():
    circuit = cs.Circuit()
    circuit.output("f", cs.sum(circuit.input("x")) * cs.sum(circuit.input("y")))
    simulation = cs.Simulation(circuit, cs.Plan(microbatches=2))
    with pytest.raises(cs.InputError, match="into microbatches: input 'x' has 4 examples, 'y' has 3"):
        simulation.forward({"x": np.ones(4), "y": np.ones(3)})
