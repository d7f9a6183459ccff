_base_ = '../segmentation/dinov3-lin-sweep.py'

published = {
    'dinov3-lin-sweep': dict(
        agreement='stated',
        why='arXiv 2508.10104 D.1 has sweep and tokens, the released config the rest; it chooses on val',
    ),
}
