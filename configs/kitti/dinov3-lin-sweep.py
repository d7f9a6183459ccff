_base_ = '../_base_/dinov3_lin_sweep_depth.py'

# DINOv3 published no config for KITTI: its recipe for NYU with DINOv2's sizes for KITTI is this project's choice.
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
    'dinov3-lin-sweep': dict(
        agreement='none',
        why='DINOv3 published neither split nor crop of its KITTI; those here are DINOv2\'s',
    ),
}
