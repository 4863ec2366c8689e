// What page.py says of it: keys that stay with an explorer, and names for its parts.

const SIDEWAYS = {ArrowUp: "ArrowRight", ArrowDown: "ArrowLeft"};
const OF_A_SLIDER = ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Tab"];

function guard(home, event) {
  const target = event.target;
  if (!event.isTrusted || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!(target instanceof Element) || !home.contains(target)) return;
  if (target.closest("select, button")) {
    event.stopPropagation();
    return;
  }
  if (!target.closest(".noUi-handle") || OF_A_SLIDER.includes(event.key)) return;
  event.stopPropagation();
  if (event.key in SIDEWAYS) {
    event.preventDefault();  // the page would scroll
    target.dispatchEvent(new KeyboardEvent("keydown", {key: SIDEWAYS[event.key]}));
  }
}

// On the page for a hall 1 to 9 press the presets, unless someone types or looks elsewhere.
function pressPreset(home, event) {
  const taken = event.target.closest?.("input, textarea, select, [contenteditable=true]");
  if (taken || event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
  const box = home.getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2;
  if (middle < 0 || middle > window.innerHeight) return;
  home.querySelectorAll(".course-presets button")[event.key - 1]?.click();
}

// The setting, or on the page for a hall its address; the field is selected where the browser
// keeps the clipboard to itself.
function copySetting(home) {
  const field = home.querySelector(".course-setting input");
  const address = `${location.origin}${location.pathname}?setting=`;
  const isLive = home.classList.contains("course-live");
  const text = isLive ? address + encodeURIComponent(field.value) : field.value;
  const select = () => field.select();
  if (navigator.clipboard) navigator.clipboard.writeText(text).catch(select);
  else select();
}

function describe(home, picture) {
  const image = home.querySelector("img.widget-image");
  if (image) image.alt = picture;
  for (const handle of home.querySelectorAll(".noUi-handle")) {
    const row = handle.closest(".widget-slider");
    const label = row.querySelector("label");
    if (label) handle.setAttribute("aria-label", label.textContent);
    const readout = row.querySelector(".widget-readout");
    const field = row.parentElement.querySelector("input");  // of a slider over uneven steps
    const hasReadout = readout && readout.offsetParent;
    const value = hasReadout ? readout.textContent : field ? field.value : null;
    if (value !== null) handle.setAttribute("aria-valuetext", value);
    if (hasReadout && label) {
      readout.setAttribute("role", "textbox");
      readout.setAttribute("aria-label", label.textContent);
    }
  }
  const play = home.querySelectorAll(".widget-play button");
  const words = ["Play or pause the epochs", "Back to epoch 0"];
  play.forEach((button, k) => button.setAttribute("aria-label", words[k] ?? ""));
  const bar = home.querySelector("[role=progressbar], .widget-hprogress .progress");
  if (bar) bar.setAttribute("aria-label", "training");
}

// On the page for a hall: ask the kernel every few seconds whether it's there, and where no answer
// comes say so, with a way out. A kernel that only was busy answers later, and the words go.
const ASK = 2000;  // milliseconds
const PATIENCE = 6000;

function watchKernel(model, home) {
  let heard = Date.now();
  const banner = document.createElement("div");
  banner.className = "course-lost";
  const words = document.createElement("p");
  words.setAttribute("role", "alert");
  const reload = document.createElement("button");
  reload.textContent = "Reload the page";
  reload.className = "jupyter-button widget-button";
  reload.onclick = () => location.reload();
  const onAnswer = () => {
    heard = Date.now();
    banner.remove();
  };
  const ask = () => {
    if (document.hidden) {  // the browser slows the clock of a page out of sight
      heard = Date.now();
      return;
    }
    if (Date.now() - heard > PATIENCE && !banner.isConnected) {
      home.prepend(banner);
      banner.replaceChildren(words, reload);
      // Words that come after their place are read out.
      words.textContent = "The kernel behind this page does not answer: it has ended, or is busy. "
        + "If this stays, reload the page; if that does not help, start make demo again.";
    }
    model.send("are you there?");
  };
  model.on("msg:custom", onAnswer);
  const clock = setInterval(ask, ASK);
  return () => {
    clearInterval(clock);
    model.off("msg:custom", onAnswer);
  };
}

export default {
  render({model, el}) {
    let stopWatching = () => {};
    const home = () => el.closest(".course-explorer");
    const onKey = event => {
      if (!home()) return;
      if (home().classList.contains("course-live")) pressPreset(home(), event);
      guard(home(), event);
    };
    const onClick = event => {
      const button = event.target.closest?.(".course-copy");
      if (button && home()?.contains(button)) copySetting(home());
    };
    const onPicture = () => home() && describe(home(), model.get("picture"));
    window.addEventListener("keydown", onKey, {capture: true});
    model.on("change:picture", onPicture);
    const first = setTimeout(() => {  // the other widgets are in the page by then
      onPicture();
      if (!home()?.classList.contains("course-live")) return;
      stopWatching = watchKernel(model, home());
      const asked = new URLSearchParams(location.search).get("setting");
      if (asked === null) return;
      model.set("asked", asked);
      model.save_changes();
    }, 500);
    window.addEventListener("click", onClick, {capture: true});
    return () => {
      clearTimeout(first);
      stopWatching();
      window.removeEventListener("keydown", onKey, {capture: true});
      window.removeEventListener("click", onClick, {capture: true});
      model.off("change:picture", onPicture);
    };
  }
};
