"""Your own network: what its gradients do, for any Keras model and any data.

`diagnose` looks once: a table, a picture, a verdict with its rule, and one next step.
`GradientWatch` does the same again and again while ``model.fit`` runs, and says when something
turns bad.

::

    from helpers.diagnosis import GradientWatch, diagnose

    diagnose(model, x, y)
    watch = GradientWatch(x, y)
    model.fit(x, y, epochs=20, callbacks=[watch])
    watch

The rooms, in the order in which they work: ``kernels`` names every kernel; ``calls`` sees which
layer got which tensor; ``sites`` follows each kernel's output to its activation, and ``slopes``
tries what that does; ``catching`` catches pre-activations, slopes and activations while the model
runs; ``losses``, ``updates``, ``sums``, ``table`` and ``measuring`` turn them into numbers;
``evidence``, ``heads``, ``finite`` and ``rules`` into a verdict; ``remedies`` into a next step;
``report`` shows it, and ``watch`` and ``notices`` do so during a fit. ``planted`` holds networks
with known faults, which ``builders`` builds, and ``exam`` hides them. ``signals`` is the same for
``measure``; ``training.train_model`` is built on the first five, and on ``classifier``.
"""

from helpers.diagnosis.diagnose import diagnose
from helpers.diagnosis.notices import Notice
from helpers.diagnosis.report import Diagnosis
from helpers.diagnosis.watch import GradientWatch

__all__ = ["Diagnosis", "GradientWatch", "Notice", "diagnose"]
