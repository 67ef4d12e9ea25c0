"""The command line: its commands, and what scenarios share."""
