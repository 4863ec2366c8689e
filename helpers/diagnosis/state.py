"""What looking at a model would change, put back: moving averages, seeds, metrics."""

from contextlib import contextmanager


def passing(model) -> list:
    """List the variables that a forward pass or a loss may change, and no optimizer does."""
    trained = {id(variable) for variable in model.trainable_variables}
    # seeds of dropout are among `variables`, the sums of metrics are not
    return [
        variable
        for variable in (*model.variables, *model.metrics_variables)
        if id(variable) not in trained
    ]


@contextmanager
def unchanged(model):
    """Put back everything that a forward pass changes."""
    kept = [(variable, variable.numpy()) for variable in passing(model)]
    known = {id(variable) for variable, _ in kept}
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
        # the sums of a loss for each output are made by the first look at it: they begin at 0
        for variable in model.metrics_variables:
            if id(variable) not in known:
                variable.assign(0 * variable)
