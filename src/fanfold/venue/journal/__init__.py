"""The venue's memory on disk: everything that was accepted is in it before it is answered."""

from fanfold.venue.journal.activities import activity_id
from fanfold.venue.journal.journal import Journal
from fanfold.venue.journal.queries import ActivityQuery, OrderQuery
from fanfold.venue.journal.restored import Restored

__all__ = ["ActivityQuery", "Journal", "OrderQuery", "Restored", "activity_id"]
