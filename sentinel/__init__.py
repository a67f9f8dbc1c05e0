"""Sentinel: the branch daemon, the control room, and what they share."""

__version__ = "0.1.0"
