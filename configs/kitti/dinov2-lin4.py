_base_ = '../_base_/dinov2_lin4_depth.py'
data = dict(trained_on='kitti', train='train', val='val', depth_range=[0.001, 80.0])
train = dict(
    fixed_crop=dict(top='bottom', left='centre', height=352, width=1216),  # "KB crop": no sky
    crop=[352, 704],
    brightness=[0.9, 1.1],
)
test = dict(
    fixed_crop=dict(top='bottom', left='centre', height=352, width=1216),
    evaluation_crop='garg',
)

published = {
    'dinov2-lin4': dict(agreement='stated', why='hub/depthers.py has its heads; training as lin. 1'),
}
