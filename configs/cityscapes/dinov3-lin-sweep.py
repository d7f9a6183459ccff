_base_ = '../_base_/dinov3_lin_sweep_segmentation.py'

# The recipe of the other datasets, as the paper has it: the short side is that of the crop, not Cityscapes' 1024.
data = dict(train='train', val='val')

published = {
    'dinov3-lin-sweep': dict(
        agreement='presumed',
        why='one recipe and 1,024 tokens for all, says the paper; arXiv 2603.14482 doubts the tokens',
    ),
}
