_base_ = '../_base_/dinov3_lin_segmentation.py'
data = dict(train='train', val='val')

published = {
    'dinov3-lin': dict(
        agreement='stated',
        why='config-ade20k-linear-training.yaml; it reports the best of eight validations on val',
        patch_sizes=[16],
    ),
}
