_base_ = '../_base_/dinov2_lin_segmentation.py'

# 1,464 training images, as DINOv2's table 15 has it; data.train=trainaug takes SBD's 10,582.
data = dict(train='train', val='val')
