"""Tests of `statsig_api_client._runtime`."""
