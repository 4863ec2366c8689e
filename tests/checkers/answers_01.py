"""Answers to the exercises of lesson 01."""

CELLS = ["sigmoid", "uniform-law"]
NAMES = {}
RIGHT = {
    "exercise-luck": [
        "log_law.cdf(-np.log(1e-15))",
        "0.00786",
        "[0.00785]",
        "0.008",
        "1 - log_law.sf(15 * np.log(10))",
        "np.float32(gamma(50).cdf(34.5388))",
    ],
    "exercise-balance": [
        "9.5",
        "10 ** 0.98",
        "np.array([9.46])",
        "10 ** -theory.expected_log10_factor('sigmoid', weight_std=1)",
        "np.exp(0.98 * np.log(10))",
    ],
    "exercise-tanh": [
        """
        def answer(weights, a):
            product = 1.0
            for w in weights:
                a = np.tanh(w * a)
                product *= w * (1 - a**2)
            return product
        """,
        """
        def answer(weights, a):
            factors = []
            for w in weights:
                z = w * a
                factors.append(w / np.cosh(z) ** 2)
                a = np.tanh(z)
            return np.prod(factors)
        """,
        """
        def answer(weights, a):
            if len(weights) == 0:
                return 1.0
            after = np.tanh(weights[0] * a)
            return weights[0] * (1 - after**2) * answer(weights[1:], after)
        """,
        """
        def answer(weights, a):
            def run(x):
                for w in weights:
                    x = np.tanh(w * x)
                return x

            return (run(a + 1e-5) - run(a - 1e-5)) / 2e-5
        """,
        """
        def answer(weights, a):
            product = np.ones(1)
            for w in weights:
                z = w * a
                a = np.tanh(z)
                product = product * (1 - np.tanh(z) ** 2) * w
            return product
        """,
    ],
    "exercise-all": [
        """
        def answer(weights, a):
            z, _ = forward(a, weights)
            below = np.append(a, sigmoid(z)[:-1])
            own = sigmoid_slope(z) * weights
            return [
                below[k] * sigmoid_slope(z)[k] * np.prod(own[k + 1 :]) for k in range(len(weights))
            ]
        """,
        """
        def answer(weights, a):
            steps = 1e-6 * np.eye(len(weights))
            up = [forward(a, weights + step)[1] for step in steps]
            down = [forward(a, weights - step)[1] for step in steps]
            return np.subtract(up, down) / 2e-6
        """,
        """
        def answer(weights, a):
            activations = [a]
            for w in weights:
                activations.append(sigmoid(w * activations[-1]))
            found, back = [], 1.0
            for k in reversed(range(len(weights))):
                delta = back * activations[k + 1] * (1 - activations[k + 1])
                found.append(delta * activations[k])
                back = delta * weights[k]
            return found[::-1]
        """,
        """
        def answer(weights, a):
            z, _ = forward(a, weights)
            own = sigmoid_slope(z) * weights
            later = np.append(own[::-1].cumprod()[::-1][1:], 1)
            return np.append(a, sigmoid(z)[:-1]) * sigmoid_slope(z) * later
        """,
        """
        def answer(weights, a):
            z, _ = forward(a, weights)
            own = sigmoid_slope(z) * weights
            whole = own[::-1].cumprod()[::-1]
            return tuple(np.append(a, sigmoid(z)[:-1]) * whole / weights)
        """,
    ],
}
WRONG = {
    "exercise-luck": [
        "1 - log_law.cdf(-np.log(1e-15))",
        "log_law.cdf(15)",
        "log_law.cdf(-np.log(1e-18))",
        "0.786",
        "0.007",
    ],
    "exercise-balance": ["4", "5.0", "1.9", "0.98", "0.105", "None"],
    "exercise-tanh": [
        "lambda weights, a: np.prod(weights)",
        "lambda weights, a: (weights * (1 - np.tanh(weights * a) ** 2)).prod()",
        """
        def answer(weights, a):
            product = 1.0
            for w in weights:
                a = np.tanh(w * a)
                product *= 1 - a**2
            return product
        """,
        """
        def answer(weights, a):
            for w in weights:
                a = np.tanh(w * a)
            return a
        """,
        """
        def answer(weights, a):
            product = 1.0
            for w in weights:
                a = np.tanh(w * a)
                product *= abs(w) * (1 - a**2)
            return product
        """,
    ],
    "exercise-all": [
        "lambda weights, a: sigmoid_slope(forward(a, weights)[0]) * weights",
        "lambda weights, a: forward(a, weights)[1]",
        """
        def answer(weights, a):
            z, _ = forward(a, weights)
            return np.append(a, sigmoid(z)[:-1]) * sigmoid_slope(z)
        """,
        """
        def answer(weights, a):
            z, _ = forward(a, weights)
            own = sigmoid_slope(z) * weights
            return np.full(len(weights), own.prod())
        """,
        """
        def answer(weights, a):
            z, _ = forward(a, weights)
            own = sigmoid_slope(z) * weights
            later = np.append(own[::-1].cumprod()[::-1][1:], 1)
            return sigmoid_slope(z) * later
        """,
    ],
}
