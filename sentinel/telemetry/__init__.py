"""Telemetry on its way out: what is sampled, the spool on the card, the lines, the store's server. Never in an alarm's way.

readings -> sampling -> Flush -> spool (one blob a flush, synced) -> Batch -> writer -> InfluxDB
                                   '-> minute summaries -> plots
"""
