_base_ = '../_base_/dinov3_lin_segmentation.py'
data = dict(train='train', val='val')
