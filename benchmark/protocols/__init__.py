"""Protocols: named, versioned configs under ``configs/``, read strictly.

A protocol is data. Every key of a config file is a field of one of the models here, and every field is read by the
code that runs the benchmark: a key nobody knows is an error, so is a missing one. ``key=value`` overrides replace
single fields. The fingerprint is a hash of all fields, so that two results are comparable exactly when theirs agree.
Imports no torch.
"""
