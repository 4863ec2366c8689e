"""`signals`: what ``measure`` measures, of any Keras model that fits a `Dataset`."""

import xarray as xr

from helpers.data import Dataset, check_dataset
from helpers.diagnosis.classifier import Classifier
from helpers.diagnosis.measuring import measured
from helpers.measure.statistics import STATISTICS

LOSSES = {True: "binary_crossentropy", False: "categorical_crossentropy"}  # by: two classes


def signals(model, dataset: Dataset) -> xr.Dataset:
    """Measure a Keras model on all examples of `dataset`: dimension layer, one entry a kernel.

    Batch normalisation uses the batch's statistics, as in training; everything random is at rest.
    Nothing in the model changes. Computed in the model's own precision, float32, where a gradient
    below about 1e-38 is lost: that too is what training would see. What can't be told of a layer
    is NaN, and attrs["unknown"] says why; delta is then that of the layer's output.

    Raises
    ------
    ValueError
        If the model doesn't fit the data set, or is no classifier.
    """
    check_dataset(dataset)
    classifier = Classifier(model, dataset, LOSSES[dataset.num_outputs == 1])
    # one batch: with smaller ones a batch normalisation would have other statistics
    found = measured(
        model, dataset.x, dataset.y, loss=classifier, batch_size=len(dataset), at_rest=True
    )
    attrs = {"model": model.name, "dataset": dataset.name, "num_examples": len(dataset)}
    attrs["unknown"] = found.table.attrs["unknown"]
    table = found.table[list(STATISTICS)].reset_coords(["activation", "role"], drop=True)
    return table.drop_attrs(deep=False).assign_attrs(attrs)
