"""Answers to the exercises of lesson 04."""

CELLS = []
NAMES = {}
SAMPLE = """
def answer(rng, fan_in, fan_out):
    r = np.sqrt(6 / (fan_in + fan_out))
    return {kernel}
"""
DRAWN = """
def answer(slope, q):
    z = {scale} * np.random.default_rng(0).standard_normal(200_000)
    return {result}
"""
RIGHT = {
    "exercise-bound": [
        "np.sqrt(6 / (300 + 100))",
        "0.1225",
        "0.122",
        "np.sqrt(6) / 20",
        "np.sqrt(3) * np.sqrt(2 / 400)",
        "np.array([0.12247])",
    ],
    "exercise-sample": [
        SAMPLE.format(kernel="rng.uniform(-r, r, size=(fan_in, fan_out))"),
        SAMPLE.format(kernel="(2 * rng.random((fan_in, fan_out)) - 1) * r"),
        SAMPLE.format(kernel="rng.uniform(-r, r, fan_in * fan_out).reshape(fan_in, fan_out)"),
        SAMPLE.format(kernel="rng.uniform(-r, r, (fan_out, fan_in)).T"),
        SAMPLE.format(kernel="rng.uniform(-r, r, (fan_in, fan_out)).astype('float32')"),
    ],
    "exercise-leaky": [
        "lambda slope, fan_in: np.sqrt(2 / ((1 + slope**2) * fan_in))",
        "lambda slope, fan_in: (2 / (fan_in + fan_in * slope * slope)) ** 0.5",
        "lambda s, n: np.sqrt(2 / n) / np.sqrt(1 + s**2)",
        "lambda s, n: [np.sqrt(1 / (n * (0.5 + 0.5 * s**2)))]",
        "lambda s, n: n**-0.5 * np.mean([1, s**2]) ** -0.5",
    ],
    "exercise-any": [
        DRAWN.format(scale="np.sqrt(q)", result="1 / np.mean(slope(z) ** 2)"),
        DRAWN.format(scale="q**0.5", result="len(z) / (slope(z) ** 2).sum()"),
        "lambda slope, q: 1 / np.mean(slope(np.random.default_rng(5).normal(0, q**0.5, 10**6))**2)",
        """
        def answer(slope, q):
            nodes, weights = np.polynomial.hermite_e.hermegauss(80)
            return weights.sum() / (weights @ slope(np.sqrt(q) * nodes) ** 2)
        """,
        """
        def answer(slope, q):
            z = np.linspace(-10, 10, 20_001)
            density = np.exp(-(z**2) / 2)
            return density.sum() / (density * slope(np.sqrt(q) * z) ** 2).sum()
        """,
    ],
}
WRONG = {
    "exercise-bound": [
        "np.sqrt(2 / 400)",
        "6 / 400",
        "np.sqrt(6) / 400",
        "1 / np.sqrt(300)",
        "np.sqrt(6 / (256 + 64 + 1704))",
        "0.12",
    ],
    "exercise-sample": [
        SAMPLE.format(kernel="rng.uniform(-r, r, size=(fan_out, fan_in))"),
        SAMPLE.format(kernel="rng.normal(0, r / np.sqrt(3), (fan_in, fan_out))"),
        SAMPLE.format(kernel="np.random.uniform(-r, r, (fan_in, fan_out))"),
        SAMPLE.format(kernel="rng.uniform(0, r, (fan_in, fan_out))"),
        SAMPLE.format(kernel="np.random.default_rng(0).uniform(-r, r, (fan_in, fan_out))"),
        SAMPLE.format(kernel="rng.uniform(-1, 1, (fan_in, fan_out)) / np.sqrt(fan_in)"),
    ],
    "exercise-leaky": [
        "lambda slope, fan_in: 2 / ((1 + slope**2) * fan_in)",
        "lambda slope, fan_in: np.sqrt(2 / fan_in)",
        "lambda slope, fan_in: np.sqrt(2 / ((1 + slope) * fan_in))",
        "lambda slope, fan_in: np.sqrt(1 / ((1 + slope**2) * fan_in))",
        "lambda slope, fan_in: np.sqrt((1 + slope**2) * fan_in / 2)",
    ],
    "exercise-any": [
        DRAWN.format(scale="q", result="1 / np.mean(slope(z) ** 2)"),
        DRAWN.format(scale="np.sqrt(q)", result="np.mean(slope(z) ** 2)"),
        DRAWN.format(scale="np.sqrt(q)", result="1 / np.mean(slope(z)) ** 2"),
        DRAWN.format(scale="np.sqrt(q)", result="1 / np.sqrt(np.mean(slope(z) ** 2))"),
        "lambda slope, q: 1 / slope(np.zeros(1))[0] ** 2",
    ],
}
