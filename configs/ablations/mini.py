# What `densebench ablation-mini` trains on rendered data: three variants of a tiny ViT, every benchmark.
title = 'Which layers are split: a tiny ViT on rendered data'

columns = [
    dict(name='params +%', field='overhead_pct'),
    dict(name='kNN', mean=['imagenet-knn']),
    dict(name='linear', mean=['imagenet-linear']),
    dict(name='logreg', mean=['imagenet-logreg']),
    dict(name='ADE20K', mean=['ade20k']),
    dict(name='VOC', mean=['voc2012']),
    dict(name='Cityscapes', mean=['cityscapes']),
    dict(name='avg seg', mean=['ade20k', 'cityscapes', 'voc2012']),
    dict(name='NYU', mean=['nyu']),
    dict(name='KITTI', mean=['kitti']),
    dict(name='SUN', mean=['sunrgbd']),
    dict(name='avg depth', mean=['kitti', 'nyu', 'sunrgbd']),
]
baseline = 'baseline'
groups = [
    dict(
        match=dict(layout='densebench', name='tiny, *'),
        rows=[
            dict(name='baseline', match=dict(specialization='none')),
            dict(name='norms', match=dict(specialization='norms')),
            dict(name='norms+qkv', match=dict(specialization='norms+qkv[{third}]')),
        ],
    ),
]
