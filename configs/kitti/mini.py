_base_ = '../_base_/mini_depth.py'
data = dict(trained_on='kitti', train='train', val='val', depth_range=[0.001, 80.0])
train = dict(
    fixed_crop=dict(top='bottom', left='centre', height=112, width=280),
    brightness=[0.9, 1.1],
)
test = dict(
    fixed_crop=dict(top='bottom', left='centre', height=112, width=280),
    evaluation_crop='garg',
)
