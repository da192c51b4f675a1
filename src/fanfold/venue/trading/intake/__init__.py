"""What is asked of the venue, checked, and made into orders: nothing here changes the book."""

from fanfold.venue.trading.intake.admission import admit, closing
from fanfold.venue.trading.intake.amendment import amended
from fanfold.venue.trading.intake.configuration import configured

__all__ = ["admit", "amended", "closing", "configured"]
