_base_ = '../depth/dinov2-lin1.py'
train = dict(
    fixed_crop=dict(_delete_=True, top=45, left=43, height=427, width=565),  # no white frame
    crop=[416, 544],
    brightness=[0.75, 1.25],
)
test = dict(fixed_crop=None, evaluation_crop='eigen')

published = {
    'dinov2-lin1': dict(
        agreement='stated',
        why='public copies of its config (FiT3D) have every field but the number of GPUs',
    ),
    'revisiting-cls': dict(
        agreement='presumed',
        why="arXiv 2602.08626 states no protocol; its levels are those of DINOv2 'lin. 1'",
    ),
}
