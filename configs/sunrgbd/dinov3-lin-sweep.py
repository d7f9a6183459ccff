# Zero-shot: the head of nyu/dinov3-lin-sweep, trained as there, scored on SUN RGB-D's 5,050 test images. Crop and cap
# are those of datasets/sunrgbd.py in zhyever's depth toolbox.
_base_ = '../nyu/dinov3-lin-sweep.py'

test = dict(cap=8.0)

published = dict(_delete_=True)  # DINOv3 reports no SUN RGB-D
