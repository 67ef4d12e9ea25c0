"""What is timed: ratios of things run in turn in one process, medians of rounds. No test asserts a time."""
