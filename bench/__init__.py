"""Holdfast beside its peers: a load generator, their servers, the workloads and the report."""
