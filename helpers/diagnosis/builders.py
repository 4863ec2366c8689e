"""How the networks of ``planted`` are built: small, compiled, with data that fit them."""

from typing import NamedTuple

import keras
import numpy as np

from helpers import data

layers = keras.layers
NUM_EXAMPLES = 400
CLASSES = 10


class Planted(NamedTuple):
    """A compiled model, and the data that it is for."""

    model: keras.Model
    x: np.ndarray
    y: np.ndarray


def digits(seed, image=False):
    """Standardised digits: flat, or as images of one channel."""
    found = data.digits(NUM_EXAMPLES, seed=seed)
    x = (found.x - found.x.mean()) / found.x.std()
    return (x.reshape(-1, 8, 8, 1) if image else x), found.y.astype("int32")


def _points(seed, outputs=1, inputs=8):
    """Draw inputs, and targets of a regression that a small network can learn."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(NUM_EXAMPLES, inputs)).astype("float32")
    # bounded, and partly negative
    y = np.tanh(x @ rng.normal(size=(inputs, outputs))) * 2
    return x, y.astype("float32")


def _sequences(seed, steps, examples=64):
    """Draw sequences of one number, and whether their mean is above 0."""
    rng = np.random.default_rng(seed)
    # few examples: hundreds of steps take their time, and the verdict needs no more
    x = rng.normal(size=(examples, steps, 1)).astype("float32")
    return x, (x.mean(axis=(1, 2)) > 0).astype("float32")


def width(seed, low=24, high=64):
    """Draw a width that depends on the seed."""
    return int(np.random.default_rng([seed, 1]).integers(low, high + 1))


def compiled(seed, parts, x, y, *, loss="sparse_categorical_crossentropy", optimizer="adam"):
    """Compile a sequential model of these layers; its weights depend on the seed."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(x.shape[1:]), *parts()])
    model.compile(optimizer, loss)
    return Planted(model, x, y)


def mlp(seed, depth, activation, *, head="softmax", optimizer="adam", **dense):
    """Build dense layers on the digits, between depth and depth + 2 of them."""
    x, y = digits(seed)
    units = width(seed)
    deep = depth + seed % 3

    def parts():
        hidden = [layers.Dense(units, activation, **dense) for _ in range(deep)]
        return [*hidden, layers.Dense(CLASSES, head)]

    return compiled(seed, parts, x, y, optimizer=optimizer)


def cnn(seed, *, x=None, head="softmax", freeze=False, **conv):
    """Build two convolutions and a dense layer on the digits."""
    own, y = digits(seed, image=True)
    x = own if x is None else x
    filters = width(seed, 6, 12)
    # what is given wins over what is usual
    conv = {"activation": "relu", "kernel_initializer": "he_normal"} | conv

    def parts():
        first = layers.Conv2D(filters, 3, **conv)
        first.trainable = not freeze
        return [first, layers.Conv2D(filters, 3, **conv), layers.Flatten(), *top(head)]

    return compiled(seed, parts, x, y)


def top(head):
    """Build the two dense layers on top of convolutions."""
    return [layers.Dense(24, "relu", kernel_initializer="he_normal"), layers.Dense(CLASSES, head)]


def recurrent(seed, kind, steps, **options):
    """Build one recurrent layer whose last state answers."""
    x, y = _sequences(seed, steps + 10 * (seed % 3))
    return compiled(
        seed,
        lambda: [kind(width(seed, 6, 12), **options), layers.Dense(1, "sigmoid")],
        x,
        y,
        loss="binary_crossentropy",
    )


def regression(seed, head, y=None, **options):
    """Build a small network for numbers."""
    x, targets = _points(seed)
    y = targets if y is None else y

    def parts():
        he = {"kernel_initializer": "he_normal"}
        hidden = [layers.Dense(width(seed), "relu", **he) for _ in range(2)]
        return [*hidden, layers.Dense(1, head)]

    return compiled(seed, parts, x, y, **{"loss": "mean_squared_error"} | options)


def two_classes(seed, head, loss, *, units=1, labels=(0, 1)):
    """Build a small network for two classes."""
    y = np.where(_points(seed)[1][:, 0] > 0, labels[1], labels[0]).astype("float32")
    x, _ = _points(seed)

    def parts():
        return [
            layers.Dense(width(seed), "tanh"),
            layers.Dense(width(seed), "tanh"),
            layers.Dense(units, head),
        ]

    return compiled(seed, parts, x, y, loss=loss)


def frozen(seed):
    """Freeze the second layer before the model is compiled."""
    made = mlp(seed, 3, "relu", kernel_initializer="he_normal")
    made.model.layers[1].trainable = False
    made.model.compile("adam", "sparse_categorical_crossentropy")
    return made


def shared(seed, kind):
    """Give one initializer object to all layers, as source A does."""
    keras.utils.set_random_seed(seed)
    shared = keras.initializers.HeNormal(seed=seed)
    if kind == "cnn":
        return cnn(seed, kernel_initializer=shared)
    return mlp(seed, 3, "relu", kernel_initializer=shared)


def with_gaps(seed):
    """Leave gaps in the data: NaN in one column of some rows."""
    made = mlp(seed, 2, "relu", kernel_initializer="he_normal")
    x = made.x.copy()
    x[:: 7 + seed % 5, 3] = np.nan
    return made._replace(x=x)


def logarithm(seed):
    """Take the logarithm of what may be negative, in the middle of a network."""
    x, y = digits(seed)

    def parts():
        return [
            layers.Dense(width(seed), "relu"),
            layers.Lambda(keras.ops.log, name="log"),
            layers.Dense(CLASSES, "softmax"),
        ]

    return compiled(seed, parts, x, y)


def diverged(seed):
    """Train with a learning rate at which the weights overflow."""
    x, y = _points(seed)
    optimizer = keras.optimizers.SGD(1e4)
    made = regression(seed, None, y * 100, optimizer=optimizer)
    made.model.fit(x, y * 100, epochs=10, verbose=0)
    return made


def converged(seed):
    """Train until the loss is small."""
    made = mlp(seed, 2, "relu", kernel_initializer="he_normal", optimizer="adam")
    made.model.optimizer.learning_rate = 0.01
    made.model.fit(made.x, made.y, epochs=25, batch_size=50, verbose=0)
    return made


def bottleneck(seed):
    """Squeeze everything through a linear layer of two units."""
    x, y = digits(seed)
    units = width(seed)

    def parts():
        return [
            layers.Dense(units, "relu", kernel_initializer="he_normal"),
            layers.Dense(2, name="bottleneck"),
            layers.Dense(units, "relu", kernel_initializer="he_normal"),
            layers.Dense(CLASSES, "softmax"),
        ]

    return compiled(seed, parts, x, y)


def with_rate(seed, rate, kind="Adam"):
    """Build a sound network with a learning rate of one's choice."""
    optimizer = getattr(keras.optimizers, kind)(rate)
    return mlp(seed, 2, "relu", kernel_initializer="he_normal", optimizer=optimizer)


def transformer(seed, blocks, *, pre_norm):
    """Build blocks of attention and two dense layers, over 16 tokens of a digit's rows."""
    x, y = digits(seed)
    # a token is half a row of pixels; 64 examples, as deep blocks take their time
    x = x.reshape(len(x), 16, 4)[:64]
    keras.utils.set_random_seed(seed)
    size = 16 + 8 * (seed % 2)
    inputs = keras.Input((16, 4))
    h = layers.Dense(size, name="embed")(inputs)
    for _ in range(blocks):
        h = _block(h, size, pre_norm)
    h = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(h))
    model = keras.Model(inputs, layers.Dense(CLASSES, "softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    return Planted(model, x, y[:64])


def _block(h, size, pre_norm):
    """Add attention and two dense layers, with the normalisation before or behind each sum."""
    for part in (_attention, _dense_pair):
        if pre_norm:
            h = layers.Add()([h, part(layers.LayerNormalization()(h), size)])
        else:
            h = layers.LayerNormalization()(layers.Add()([h, part(h, size)]))
    return h


def _attention(h, size):
    return layers.MultiHeadAttention(2, size // 2)(h, h)


def _dense_pair(h, size):
    return layers.Dense(size)(layers.Dense(2 * size, "gelu")(h))


def residual(seed):
    """Add each pair of dense layers to its input."""
    x, y = digits(seed)
    keras.utils.set_random_seed(seed)
    units = width(seed)
    inputs = keras.Input((64,))
    h = layers.Dense(units, "relu", kernel_initializer="he_normal")(inputs)
    for _ in range(4 + seed % 3):
        branch = layers.LayerNormalization()(h)
        branch = layers.Dense(units, "relu", kernel_initializer="he_normal")(branch)
        h = layers.Add()([h, layers.Dense(units)(branch)])
    model = keras.Model(inputs, layers.Dense(CLASSES)(layers.LayerNormalization()(h)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return Planted(model, x, y)


def autoencoder(seed):
    """Squeeze digits through a linear code, as an autoencoder does on purpose."""
    x, _ = digits(seed)
    units = width(seed)

    def parts():
        return [
            layers.Dense(units, "relu", kernel_initializer="he_normal"),
            layers.Dense(8, name="code"),
            layers.Dense(units, "relu", kernel_initializer="he_normal"),
            layers.Dense(64),
        ]

    return compiled(seed, parts, x, x, loss="mean_squared_error")


def words(seed):
    """Look up words, and take the mean of their vectors."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 50, size=(NUM_EXAMPLES, 20))
    y = (x.mean(axis=1) > 25).astype("float32")

    def parts():
        return [
            layers.Embedding(50, width(seed, 8, 24)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(width(seed), "relu", kernel_initializer="he_normal"),
            layers.Dense(1, "sigmoid"),
        ]

    return compiled(seed, parts, x, y, loss="binary_crossentropy")


def normalized_cnn(seed):
    """Normalise each convolution over the batch, drop some units, and train a little."""
    x, y = digits(seed, image=True)
    filters = width(seed, 6, 12)

    def parts():
        found = []
        for _ in range(3):
            found += [layers.Conv2D(filters, 3, padding="same", use_bias=False)]
            found += [layers.BatchNormalization(), layers.ReLU()]
        return [*found, layers.Flatten(), layers.Dropout(0.2), layers.Dense(CLASSES, "softmax")]

    made = compiled(seed, parts, x, y, optimizer="rmsprop")
    made.model.fit(x, y, epochs=1, verbose=0)
    return made


def pixels(seed):
    """Take digits as pixels of 0 to 255."""
    return data.digits(NUM_EXAMPLES, seed=seed).x * 255
