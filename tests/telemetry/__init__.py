"""The telemetry: what is sampled, kept and sent."""
