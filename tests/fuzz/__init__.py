"""Random attempts at what users may do: each kind is a module with a function `attempt`."""
