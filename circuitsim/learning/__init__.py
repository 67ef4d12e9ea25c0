"""Learning: finding which way to move inputs and parameters, and moving them."""

from circuitsim.learning import datasets, decay, forces, health, tuning
from circuitsim.learning.checkup import check_training
from circuitsim.learning.csv_file import read_csv
from circuitsim.learning.datasets import Dataset
from circuitsim.learning.forces import Force
from circuitsim.learning.gradients import GradientCheck, check_gradients, local_search, numerical_gradient
from circuitsim.learning.history import Evaluation, History
from circuitsim.learning.lbfgs import LBFGS
from circuitsim.learning.optimizers import SGD, AdaGrad, Adam, AdamW, AMSGrad, Momentum, Nesterov, Optimizer, RMSProp
from circuitsim.learning.penalties import L1, L2, GroupL2, Penalty
from circuitsim.learning.statistics import RunningStatistics
from circuitsim.learning.trainer import Trainer
from circuitsim.learning.tuning import cross_validate, random_search

__all__ = [
    "L1",
    "L2",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Dataset",
    "Evaluation",
    "Force",
    "GradientCheck",
    "GroupL2",
    "History",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "Penalty",
    "RMSProp",
    "RunningStatistics",
    "Trainer",
    "check_gradients",
    "check_training",
    "cross_validate",
    "datasets",
    "decay",
    "forces",
    "health",
    "local_search",
    "numerical_gradient",
    "random_search",
    "read_csv",
    "tuning",
]
