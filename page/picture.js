// The picture: delta by hidden layer on a log axis, as helpers/plots/layers.py draws it.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = {left: 52, right: 14, top: 12, bottom: 46};

function element(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// Rounded up to 1, 2, 3, 5, 7, 10, 20 ..., so that the axis stands still while a little changes.
function roundUp(size) {
  const decade = 10 ** Math.floor(Math.log10(Math.max(size, 1)));
  return [1, 2, 3, 5, 7, 10].map(step => step * decade).find(limit => limit >= size);
}

// Limits of the axis in decades; 1, which is 10 to the 0, is always inside.
function limitsOf(curves) {
  const finite = curves.flat().filter(Number.isFinite);
  const low = roundUp(Math.max(-1.05 * Math.min(0, ...finite), 1));
  const high = roundUp(Math.max(1.05 * Math.max(0, ...finite), 1));
  return [-Math.max(low, high / 10), Math.max(high, low / 10)];
}

function ticksBetween(low, high, most) {
  const step = [1, 2, 5, 10, 20, 50, 100].find(s => (high - low) / s <= most);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}

function draw(svg, found, pinned) {
  const {width, height} = svg.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const shown = [found.rms, found.low, found.high, found.theory ?? [], pinned?.rms ?? []];
  const [low, high] = limitsOf(shown);
  const last = Math.max(found.layers.at(-1), pinned?.layers.at(-1) ?? 1);
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const x = layer => MARGIN.left + (layer - 0.5) / last * (right - MARGIN.left);
  const y = log => bottom - (log - low) / (high - low) * (bottom - MARGIN.top);
  const scales = {x, y, low, high, last, right, bottom};
  const parts = [...axes(scales)];
  if (pinned) parts.push(...line(scales, pinned.layers, pinned.rms, "pinned"));
  parts.push(...series(scales, found));
  svg.replaceChildren(...parts);
}

function axes({x, y, low, high, last, right, bottom}) {
  const parts = [];
  for (const tick of ticksBetween(low, high, 7)) {
    const at = y(tick);
    parts.push(
      element("line", {x1: MARGIN.left, x2: right, y1: at, y2: at, class: "grid"}),
      element("text", {x: MARGIN.left - 8, y: at, class: "tick left"}, powerOfTen(tick)),
    );
  }
  const most = right < 400 ? 6 : 11;
  const near = last / (most + 1);
  const inner = ticksBetween(1, last, most).filter(tick => tick - 1 >= near && last - tick >= near);
  for (const tick of new Set([1, ...inner, last])) {
    parts.push(element("text", {x: x(tick), y: bottom + 18, class: "tick"}, tick));
  }
  parts.push(
    element("line", {x1: MARGIN.left, x2: right, y1: y(0), y2: y(0), class: "reference"}),
    element("text", {x: (MARGIN.left + right) / 2, y: bottom + 40, class: "tick"},
      right < 340 ? "hidden layer" : "hidden layer (1 is next to the inputs)"),
  );
  return parts;
}

function series(scales, found) {
  const {x, y, low} = scales;
  const floor = log => y(Math.max(log, low));
  const edge = [
    ...found.layers.map((layer, k) => `${x(layer)},${floor(found.high[k])}`),
    ...found.layers.map((layer, k) => `${x(layer)},${floor(found.low[k])}`).reverse(),
  ];
  const parts = [element("polygon", {points: edge.join(" "), class: "band"})];
  if (found.layers.length === 1) {
    // a single layer: its band has no width to be filled
    const at = {x1: x(1), x2: x(1), y1: floor(found.low[0]), y2: floor(found.high[0])};
    parts.push(element("line", {...at, class: "thick band"}));
  }
  parts.push(...line(scales, found.layers, found.median, "median"));
  if (found.theory) parts.push(...line(scales, found.layers, found.theory, "theory"));
  found.layers.forEach((layer, k) => {
    if (found.rms[k] === -Infinity) return;
    parts.push(element("circle", {cx: x(layer), cy: y(found.rms[k]), r: 4.5, class: "rms"}));
  });
  return parts;
}

// A line through what is finite, and crosses on the floor where a size is exactly 0.
function line({x, y, low}, layers, logs, name) {
  const points = [];
  const parts = [];
  layers.forEach((layer, k) => {
    if (logs[k] !== -Infinity) {
      points.push(`${x(layer)},${y(logs[k])}`);
      return;
    }
    const [across, down] = [x(layer), y(low)];
    const path = `M${across - 5} ${down - 5}l10 10m0 -10l-10 10`;
    parts.push(element("path", {d: path, class: "zero"}));
  });
  return [element("polyline", {points: points.join(" "), class: name}), ...parts];
}

// What a screen reader says of the picture.
function describe(setting, found) {
  const ends = log => `${sizeInWords(log.at(0))} in the first, ${sizeInWords(log.at(-1))} in the last`;
  return `delta by hidden layer relative to the last one, on a log axis, ${FACTS.networks} networks `
    + `of ${setting.depth} layers: RMS ${ends(found.rms)}; median ${ends(found.median)}.`;
}

function fillTable(body, found) {
  const cells = found.layers.map((layer, k) => {
    const row = document.createElement("tr");
    const curves = [found.rms, found.low, found.median, found.high, found.theory];
    // on a phone a number has to be broken here: six stand side by side
    const size = curve => curve ? sizeInWords(curve[k]).replaceAll("\u00a0", " ") : "–";
    const texts = [layer, ...curves.map(size)];
    texts.forEach((text, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (!column) cell.scope = "row";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  });
  body.replaceChildren(...cells);
}
