// Numbers and verdicts in words, by the rules of helpers/explorers/words.py and theory.verdict.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const ALONE = "a single hidden layer has no other to be compared with";

function powerOfTen(exponent) {
  if (exponent === 0) return "1";
  return "10" + [...String(exponent)].map(c => c === "-" ? "⁻" : SUPERSCRIPTS[c]).join("");
}

// The number with this log10, to two digits, which is what the tables hold.
function sizeInWords(log10) {
  if (log10 === -Infinity) return "exactly 0";
  if (-3 < log10 && log10 < 3) return String(Number((10 ** log10).toPrecision(2)));
  // a tenth at a time, so that 9.96 becomes 1.0 of the next power
  let exponent = Math.floor(log10);
  let mantissa = (10 ** (log10 - exponent)).toFixed(1);
  if (mantissa === "10.0") {
    mantissa = "1.0";
    exponent += 1;
  }
  // no line breaks within a number
  return `${mantissa}\u00a0×\u00a0${powerOfTen(exponent)}`;
}

function verdict(ratio, dead) {
  if (dead / FACTS.networks >= FACTS.dyingShare) return "dying";
  const {vanishing, shrinking, growing, exploding} = FACTS.limits;
  if (ratio < Math.log10(vanishing)) return "vanishing";
  if (ratio < Math.log10(shrinking)) return "shrinking";
  if (ratio <= Math.log10(growing)) return "healthy";
  return ratio <= Math.log10(exploding) ? "growing" : "exploding";
}

// The verdict's word, and the rest of its sentence.
function judge(setting, found) {
  const word = verdict(found.ratio, found.dead);
  const dead = found.dead ? `${found.dead} of ${FACTS.networks} networks are dead; ` : "";
  let rest = ALONE;
  if (setting.depth > 1) {
    const theory = found.expected === null
      ? "theory has no prediction under normalisation"
      : `theory ${sizeInWords(found.expected)}`;
    rest = `delta = dL/dz in the first hidden layer is ${sizeInWords(found.ratio)} times the `
      + `last’s (${theory})`;
  }
  return {word: word[0].toUpperCase() + word.slice(1), rest: `${dead}${rest}.`};
}

const NAMES = {
  activation: "activation",
  initializer: "initializer",
  normalization: "normalisation",
  depth: "depth",
  width: "width",
};

// What changed since A, and what that did to the ratio.
function difference(setting, found, pinned) {
  if (!pinned) return "";
  const changed = Object.keys(NAMES)
    .filter(name => setting[name] !== pinned.setting[name])
    .map(name => `${NAMES[name]} ${pinned.setting[name]} → ${setting[name]}`);
  if (!changed.length) return "This is A: change something, and both are drawn.";
  const comparable = setting.depth > 1 && pinned.setting.depth > 1;
  const what = comparable
    ? `first-layer delta over the last’s ${sizeInWords(pinned.found.ratio)} → `
      + sizeInWords(found.ratio)
    : "not comparable";
  return `Against A (${changed.join(", ")}): ${what}.`;
}

// ---------------------------------------------------------------- the address

function addressOf(setting, pinned) {
  const query = new URLSearchParams(setting);
  if (pinned) query.set("pinned", Object.keys(NAMES).map(n => pinned.setting[n]).join("."));
  return "#" + query;
}

// Reads a setting, and A, from the part of an address behind the #. What it can't read stays as
// it was, and is told in `slips`.
function readAddress(hash, setting) {
  const slips = [];
  const found = {...setting};
  let pinned = null;
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (name === "pinned") {
      const parts = text.split(".");
      const other = {};
      Object.keys(NAMES).forEach((key, k) => take(other, key, parts[k] ?? "", slips));
      if (Object.keys(other).length === Object.keys(NAMES).length) pinned = other;
    } else if (Object.hasOwn(NAMES, name)) {
      take(found, name, text, slips);
    } else {
      slips.push(`This page has no “${short(name)}”; it has ${Object.values(NAMES).join(", ")}.`);
    }
  }
  return {setting: found, pinned, slips};
}

function take(setting, name, text, slips) {
  const choices = FACTS.choices[name];
  const value = choices.find(choice => String(choice) === text);
  if (value !== undefined) setting[name] = value;
  else slips.push(`“${short(text)}” is no ${NAMES[name]} here; it is one of ${choices.join(", ")}.`);
}

function short(text) {
  return text.length > 40 ? text.slice(0, 40) + "…" : text;
}
