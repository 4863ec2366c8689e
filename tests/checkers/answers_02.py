"""Answers to the exercises of lesson 02."""

CELLS = []
NAMES = {}
ADAM = """
def answer(gradients):
    m, v, steps = 0.0, 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        steps.append({step})
    return steps
"""
TEXTBOOK = "0.001 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"
RATE = "0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)"
RIGHT = {
    "exercise-count": [
        "111",
        "np.int64(111)",
        "(2 + 1) * 5 + 3 * (5 + 1) * 5 + 5 + 1",
        "networks.make_mlp('sigmoid', 'standard_normal').count_params()",
        "[111.0]",
    ],
    "exercise-distance": [
        "lambda history: np.sqrt(((history - history[0]) ** 2).sum(axis=(1, 2)))",
        "lambda history: [np.linalg.norm(kernel - history[0]) for kernel in history]",
        "lambda history: np.linalg.norm(history - history[0], axis=(1, 2))",
        "lambda h: np.linalg.norm((h - h[:1]).reshape(len(h), -1), axis=1)",
        "lambda h: np.einsum('ijk,ijk->i', h - h[0], h - h[0]) ** 0.5",
        "lambda h: np.linalg.svd(h - h[0], compute_uv=False).__pow__(2).sum(axis=1) ** 0.5",
    ],
    "exercise-initializer": [
        "lambda number: keras.initializers.RandomNormal(stddev=1.0, seed=100 + number)",
        "lambda n: keras.initializers.RandomNormal(0.0, 1.0, n)",
        "lambda n: keras.initializers.RandomNormal(mean=0, stddev=1, seed=7 * n + 1)",
        "lambda n: keras.initializers.VarianceScaling(200, 'fan_in', 'untruncated_normal', n)",
        "lambda k: keras.initializers.RandomNormal(stddev=1.0, seed=SEED + k)",
    ],
    "exercise-adam": [
        ADAM.format(step=TEXTBOOK),
        ADAM.format(step=f"{RATE} * m / (np.sqrt(v) + 1e-7)"),
        """
        def answer(gradients):
            weight, steps = keras.Variable(0.0), []
            optimizer = keras.optimizers.Adam(0.001)
            for gradient in gradients:
                before = float(weight.numpy())
                weight.assign(0.0)
                optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
                steps.append(-float(weight.numpy()))
            return steps
        """,
        """
        def answer(gradients):
            g = np.asarray(gradients, float)
            t = np.arange(1, len(g) + 1)
            m = [0.1 * (0.9 ** np.arange(k)[::-1] * g[:k]).sum() for k in t]
            v = [0.001 * (0.999 ** np.arange(k)[::-1] * g[:k] ** 2).sum() for k in t]
            return 0.001 * np.array(m) / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        """,
        """
        def answer(gradients):
            m, v = 0.0, 0.0
            steps = np.empty(len(gradients))
            for t, g in enumerate(gradients, 1):
                m += (1 - 0.9) * (g - m)
                v += (1 - 0.999) * (g * g - v)
                mean, square = m / (1 - 0.9**t), v / (1 - 0.999**t)
                steps[t - 1] = 1e-3 * mean / (square**0.5 + 1e-7)
            return steps
        """,
    ],
}
WRONG = {
    "exercise-count": ["90", "81", "21", "110", "'111'"],
    "exercise-distance": [
        "lambda history: np.linalg.norm(history, axis=(1, 2))",
        "lambda history: np.linalg.norm(history - history[0], ord=2, axis=(1, 2))",
        "lambda h: np.append(0, np.linalg.norm(np.diff(h, axis=0), axis=(1, 2)).cumsum())",
        "lambda history: ((history - history[0]) ** 2).sum(axis=(1, 2))",
        "lambda history: np.sqrt(((history - history[0]) ** 2).mean(axis=(1, 2)))",
        "lambda history: np.linalg.norm(history - history[0])",
    ],
    "exercise-initializer": [
        "lambda number: keras.initializers.RandomNormal(stddev=1.0, seed=1)",
        "lambda number: keras.initializers.RandomNormal(stddev=1.0)",
        "lambda number: keras.initializers.RandomNormal(1.0, seed=number)",
        "lambda number: 'random_normal'",
        "lambda n: keras.initializers.TruncatedNormal(stddev=1.0, seed=n)",
        "lambda n: keras.initializers.RandomUniform(-(3**0.5), 3**0.5, seed=n)",
    ],
    "exercise-adam": [
        ADAM.format(step="-" + TEXTBOOK),
        ADAM.format(step="0.001 * m / (np.sqrt(v) + 1e-7)"),
        ADAM.format(step="0.001 * g / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)"),
        ADAM.format(step="0.001 * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t) + 1e-7)"),
        ADAM.format(step="0.001 * g / np.sqrt(v + 1e-7)"),
        ADAM.format(step="0.001 * g"),
    ],
}
