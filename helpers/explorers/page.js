// What page.py says of it: keys that stay with an explorer, and what Copy copies.
// Other files stand before it, in the same module (page.py).

const SIDEWAYS = {ArrowUp: "ArrowRight", ArrowDown: "ArrowLeft"};
const SETTING = ".course-setting textarea";
const OF_A_SLIDER = ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Tab"];

function guard(home, event) {
  const target = event.target;
  if (!event.isTrusted || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!(target instanceof Element) || !home.contains(target)) return;
  if (event.key === "Enter" && target.matches(SETTING)) {
    event.preventDefault();  // no new line: the setting counts once the field has lost the focus
    event.stopPropagation();
    target.blur();
    target.focus();
    return;
  }
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

// The setting, or on the page for a hall its address; the field is selected where the browser
// keeps the clipboard to itself.
function copySetting(home) {
  const field = home.querySelector(SETTING);
  const address = `${location.origin}${location.pathname}?setting=`;
  const isLive = home.classList.contains("course-live");
  const text = isLive ? address + encodeURIComponent(field.value) : field.value;
  const select = () => field.select();
  if (navigator.clipboard) navigator.clipboard.writeText(text).catch(select);
  else select();
}

export default {
  render({model, el}) {
    const home = () => el.closest(".course-explorer");
    const onKey = event => {
      if (!home()) return;
      if (home().classList.contains("course-live")) pressPreset(home(), event);
      guard(home(), event);
    };
    const onClick = event => {
      const button = event.target.closest?.(".course-copy");
      if (button && home()?.contains(button)) copySetting(home());
      const image = event.target.closest?.("img.widget-image");
      if (!image || !home()?.contains(image)) return;
      const box = image.getBoundingClientRect();  // the page may show it smaller than it is
      const across = (event.clientX - box.left) / box.width;
      model.set("clicked", [across, (event.clientY - box.top) / box.height]);
      model.save_changes();
    };
    const onPicture = () => home() && describePicture(home(), model.get("picture"));
    const ends = [giveVoice(model, el), heedMotion(model)];
    window.addEventListener("keydown", onKey, {capture: true});
    model.on("change:picture", onPicture);
    const first = setTimeout(() => {  // the other widgets are in the page by then
      onPicture();
      if (home()) {
        nameParts(home());
        ends.push(watchValues(home()));
      }
      if (home() && distanceToActive(home()) <= 1) bringIntoSight(home());
      if (home()?.classList.contains("course-live")) {
        ends.push(watchKernel(model, home()));
        askForSetting(model);
      }
    }, 500);
    window.addEventListener("click", onClick, {capture: true});
    return () => {
      clearTimeout(first);
      ends.forEach(end => end());
      window.removeEventListener("keydown", onKey, {capture: true});
      window.removeEventListener("click", onClick, {capture: true});
      model.off("change:picture", onPicture);
    };
  }
};
