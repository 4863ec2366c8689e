// What only the page for a hall does (`make demo`): number keys, a setting in its address, and words
// for a kernel that is gone.

// 1 to 9 press the presets, unless someone types or looks elsewhere.
function pressPreset(home, event) {
  const taken = event.target.closest?.("input, textarea, select, [contenteditable=true]");
  if (taken || event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
  const box = home.getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2;
  if (middle < 0 || middle > window.innerHeight) return;
  home.querySelectorAll(".course-presets button")[event.key - 1]?.click();
}

// Ask the kernel every few seconds whether it's there, and where no answer
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

// Open the setting that the address asks for.
function askForSetting(model) {
  const asked = new URLSearchParams(location.search).get("setting");
  if (asked === null) return;
  model.set("asked", asked);
  model.save_changes();
}
