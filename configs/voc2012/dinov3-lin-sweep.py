_base_ = '../segmentation/dinov3-lin-sweep.py'

# 1,464 training images, as DINOv2's table 15 has it; data.train=trainaug takes SBD's 10,582.
data = dict(train='train', val='val')

published = {
    'dinov3-lin-sweep': dict(
        agreement='stated',
        why='arXiv 2508.10104 D.1 has sweep and tokens, the released config the rest; it chooses on val',
    ),
}
