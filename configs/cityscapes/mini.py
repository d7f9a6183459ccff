_base_ = '../_base_/mini_segmentation.py'
data = dict(train='train', val='val')
