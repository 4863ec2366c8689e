"""Answers to the exercises of lesson 10."""

CELLS = ["exam-code"]
NAMES = {}
RATIO = """
def answer(before, after):
    return {result}
"""
COLUMNS = """
def answer(x):
    {lines}
    return {result}
"""
WORD = """
def answer(first, last, loss, constant):
    if loss {compared} constant * 0.1:
        return "converged"
    return {result}
"""
RIGHT = {
    "exercise-exam": [
        "list(exam.names)",
        "exam.names",
        "dict(zip('abcdef', exam.names))",
        "[name.upper() for name in exam.names]",
        "np.array(exam.names)",
    ],
    "exercise-ratio": [
        RATIO.format(result="np.std(after - before) / np.std(before)"),
        RATIO.format(result="(after - before).std() / before.std()"),
        RATIO.format(result="np.sqrt(np.var(before - after) / np.var(before))"),
        RATIO.format(result="np.std((after - before) / np.std(before))"),
        "lambda old, new: float(np.std(np.subtract(new, old)) / np.std(old))",
    ],
    "exercise-rate": [
        "1.6",
        "1.58",
        "0.01 * 10**2.2",
        "1e-3 / 10**-5.2 * 0.01",
        "np.array([10**0.2])",
    ],
    "exercise-columns": [
        COLUMNS.format(
            lines="s = x.std(axis=0)", result="(x - x.mean(axis=0)) / np.where(s > 0, s, 1)"
        ),
        COLUMNS.format(
            lines="s = x.std(0, ddof=1)", result="(x - x.mean(0)) / np.where(s == 0, 1, s)"
        ),
        COLUMNS.format(lines="x = x - x.mean(0)", result="x / np.maximum(x.std(0), 1e-12)"),
        COLUMNS.format(
            lines="x = x - x.mean(0)", result="np.nan_to_num(x / (x.std(0) + (x.std(0) == 0)))"
        ),
        """
        def answer(x):
            out = np.zeros(x.shape)
            for column in range(x.shape[1]):
                spread = x[:, column].std()
                if spread > 0:
                    out[:, column] = (x[:, column] - x[:, column].mean()) / spread
            return out.tolist()
        """,
    ],
    "exercise-word": [
        WORD.format(
            compared="<",
            result='"vanishing" if first / last < 1e-3 else "exploding" if first > 1e3 * last '
            'else "neither"',
        ),
        WORD.format(
            compared="<=",
            result="np.select([first < 1e-3 * last, first > 1e3 * last], "
            '["vanishing", "exploding"], "neither")',
        ),
        """
        def answer(first, last, loss, constant):
            r = np.log10(first / last)
            if loss / constant < 0.1:
                return "Converged"
            if -3 <= r <= 3:
                return "neither"
            return "vanishing" if r < 0 else "exploding"
        """,
        """
        def answer(first, last, loss, constant):
            words = {loss < constant / 10: "converged"}
            if True in words:
                return words[True]
            place = int(np.digitize(first / last, [1e-3, 1e3]))
            return ["vanishing", "neither", "exploding"][place]
        """,
        """
        def answer(f, l, loss, c):
            return (
                "converged" if 10 * loss < c else
                "exploding" if f / l > 1000 else
                "vanishing" if l / f > 1000 else "neither"
            )
        """,
    ],
}
WRONG = {
    "exercise-exam": [
        "list(exam.names)[::-1]",
        "list(exam.names)[:5]",
        "['vanishing through layers'] * 6",
        "['influenza', *exam.names[1:]]",
        "[..., *exam.names[1:]]",
    ],
    "exercise-ratio": [
        RATIO.format(result="np.std(before) / np.std(after - before)"),
        RATIO.format(result="np.std(after) / np.std(before)"),
        RATIO.format(result="np.linalg.norm(after - before) / np.linalg.norm(before)"),
        RATIO.format(result="np.log10(np.std(after - before) / np.std(before))"),
        RATIO.format(result="np.var(after - before) / np.var(before)"),
        RATIO.format(result="None"),
    ],
    "exercise-rate": ["0.01 * 10**-2.2", "158.5", "0.0173", "0.022", "0.0903"],
    "exercise-columns": [
        COLUMNS.format(lines="s = x.std(axis=0) + 0.0", result="(x - x.mean()) / x.std()"),
        COLUMNS.format(
            lines="np.seterr(all='ignore')", result="(x - x.mean(axis=0)) / x.std(axis=0)"
        ),
        COLUMNS.format(lines="s = x.std(axis=0)", result="x / np.where(s > 0, s, 1)"),
        COLUMNS.format(lines="m = x.mean(axis=0)", result="x - m"),
        COLUMNS.format(
            lines="s = np.ptp(x, axis=0)", result="(x - x.min(axis=0)) / np.where(s > 0, s, 1)"
        ),
    ],
    "exercise-word": [
        WORD.format(compared="<", result='"vanishing" if first < 1e-3 else "neither"'),
        WORD.format(compared=">", result='"neither"'),
        WORD.format(compared="<", result="None"),
        WORD.format(
            compared="<",
            result='"vanishing" if first / last < 0.1 else "exploding" if first / last > 10 '
            'else "neither"',
        ),
        "lambda f, l, loss, c: 'vanishing' if f / l < 1e-3 else 'exploding' if f / l > 1e3 "
        "else 'neither'",
    ],
}
