"""The rules, pure: no I/O, no clock, no asyncio, no third-party import. `now` is an argument."""
