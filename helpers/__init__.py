"""The small module under the course: labelled data flows one way, from a data set to a picture.

``data, catalogue -> networks -> measure, training -> plots -> explorers``, and
``catalogue -> theory, recurrent, transformer -> explorers``. Importing ``helpers`` loads nothing
heavy: TensorFlow comes with the modules that need it. Its start-up chatter is switched off here,
before it can load; its errors are not (level 3 would hide those too).
"""

import os

STYLE = "helpers.course"  # for plt.style.use: the look of every figure

# What the user has set stays as it is.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
