"""Answers to the exercises of lesson 03."""

CELLS = []
NAMES = {}
RIGHT = {
    "exercise-depth": [
        "5",
        "5.0",
        "int(np.ceil(np.log(1e-3) / np.log(0.236)))",
        "np.ceil(np.log10(1e-3) / np.log10(0.236))",
        "next(k for k in range(100) if 0.236**k < 1e-3)",
    ],
    "exercise-gradient": [
        "lambda below, delta: below.T @ delta / len(below)",
        "lambda below, delta: np.einsum('ni,no->io', below, delta) / len(delta)",
        "lambda below, delta: (delta.T @ below).T / below.shape[0]",
        "lambda b, d: np.mean([np.outer(x, y) for x, y in zip(b, d)], axis=0)",
        "lambda b, d: tf.matmul(b, d, transpose_a=True) / len(b)",
    ],
    "exercise-delta": [
        """
        def answer(delta, kernel, z):
            a = 1 / (1 + np.exp(-z))
            return (delta @ kernel.T) * a * (1 - a)
        """,
        "lambda d, w, z: d @ w.T * np.exp(-z) / (1 + np.exp(-z)) ** 2",
        "lambda d, w, z: (w @ d.T).T / (2 + np.exp(z) + np.exp(-z))",
        "lambda d, w, z: np.einsum('no,io->ni', d, w) * (1 - np.tanh(z / 2) ** 2) / 4",
        "lambda d, w, z: tf.matmul(d, w, transpose_b=True) * tf.sigmoid(z) * tf.sigmoid(-z)",
    ],
    "exercise-crossing": [
        """
        def answer(delta):
            epochs = np.flatnonzero(np.median(delta[:, :, 0] / delta[:, :, -1], axis=0) > 1)
            return epochs[0] if len(epochs) else None
        """,
        """
        def answer(delta):
            above = np.median(delta[..., 0] / delta[..., -1], axis=0) > 1
            return int(above.argmax()) if above.any() else None
        """,
        """
        def answer(delta):
            for epoch in range(delta.shape[1]):
                if np.median(delta[:, epoch, 0] / delta[:, epoch, -1]) > 1:
                    return epoch
        """,
        """
        def answer(delta):
            logs = np.log(delta[:, :, 0]) - np.log(delta[:, :, -1])
            return next((k for k, middle in enumerate(np.median(logs, 0)) if middle > 0), None)
        """,
        """
        def answer(delta):
            first, *_, last = np.moveaxis(delta, 2, 0)
            found = np.where(np.quantile(first / last, 0.5, axis=0) > 1)[0]
            return None if found.size == 0 else float(found.min())
        """,
    ],
}
WRONG = {
    "exercise-depth": ["4", "4.78", "236", "6", "10"],
    "exercise-gradient": [
        "lambda below, delta: below.T @ delta",
        "lambda below, delta: delta.T @ below / len(below)",
        "lambda below, delta: delta.T @ below",
        "lambda below, delta: below.T @ delta / below.shape[1]",
        "lambda below, delta: np.outer(below.mean(axis=0), delta.mean(axis=0))",
    ],
    "exercise-delta": [
        "lambda delta, kernel, z: delta @ kernel.T",
        "lambda delta, kernel, z: delta @ kernel.T / (1 + np.exp(-z))",
        "lambda delta, kernel, z: (delta @ kernel.T) * z * (1 - z)",
        "lambda delta, kernel, z: (delta @ kernel.T) * (1 - np.tanh(z) ** 2)",
        "lambda delta, kernel, z: (delta @ kernel.T) * (z > 0)",
    ],
    "exercise-crossing": [
        """
        def answer(delta):
            epochs = np.flatnonzero(np.mean(delta[:, :, 0] / delta[:, :, -1], axis=0) > 1)
            return epochs[0] if len(epochs) else None
        """,
        """
        def answer(delta):
            middle = np.median(delta, axis=0)
            epochs = np.flatnonzero(middle[:, 0] / middle[:, -1] > 1)
            return epochs[0] if len(epochs) else None
        """,
        "lambda delta: int((np.median(delta[:, :, 0] / delta[:, :, -1], axis=0) > 1).argmax())",
        "lambda delta: int((np.median(delta[:, :, -1] / delta[:, :, 0], axis=0) > 1).argmax())",
        "lambda delta: int((np.median(delta[:, :, 0] / delta[:, :, -1], axis=0) > 1).sum())",
    ],
}
