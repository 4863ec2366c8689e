"""Keras twice: source A's eager loop, and ``fit`` with its callback."""

import helpers  # isort: skip  (before TensorFlow: it quiets its log)
import keras
import numpy as np
import tensorflow as tf

from benchmarks.job import RATE, Job
from benchmarks.sides import Result, moments
from helpers import networks, training


def eager(job: Job):
    """Prepare source A's loop, made to run on Keras 3."""
    model = networks.make_mlp(**job.network)
    weights = model.get_weights()
    kernels = {id(layer.kernel) for layer in networks.dense_layers(model)}
    loss_of = keras.losses.BinaryCrossentropy()
    x = job.dataset.x
    y = job.dataset.y[:, None]

    def run():
        model.set_weights(weights)
        optimizer = keras.optimizers.RMSprop(RATE)
        losses = []
        record = []
        for batch in job.order:
            with tf.GradientTape() as tape:
                loss = loss_of(y[batch], model(x[batch], training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            pairs = list(zip(gradients, model.trainable_variables, strict=True))
            optimizer.apply_gradients(pairs)
            arrays = [gradient.numpy() for gradient, variable in pairs if id(variable) in kernels]
            record.append([(array.mean(), array.std()) for array in arrays])
            losses.append(float(loss))
        return Result(np.array(losses), moments(record))

    return run


def fit_with_capture(job: Job):
    """Prepare ``model.fit``; it shows no gradients, so the kernels are kept after each epoch."""
    model = networks.make_mlp(**job.network)
    weights = model.get_weights()
    rows = job.dataset.x[job.order], job.dataset.y[job.order][..., None]
    batches = tf.data.Dataset.from_tensor_slices(rows)

    def run():
        model.set_weights(weights)
        model.compile(keras.optimizers.RMSprop(RATE), "binary_crossentropy")
        capture = training.WeightCapture()
        history = model.fit(
            batches,
            steps_per_epoch=job.steps_per_epoch,
            epochs=job.epochs,
            verbose=0,
            shuffle=False,
            callbacks=[capture],
        )
        kept = capture.recording
        record = {name: kept[name].values[0] for name in ("weight_mean", "weight_std")}
        losses = np.array(history.history["loss"])
        return Result(losses, record, every=job.steps_per_epoch)

    return run
