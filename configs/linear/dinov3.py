# DINOv3's linear probe as its code has it (facebookresearch/dinov3 6876159, eval/linear.py): thirteen learning rates,
# [CLS] of the last block with the mean of its patches, 224 px. It takes the best head on val; here the head is chosen
# on training images that are held out. dinov3-paper is the other one, of arXiv 2508.10104 D.7.
_base_ = './dinov2.py'

family = 'dinov3'

probes = dict(
    blocks=[1],
    inputs=['cls+mean'],
)
