// What a cell puts out is brought into sight (explorers/page.py, exercises/prediction.py).

const BRING = 1500;  // ms in which JupyterLab, too, scrolls, and pictures arrive

// How many cells below a widget's the active one is; far away, or unknown: Infinity. "Run all"
// leaves the last cell active, and a page for a hall has none: there the page must not jump about.
function distanceToActive(el) {
  let cell = el.closest(".jp-Cell");
  for (let distance = 0; cell && distance <= 2; distance += 1) {
    if (cell.classList.contains("jp-mod-active")) return distance;
    cell = cell.nextElementSibling;
  }
  return Infinity;
}

// Hold a part in sight while the page settles, until the learner takes over. JupyterLab scrolls to
// the next cell before the output of this one has its height.
function bringIntoSight(part) {
  const end = performance.now() + BRING;
  const kinds = ["wheel", "pointerdown", "touchstart", "keydown"];
  const leave = new AbortController();
  for (const kind of kinds) {
    window.addEventListener(kind, () => leave.abort(), {capture: true, signal: leave.signal});
  }
  const look = () => {
    if (performance.now() > end) leave.abort();
    if (leave.signal.aborted) return;
    part.scrollIntoView({block: "nearest"});
    requestAnimationFrame(look);
  };
  look();
}
