"""What is timed: ratios of things run in turn in one process, medians of rounds. No test asserts a time."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: threads would compete for two cores
