_base_ = '../depth/dinov2-lin4.py'
train = dict(
    fixed_crop=dict(_delete_=True, top=45, left=43, height=427, width=565),  # no white frame
    crop=[416, 544],
    brightness=[0.75, 1.25],
)
test = dict(fixed_crop=None, evaluation_crop='eigen')

published = {
    'dinov2-lin4': dict(agreement='stated', why='hub/depthers.py has its heads; training as lin. 1'),
}
