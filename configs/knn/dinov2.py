# DINOv2's kNN (eval/knn.py): cosine similarity of [CLS], votes weighted by exp(similarity / 0.07).
# DINOv2 reports the best k on val; here k is chosen on training images that are held out of train.
_base_ = '../_base_/classification.py'

data = dict(n_per_class=None, tries=1)
knn = dict(k=[10, 20, 100, 200], temperature=0.07)
selection = dict(holdout=0.02)
