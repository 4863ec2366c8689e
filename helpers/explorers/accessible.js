// For those who hear the page instead of seeing it, or are troubled by what moves (see page.py).

const REST = 1000;  // ms without a change until what is said is read out
const HANDLE = ".noUi-handle";  // of a slider
const PLAY = ["Play or pause the epochs", "Back to epoch 0"];

// A slider's value as its readout writes it: "0.001", not the third of nine steps.
function sayValue(handle) {
  const readout = handle.closest(".widget-slider").querySelector(".widget-readout");
  const value = readout?.textContent;
  // only where it differs: each change calls this function again
  if (value && handle.getAttribute("aria-valuetext") !== value) {
    handle.setAttribute("aria-valuetext", value);
  }
}

function saySlider(row) {
  const name = row.querySelector("label")?.textContent;
  const handle = row.querySelector(HANDLE);
  if (!name || !handle) return;
  handle.setAttribute("aria-label", name);
  sayValue(handle);
  const readout = row.querySelector(".widget-readout");
  readout.setAttribute("role", "textbox");
  readout.setAttribute("aria-label", name);
}

function sayProgress(bar) {
  const share = Math.round(parseFloat(bar.firstElementChild.style.width) || 0);
  bar.setAttribute("aria-valuenow", share);
  bar.setAttribute("aria-valuetext", `${share} %`);
}

// ipywidgets leaves all of these without a name, or with that of a tooltip alone.
function nameParts(home) {
  home.querySelectorAll(".widget-slider").forEach(saySlider);
  for (const field of home.querySelectorAll("input[title], textarea[title]")) {
    field.setAttribute("aria-label", field.title);
  }
  home.querySelectorAll(".widget-play button").forEach((button, k) => {
    if (k in PLAY) button.setAttribute("aria-label", PLAY[k]);
  });
  // an icon is a letter of a font of its own, which would be read as part of the name
  home.querySelectorAll("button i").forEach(icon => icon.setAttribute("aria-hidden", "true"));
  const bar = home.querySelector(".widget-hprogress .progress");
  if (!bar) return;
  const words = {role: "progressbar", "aria-label": "training", "aria-valuemin": 0};
  for (const [key, value] of Object.entries({...words, "aria-valuemax": 100})) {
    bar.setAttribute(key, value);
  }
  sayProgress(bar);
}

function describePicture(home, words) {
  const image = home.querySelector("img.widget-image");
  if (image) image.alt = words;
}

// Watch what ipywidgets writes, and put it into words; returns how to end that.
function watchValues(home) {
  const values = new MutationObserver(records => {
    records.map(record => record.target).filter(part => part.matches(HANDLE)).forEach(sayValue);
  });
  values.observe(home, {attributes: true, attributeFilter: ["aria-valuetext"], subtree: true});
  const progress = new MutationObserver(records => sayProgress(records[0].target.parentElement));
  const bar = home.querySelector(".widget-hprogress .progress-bar");
  if (bar) progress.observe(bar, {attributes: true, attributeFilter: ["style"]});
  return () => {
    values.disconnect();
    progress.disconnect();
  };
}

// The one region of an explorer that is read out: at rest, and never while the epochs play.
function giveVoice(model, el) {
  const region = document.createElement("div");
  region.className = "course-voice";
  region.setAttribute("role", "status");
  el.append(region);
  let timer = null;
  const speak = () => {
    // a new node each time: the end of a play is heard although its words may be the same
    if (!model.get("playing")) region.replaceChildren(model.get("said"));
  };
  const waitForRest = () => {
    clearTimeout(timer);
    timer = setTimeout(speak, REST);
  };
  model.on("change:said change:playing", waitForRest);
  waitForRest();
  return () => {
    clearTimeout(timer);
    model.off("change:said change:playing", waitForRest);
  };
}

// Tell the kernel whether this reader asked the system for less motion.
function heedMotion(model) {
  const query = matchMedia("(prefers-reduced-motion: reduce)");
  const tell = () => {
    if (model.get("calm") === query.matches) return;
    model.set("calm", query.matches);
    model.save_changes();
  };
  tell();
  query.addEventListener("change", tell);
  return () => query.removeEventListener("change", tell);
}
