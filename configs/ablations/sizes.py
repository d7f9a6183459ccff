# Does it help at every size? Shared and specialised weights of ViT-S to ViT-H. S is not in arXiv 2602.08626.
title = 'Sizes'

columns = [
    dict(name='params M', field='params_m'),
    dict(name='params +%', field='overhead_pct'),
    dict(name='IN1k lin.', mean=['imagenet-linear'], published='imagenet_linear'),
    dict(name='ADE20K', mean=['ade20k']),
    dict(name='Cityscapes', mean=['cityscapes']),
    dict(name='VOC', mean=['voc2012']),
    dict(name='avg seg', mean=['ade20k', 'cityscapes', 'voc2012'], published='avg_seg'),
    dict(name='KITTI', mean=['kitti']),
    dict(name='NYU', mean=['nyu']),
    dict(name='SUN', mean=['sunrgbd']),
    dict(name='avg depth', mean=['kitti', 'nyu', 'sunrgbd'], published='avg_depth'),
]
baseline = 'shared'
_rows = [
    dict(name='shared', match=dict(specialization='none')),
    dict(name='norms+qkv', match=dict(specialization='norms+qkv[{third}]')),
]
_rows_of_large = [
    {**_rows[0], 'published': 'baseline'},
    {**_rows[1], 'published': 'norms+qkv'},
]
groups = [
    dict(name='ViT-S', match=dict(arch='ViT-S/*'), rows=_rows),
    dict(name='ViT-B', match=dict(arch='ViT-B/*'), rows=_rows),
    dict(
        name='ViT-L',
        match=dict(arch='ViT-L/*'),
        rows=_rows_of_large,
        published=dict(protocol='revisiting-cls', model='DINOv2', size='L'),
    ),
    dict(name='ViT-H', match=dict(arch='ViT-H/*'), rows=_rows),
]
