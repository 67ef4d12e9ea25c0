"""Delivery and recovery between devices: a state machine, and the store that its states are saved in."""

from circuitsim.protocol.actions import Action, Deliver, Fail, Frame, Key, Send, Timer
from circuitsim.protocol.node import Node, Snapshot
from circuitsim.protocol.store import MemoryStore, Store

__all__ = ["Action", "Deliver", "Fail", "Frame", "Key", "MemoryStore", "Node", "Send", "Snapshot", "Store", "Timer"]
