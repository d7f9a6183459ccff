"""Pre-training of backbones to compare: a compact research recipe, supervised (DeiT-III) or self-supervised (DINOv2).

Variants that differ in what is split start from equal weights and see the same images in the same order, so that a
difference between two checkpoints is a difference between two architectures.
"""
