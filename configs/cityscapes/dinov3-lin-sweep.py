_base_ = '../segmentation/dinov3-lin-sweep.py'

# The recipe of the other datasets, as the paper has it: the short side is that of the crop, not Cityscapes' 1024.

published = {
    'dinov3-lin-sweep': dict(
        agreement='presumed',
        why='one recipe and 1,024 tokens for all, says the paper; arXiv 2603.14482 doubts the tokens',
    ),
}
