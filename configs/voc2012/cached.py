# dinov2-lin on 16 fixed augmented views of each training image, encoded once for any number of heads.
# Fewer augmentations make another protocol, so it is a family of its own.
_base_ = './dinov2-lin.py'

family = 'cached'

train = dict(stored=dict(_delete_=True, views=16, dtype='float16'))

published = dict(_delete_=True)  # nobody published figures of stored views
