// Predictions on a page without a kernel. question.js, which stands before this in one file, builds
// the question as in JupyterLab; what the kernel does there, the few lines of `model` do here.

const ASK = "Choose one: a guess is enough. The answer follows at once.";

function unseal(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function begin(el) {
  const {question: asked, options, answer, why} = unseal(el.dataset.sealed);
  // every trait of the widget that question.js reads; there is no hall that counts
  const state = {
    question: asked, options, chosen: null, right: null, verdict: "", text: ASK, notice: "",
    counted: null, hall: ""
  };
  let reveal = () => {};
  const model = {
    get: name => state[name],
    set: (name, value) => { state[name] = value; },
    // the choice: from here on it stands
    save_changes: () => {
      state.right = answer;
      state.verdict = state.chosen === answer ? "✓ You said so." : `✗ You said: ${state.chosen}.`;
      state.text = `The answer: ${answer}. ${why}`;
      reveal();
      count(el, state.chosen === answer);
      showResults(el);
    },
    on: (names, call) => {
      if (names === "change:right") reveal = call;
    },
    off: () => {}
  };
  el.replaceChildren();
  question.render({model, el});
}

// Unfold what comes out below a question, up to the next one or the next heading.
function showResults(el) {
  let cell = el.closest(".cell").nextElementSibling;
  while (cell && cell.tagName !== "SECTION" && !cell.querySelector(".course-prediction")) {
    for (const fold of cell.querySelectorAll(".cell_output details, details.below-input")) {
      if (cell.classList.contains("tag_hide-output")) fold.open = true;
    }
    cell = cell.nextElementSibling;
  }
}

// The line at the end of a lesson; what was chosen lasts as long as the page.
function count(el, isRight) {
  if (el) el.dataset.made = isRight ? "right" : "wrong";
  const number = which => document.querySelectorAll(`.course-prediction${which}`).length;
  for (const line of document.querySelectorAll(".course-tally")) {
    line.textContent = `On this page you made ${number("[data-made]")} of ${number("")} ` +
      `predictions; ${number("[data-made=right]")} came true. In JupyterLab your choices are kept.`;
  }
}

// A label of its own would keep the words of each folded part from who listens.
for (const line of document.querySelectorAll("details.hide > summary")) {
  line.removeAttribute("aria-label");
}
for (const el of document.querySelectorAll(".course-prediction[data-sealed]")) begin(el);
count();
