import vgg_hub  # noqa: F401 (before torch: what it says to OpenMP then holds, as it does for the command and the page)
