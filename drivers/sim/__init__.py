"""Simulators made from the same profiles as the drivers. The daemon never imports them."""
