"""The way to Optuna: what to try next, asked by generations, and where answers are kept.

A generation is a pure function of the search, its history and its number: the sampler is
made anew for each from a seed of its own, and told in trial order. So a study is the same
on any number of workers, and one that was stopped goes on as if it had not been.
"""

from fanfold.research.search.batch import Batch, front_of, importance_of
from fanfold.research.search.past import NOTHING, Past
from fanfold.research.search.store import Store, checked_storage
from fanfold.research.search.terms import (
    ADAPTIVE,
    PRUNERS,
    SAMPLERS,
    Direction,
    Pruner,
    Sampler,
    Search,
)

__all__ = [
    "ADAPTIVE",
    "NOTHING",
    "PRUNERS",
    "SAMPLERS",
    "Batch",
    "Direction",
    "Past",
    "Pruner",
    "Sampler",
    "Search",
    "Store",
    "checked_storage",
    "front_of",
    "importance_of",
]
