"""`make bench`: the figures of README and docs, measured on the machine that prints them. Never part of the tests."""
