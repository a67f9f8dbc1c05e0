"""The wall of a control room. Nothing here yet."""
