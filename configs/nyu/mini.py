_base_ = '../depth/mini.py'
train = dict(fixed_crop=None, brightness=[0.75, 1.25])
test = dict(fixed_crop=None, evaluation_crop='eigen')
