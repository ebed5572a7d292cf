"""Tests of `statsig_api_client.spark`, on a local Spark."""
