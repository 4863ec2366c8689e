"""Ten models of different kinds, compiled, with data; and a plain tape to compare with."""

import helpers  # isort: skip
import keras
import numpy as np
import tensorflow as tf

layers = keras.layers
NUM = 24  # examples


class OwnModel(keras.Model):
    """A model of the learner's own class, whose layers are made in another order than they run."""

    def __init__(self):
        super().__init__()
        self.last = layers.Dense(1, "sigmoid", name="last")
        self.first = layers.Dense(5, name="first")
        self.phi = layers.LeakyReLU()

    def call(self, x):
        return self.last(self.phi(self.first(x)))


def points(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=(NUM, *shape)).astype(keras.config.floatx())


def classes(count, seed=0):
    return np.random.default_rng(seed).integers(0, count, NUM)


def _dense():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, "tanh"),
            layers.Dense(4, "relu"),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, points(6), classes(3)


def _regularised():
    penalty = keras.regularizers.L2(0.1)
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu", kernel_regularizer=penalty), layers.Dense(2)]
    )
    model.compile("sgd", "mean_squared_error")
    return model, points(6), points(2, seed=1)


def _convolutions():
    parts = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    parts += [layers.SeparableConv2D(3, 2, activation="tanh"), layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((7, 7, 2)), *parts])
    model.compile("rmsprop", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, points(7, 7, 2), classes(3)


def _recurrent():
    parts = [layers.Embedding(9, 4), layers.LSTM(3, return_sequences=True), layers.GRU(4)]
    model = keras.Sequential([keras.Input((5,)), *parts, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model, np.random.default_rng(0).integers(0, 9, (NUM, 5)), classes(2)


def _bidirectional():
    rnn = layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True))
    parts = [rnn, layers.TimeDistributed(layers.Dense(2, "relu")), layers.Flatten()]
    model = keras.Sequential([keras.Input((4, 2)), *parts, layers.Dense(1)])
    model.compile("adam", "huber")
    return model, points(4, 2), points(1, seed=1)


def _attention():
    inputs = keras.Input((5, 6))
    h = layers.Add()([inputs, layers.MultiHeadAttention(2, 3)(inputs, inputs)])
    h = layers.LayerNormalization()(h)
    h = layers.Add()([h, layers.Dense(6)(layers.Dense(8, "gelu")(h))])
    outputs = layers.Dense(3, "softmax")(layers.GlobalAveragePooling1D()(h))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "categorical_crossentropy")
    return model, points(5, 6), np.eye(3)[classes(3)]


def _own():
    model = OwnModel()
    model.compile("adam", "binary_crossentropy")
    return model, points(6), classes(2)


def _several():
    first, second = keras.Input((6,), name="a"), keras.Input((2,), name="b")
    h = layers.Dense(5, "relu")(layers.Concatenate()([first, second]))
    outputs = [layers.Dense(1, "sigmoid", name="p")(h), layers.Dense(2, name="q")(h)]
    model = keras.Model([first, second], outputs)
    model.compile("adam", ["binary_crossentropy", "mean_absolute_error"], loss_weights=[1.0, 0.3])
    return model, [points(6), points(2, seed=2)], [classes(2), points(2, seed=1)]


def _shared():
    inputs = keras.Input((4,))
    twice = layers.Dense(4, name="twice")
    h = keras.ops.tanh(twice(keras.ops.tanh(twice(inputs))))
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(h))
    model.compile("sgd", "binary_crossentropy")
    return model, points(4), classes(2)


def _random():
    parts = [layers.Dense(8, "selu"), layers.Dropout(0.5), layers.GaussianNoise(0.1)]
    model = keras.Sequential([keras.Input((6,)), *parts, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model, points(6), classes(2)


KINDS = {
    "dense": _dense,
    "regularised": _regularised,
    "convolutions": _convolutions,
    "recurrent": _recurrent,
    "bidirectional": _bidirectional,
    "attention": _attention,
    "own class": _own,
    "several inputs and outputs": _several,
    "shared layer": _shared,
    "random": _random,
}


def make(kind):
    keras.utils.set_random_seed(5)
    return KINDS[kind]()


def state(model):
    """All numbers of a model: weights, moving averages, seeds, metrics, the optimizer's means."""
    variables = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    return [variable.numpy() for variable in variables]


def tape_gradients(model, x, y):
    """Return the loss and the gradients as anybody would write them: seeds are put back."""
    kept = [(variable, variable.numpy()) for variable in model.variables]
    tensors = keras.tree.map_structure(tf.convert_to_tensor, x)
    with tf.GradientTape() as tape:
        outputs = model(tensors, training=True) if model._call_has_training_arg else model(tensors)
        loss = model.compute_loss(x=tensors, y=y, y_pred=outputs)
    found = tape.gradient(loss, model.trainable_variables)
    for variable, value in kept:
        variable.assign(value)
    return float(loss), [tf.convert_to_tensor(gradient).numpy() for gradient in found]
