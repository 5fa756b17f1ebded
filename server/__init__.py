"""Puts the parts together and runs them: settings, tokens, logs, life cycle, command line."""
