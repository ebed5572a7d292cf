"""Tests of typed flags."""
