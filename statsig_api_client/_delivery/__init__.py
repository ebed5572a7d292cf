"""Delivery of event batches: the layer under `events`, `bulk` and `spark`."""
