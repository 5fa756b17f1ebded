"""Holdfast's topology as plain processes on loopback, from the very files in deploy/sentinel."""
