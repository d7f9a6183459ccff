# DINOv3's figures of linear depth (arXiv 2508.10104, table 3, D.2): the released configuration with its learning rate
# and weight decay swept. It chooses on the reported split; here images of train are held out.
_base_ = './dinov3-lin.py'

family = 'dinov3-sweep'
version = 1

probes = dict(lr=[1e-4, 3e-4, 1e-3], weight_decay=[1e-4, 1e-3])
