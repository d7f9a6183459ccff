_base_ = '../segmentation/dvt-lin.py'
data = dict(train='train', val='val')

published = {
    'dvt-lin': dict(
        agreement='stated',
        why='its configs of ViT-B have every field; it reports the best validation on val',
    ),
    'dvt-lin-s-l': dict(
        agreement='presumed',
        why='its repository has configs of ViT-B alone; what S and L were trained with is not said',
    ),
}
