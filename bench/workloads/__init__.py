"""The workloads: each runs its peers interleaved and gives a series of samples."""
