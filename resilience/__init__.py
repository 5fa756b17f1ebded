"""The log and what keeps it alive: storage engines in memory and on Redis."""
