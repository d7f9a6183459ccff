_base_ = '../depth/dinov3-lin.py'

# DINOv3 published no config for KITTI: its recipe for NYU with DINOv2's sizes for KITTI is this project's choice.
train = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=352, width=1216),  # "KB crop": no sky
    crop=[352, 704],
    brightness=[0.9, 1.1],
)
test = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=352, width=1216),
    evaluation_crop='garg',
)
