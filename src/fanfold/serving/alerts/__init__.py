"""Who is told when something is wrong, and of what."""

from fanfold.serving.alerts.alarms import Alarms, Event
from fanfold.serving.alerts.rules import RULES, Rule
from fanfold.serving.alerts.webhook import WEBHOOK_VARIABLE, Webhook, tell, undelivered

__all__ = [
    "RULES", "WEBHOOK_VARIABLE", "Alarms", "Event", "Rule", "Webhook", "tell", "undelivered",
]  # fmt: skip
