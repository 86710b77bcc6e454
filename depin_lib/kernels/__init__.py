"""Compiled kernels: floats, integers and arrays in, arrays out.

Kernels never raise and never validate; the wing above checks its inputs first. A kernel and the
helpers that it calls stand in one file, because numba's cache does not notice an edit in another.
"""
