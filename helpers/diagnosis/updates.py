"""One step of a copy of the model's own optimizer, on copies of its variables."""

import keras
import tensorflow as tf


class Step:
    """Computes what the optimizer would add to each trainable variable for given gradients.

    The copy has the optimizer's settings and, where it has been used, its means so far. An
    optimizer that can't be made from its own settings is taken as gradient descent with its
    learning rate; `how` says so. Without any optimizer there is no step.
    """

    def __init__(self, model, optimizer):
        # in mixed precision the optimizer is wrapped in one that scales the loss
        self.source = getattr(optimizer, "inner_optimizer", optimizer)
        self.variables = list(model.trainable_variables)
        self.copy = None
        self.how = "none: the model has no optimizer"
        if self.source is None or not self.variables:
            return
        # from NumPy, as a Keras variable made of another's tensor would share its memory
        self.copies = [keras.Variable(v.numpy(), dtype=v.dtype) for v in self.variables]
        try:
            self.copy = type(self.source).from_config(self.source.get_config())
            self.copy.build(self.copies)
            self.fresh = [variable.numpy() for variable in self.copy.variables]
            self.how = f"one step of {type(self.source).__name__}"
        except (TypeError, ValueError, NotImplementedError):
            self.copy = None
            self.how = "learning rate * gradient"

    @property
    def exists(self) -> bool:
        """Whether there is anything to make a step with."""
        return self.source is not None and bool(self.variables)

    def changes(self, gradients) -> list:
        """Return the change of each trainable variable; `gradients` are in the same order."""
        if self.copy is None:
            # what every optimizer is a variation of
            rate = tf.cast(self.source.learning_rate, tf.float32)
            return [-tf.cast(rate, g.dtype) * g for g in gradients]
        for copy, variable in zip(self.copies, self.variables, strict=True):
            copy.assign(variable.value)
        # an optimizer that was never used has no means yet: those of a new copy stand for them
        state = [variable.value for variable in self.source.variables]
        state = state if len(state) == len(self.fresh) else self.fresh
        for copy, value in zip(self.copy.variables, state, strict=True):
            copy.assign(value)
        self.copy.apply(gradients, self.copies)
        pairs = zip(self.copies, self.variables, strict=True)
        return [copy.value - variable.value for copy, variable in pairs]
