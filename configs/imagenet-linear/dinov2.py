_base_ = '../linear/dinov2.py'

published = {
    'dinov2-linear': dict(
        agreement='stated',
        why='facebookresearch/dinov2, eval/linear.py, in float16; it reports the best head on val',
        may_differ=['features.precision'],
    ),
    'revisiting-cls': dict(
        agreement='presumed',
        why="arXiv 2602.08626 states no protocol; its levels are those of DINOv2's linear probe",
    ),
}
