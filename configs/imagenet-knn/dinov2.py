_base_ = '../knn/dinov2.py'

published = {
    'dinov2-knn': dict(
        agreement='stated',
        why='facebookresearch/dinov2, eval/knn.py, in float16; it reports the best k on val',
        may_differ=['features.precision', 'features.dtype'],
    ),
}
