"""A simulated branch with its station, for `sentinel demo` and for the tests."""
