_base_ = '../_base_/dvt_lin_segmentation.py'
data = dict(train='train', val='val')

published = {
    'dvt-lin': dict(
        agreement='stated',
        why='its configs of ViT-B have every field; options of S and L are not printed; best validation on val',
    ),
}
