"""Probing: a frozen backbone, many heads, one dataset; trained heads, predictions, a record."""
