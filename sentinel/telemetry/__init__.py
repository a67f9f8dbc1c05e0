"""Readings on their way to InfluxDB by way of a spool on disk. Nothing here yet; `ports.TelemetrySink` is its door."""
