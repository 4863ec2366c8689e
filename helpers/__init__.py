"""The small module under the course: labelled data flows one way, from a data set to a picture.

``data, catalogue -> networks -> measure, training -> plots -> explorers``, and
``catalogue -> theory, recurrent, transformer -> explorers``; the captions of ``plots`` take the
verdict's words from ``theory``. Importing ``helpers`` loads nothing heavy: TensorFlow comes with
the modules that need it. Its start-up chatter is switched off here, before it can load; its errors
are not (level 3 would hide those too).
"""

import json
import os
from pathlib import Path

STYLE = "helpers.course"  # for plt.style.use: the look of every figure

# What the user has set stays as it is.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def _shield_keras(folder: Path = Path(__file__).parent / "keras") -> None:
    """Let Keras read our keras.json where the user's says anything else than Keras's defaults.

    Another project's float type or order of axes would change results here. Where they agree,
    Keras keeps its own folder, and the data sets in it.
    """
    theirs = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    ours = json.loads((folder / "keras.json").read_text("utf-8"))
    try:
        found = json.loads(Path(theirs, "keras.json").read_text("utf-8"))
        is_foreign = any(found.get(key, value) != value for key, value in ours.items())
    except OSError:  # none there: Keras writes one
        return
    except (ValueError, AttributeError):  # no JSON, or no object
        is_foreign = True
    if is_foreign:
        os.environ["KERAS_HOME"] = str(folder)


_shield_keras()
