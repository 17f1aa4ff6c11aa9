"""Training with many photos, on one process or several: the pictures stay on the disk, the whole run can be resumed.

`train.finetune_many` is the way in. It stands on Accelerate and, for data sets of Hugging Face `datasets`, on that; both
are imported when they are used.
"""
