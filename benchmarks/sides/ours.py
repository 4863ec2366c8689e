"""The course's own: `train`, and `train_model` for a Keras model."""

from benchmarks.job import Job
from benchmarks.sides import Result
from helpers import networks, training

NAMES = (
    "accuracy",
    "gradient_mean",
    "gradient_std",
    "gradient_norm",
    "weight_mean",
    "weight_std",
    "update_ratio",
    "delta_norm",
    "activation_mean",
    "activation_std",
    "saturation",
    "dead",
)


def as_result(recording) -> Result:
    """Take the first replicate of a recording, without the row after the last update."""
    first = recording.isel(replicate=0, step=slice(0, -1))
    return Result(first.loss.values, {name: first[name].values for name in NAMES})


def train(job: Job, num_replicates: int = 1):
    """Prepare `train`."""

    def run():
        return training.train(
            **job.network,
            dataset=job.dataset,
            epochs=job.epochs,
            num_replicates=num_replicates,
        )

    return run


def train_model(job: Job):
    """Prepare `train_model`; setting the initial weights anew is timed, too."""
    model = networks.make_mlp(**job.network)
    weights = model.get_weights()

    def run():
        model.set_weights(weights)
        return training.train_model(model, job.dataset, epochs=job.epochs)

    return run
