"""Telling a person."""

from calnet_ops.adapters.notify.webhook import Notifier, open_notifier

__all__ = ["Notifier", "open_notifier"]
