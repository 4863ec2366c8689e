"""Our training against the ways a learner would write it, side by side in one run.

Source A's job: two circles, 4 hidden layers of 5 sigmoid units, N(0, 1) kernels, 100 epochs of 31
batches of 32, RMSprop. Everyone gets the same data, batches and initial weights and must give the
same losses. Two recordings are told apart:

- "gradient mean, std": the loss, and mean and standard deviation of each kernel's gradient, at
  every step. (Keras's fit shows no gradients: its callback keeps the kernels after each epoch.)
- "everything": all that a recording of ours holds, at every step: besides these the norm of each
  gradient, mean and standard deviation of the kernels, update ratio, delta norm, mean and standard
  deviation of the activations, saturation, dead share; and the accuracy over all data by epoch.
  JAX sums up in float32, as one would there, ours in float64; they must agree.

They're timed in alternation, each once a round; a figure is the median of the rounds, and a ratio
the median of the rounds' ratios. The two slow ones do a tenth of the epochs, times 10. Started by
run.py.
"""

import argparse
import functools
import itertools
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import helpers  # isort: skip  (before TensorFlow: it quiets its log)
import jax
import jax.numpy as jnp
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import torch

from helpers import data, measure, networks, training

ROOT = Path(__file__).resolve().parent.parent
NET = {"activation": "sigmoid", "initializer": "standard_normal"}
EPOCHS, BATCH, SHORT = 100, 32, 10
RATE, RHO, EPSILON = 0.001, 0.9, 1e-7


def job(epochs):
    """Data, the batches that `train` would take, and the initial kernels."""
    dataset = data.circles()
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
    per_epoch = len(dataset) // BATCH
    order = np.concatenate([
        rng.permutation(len(dataset))[: per_epoch * BATCH].reshape(-1, BATCH) for _ in range(epochs)
    ])  # fmt: skip
    kernels = [layer.kernel.numpy() for layer in networks.dense_layers(networks.make_mlp(**NET))]
    return dataset, order, kernels


# ---------------------------------------------------------------- the rivals: each returns losses


def eager_keras():
    """Source A's loop, made to run on Keras 3."""
    dataset, order, _ = job(SHORT)
    model = networks.make_mlp(**NET)
    optimizer, loss_of = keras.optimizers.RMSprop(RATE), keras.losses.BinaryCrossentropy()
    kernels = [layer.kernel for layer in networks.dense_layers(model)]
    losses, record = [], []
    for batch in order:
        with tf.GradientTape() as tape:
            loss = loss_of(dataset.y[batch][:, None], model(dataset.x[batch], training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        for gradient, variable in zip(gradients, model.trainable_variables, strict=True):
            if any(variable is kernel for kernel in kernels):
                values = gradient.numpy()
                record.append((values.mean(), values.std()))
        losses.append(float(loss))
    return losses


def keras_fit():
    dataset, order, _ = job(SHORT)
    model = networks.make_mlp(**NET)
    model.compile(keras.optimizers.RMSprop(RATE), "binary_crossentropy")
    batches = tf.data.Dataset.from_tensor_slices((dataset.x[order], dataset.y[order][..., None]))
    capture = training.WeightCapture()
    history = model.fit(batches, steps_per_epoch=len(order) // SHORT, epochs=SHORT, verbose=0,
                        shuffle=False, callbacks=[capture])  # fmt: skip
    return history.history["loss"]


def numpy_by_hand():
    dataset, order, kernels = job(EPOCHS)
    kernels, biases = (
        [k.copy() for k in kernels],
        [np.zeros(k.shape[1], np.float32) for k in kernels],
    )
    squares = [np.zeros_like(p) for p in kernels + biases]
    losses, record = [], []
    for batch in order:
        a, inputs = dataset.x[batch], []
        for kernel, bias in zip(kernels, biases, strict=True):
            inputs.append(a)
            z = a @ kernel + bias
            a = 1 / (1 + np.exp(-z))
        y = dataset.y[batch][:, None]
        losses.append(np.mean(np.logaddexp(0, z) - y * z))
        delta, gradients, bias_gradients = (a - y) / np.float32(BATCH), [], []
        for kernel, below in zip(reversed(kernels), reversed(inputs), strict=True):
            gradients.insert(0, below.T @ delta)
            bias_gradients.insert(0, delta.sum(axis=0))
            delta = (delta @ kernel.T) * below * (1 - below)
        record.append([(g.mean(), g.std()) for g in gradients])
        for parameter, gradient, square in zip(
            kernels + biases, gradients + bias_gradients, squares, strict=True
        ):
            square += np.float32(1 - RHO) * (gradient**2 - square)
            parameter -= np.float32(RATE) * gradient / np.sqrt(square + np.float32(EPSILON))
    return losses


def torch_eager():
    dataset, order, kernels = job(EPOCHS)
    x, y, order = (torch.from_numpy(v) for v in (dataset.x, dataset.y[:, None], order))
    kernels = [torch.tensor(k, requires_grad=True) for k in kernels]
    biases = [torch.zeros(k.shape[1], requires_grad=True) for k in kernels]
    parameters = kernels + biases
    squares = [torch.zeros_like(p) for p in parameters]
    losses, record = [], []
    for batch in order:
        a = x[batch]
        for kernel, bias in zip(kernels, biases, strict=True):
            z = a @ kernel + bias
            a = torch.sigmoid(z)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y[batch])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():  # torch's own RMSprop has epsilon outside the root
            for parameter, gradient, square in zip(parameters, gradients, squares, strict=True):
                square.mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
                parameter.sub_(RATE * gradient / torch.sqrt(square + EPSILON))
            record.append([
                (float(g.mean()), float(g.std(correction=0))) for g in gradients[: len(kernels)]
            ])  # fmt: skip
        losses.append(loss.item())
    return losses


@functools.cache
def jax_program(everything):
    def forward(parameters, nudges, x):
        """Logits and activations; a derivative in a nudge, added to a z, is that layer's delta."""
        a, activations = x, []
        for (kernel, bias), nudge in zip(parameters, nudges, strict=True):
            z = a @ kernel + bias + nudge
            a = jax.nn.sigmoid(z)
            activations.append(a)
        return z, activations

    def loss_of(parameters, nudges, x, y):
        z, activations = forward(parameters, nudges, x)
        return jnp.mean(jnp.logaddexp(0, z) - y * z), activations

    def accuracy(parameters, x, y):
        z, _ = forward(parameters, [0.0] * len(parameters), x)
        return jnp.mean((z > 0) == (y > 0.5))

    def step(state, chosen, x, y):
        parameters, squares, score = state
        batch, new_epoch = chosen
        nudges = [jnp.zeros((BATCH, kernel.shape[1])) for kernel, _ in parameters]
        both = jax.value_and_grad(loss_of, argnums=(0, 1), has_aux=True)
        (loss, activations), (gradients, deltas) = both(parameters, nudges, x[batch], y[batch])
        squares = jax.tree.map(lambda s, g: RHO * s + (1 - RHO) * g**2, squares, gradients)
        new = jax.tree.map(
            lambda p, g, s: p - RATE * g / jnp.sqrt(s + EPSILON), parameters, gradients, squares
        )
        record = [(kernel.mean(), kernel.std()) for kernel, _ in gradients]
        if everything:
            score = jax.lax.cond(new_epoch, lambda: accuracy(parameters, x, y), lambda: score)
            record = [
                (gradient, kernel, after, a, delta)
                for (gradient, _), (kernel, _), (after, _), a, delta in zip(
                    gradients, parameters, new, activations, deltas, strict=True
                )
            ]
        return (new, squares, score), (loss, score, record)

    def sum_up(gradient, kernel, after, a, delta):
        both, slope = (1, 2), a * (1 - a)
        return {
            "gradient_mean": gradient.mean(axis=both),
            "gradient_std": gradient.std(axis=both),
            "gradient_norm": jnp.sqrt((gradient**2).sum(axis=both)),
            "weight_mean": kernel.mean(axis=both),
            "weight_std": kernel.std(axis=both),
            "update_ratio": (after - kernel).std(axis=both) / kernel.std(axis=both),
            "delta_norm": jnp.sqrt(((BATCH * delta) ** 2).sum(axis=2).mean(axis=1)),
            "activation_mean": a.mean(axis=both),
            "activation_std": a.std(axis=both),
            "saturation": (slope < measure.SATURATED * 0.25).mean(axis=both),
            "dead": (slope == 0).all(axis=1).mean(axis=1),
        }

    @jax.jit
    def run(parameters, x, y, order, new_epoch):
        start = parameters, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros(())
        end, (losses, scores, record) = jax.lax.scan(
            lambda state, chosen: step(state, chosen, x, y), start, (order, new_epoch), unroll=4
        )
        # summed up for all steps together: faster than step by step, and unroll=4 than none
        table = [sum_up(*arrays) for arrays in record] if everything else record
        return end, losses, scores, table

    return run


def jax_scan(everything=False):
    dataset, order, kernels = job(EPOCHS)
    parameters = [(jnp.array(k), jnp.zeros(k.shape[1])) for k in kernels]
    new_epoch = np.arange(len(order)) % (len(order) // EPOCHS) == 0
    results = jax_program(everything)(parameters, dataset.x, dataset.y[:, None], order, new_epoch)
    _, losses, scores, table = jax.tree.map(np.asarray, results)
    return (losses, scores, table) if everything else losses


def jax_everything():
    return jax_scan(everything=True)[0]


def check_recordings():
    """JAX's recording of everything says what ours says."""
    run = training.train(**NET, dataset=data.circles(), epochs=1)
    _, scores, table = jax_scan(everything=True)
    steps, worst = range(31), 0.0
    for name in table[0]:
        values = np.stack([layer[name][steps] for layer in table], axis=-1)
        ours = run[name].values[0, steps]
        worst = max(worst, np.linalg.norm(values - ours) / max(np.linalg.norm(ours), 1e-12))
    worst = max(worst, np.abs(scores[steps] - run.accuracy.values[0, steps]).max())
    print(f"  same recording, JAX and train: first 31 steps to {worst:.0e}")
    assert worst < 1e-4


def ours(num_replicates=1):
    run = training.train(**NET, dataset=data.circles(), num_replicates=num_replicates)
    return run.loss.values[0, :-1]


def ours_unrolled():
    model, weights = own_model()
    model.set_weights(weights)
    return training.train_model(model, data.circles()).loss.values[0, :-1]


@functools.cache
def own_model():
    model = networks.make_mlp(**NET)
    return model, model.get_weights()


CONTENDERS = {  # name -> (function, what share of the job it does, what it records)
    "eager Keras, source A's loop": (eager_keras, SHORT / EPOCHS, "gradient mean, std"),
    "Keras fit with WeightCapture": (keras_fit, SHORT / EPOCHS, "kernels, by epoch"),
    "PyTorch, eager": (torch_eager, 1, "gradient mean, std"),
    "NumPy by hand": (numpy_by_hand, 1, "gradient mean, std"),
    "JAX, jit and scan": (jax_scan, 1, "gradient mean, std"),
    "JAX, jit and scan, all of it": (jax_everything, 1, "everything"),
    "train_model": (ours_unrolled, 1, "everything"),
    "train": (ours, 1, "everything"),
    "train, 32 replicates": (functools.partial(ours, 32), 1, "everything"),
}


def race(rounds):
    """Seconds of every contender, by name: a list of the rounds."""
    losses = {name: function() for name, (function, _, _) in CONTENDERS.items()}  # compiles, too
    check_recordings()
    reference = np.asarray(losses["train"])
    for name, values in losses.items():
        if name.startswith("Keras fit"):  # it reports means over an epoch
            expected = reference.reshape(EPOCHS, -1).mean(axis=1)[: len(values)]
        else:
            expected = reference[: len(values)]
        error = np.abs(np.asarray(values) / expected - 1)
        print(
            f"  same losses as train, {name}: "
            f"first 31 to {error[:31].max():.0e}, all to {error.max():.0e}"
        )
        assert error[:31].max() < 1e-5, name
        assert error.max() < 2e-2, name
    seconds = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        for name, (function, share, _) in CONTENDERS.items():
            start = time.perf_counter()
            function()
            seconds[name].append((time.perf_counter() - start) / share)
        print(f"  round {number + 1} of {rounds}", flush=True)
    return seconds


# ---------------------------------------------------------------- single figures


FIRST_RUN = """
import time
start = time.perf_counter()
import helpers, tensorflow, keras
loaded = time.perf_counter()
from helpers import data, training
training.train("sigmoid", "standard_normal", dataset=data.circles())
end = time.perf_counter()
print(end - loaded, end - start)
"""

MEMORY = """
import helpers, gc, itertools, psutil
from helpers import data, training, universal
dataset, process = data.circles(), psutil.Process()
settings = list(itertools.product(
    (1, 4, 10, 20, 50), ("sigmoid", "tanh", "relu", "prelu"), ("he_normal", "glorot_uniform")))
def run(setting, number):
    depth, activation, initializer = setting
    training.train(activation, initializer, depth=depth, dataset=dataset, epochs=4, seed=number)
run(settings[0], 0)
gc.collect()
before = process.memory_info().rss
for number in range(1000):
    run(settings[number % len(settings)], number)
gc.collect()
print((process.memory_info().rss - before) / 1e6)
assert universal.program.cache_info().currsize == 1
"""


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [float(number) for number in done.stdout.split()]


def timed(function, rounds):
    """Median seconds of a function, after one call to warm up."""
    function()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def profile_cost(depth, rounds):
    """Milliseconds of a profile as text: of the draws seen before, and of new ones."""
    seeds = itertools.count()

    def profile(seed):
        measure.profile(**NET, dataset=data.circles(), depth=depth, width=64, seed=seed)

    again = timed(lambda: profile(0), rounds)
    new = timed(lambda: profile(next(seeds)), rounds)
    return f"{1e3 * again:.0f} ms; {1e3 * new:.0f} ms for a new seed"


# ---------------------------------------------------------------- the picture


SWEEPS = {
    "depth": (1, 2, 4, 8, 16, 32, 50),
    "num_replicates": (1, 4, 16, 64, 256),
    "width": (5, 16, 64, 256),
}
LABELS = {"depth": "hidden layers", "num_replicates": "replicates", "width": "units a layer"}


def sweep(rounds):
    """Milliseconds for 1,000 updates against each knob, the others as source A has them."""
    costs = {}
    for name, values in SWEEPS.items():
        costs[name] = []
        for value in values:
            epochs = 2 if name == "width" and value > 64 else 32  # 32: nearly 1,000 updates

            def run(name=name, value=value, epochs=epochs):
                training.train(**NET, dataset=data.circles(), epochs=epochs, **{name: value})

            costs[name].append(1000 * timed(run, rounds) / (epochs * 31 / 1000))
        print(
            f"  {name}: "
            + ", ".join(f"{v}: {c:.0f} ms" for v, c in zip(values, costs[name], strict=True)),
            flush=True,
        )
    return costs


def draw(costs, path):
    plt.style.use("helpers.course")
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), sharey=True)
    for ax, (name, values) in zip(axes, SWEEPS.items(), strict=True):
        ax.loglog(values, costs[name], marker="o")
        ax.set(xlabel=LABELS[name], xticks=values, xticklabels=values)
        ax.minorticks_off()
        ax.margins(x=0.08)
        ax.yaxis.set_major_formatter("{x:,.0f}")
    axes[0].set(ylabel="ms for 1,000 updates")
    figure.suptitle(
        "train, everything recorded at every step; what isn't varied: 4 hidden layers, "
        "1 replicate, 5 units a layer",
        fontsize=14,
    )
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}, PyTorch {torch.__version__}, JAX {jax.__version__}, "
        f"NumPy {np.__version__}"
    )
    firsts = zip(*(in_a_new_process(FIRST_RUN) for _ in range(rounds)), strict=True)
    loaded, bare = (statistics.median(seconds) for seconds in firsts)
    (grown,) = in_a_new_process(MEMORY)
    seconds = race(rounds)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"\n| how | source A's job, median of {rounds} | recorded at every step |\n|---|---|---|")
    for name, (_, share, what) in CONTENDERS.items():
        scaled = " (a tenth, times 10)" if share < 1 else ""
        print(f"| {name} | {median[name]:.3g} s{scaled} | {what} |")

    def ratio(one, other):
        return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))

    eager, own, model = "eager Keras, source A's loop", "train", "train_model"
    lean, all_of_it = "JAX, jit and scan", "JAX, jit and scan, all of it"
    rows = [
        ("eager loop (records gradient mean, std) / train (everything)", "at least 500",
         f"{ratio(eager, own):.0f}"),
        ("train_model / JAX, both record everything", "at most 1.5",
         f"{ratio(model, all_of_it):.2f}"),
        ("train_model (everything) / JAX (gradient mean, std)", "", f"{ratio(model, lean):.2f}"),
        ("train / JAX, both record everything", "at most 3", f"{ratio(own, all_of_it):.2f}"),
        ("train (everything) / JAX (gradient mean, std)", "", f"{ratio(own, lean):.2f}"),
        ("train, 32 replicates / one", "at most 10", f"{ratio('train, 32 replicates', own):.1f}"),
        ("train, first run in a process: load, trace, compile, run; TensorFlow imported before",
         "2.5 s", f"{loaded:.2f} s"),
        ("the same and the import of TensorFlow", "", f"{bare:.2f} s"),
        ("memory growth, 1,000 runs in 40 settings", "at most 100 MB", f"{grown:.0f} MB"),
        ("measure.profile, 10 replicates, width 64, depth 4", "20 ms", profile_cost(4, rounds)),
        ("the same, depth 50", "250 ms", profile_cost(50, rounds)),
    ]  # fmt: skip
    print("\n| what | target | reached |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()
    costs = sweep(min(rounds, 3))
    draw(costs, ROOT / "docs" / "engine.png")


if __name__ == "__main__":
    main()
