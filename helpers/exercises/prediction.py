"""A question with options, of which the learner chooses one before the answer is on the page.

The run of the cell below decides it (`deciding` says which run counts). Then the prediction shows
what was chosen, what is right, and why. Who hasn't chosen by then is told nothing yet, and may
still choose: the answer follows at once.

The page's side of it, radio buttons and keys, is question.js.
"""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import traitlets

from helpers.checks import a_text, texts
from helpers.exercises import hall, store
from helpers.exercises.deciding import decider
from helpers.exercises.sealing import unseal

HERE = Path(__file__).parent
QUESTION = HERE / "question.js"
ASK = "Choose one: a guess is enough. Then run the next cell."
LATE = "The next cell has run, and you hadn't chosen. Choose now, and see at once."
CHOSEN = "Now run the next cell."


class Prediction(anywidget.AnyWidget):
    """A question with options to choose from, and the answer once it is decided.

    Parameters as in `predict`. What is sent to the page holds the answer only from then on.
    """

    # one module: the browser gets it as a text without an address, which can import no neighbour
    _esm = "\n".join(path.read_text("utf-8") for path in (HERE.parent / "sight.js", QUESTION))
    _css = HERE / "question.css"
    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    right = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    verdict = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode(ASK).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)
    # whether the choice is counted in the hall; None where nobody counts
    counted = traitlets.Bool(None, allow_none=True).tag(sync=True)
    hall = traitlets.Unicode().tag(sync=True)

    def __init__(self, question: str, options: Sequence[str], *, answer: str, why: str):
        a_text("question", question)
        options = texts("options", options)
        # ordinary attributes: what has the tag sync=True can be read in the page
        self.answer = unseal(a_text("answer", answer))
        self.why = unseal(a_text("why", why))
        if self.answer not in options:
            raise ValueError(
                f"answer must be one of the options {list(options)}; got {self.answer!r}."
            )
        self._is_decided = False
        earlier = store.entries().get(question)
        # an option that the course has reworded since is no choice any more
        earlier = earlier if earlier in options else None
        super().__init__(question=question, options=list(options), chosen=earlier)
        if earlier is not None:
            self._confirm()
        self.notice = store.notice()
        # only now: restoring a choice must not write it again
        self.observe(self._commit, names="chosen")
        if hall.is_on():
            self.counted = hall.is_counted()
            # a choice of last week counts today, and one that is counted already only once
            self._count()
            self.observe(self._let_count, names="counted")
        decider.add(self)

    @property
    def is_revealed(self) -> bool:
        """Whether the answer is on the page."""
        return self.right is not None

    def decide(self) -> None:
        """Take note that the answer is on the page: show it, or ask for a choice first."""
        # kept: a choice that comes late is answered at once
        self._is_decided = True
        if self.chosen is not None:
            self.reveal()
        elif not self.is_revealed:
            self.text = LATE

    def reveal(self) -> None:
        """Show the answer beside what was chosen, which then stands."""
        verdicts = {self.answer: "✓ You said so.", None: "You made no choice."}
        with self.hold_sync():  # one message, so that the page moves once
            self.verdict = verdicts.get(self.chosen, f"✗ You said: {self.chosen}.")
            self.text = f"The answer: {self.answer}. {self.why}"
            self.right = self.answer
        if self.counted and self.chosen is not None:
            hall.ask(self.question, self.options, self._hear)

    @traitlets.validate("chosen")
    def _check(self, proposal):
        # a choice that can be changed once the answer is known is no prediction
        if self.is_revealed or proposal.value not in (*self.options, None):
            return self.chosen
        return proposal.value

    def _commit(self, _):
        if self.chosen is None:
            return
        store.keep(self.question, self.chosen)
        self._count()
        self.notice = store.notice()
        if self._is_decided:
            self.reveal()
        else:
            self._confirm()

    def _count(self):
        if self.counted and self.chosen is not None:
            hall.tell(self.question, self.options, self.chosen)

    def _let_count(self, change):
        hall.let_count(change.new)
        if change.new:
            self._count()
        else:
            hall.withdraw(self.question, self.options)

    def _hear(self, said):
        self.hall = said

    def _confirm(self):
        self.verdict = f"You say: {self.chosen}."
        self.text = CHOSEN


def predict(question: str, options: Sequence[str], *, answer: str, why: str) -> Prediction:
    """Ask for a prediction that the next cell decides.

    Parameters
    ----------
    question : str
        One sentence; it also names the prediction in the progress file.
    options : sequence of str
        What can be chosen.
    answer : str
        The option that turns out right, plain or sealed (`seal`).
    why : str
        One sentence that explains it, plain or sealed.

    Returns
    -------
    Prediction
        A widget; the run of the next cell reveals the answer in it.

    Raises
    ------
    ValueError
        If `answer` is no option.
    """
    return Prediction(question, options, answer=answer, why=why)
