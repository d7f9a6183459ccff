# DINOv3's figures of linear segmentation (arXiv 2508.10104, table 3, D.1): one recipe for all datasets, 1,024 tokens a
# crop (448 px with patches of 14, 512 px with 16), learning rate and weight decay swept. The paper prints no window,
# stride, resize, schedule or length: they are those of its released configuration, the stride as a share of the window
# (341 of 512 px, so 298 of 448), the short side that of the crop. It chooses on val; here images of train are held out.
_base_ = './dinov3-lin.py'

family = 'dinov3-sweep'
version = 1

probes = dict(lr=[1e-4, 3e-4, 1e-3], weight_decay=[1e-4, 1e-3])
train = dict(
    resize=dict(short=dict(_delete_=True, patches=32)),
    crop=dict(_delete_=True, patches=32),
)
test = dict(
    resize=dict(short=dict(_delete_=True, patches=32)),
    window=dict(_delete_=True, patches=32),
    stride=dict(_delete_=True, of_window=2 / 3),
)
