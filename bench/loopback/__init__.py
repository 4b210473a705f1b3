"""Providers on 127.0.0.1 that speak the recorded wire formats: `server` is the base of each."""
