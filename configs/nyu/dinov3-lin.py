_base_ = '../depth/dinov3-lin.py'
train = dict(
    fixed_crop=dict(_delete_=True, top=45, left=43, height=427, width=565),  # no white frame
    crop=[416, 544],
    brightness=[0.75, 1.25],
)
test = dict(fixed_crop=None, evaluation_crop='eigen')
