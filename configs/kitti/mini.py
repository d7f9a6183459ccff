_base_ = '../depth/mini.py'
train = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=112, width=280),
    brightness=[0.9, 1.1],
)
test = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=112, width=280),
    evaluation_crop='garg',
)
