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
  const count = model.get("counted") === null ? null : buildCount(model, el);
  const reply = make("p", el, {className: "course-prediction-reply"});
  reply.setAttribute("role", "status");  // a screen reader says what changes
  const isOurs = part => group.contains(part) || Boolean(count?.contains(part));
  return {group, count, reply, isOurs};
}

// Where the hub counts the hall's predictions: the way out of it, in sight with each question.
function buildCount(model, el) {
  const label = make("label", el, {className: "course-prediction-count"});
  const box = make("input", label, {type: "checkbox"});
  make("span", label, {textContent: "Count my choice in the hall, without my name"});
  box.addEventListener("change", () => {
    model.set("counted", box.checked);
    model.save_changes();
  });
  return label;
}

function update(model, el, {group, count, reply}) {
  if (count) count.firstChild.checked = model.get("counted");
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
  reply.append(` ${model.get("text")} ${model.get("notice")} ${model.get("hall")}`);
}

// Keys that mean something here, and those that would be a command to JupyterLab.
function onKey({group, isOurs}, event) {
  if (!isOurs(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const isRun = event.key === "Enter" && event.shiftKey;
  if (isRun || event.key === "Tab") return;
  event.stopPropagation();
  const inputs = [...group.querySelectorAll("input")];
  const place = inputs.indexOf(event.target);
  if (event.key in STEPS && place >= 0) {
    event.preventDefault();  // the browser would choose as it moves
    inputs[(place + STEPS[event.key] + inputs.length) % inputs.length].focus();
  } else if (event.key === "Enter") {
    event.target.click();
  }
}

export default {
  render({model, el}) {
    const parts = build(model, el);
    const {group, isOurs} = parts;
    const leave = new AbortController();
    const options = {capture: true, signal: leave.signal};
    const keepFromPage = event => {
      if (!isOurs(event.target)) return;
      event.stopPropagation();
      // a press on an option's text would give the focus to the cell around it
      if (event.type === "mousedown" && !event.target.matches("input")) event.preventDefault();
    };
    // on the window, as JupyterLab listens further in
    window.addEventListener("keydown", event => onKey(parts, event), options);
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
    const changes = ["chosen", "verdict", "text", "notice", "counted", "hall"]
      .map(name => `change:${name}`).join(" ");
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
