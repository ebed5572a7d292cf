"""Tests of `statsig_api_client.cli`."""
