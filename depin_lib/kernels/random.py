"""Counter-based random numbers: every draw is a function of (key, counter) and of nothing else.

No state is carried from draw to draw, so a simulation gives the same bits on any number of threads
and in any order. ``stream_key`` folds (seed, run, step, purpose) into one 64-bit key; draw ``i`` of
that stream is the ``i``-th output of the SplitMix64 generator started at the key.

Sources: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA, for
the mixer and its constants; Wichura (1988), algorithm AS 241 (PPND16), for the normal quantile.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
_ONE = np.uint64(1)
_TWO_POW_MINUS_53 = 1.0 / 9007199254740992.0


@jit(inline=True)
def mix64(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: a bijection of 64-bit words that scatters every bit."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@jit(inline=True)
def stream_key(seed: np.uint64, run: np.uint64, step: np.uint64, purpose: np.uint64) -> np.uint64:
    """Fold four unsigned 64-bit words into the key of one stream."""
    key = mix64(seed + GOLDEN_GAMMA)
    key = mix64((key ^ run) + GOLDEN_GAMMA)
    key = mix64((key ^ step) + GOLDEN_GAMMA)
    return mix64((key ^ purpose) + GOLDEN_GAMMA)


@jit(inline=True)
def random_bits(key: np.uint64, counter: np.uint64) -> np.uint64:
    """64 random bits: output number ``counter`` (from 0) of the stream ``key``."""
    return mix64(key + (counter + _ONE) * GOLDEN_GAMMA)


@jit(inline=True)
def uniform(key: np.uint64, counter: np.uint64) -> float:
    """A float64 in the open interval (0, 1): 53 random bits, shifted by half a step."""
    return (np.float64(random_bits(key, counter) >> _S11) + 0.5) * _TWO_POW_MINUS_53


@jit(inline=True)
def normal_quantile(p: float) -> float:
    """Quantile of the standard normal at ``p`` in (0, 1), to about 1e-16 (AS 241, PPND16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = 2.5090809287301226727e3
        num = num * r + 3.3430575583588128105e4
        num = num * r + 6.7265770927008700853e4
        num = num * r + 4.5921953931549871457e4
        num = num * r + 1.3731693765509461125e4
        num = num * r + 1.9715909503065514427e3
        num = num * r + 1.3314166789178437745e2
        num = num * r + 3.3871328727963666080e0
        den = 5.2264952788528545610e3
        den = den * r + 2.8729085735721942674e4
        den = den * r + 3.9307895800092710610e4
        den = den * r + 2.1213794301586595867e4
        den = den * r + 5.3941960214247511077e3
        den = den * r + 6.8718700749205790830e2
        den = den * r + 4.2313330701600911252e1
        den = den * r + 1.0
        return q * num / den
    r = p if q < 0.0 else 1.0 - p
    r = math.sqrt(-math.log(r))
    if r <= 5.0:
        r -= 1.6
        num = 7.74545014278341407640e-4
        num = num * r + 2.27238449892691845833e-2
        num = num * r + 2.41780725177450611770e-1
        num = num * r + 1.27045825245236838258e0
        num = num * r + 3.64784832476320460504e0
        num = num * r + 5.76949722146069140550e0
        num = num * r + 4.63033784615654529590e0
        num = num * r + 1.42343711074968357734e0
        den = 1.05075007164441684324e-9
        den = den * r + 5.47593808499534494600e-4
        den = den * r + 1.51986665636164571966e-2
        den = den * r + 1.48103976427480074590e-1
        den = den * r + 6.89767334985100004550e-1
        den = den * r + 1.67638483018380384940e0
        den = den * r + 2.05319162663775882187e0
        den = den * r + 1.0
    else:
        r -= 5.0
        num = 2.01033439929228813265e-7
        num = num * r + 2.71155556874348757815e-5
        num = num * r + 1.24266094738807843860e-3
        num = num * r + 2.65321895265761230930e-2
        num = num * r + 2.96560571828504891230e-1
        num = num * r + 1.78482653991729133580e0
        num = num * r + 5.46378491116411436990e0
        num = num * r + 6.65790464350110377720e0
        den = 2.04426310338993978564e-15
        den = den * r + 1.42151175831644588870e-7
        den = den * r + 1.84631831751005468180e-5
        den = den * r + 7.86869131145613259100e-4
        den = den * r + 1.48753612908506148525e-2
        den = den * r + 1.36929880922735805310e-1
        den = den * r + 5.99832206555887937690e-1
        den = den * r + 1.0
    value = num / den
    return -value if q < 0.0 else value


@jit(inline=True)
def normal(key: np.uint64, counter: np.uint64) -> float:
    """A standard normal draw by inversion: one counter, one draw."""
    return normal_quantile(uniform(key, counter))


@jit(parallel=True)
def fill_uniform(seed: np.uint64, purpose: np.uint64, out: NDArray[np.float64]) -> None:
    """Fill ``out`` (runs × draws) with uniforms; row ``i`` is run ``i``."""
    for run in prange(out.shape[0]):
        key = stream_key(seed, np.uint64(run), np.uint64(0), purpose)
        for i in range(out.shape[1]):
            out[run, i] = uniform(key, np.uint64(i))


@jit(parallel=True)
def fill_normal(seed: np.uint64, purpose: np.uint64, out: NDArray[np.float64]) -> None:
    """Fill ``out`` (runs × draws) with standard normals; row ``i`` is run ``i``."""
    for run in prange(out.shape[0]):
        key = stream_key(seed, np.uint64(run), np.uint64(0), purpose)
        for i in range(out.shape[1]):
            out[run, i] = normal(key, np.uint64(i))
