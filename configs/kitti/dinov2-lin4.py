_base_ = '../depth/dinov2-lin4.py'
train = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=352, width=1216),  # "KB crop": no sky
    crop=[352, 704],
    brightness=[0.9, 1.1],
)
test = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=352, width=1216),
    evaluation_crop='garg',
)

published = {
    'dinov2-lin4': dict(agreement='stated', why='hub/depthers.py has its heads; training as lin. 1'),
}
