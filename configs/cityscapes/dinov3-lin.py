_base_ = '../segmentation/dinov3-lin.py'

# No lab published its Cityscapes recipe. Native resolution is this project's choice; train.resize.short=512 and
# test.resize.short=512 give the ADE20K sizes instead.
train = dict(resize=dict(short=1024))
test = dict(resize=dict(short=1024))
