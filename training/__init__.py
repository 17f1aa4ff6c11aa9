"""The recipe that made the checkpoints in `weights/`. Not part of the installed package."""
