"""Puts datasets into their official layout: archives, downloads, checksums."""
