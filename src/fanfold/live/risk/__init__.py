"""What stands between a strategy's wishes and the broker."""

from fanfold.live.risk.risk import Risk

__all__ = ["Risk"]
