"""Mapping between OpenFeature and Statsig, shared by the provider and the local server's OFREP.

It needs no OpenFeature SDK: flag keys, contexts, values and reasons are plain Python values.
"""
