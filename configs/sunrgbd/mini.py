# Zero-shot: the head of nyu/mini, trained as there, scored on SUN RGB-D.
_base_ = '../nyu/mini.py'

test = dict(cap=8.0)
