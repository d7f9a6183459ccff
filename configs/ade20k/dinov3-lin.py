_base_ = '../segmentation/dinov3-lin.py'

published = {
    'dinov3-lin': dict(
        agreement='stated',
        why='config-ade20k-linear-training.yaml; it reports the best of eight validations on val',
        patch_sizes=[16],
    ),
}
