"""What an operator may write: pydantic models, the strict YAML loader, and every check before anything runs."""
