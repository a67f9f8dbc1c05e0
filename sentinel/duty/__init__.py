"""What both daemons do all day: desk, outbox, auditor, supervision of tasks, manners of a service."""
