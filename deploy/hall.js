// The lecturer's page: a question of the course, how many have answered, and on demand how.
//
// Counts are drawn when the lecturer asks, not as they come in: a bar that grows while somebody
// clicks would say who it was. Text goes into the page as text, never as HTML.

const byId = id => document.getElementById(id);
const list = byId("questions");
const show = byId("show");
const rows = () => [...byId("options").tBodies[0].rows];
let questions = {};
let answers = {};
let isShown = false;  // counts, of this question

// The hub wants to see in a header what only a page of this address can read: the cookie of that name.
async function ask(path, method = "GET") {
  const cookie = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
  const headers = {"X-XSRFToken": cookie ? decodeURIComponent(cookie[1]) : ""};
  const reply = await fetch(path, {method, headers, cache: "no-store", redirect: "error"});
  if (!reply.ok) throw new Error(String(reply.status));
  return reply.status === 204 ? null : reply.json();
}

function make(kind, parent, properties = {}) {
  const part = Object.assign(document.createElement(kind), properties);
  parent.append(part);
  return part;
}

function fillList() {
  const groups = {};
  for (const [mark, {lesson, question}] of Object.entries(questions)) {
    groups[lesson] ??= make("optgroup", list, {label: lesson});
    make("option", groups[lesson], {value: mark, textContent: question});
  }
}

function showQuestion() {
  const {question, options} = questions[list.value];
  byId("question").textContent = question;
  const body = byId("options").tBodies[0];
  body.replaceChildren();
  for (const option of options) {
    const row = make("tr", body);
    make("th", row, {scope: "row", textContent: option});
    const track = make("div", make("td", row), {className: "track"});
    make("div", track, {className: "bar"}).style.width = "0";
    make("td", row);
  }
  isShown = false;
  show.textContent = "Show the counts";
  say();
}

function say(text = "") {
  const number = answers[list.value] ?? 0;
  const status = text || `${number} ${number === 1 ? "answer" : "answers"}`;
  // a screen reader reads again whatever is written again
  if (byId("status").textContent !== status) byId("status").textContent = status;
}

async function showCounts() {
  const asked = list.value;
  const {answers: number, counts} = await ask(`counts/${asked}`);
  if (list.value !== asked) return;
  if (counts === null) {
    say(`${number} of the 5 answers that have to be there before counts are shown`);
    return;
  }
  const shown = counts.reduce((sum, count) => sum + count, 0);
  rows().forEach((row, k) => {
    row.querySelector(".bar").style.width = `${(100 * counts[k]) / shown}%`;
    row.lastChild.textContent = String(counts[k]);
  });
  isShown = true;
  show.textContent = "Count again";
  say(`${shown} answers counted`);
}

async function clearQuestion() {
  await ask(`counts/${list.value}`, "DELETE");
  answers[list.value] = 0;
  showQuestion();
}

// A service that restarts, a network that fails for a moment: said, and tried again.
const guarded = action => async () => {
  try {
    await action();
  } catch {
    say("The hub doesn't answer. Reload this page if that stays.");
  }
};

async function look() {
  answers = await ask("answers");
  if (!isShown) say();
}

list.addEventListener("change", showQuestion);
show.addEventListener("click", guarded(showCounts));
byId("clear").addEventListener("click", guarded(clearQuestion));
guarded(async () => {
  questions = await ask("questions");
  fillList();
  showQuestion();
  setInterval(guarded(look), 2000);
})();
