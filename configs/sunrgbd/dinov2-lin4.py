# Zero-shot: the head of nyu/dinov2-lin4, trained as there, scored on SUN RGB-D's 5,050 test images. DINOv2's own code
# for SUN RGB-D is unpublished; crop and cap are those of datasets/sunrgbd.py in zhyever's depth toolbox.
_base_ = '../nyu/dinov2-lin4.py'

test = dict(cap=8.0)

published = {
    '_delete_': True,
    'dinov2-lin4': dict(
        agreement='presumed',
        why="DINOv2's code for SUN RGB-D is unpublished; crop and cap are those of zhyever's depth toolbox",
    ),
}
