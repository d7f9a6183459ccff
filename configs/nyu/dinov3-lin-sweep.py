_base_ = '../depth/dinov3-lin-sweep.py'
train = dict(
    fixed_crop=dict(_delete_=True, top=45, left=43, height=427, width=565),  # no white frame
    crop=[416, 544],
    brightness=[0.75, 1.25],
)
test = dict(fixed_crop=None, evaluation_crop='eigen')

published = {
    'dinov3-lin-sweep': dict(
        agreement='stated',
        why='arXiv 2508.10104 D.2 has the sweep, the released config the rest; it chooses on the test split',
    ),
}
