"""How long a thread of PyTorch's waits busily for more to compute, set before PyTorch starts.

After each layer the threads of GNU OpenMP spin for some milliseconds before they sleep: while the next photos are read, on
the cores that read them. A tenth of that still spans the gaps between two layers. docs/speed.md has what it does to a folder,
and to what must not become slower. Where the environment says something of it already, that counts; where torch was
imported before this package, nothing changes.
https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
"""

import os

__all__ = ["TURNS"]

TURNS = "30000"  # 300000 where nothing is said

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", TURNS)
