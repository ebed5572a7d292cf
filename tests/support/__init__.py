"""Test support: clients, clocks, servers, strategies."""
