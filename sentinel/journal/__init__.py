"""What happened, for life: facts in a hash chain and the outbox, in one SQLite file, written by one thread."""
