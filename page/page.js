// The controls, the address and what is said.

const REST = 1000;  // ms without a move, after which a screen reader hears the finding
const SAVE = 300;  // ms after which the address follows; browsers allow some 100 changes in 30 s
const $ = id => document.getElementById(id);
const SLIDERS = ["depth", "width"];

let tables = null;
let setting = {...FACTS.first};
let pinned = null;
const timers = {};

function later(name, milliseconds, call) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(call, milliseconds);
}

function makeControls() {
  for (const [name, choices] of Object.entries(FACTS.choices)) {
    const control = $(name);
    if (SLIDERS.includes(name)) {
      control.max = choices.length - 1;
    } else {
      control.replaceChildren(...choices.map(choice => new Option(choice, choice)));
    }
    control.addEventListener("input", () => {
      const value = SLIDERS.includes(name) ? choices[control.valueAsNumber] : control.value;
      change({[name]: value});
    });
  }
  for (const [label, values] of Object.entries(FACTS.presets)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => change(values));
    $("presets").append(button);
  }
  $("pin").addEventListener("click", () => {
    pinned = pinned ? null : {setting: {...setting}, found: lookUp(tables, setting)};
    change({});
  });
  $("reset").addEventListener("click", () => {
    pinned = null;
    change(FACTS.first);
  });
  $("numbers").addEventListener("toggle", refresh);
  addEventListener("hashchange", readHash);
  new ResizeObserver(refresh).observe($("picture"));
}

function change(values) {
  setting = {...setting, ...values};
  $("slip").textContent = "";
  refresh();
  later("save", SAVE, () => history.replaceState(null, "", addressOf(setting, pinned)));
}

function readHash() {
  const read = readAddress(location.hash, setting);
  setting = read.setting;
  pinned = read.pinned && {setting: read.pinned, found: lookUp(tables, read.pinned)};
  $("slip").textContent = read.slips.join(" ");
  refresh();
}

function refresh() {
  const found = lookUp(tables, setting);
  showControls();
  const [light, dark] = FACTS.colors[setting.activation];
  $("figure").style.setProperty("--light", light);
  $("figure").style.setProperty("--dark", dark);
  const {word, rest} = judge(setting, found);
  $("word").textContent = `${word}:`;
  $("rest").textContent = rest;
  $("difference").textContent = difference(setting, found, pinned);
  for (const part of document.querySelectorAll(".key-theory")) part.hidden = !found.theory;
  for (const part of document.querySelectorAll(".key-pinned")) part.hidden = !pinned;
  for (const part of document.querySelectorAll(".key-zero")) {
    part.hidden = ![found, pinned?.found].some(one => one?.rms.includes(-Infinity)
      || one?.median.includes(-Infinity));
  }
  $("picture").setAttribute("aria-label", describe(setting, found));
  draw($("picture"), found, pinned?.found);
  if ($("numbers").open) fillTable($("numbers").querySelector("tbody"), found);
  later("say", REST, () => {
    $("voice").textContent = $("verdict").textContent.replace(/\s+/g, " ").trim();
  });
}

function showControls() {
  for (const [name, choices] of Object.entries(FACTS.choices)) {
    const control = $(name);
    if (SLIDERS.includes(name)) {
      control.value = choices.indexOf(setting[name]);
      const what = name === "depth" ? "hidden layer" : "unit";
      control.ariaValueText = `${setting[name]} ${what}${setting[name] === 1 ? "" : "s"}`;
      $(`${name}-value`).textContent = setting[name];
    } else {
      control.value = setting[name];
    }
  }
  $("pin").textContent = pinned ? "Unpin A" : "Pin as A";
}

async function start() {
  if (!("DecompressionStream" in window)) {
    $("word").textContent = "This browser is too old";
    $("rest").textContent = "to unpack the tables of this page; any one from 2023 on can.";
    return;
  }
  tables = await readTables($("tables").textContent);
  makeControls();
  readHash();
  // after the frame that shows it
  requestAnimationFrame(() => setTimeout(() => performance.mark("first picture")));
}

start();
