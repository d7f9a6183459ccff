_base_ = '../segmentation/dinov2-lin.py'

# No lab published its Cityscapes recipe. Native resolution is this project's choice; train.resize.short=512 and
# test.resize.short=512 give the ADE20K sizes instead.
train = dict(resize=dict(short=1024, long=2048))
test = dict(resize=dict(short=1024, long=2048))

published = {
    'dinov2-lin': dict(
        agreement='none',
        why='no lab published its Cityscapes recipe; native resolution is a choice made here',
    ),
    'revisiting-cls': dict(
        agreement='presumed',
        why="arXiv 2602.08626 states no protocol; its levels are those of DINOv2 'lin.'",
    ),
}
