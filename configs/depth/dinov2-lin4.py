# DINOv2's linear depth, four blocks ("lin. 4"): facebookresearch/dinov2, hub/depthers.py.
_base_ = './dinov2-lin1.py'

family = 'dinov2-lin4'

features = dict(layers='dinov2-four')
