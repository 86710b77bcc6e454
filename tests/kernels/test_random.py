import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from depin_lib import seeds
from depin_lib.kernels import random as kernel

MASK = (1 << 64) - 1
WORDS = st.integers(0, MASK)


def splitmix64(seed: int, count: int) -> list[int]:
    """The sequential generator of Steele, Lea & Flood, in plain integers."""
    out = []
    state = seed
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out.append(z ^ (z >> 31))
    return out


@numba.njit
def bits(key: np.uint64, counter: np.uint64) -> np.uint64:
    return kernel.random_bits(key, counter)


@numba.njit
def quantile(p: float) -> float:
    return kernel.normal_quantile(p)


@numba.njit
def key_of(seed: np.uint64, run: np.uint64, step: np.uint64, purpose: np.uint64) -> np.uint64:
    return kernel.stream_key(seed, run, step, purpose)


def test_known_answers_of_splitmix64() -> None:
    # The first outputs for seed 1234567, as published with the generator (Rosetta Code lists them).
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [int(bits(np.uint64(1234567), np.uint64(i))) for i in range(5)] == published


@given(key=WORDS, counter=st.integers(0, 50))
def test_counter_form_is_the_sequential_generator(key: int, counter: int) -> None:
    assert int(bits(np.uint64(key), np.uint64(counter))) == splitmix64(key, counter + 1)[-1]


@given(p=st.floats(1e-300, 1.0, exclude_max=True))
def test_normal_quantile_is_scipys(p: float) -> None:
    assert quantile(p) == pytest.approx(special.ndtri(p), rel=4e-15, abs=4e-16)


@given(words=st.tuples(WORDS, WORDS, WORDS, WORDS), place=st.integers(0, 3), bit=st.integers(0, 63))
def test_each_word_of_the_key_matters(
    words: tuple[int, int, int, int], place: int, bit: int
) -> None:
    other = list(words)
    other[place] ^= 1 << bit
    assert key_of(*map(np.uint64, words)) != key_of(*map(np.uint64, other))


@pytest.mark.parametrize("draw", [seeds.uniforms, seeds.normals])
def test_same_bits_for_any_number_of_threads(draw) -> None:
    original = numba.get_num_threads()
    try:
        results = []
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            results.append(draw(50, 1000, seed=11, purpose=3))
    finally:
        numba.set_num_threads(original)
    assert np.array_equal(results[0], results[1])


def test_moments_and_distribution() -> None:
    draws = seeds.normals(200, 5000, seed=2026)
    assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
    assert stats.kstest(draws[0], "norm").pvalue > 1e-4
    assert stats.kstest(draws[:, 0], "norm").pvalue > 1e-4
    flat = seeds.uniforms(200, 5000, seed=2026)
    assert flat.min() > 0
    assert flat.max() < 1
    assert stats.kstest(flat.ravel(), "uniform").pvalue > 1e-4


def test_runs_and_purposes_are_uncorrelated() -> None:
    draws = seeds.normals(40, 4000, seed=5)
    correlation = np.corrcoef(draws) - np.eye(40)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)
    other = seeds.normals(40, 4000, seed=5, purpose=1)
    assert abs(np.corrcoef(draws.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(draws.size)


def test_seed_words() -> None:
    assert seeds.seed_word(2**64 - 1) == 2**64 - 1
    sequence = np.random.SeedSequence(3)
    assert seeds.seed_word(sequence) == seeds.seed_word(np.random.SeedSequence(3))
    generator = np.random.default_rng(3)
    assert seeds.seed_word(generator) != seeds.seed_word(generator)
    assert seeds.seed_word() != seeds.seed_word()


@pytest.mark.parametrize("bad", [-1, 2**64])
def test_seed_out_of_range(bad: int) -> None:
    with pytest.raises(ValueError, match=r"0 … 2\*\*64 − 1"):
        seeds.seed_word(bad)


@pytest.mark.parametrize("bad", ["7", 1.5, True])
def test_seed_of_a_wrong_type(bad: object) -> None:
    with pytest.raises(TypeError, match="give an integer"):
        seeds.seed_word(bad)  # type: ignore[arg-type]
