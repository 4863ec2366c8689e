// The tables, from the bytes in the page to the curves of one setting. The other side, which
// explains the format, is tables.py.

const CURVES = Object.keys(FACTS.curves);
const NUM_SETTINGS = ["activation", "initializer", "normalization"]
  .reduce((product, name) => product * FACTS.choices[name].length, 1);

async function readTables(base64) {
  const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unpack(new Uint8Array(await new Response(stream).arrayBuffer()));
}

// Returns "width depth" -> {steps, dead, zeros, fine, values}, each a list by setting; zeros, fine
// and values are lists of such lists.
function unpack(bytes) {
  const count = bytes.length / 2;
  let place = 0;
  const plane = () => {
    const numbers = new Int32Array(NUM_SETTINGS);
    for (let k = 0; k < NUM_SETTINGS; k++, place++) {
      // all low bytes come first, then all high ones; odd numbers are the negative ones
      const number = bytes[place] | (bytes[count + place] << 8);
      numbers[k] = number & 1 ? -(number + 1) / 2 : number / 2;
    }
    return numbers;
  };
  const tables = {};
  for (const width of FACTS.choices.width) {
    let deeper = null;
    for (const depth of FACTS.choices.depth.toReversed()) {
      const steps = plane();
      const dead = plane();
      const zeros = CURVES.map(plane);
      const fine = [plane(), plane()];
      const values = readValues(plane, FACTS.marks[depth], steps, deeper);
      deeper = {layers: FACTS.marks[depth], values};
      tables[`${width} ${depth}`] = {steps, dead, zeros, fine, values};
    }
  }
  return tables;
}

// Returns values[mark][curve][setting], log10 in units: the guess, in whole cells, plus the error.
function readValues(plane, layers, steps, deeper) {
  const values = layers.map(() => []);
  for (let mark = layers.length - 1; mark >= 0; mark--) {
    for (let curve = 0; curve < CURVES.length; curve++) {
      const errors = plane();
      const guess = guesser(values, layers, mark, curve, deeper);
      const factor = FACTS.curves[CURVES[curve]];
      values[mark][curve] = errors.map((error, k) => {
        const step = factor * steps[k];
        return (Math.floor((2 * guess(k) + step) / (2 * step)) + error) * step;
      });
    }
  }
  return values;
}

function guesser(values, layers, mark, curve, deeper) {
  const last = layers.length - 1;
  if (mark === last) {
    const top = deeper?.values.at(-1)[curve];
    return k => top ? top[k] : 0;
  }
  const before = values[mark + 1][curve];
  if (deeper) {
    const here = reader(deeper, layers[mark], curve);
    const there = reader(deeper, layers[mark + 1], curve);
    return k => before[k] + here(k) - there(k);
  }
  if (mark === last - 1) return k => before[k];
  const gap = layers[mark + 2] - layers[mark + 1];
  const way = layers[mark + 1] - layers[mark];
  const second = values[mark + 2][curve];
  return k => before[k] + Math.floor((before[k] - second[k]) * way / gap);
}

// Reads a deeper network's curve at a layer, between two marks along the straight line.
function reader({layers, values}, layer, curve) {
  const after = layers.findIndex(mark => mark >= layer);
  const right = values[after][curve];
  if (layers[after] === layer) return k => right[k];
  const left = values[after - 1][curve];
  const way = layer - layers[after - 1];
  const gap = layers[after] - layers[after - 1];
  return k => left[k] + Math.floor((right[k] - left[k]) * way / gap);
}

// The curves of one setting in log10, an exact 0 as -Infinity; theory is null where there is none.
function lookUp(tables, setting) {
  const table = tables[`${setting.width} ${setting.depth}`];
  const number = ["activation", "initializer", "normalization"].reduce(
    (sum, name) => sum * FACTS.choices[name].length + FACTS.choices[name].indexOf(setting[name]),
    0,
  );
  const found = {layers: FACTS.marks[setting.depth], dead: table.dead[number]};
  CURVES.forEach((name, curve) => {
    found[name] = table.values.map((values, mark) =>
      mark < table.zeros[curve][number] ? -Infinity : values[curve][number] / FACTS.units);
  });
  // the middle of a tenth of a cell
  const first = (curve, fine) => found[curve][0]
    + ((fine[number] + 0.5) / FACTS.fine - 0.5) * table.steps[number] / FACTS.units;
  found.ratio = first("rms", table.fine[0]);
  found.expected = first("theory", table.fine[1]);
  found.step = table.steps[number] / FACTS.units;
  if (setting.normalization !== "none") found.theory = found.expected = null;
  return found;
}
