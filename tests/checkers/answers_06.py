"""Answers to the exercises of lesson 06."""

CELLS = ["q-code", "chi-code", "critical-code"]
NAMES = {"exercise-tanh": "exercise_fixed"}
REPEATED = """
def answer(weight_variance, bias_variance):
    q = {start}
    for _ in range({times}):
        q = {step}
    return {result}
"""
NEXT = "next_q(np.tanh, q, weight_variance, bias_variance)"
AT_FIXED_POINT = """
def answer(weight_variance):
    q = theory.fixed_point("tanh", weight_variance, 0.05)
    return {result}
"""
GAIN = "chi(ACTIVATIONS['tanh'].derivative, q, weight_variance)"
BISECTED = """
def answer(bias_variance):
    low, high = {low}, {high}
    for _ in range(60):
        middle = (low + high) / 2
        if critical_point("tanh", middle)[1] < bias_variance:
            low = middle
        else:
            high = middle
    return {result}
"""
RIGHT = {
    "exercise-layers": [
        "np.log(1e-3) / np.log(np.sqrt(0.81))",
        "65.6",
        "66",
        "-3 / np.log10(0.9)",
        "2 * np.log(1000) / -np.log(0.81)",
    ],
    "exercise-tanh": [
        REPEATED.format(start="1.0", times=200, step=NEXT, result="q"),
        REPEATED.format(start="5", times=300, step=NEXT, result="float(q)"),
        REPEATED.format(start="0.1", times=500, step=f"(q + {NEXT}) / 2", result="[q]"),
        "lambda w, b: theory.fixed_point('tanh', w, b)",
        """
        def answer(weight_variance, bias_variance):
            q, before = 1.0, 0.0
            while abs(q - before) > 1e-9:
                before = q
                q = weight_variance * mean_over(lambda z: np.tanh(z) ** 2, q) + bias_variance
            return q
        """,
    ],
    "exercise-critical": [
        BISECTED.format(low=0.01, high=3.0, result='critical_point("tanh", low)[0]'),
        BISECTED.format(low=0.0001, high=2.9, result='critical_point("tanh", high)[0]'),
        "lambda b: theory.critical_line('tanh', b)",
        """
        def answer(bias_variance):
            grid = np.linspace(0.01, 3, 600)
            points = np.array([critical_point("tanh", q) for q in grid])
            return np.interp(bias_variance, points[:, 1], points[:, 0])
        """,
        """
        def answer(bias_variance):
            from scipy.optimize import brentq

            q = brentq(lambda q: critical_point("tanh", q)[1] - bias_variance, 1e-3, 3)
            return critical_point("tanh", q)[0]
        """,
    ],
    "exercise-scale": [
        AT_FIXED_POINT.format(result=f"-1 / np.log({GAIN})"),
        AT_FIXED_POINT.format(result=f"1 / np.log(1 / {GAIN})"),
        AT_FIXED_POINT.format(result="-1 / np.log(theory.chi('tanh', q, weight_variance))"),
        "lambda w: theory.depth_scales('tanh', w, 0.05).xi_correlation",
        AT_FIXED_POINT.format(result=f"np.array([-1 / (np.log2({GAIN}) * np.log(2))])"),
    ],
}
WRONG = {
    "exercise-layers": ["32.8", "-65.6", "9.49", "70", "None"],
    "exercise-tanh": [
        REPEATED.format(start="1.0", times=1, step=NEXT, result="q"),
        REPEATED.format(start="1.0", times=200, step=NEXT, result="np.sqrt(q)"),
        REPEATED.format(
            start="1.0", times=200, step="next_q(np.tanh, q, weight_variance, 0)", result="q"
        ),
        REPEATED.format(
            start="1.0",
            times=200,
            step="next_q(np.tanh, q, weight_variance**2, bias_variance)",
            result="q",
        ),
        "lambda weight_variance, bias_variance: 1.0",
    ],
    "exercise-critical": [
        "lambda bias_variance: 1.0",
        "lambda bias_variance: critical_point('tanh', bias_variance)[0]",
        BISECTED.format(low=0.01, high=3.0, result='critical_point("tanh", low)'),
        BISECTED.format(low=0.01, high=3.0, result="low"),
        BISECTED.format(low=0.01, high=3.0, result='np.sqrt(critical_point("tanh", low)[0])'),
    ],
    "exercise-scale": [
        AT_FIXED_POINT.format(result=f"1 / np.log({GAIN})"),
        AT_FIXED_POINT.format(result=f"-2 / np.log({GAIN})"),
        AT_FIXED_POINT.format(result=GAIN),
        AT_FIXED_POINT.format(result=f"-6 / np.log({GAIN})"),
        AT_FIXED_POINT.format(result=f"-1 / np.log10({GAIN})"),
    ],
}
