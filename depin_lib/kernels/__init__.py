"""Compiled kernels: floats, integers and arrays in, arrays out.

Kernels never raise and never validate; the wing above checks its inputs first.
"""
