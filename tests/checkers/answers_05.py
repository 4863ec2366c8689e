"""Answers to the exercises of lesson 05."""

CELLS = ["table-run"]
NAMES = {}
CENTRE = """
def answer(phi):
    a = phi(np.random.default_rng(3).standard_normal(400_000))
    return {pair}
"""
RIGHT = {
    "exercise-dead": [
        "1 - (1 - 2**-4) ** 3",
        "0.176",
        "1 - (15 / 16) ** 3",
        "theory.relu_dead_probability([4, 4, 4])",
        "3 / 16 - 3 / 16**2 + 1 / 16**3",
    ],
    "exercise-elu": [
        "lambda z, alpha: np.where(z > 0, 1, alpha * np.exp(z))",
        "lambda z, alpha: [1.0 if x > 0 else alpha * np.exp(x) for x in z]",
        "lambda z, alpha: (z > 0) + (z <= 0) * alpha * np.exp(z)",
        "lambda z, alpha: np.where(z > 0, 1, alpha * np.expm1(np.minimum(z, 0)) + alpha)",
        """
        def answer(z, alpha):
            def elu(x):
                return np.where(x > 0, x, alpha * np.expm1(x))

            return (elu(z + 1e-6) - elu(z - 1e-6)) / 2e-6
        """,
    ],
    "exercise-alpha": [
        "lambda z, into_a: (into_a * np.minimum(z, 0)).sum(axis=0)",
        "lambda z, into_a: np.where(z < 0, into_a * z, 0).sum(0)",
        "lambda z, g: [sum(g[i, j] * z[i, j] for i in range(len(z)) if z[i, j] < 0) "
        "for j in range(z.shape[1])]",
        "lambda z, g: np.einsum('ij,ij->j', g, -np.maximum(-z, 0))",
        "lambda z, g: ((z < 0) * z * g).sum(axis=0, keepdims=True)",
    ],
    "exercise-centre": [
        CENTRE.format(pair="a.mean(), 1 / a.std()"),
        CENTRE.format(pair="a.mean(), -1 / a.std()"),
        CENTRE.format(pair="np.array([a.mean(), a.var() ** -0.5])"),
        CENTRE.format(pair="[np.mean(a), 1 / np.sqrt(np.mean(a**2) - np.mean(a) ** 2)]"),
        """
        def answer(phi):
            nodes, weights = np.polynomial.hermite_e.hermegauss(100)
            weights = weights / weights.sum()
            mean = weights @ phi(nodes)
            return mean, (weights @ (phi(nodes) - mean) ** 2) ** -0.5
        """,
    ],
}
WRONG = {
    "exercise-dead": ["(15 / 16) ** 3", "3 / 16", "1 / 16", "17.6", "7 / 8", "0.2"],
    "exercise-elu": [
        "lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(z))",
        "lambda z, alpha: np.where(z > 0, 1, alpha)",
        "lambda z, alpha: np.where(z > 0, 1, np.exp(z))",
        "lambda z, alpha: alpha * np.exp(z)",
        "lambda z, alpha: np.where(z > 0, 1, alpha * np.expm1(z))",
        "lambda z, alpha: np.where(z > 0, 1, 0)",
    ],
    "exercise-alpha": [
        "lambda z, into_a: into_a * np.minimum(z, 0)",
        "lambda z, into_a: (into_a * z).sum(axis=0)",
        "lambda z, into_a: (into_a * (z <= 0)).sum(axis=0)",
        "lambda z, into_a: (into_a * np.minimum(z, 0)).mean(axis=0)",
        "lambda z, into_a: -(into_a * np.minimum(z, 0)).sum(axis=0)",
        "lambda z, into_a: np.minimum(z, 0).sum(axis=0)",
    ],
    "exercise-centre": [
        CENTRE.format(pair="a.mean(), a.std()"),
        CENTRE.format(pair="-a.mean(), 1 / a.std()"),
        CENTRE.format(pair="1 / a.std(), a.mean()"),
        CENTRE.format(pair="a.mean(), 1 / a.var()"),
        CENTRE.format(pair="a.mean(), 1 / np.sqrt(np.mean(a**2))"),
        CENTRE.format(pair="a.mean()"),
    ],
}
