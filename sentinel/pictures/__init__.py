"""Pictures of cameras: a short memory, a shelf on the card, and a judge of what a camera shows. No network, no loop."""
