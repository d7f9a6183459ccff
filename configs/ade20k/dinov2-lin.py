_base_ = '../_base_/dinov2_lin_segmentation.py'
data = dict(train='train', val='val')
