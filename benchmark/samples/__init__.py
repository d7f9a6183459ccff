"""Samples: images and what belongs to them, augmented and turned into tensors."""
