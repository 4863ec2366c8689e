// The page's side of a prediction (prediction.py): a question and a group of radio buttons.
//
// Arrow keys move within the group without choosing, since the first choice may be the one that
// counts; the space bar or Enter chooses. Nothing of this may reach JupyterLab: its keys would run,
// cut or move cells, and a click would make the question its active cell, so that Shift + Enter
// asked it again in place of running the cell below. sight.js stands before this, in one module.

const STEPS = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1};

function make(kind, parent, properties = {}) {
  const part = Object.assign(document.createElement(kind), properties);
  parent.append(part);
  return part;
}

function build(model, el) {
  const id = `course-prediction-${Math.random().toString(36).slice(2)}`;
  el.classList.add("course-prediction");
  const title = make("p", el, {id});
  make("b", title, {textContent: "Predict. "});
  title.append(model.get("question"));
  const group = make("div", el, {className: "course-prediction-options"});
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-labelledby", id);
  for (const option of model.get("options")) {
    const label = make("label", group);
    make("input", label, {type: "radio", name: id, value: option});
    make("span", label, {textContent: option});
  }
  const reply = make("p", el, {className: "course-prediction-reply"});
  reply.setAttribute("role", "status");  // a screen reader says what changes
  return {group, reply};
}

function update(model, el, {group, reply}) {
  const right = model.get("right");
  el.classList.toggle("course-prediction-revealed", right !== null);
  for (const input of group.querySelectorAll("input")) {
    input.checked = input.value === model.get("chosen");
    input.disabled = right !== null;
    const isRight = input.value === right;
    input.parentElement.classList.toggle("course-prediction-right", isRight);
    const mark = isRight ? "✓ " : right !== null && input.checked ? "✗ " : "";
    input.nextElementSibling.textContent = mark + input.value;
  }
  reply.replaceChildren();
  make("b", reply, {textContent: model.get("verdict")});
  reply.append(` ${model.get("text")} ${model.get("notice")}`);
}

// Keys that mean something here, and those that would be a command to JupyterLab.
function onKey(group, event) {
  if (!group.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const isRun = event.key === "Enter" && event.shiftKey;
  if (isRun || event.key === "Tab") return;
  event.stopPropagation();
  const inputs = [...group.querySelectorAll("input")];
  const place = inputs.indexOf(event.target);
  if (event.key in STEPS) {
    event.preventDefault();  // the browser would choose as it moves
    inputs[(place + STEPS[event.key] + inputs.length) % inputs.length].focus();
  } else if (event.key === "Enter") {
    event.target.click();
  }
}

export default {
  render({model, el}) {
    const parts = build(model, el);
    const {group} = parts;
    const leave = new AbortController();
    const options = {capture: true, signal: leave.signal};
    const keepFromPage = event => {
      if (group.contains(event.target)) event.stopPropagation();
    };
    // on the window, as JupyterLab listens further in
    window.addEventListener("keydown", event => onKey(group, event), options);
    window.addEventListener("mousedown", keepFromPage, options);
    window.addEventListener("focusin", keepFromPage, options);
    group.addEventListener("change", event => {
      model.set("chosen", event.target.value);
      model.save_changes();
    });
    const refresh = () => update(model, el, parts);
    const reveal = () => {
      refresh();
      if (distanceToActive(el) <= 2) bringIntoSight(el);
    };
    const changes = "change:chosen change:verdict change:text change:notice";
    model.on(changes, refresh);
    model.on("change:right", reveal);
    refresh();
    // not while it is being built: it stands in no cell yet
    const first = requestAnimationFrame(() => {
      if (distanceToActive(el) <= 1) bringIntoSight(el);
    });
    return () => {
      cancelAnimationFrame(first);
      leave.abort();
      model.off(changes, refresh);
      model.off("change:right", reveal);
    };
  }
};
