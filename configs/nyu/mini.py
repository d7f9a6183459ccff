_base_ = '../_base_/mini_depth.py'
data = dict(trained_on='nyu', train='train', val='val', depth_range=[0.001, 10.0])
train = dict(fixed_crop=None, brightness=[0.75, 1.25])
test = dict(fixed_crop=None, evaluation_crop='eigen')
