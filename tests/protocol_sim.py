"""A small simulator for the protocol: hostile links, devices that crash, zombies, and apps whose results are known.

One thread and one heap of calls; all chance comes from one seed. A device has a store that outlives its crashes, and
lives. A life that has crashed may go on as a zombie: it still receives, works, sends, and writes to the store.
"""

import math
import pickle
import random
from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from circuitsim.errors import FencedError
from circuitsim.protocol import Deliver, MemoryStore, Node, Send, Timer

STAGES = 3


class Settings(NamedTuple):
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    latency: float = 0.5
    bandwidth: float = math.inf
    crash_every: float = math.inf
    downtime: float = 4.0
    save_every: float = 3.0
    save_time: float = 1.0
    retry: float = 6.0
    zombie: float = 0.3
    limit: float = 20_000.0


def hostile(seed):
    """Return settings that are drawn from a seed."""
    draw = random.Random(f"settings {seed}")
    save_every, save_time = draw.uniform(0.5, 12), draw.uniform(0, 3)
    latency, bandwidth = draw.choice((0.0, 0.5, 2.0)), draw.choice((math.inf, 4.0, 1.0))
    proper = 2 * latency + 1 / bandwidth + save_every + save_time
    return Settings(
        draw.uniform(0, 0.4), draw.uniform(0, 0.4), draw.uniform(0, 0.5), latency, bandwidth,
        draw.uniform(25, 120), draw.uniform(0, 8), save_every, save_time, proper * draw.uniform(0.3, 2),
    )  # fmt: skip


class Outcome(NamedTuple):
    state: str  # over, stuck, or what went wrong
    ticks: float
    frames: int  # that were put on links
    messages: int  # of these the ones that carry a message
    posted: int  # by apps, in the present lives
    crashes: int
    zombies: int
    host: object


class Life:
    """A device from one crash to the next; the imperative driver of its node."""

    def __init__(self, sim, name, life, snapshot, make, **options):
        self.sim = sim
        self.name = name
        self.alive = True
        self.app = make()
        if snapshot is not None:
            self.app.__dict__.update(pickle.loads(snapshot.app))
        peers = {peer: f"device {peer}" for peer in sim.sites if peer != name}
        options |= {"life": life, "snapshot": snapshot}
        self.node = sim.node(name, peers, lambda peer, body: sim.settings.retry, **options)

    def start(self, fresh):
        self.carry_out(self.node.start())
        if fresh:
            self.app.start()
            self.flush()
        elif self.app.running is not None:
            self.sim.after(self.sim.ticks(), self.finish)
        self.go()
        if self.node.saves:
            self.sim.after(self.sim.random.random() * self.sim.settings.save_every, self.save)

    def carry_out(self, actions):
        todo = deque(actions)
        while todo:
            match todo.popleft():
                case Send(peer, frame):
                    self.sim.put(self, peer, frame)
                case Timer(key, delay):
                    self.sim.after(delay, self.timer, key)
                case Deliver(peer, body):
                    self.app.take(peer, body)
                    self.flush()
                case fail:
                    raise AssertionError(fail.sentence)

    def flush(self):
        """Post what the app has made."""
        posts, self.app.posts = self.app.posts, []
        for peer, body in posts:
            self.carry_out(self.node.post(peer, body))

    def left(self, peer):
        if self.alive:
            self.carry_out(self.node.left(peer))

    def timer(self, key):
        if self.alive:
            self.carry_out(self.node.timer(key))

    def receive(self, peer, frame):
        if self.alive:
            self.carry_out(self.node.receive(peer, frame))
            self.go()

    def go(self):
        if self.app.running is None and self.app.begin():
            self.sim.after(self.sim.ticks(), self.finish)

    def finish(self):
        if self.alive:
            self.app.finish()
            self.flush()
            self.go()

    def save(self):
        if not self.alive:
            return
        settings, draw = self.sim.settings, self.sim.random
        if self.node.unsaved:
            snapshot = self.node.save(pickle.dumps(self.app.__dict__))
            self.sim.after(settings.save_time * draw.random(), self.write, snapshot)
        self.sim.after(settings.save_every * (0.5 + draw.random()), self.save)

    def write(self, snapshot):
        if not self.alive:
            return
        try:
            self.sim.stores[self.name].write(self.node.life, snapshot.number, snapshot)
        except FencedError:
            self.alive = False  # a zombie learns that it is one
        else:
            self.sim.after(self.sim.settings.save_time * self.sim.random.random(), self.saved, snapshot.number)

    def saved(self, number):
        if self.alive:
            self.carry_out(self.node.saved(number))


class Sim:
    """The devices, the links between them, and the clock; the device called host never crashes."""

    def __init__(self, seed, settings, apps, *, hold, node=Node):
        self.random = random.Random(seed)
        self.settings = settings
        self.node = node
        self.hold = hold
        self.now = 0.0
        self.heap = []
        self.order = count()
        self.free = {}
        self.apps = apps
        self.sites = dict.fromkeys(apps)  # the present life of each
        self.lives = {name: [] for name in apps}  # with its zombies
        self.stores = {name: MemoryStore() for name in apps}
        self.frames = self.messages = self.crashes = self.zombies = 0

    def after(self, delay, call, *given):
        heappush(self.heap, (self.now + delay, next(self.order), call, given))

    def ticks(self):
        return 0.5 + self.random.random()

    def begin(self, name):
        life, snapshot = self.stores[name].begin()
        options = {"tries": 1000} if name == "host" else {"tries": 1000, "saves": True, "hold": self.hold}
        new = self.sites[name] = Life(self, name, life, snapshot, self.apps[name], **options)
        self.lives[name] = [old for old in self.lives[name] if old.alive] + [new]
        new.start(fresh=snapshot is None)

    def crash(self, name):
        settings, draw = self.settings, self.random
        life, self.sites[name] = self.sites[name], None
        if life is not None:  # else it is down, and stays so
            self.crashes += 1
            if draw.random() < settings.zombie:
                self.zombies += 1
                self.after(draw.expovariate(1 / 20), self.kill, life)
            else:
                self.kill(life)
            self.after(settings.downtime * draw.random(), self.begin, name)
        again = draw.random() < 0.1  # sometimes soon: during recovery
        self.after(draw.expovariate(1 / (1.0 if again else settings.crash_every)), self.crash, name)

    def kill(self, life):
        life.alive = False

    def put(self, life, peer, frame):
        """Put a frame into the queue of a link."""
        settings, draw = self.settings, self.random
        self.frames += 1
        self.messages += frame.number is not None
        size = 1.0 if frame.number is not None else 0.125
        out = max(self.now, self.free.get((life.name, peer), 0.0)) + size / settings.bandwidth
        self.free[life.name, peer] = out
        self.after(out - self.now, life.left, peer)
        for _ in range(1 + (draw.random() < settings.duplicate)):
            if draw.random() >= settings.loss:
                latency = settings.latency * (0.5 + draw.random())
                if draw.random() < settings.reorder:
                    latency += 5 * draw.random()
                self.after(out + latency - self.now, self.arrive, peer, life.name, frame)

    def arrive(self, name, source, frame):
        for life in self.lives[name]:
            life.receive(source, frame)

    def run(self):
        for name in self.apps:
            self.begin(name)
            if name != "host" and math.isfinite(self.settings.crash_every):
                self.after(self.random.expovariate(1 / self.settings.crash_every), self.crash, name)
        host = self.sites["host"].app
        state = "stuck"
        try:
            while self.heap and self.now < self.settings.limit:
                self.now, _, call, given = heappop(self.heap)
                call(*given)
                if host.over():
                    state = host.verdict() or "over"
                    break
        except (KeyError, AssertionError) as wrong:
            state = f"{type(wrong).__name__} {wrong}"
        posted = sum(peer.posted for life in self.sites.values() if life for peer in life.node.peers.values())
        return Outcome(state, self.now, self.frames, self.messages, posted, self.crashes, self.zombies, host)


class App:
    """What a device computes; all of its state is in its attributes.

    A piece of work is under way from `begin` to `finish`, and is begun anew after a crash.
    """

    def __init__(self):
        self.running = None
        self.posts = []

    def start(self):
        pass

    def begin(self):
        """Begin the next piece and tell whether there is one."""
        return False


def one_f_one_b(stage, microbatches, batches):
    """Return the row of a stage."""
    row = []
    for batch in range(batches):
        ahead = min(STAGES - stage - 1, microbatches)
        forward = [("F", batch * microbatches + tag) for tag in range(microbatches)]
        backward = [("B", tag) for _, tag in forward]
        row += forward[:ahead]
        for index, work in enumerate(backward):
            row += forward[ahead + index : ahead + index + 1]
            row.append(work)
    return row


class Stage(App):
    """A stage y = tanh(w x) of a pipeline, in the order of a row or, without one, first come first served."""

    def __init__(self, stage, row, batch):
        super().__init__()
        self.stage, self.row, self.batch = stage, row, batch
        self.w, self.sum, self.version = 0.8 + 0.3 * stage, 0.0, 0
        self.arrived = {}
        self.kept = {}
        self.ready = []
        self.place = 0

    def take(self, peer, body):
        kind, tag, value = body
        assert (kind, tag) not in self.arrived, "doubled"
        self.arrived[kind, tag] = value
        self.ready.append((kind, tag))

    def begin(self):
        if self.row is None:
            self.running = self.ready[0] if self.ready else None
        elif self.place < len(self.row) and self.row[self.place] in self.arrived:
            self.running = self.row[self.place]
        return self.running is not None

    def finish(self):
        kind, tag = work = self.running
        self.running = None
        self.ready.remove(work)
        self.place += 1
        value = self.arrived.pop(work)
        before = self.stage - 1 if self.stage else "host"
        after = self.stage + 1 if self.stage < STAGES - 1 else "host"
        if kind == "F":
            y = math.tanh(self.w * value)
            self.kept[tag] = value, y, self.version
            read = self.version
            self.posts.append((after, ("F", tag, y)))
        else:
            x, y, read = self.kept.pop(tag)
            g = value * (1 - y * y)
            self.posts.append((before, ("B", tag, g * self.w)))
            self.sum += g * x
            if (tag + 1) % self.batch == 0:
                self.w -= 0.1 * self.sum
                self.sum = 0.0
                self.version += 1
        self.posts.append(("host", ("log", self.stage, (kind, tag, read, self.version, self.w))))


class PipelineHost(App):
    """Brings the examples, pulls the outputs, and keeps what the stages tell of their work."""

    def __init__(self, examples, window):
        super().__init__()
        self.examples, self.window, self.brought = examples, window, 0
        self.logs = [[] for _ in range(STAGES)]
        self.gradients = {}

    def start(self):
        while self.brought < min(self.examples, len(self.gradients) + self.window):
            self.posts.append((0, ("F", self.brought, math.sin(self.brought + 1.0))))
            self.brought += 1

    def take(self, peer, body):
        if body[0] == "log":
            self.logs[body[1]].append(body[2])
        elif body[0] == "F":
            self.posts.append((STAGES - 1, ("B", body[1], body[2] - 0.5)))
        else:
            assert body[1] not in self.gradients, "doubled"
            self.gradients[body[1]] = body[2]
            self.start()

    def over(self):
        return len(self.gradients) == self.examples and all(len(log) >= 2 * self.examples for log in self.logs)

    def verdict(self):
        """Compare with the run without faults of the order that was committed."""
        rows = [[entry[:2] for entry in log] for log in self.logs]
        if any(len(row) != len(set(row)) for row in rows):
            return "doubled work"
        updates = [entry for log in self.logs for entry in log if entry[0] == "B" and (entry[1] + 1) % self.batch == 0]
        if any(made - 1 < read for _, _, read, made, _ in updates):
            return "negative staleness"
        logs, gradients = replay(rows, self.examples, self.batch)
        return None if (logs, gradients) == (self.logs, self.gradients) else "other bits"


def replay(rows, examples, batch):
    """Do the work of all stages in the given rows, without devices, messages or time."""
    stages = {stage: Stage(stage, row, batch) for stage, row in enumerate(rows)}
    host = PipelineHost(examples, examples)
    host.start()
    todo = deque(("host", peer, body) for peer, body in host.posts)
    host.posts = []
    while todo:
        source, target, body = todo.popleft()
        app = host if target == "host" else stages[target]
        app.take(source, body)
        while target != "host" and app.begin():
            app.finish()
        posts, app.posts = app.posts, []
        todo.extend((target, peer, body) for peer, body in posts)
    return host.logs, host.gradients


def pipeline(kind, seed, settings, node=Node):
    """Run 1F1B with an update a batch ("batch"), or first come first served with one an example ("fifo")."""
    examples, batch = (12, 6) if kind == "batch" else (10, 1)
    rows = [one_f_one_b(stage, batch, examples // batch) if kind == "batch" else None for stage in range(STAGES)]
    apps = {stage: lambda stage=stage: Stage(stage, rows[stage], batch) for stage in range(STAGES)}
    apps["host"] = lambda: PipelineHost(examples, examples if kind == "batch" else 5)
    PipelineHost.batch = batch
    outcome = Sim(seed, settings, apps, hold=kind == "fifo", node=node).run()
    if outcome.state == "over" and kind == "batch" and [[e[:2] for e in log] for log in outcome.host.logs] != rows:
        return outcome._replace(state="other order")
    return outcome


def slope(w, tag):
    """Return the gradient of example `tag` at a weight."""
    return math.cos(tag + 1.0) * (w * math.cos(tag + 1.0) - 0.7)


class Worker(App):
    """Computes gradients of its examples at the newest weight that has arrived; at most two are unanswered."""

    def __init__(self, name, tags):
        super().__init__()
        self.name, self.tags = name, tags
        self.version, self.w = 0, 1.0
        self.next = self.answered = 0

    def take(self, peer, body):
        version, w, worker = body
        assert version == self.version + 1, "a version lost or doubled"
        self.version, self.w = version, w
        self.answered += worker == self.name

    def begin(self):
        if self.next < len(self.tags) and self.next - self.answered < 2:
            self.running = self.tags[self.next], self.version, self.w
            self.next += 1
        return self.running is not None

    def finish(self):
        tag, read, w = self.running
        self.running = None
        self.posts.append(("server", (self.name, tag, read, slope(w, tag))))


class Server(App):
    """Moves the weight by each gradient that arrives, and sends it to all workers."""

    def __init__(self, workers):
        super().__init__()
        self.workers = workers
        self.version, self.w = 0, 1.0

    def take(self, peer, body):
        worker, tag, read, gradient = body
        self.w -= 0.1 * gradient
        self.version += 1
        self.posts += [(name, (self.version, self.w, worker)) for name in self.workers]
        self.posts.append(("host", (worker, tag, read, self.version, self.w)))


class ServerHost(App):
    """Keeps what the server tells of its updates."""

    def __init__(self, examples):
        super().__init__()
        self.examples = examples
        self.log = []

    def take(self, peer, body):
        self.log.append(body)

    def over(self):
        return len(self.log) >= self.examples

    def verdict(self):
        """Compare with the run without faults of the order that was committed."""
        if len({tag for _, tag, *_ in self.log}) != self.examples:
            return "an example lost or doubled"
        values = [1.0]
        for _, tag, read, made, w in self.log:
            if made != len(values):
                return "a version lost or doubled"
            if not 0 <= read < made:
                return "negative staleness"
            values.append(values[-1] - 0.1 * slope(values[read], tag))
            if w != values[-1]:
                return "other bits"
        return None


def server(workers, seed, settings, node=Node):
    """Run a parameter server with workers, 8 examples each."""
    names = [f"worker {index}" for index in range(workers)]
    apps = {name: lambda name=name, i=i: Worker(name, range(8 * i, 8 * i + 8)) for i, name in enumerate(names)}
    apps |= {"server": lambda: Server(names), "host": lambda: ServerHost(8 * workers)}
    return Sim(seed, settings, apps, hold=True, node=node).run()


APPS = ("batch", "fifo", "server")


def run(app, seed, settings=None, node=Node):
    """Run one app with one seed, by default under hostile settings."""
    settings = hostile(seed) if settings is None else settings
    if app == "server":
        return server(1 + seed % 3, seed, settings, node)
    return pipeline(app, seed, settings, node)


class AcknowledgesEarly(Node):
    """A planted bug: acknowledges before the state is saved."""

    def _safe(self, peer):
        return peer.taken


class KeepsDuplicates(Node):
    """A planted bug: delivers a message that came twice."""

    def receive(self, peer, frame):
        there = self.peers[peer]
        known = frame.number is not None and frame.life >= there.life and frame.number < there.taken
        return super().receive(peer, frame) + ([Deliver(peer, frame.body)] if known else [])


class ReleasesEarly(Node):
    """A planted bug: sends before the state that holds the message is saved."""

    def __init__(self, *given, **options):
        super().__init__(*given, **options | {"hold": False})
