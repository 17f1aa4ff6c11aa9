"""`python -m vgg_hub`: the same as the `vgg-hub` command."""

from .cli import main

raise SystemExit(main())
