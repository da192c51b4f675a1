"""Versions of strategies: their gates, who may go live, and the way back."""

from fanfold.workflows.promotion.deployed import deploy, deployed
from fanfold.workflows.promotion.promoted import promote, promote_job, versions
from fanfold.workflows.promotion.rollback import roll_back, rolled_back
from fanfold.workflows.versions.standing import check_promoted

__all__ = [
    "check_promoted",
    "deploy",
    "deployed",
    "promote",
    "promote_job",
    "roll_back",
    "rolled_back",
    "versions",
]
