// The vetting page: one star after the other, by keyboard.
"use strict";

const AHEAD = 3; // stars loaded before they are asked for
const ARRAYS = ["time", "flux", "background"];
const FOLD_FROM = -0.25; // left edge of the folded plot, so that both eclipses stand whole

const desk = document.getElementById("desk");
const keyMap = JSON.parse(desk.dataset.keys);
const actions = new Map(keyMap.map((item) => [item.key, item.action]));
const part = (id) => document.getElementById(id);
const plots = ["curve", "folded", "parity"].map((id) => new Plot(part(id)));

const state = { stars: [], judged: [], at: 0, which: 0, multiple: 1, pace: null, busy: false, drawn: null };
const loaded = new Map();

async function ask(path, options) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  if (answer.ok) return answer.json();
  const text = await answer.text();
  throw new Error(text || `status ${answer.status}`);
}

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Light curve of a star, asked for once.
function curveOf(tic, sector) {
  const path = `vet/curves/${tic}/${sector}`;
  if (!loaded.has(path)) {
    const promise = ask(path).then((curve) => ({ ...curve, ...Object.fromEntries(ARRAYS.map((name) => [name, floats(curve[name])])) }));
    promise.catch(() => loaded.delete(path));
    loaded.set(path, promise);
    if (loaded.size > 12) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(path);
}

const factsCache = new Map();
function factsOf(tic, sector) {
  const path = `vet/stars/${tic}/${sector}`;
  if (!factsCache.has(path)) {
    const promise = ask(path);
    promise.catch(() => factsCache.delete(path));
    factsCache.set(path, promise);
  }
  return factsCache.get(path);
}

function current() { return state.stars[state.at]; }
function sectorOf(star) { return star.sectors[state.which % star.sectors.length]; }

function nextOpen(from) {
  const n = state.stars.length;
  for (let step = 0; step < n; step += 1) {
    const at = (from + step) % n;
    if (!state.stars[at].verdict) return at;
  }
  return -1;
}

// ------------------------------------------------------------------ showing

async function show() {
  const star = current();
  if (!star) return;
  const sector = sectorOf(star);
  part("trouble").hidden = true;
  try {
    const [facts, curve] = await Promise.all([factsOf(star.tic, sector), curveOf(star.tic, sector)]);
    if (star !== current() || sector !== sectorOf(star)) return; // gone on meanwhile
    state.drawn = { star, sector, facts, curve };
    showFacts();
    draw();
    desk.dataset.tic = star.tic;
  } catch (error) {
    complain(error);
  }
  for (let step = 1; step <= AHEAD; step += 1) {
    const later = state.stars[(state.at + step) % state.stars.length];
    factsOf(later.tic, later.sectors[0]).catch(() => {});
    curveOf(later.tic, later.sectors[0]).catch(() => {});
  }
}

function complain(error) {
  part("trouble").textContent = error.message;
  part("trouble").hidden = false;
}

function number(value, digits, unit) {
  return value === null || value === undefined ? "–" : `${value.toFixed(digits)}${unit ? ` ${unit}` : ""}`;
}

function degrees(value) { return value === null || value === undefined ? "–" : `${value.toFixed(4)}°`.replace("-", "−"); }

function percent(value) {
  if (value === null || value === undefined) return "–";
  return value < 0.001 ? `${(1e6 * value).toFixed(0)} ppm` : `${(100 * value).toFixed(value < 0.01 ? 2 : 1)} %`;
}

function factRows(star, sector, facts, curve) {
  const eclipse = facts.period ? facts : {}; // what was measured of eclipses without a period means nothing
  const others = star.sectors.filter((item) => item !== sector);
  const rows = [
    ["TESS magnitude", number(facts.tmag, 2)],
    ["temperature", number(facts.teff, 0, "K")],
    ["right ascension", degrees(facts.ra)],
    ["declination", degrees(facts.dec)],
    ["camera, CCD", `${facts.camera}, ${facts.ccd}`],
    ["flux that is its own", percent(curve.crowdsap)],
    ["period", number(eclipse.period, 5, "d")],
    ["eclipses seen", eclipse.n_eclipse ?? "–"],
    ["depth, primary", percent(eclipse.depth_1)],
    ["depth, secondary", percent(eclipse.depth_2)],
    ["duration, primary", number(eclipse.duration_1, 1, "h")],
    ["duration, secondary", number(eclipse.duration_2, 1, "h")],
    ["also in sectors", others.length ? others.join(", ") : "–"],
  ];
  if (facts.judged) rows.push(["model: probability", number(facts.probability, 3)], ["model: type", facts.eb_type || "–"]);
  return rows;
}

function showFacts() {
  const { star, sector, facts, curve } = state.drawn;
  part("star").textContent = `TIC ${star.tic}`;
  const list = factRows(star, sector, facts, curve).flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  });
  part("facts").replaceChildren(...list);
  const said = part("verdict");
  said.textContent = star.verdict ? `you said ${spoken(star)}` : "not judged yet";
  said.className = `state ${star.verdict ? "raw" : ""}`;
}

function spoken(item) {
  return { EB: `EB, type ${item.eb_type}`, NOT_EB: "not an EB", UNSURE: "unsure", WITHDRAWN: "nothing (taken back)" }[item.verdict];
}

function showProgress() {
  const done = state.stars.filter((star) => star.verdict).length;
  const total = state.stars.length;
  part("progress").textContent = `${done} of ${total}${state.pace === null ? "" : `, ${state.pace.toFixed(1)} s per decision`}`;
  part("bar").max = total || 1;
  part("bar").value = done;
  const all = total > 0 && done === total;
  part("done").hidden = total > 0 && !all;
  part("done").textContent = total ? "All candidates are judged. The arrows lead back to any of them." : "There are no candidates to judge: no model in production has found any yet.";
  desk.hidden = total === 0;
}

// ------------------------------------------------------------------ drawing

function draw() {
  if (!state.drawn) return;
  const { facts, curve, sector } = state.drawn;
  const y = curve.flux.length ? limits(curve.flux) : [0.99, 1.01];
  const period = facts.period ? facts.period * state.multiple : null;
  const epoch = facts.period ? facts.epoch_btjd - curve.time_start : 0;
  part("fold").textContent = `s${String(sector).padStart(3, "0")}${period ? ` · folded at ${period.toFixed(5)} d${{ 1: "", 2: " = 2 × period", 0.5: " = period / 2" }[state.multiple]}` : ""}`;
  drawWhole(curve, y, period, epoch);
  drawFolded(curve, y, period, epoch);
  drawParity(curve, y, period, epoch, facts.duration_1);
}

function drawWhole(curve, y, period, epoch) {
  const plot = plots[0];
  const end = curve.time.length ? curve.time[curve.time.length - 1] : 27;
  const zero = curve.time_start;
  plot.start([zero - 0.01 * end, zero + 1.01 * end], y, "time [BTJD d]", "flux, median 1");
  plot.haze(zero, zero + end, curve.background, ink("--pip"));
  plot.dots(Array.from(curve.time, (time) => time + zero), curve.flux, `rgba(${ink("--point")}, ${ink("--dense")})`, 1.6);
  if (period) {
    const mids = [];
    for (let n = Math.ceil(-epoch / period); epoch + n * period <= end; n += 1) mids.push(zero + epoch + n * period);
    if (mids.length < 200) plot.marks(mids, ink("--accent"), false);
  }
  plot.marks(curve.dumps.map((time) => time + zero), ink("--soft"), true);
  if (!curve.time.length) plot.say("no good cadence");
  plot.end();
}

function phases(curve, period, epoch) {
  return curve.time.map((time) => {
    const turns = (time - epoch) / period - FOLD_FROM;
    return turns - Math.floor(turns) + FOLD_FROM;
  });
}

function drawFolded(curve, y, period, epoch) {
  const plot = plots[1];
  plot.start([FOLD_FROM, 1 + FOLD_FROM], y, "phase", "flux, median 1");
  if (period) {
    const phase = phases(curve, period, epoch);
    plot.dots(phase, curve.flux, `rgba(${ink("--point")}, ${ink("--thin")})`, 1.8);
    const middle = binned(phase, curve.flux, FOLD_FROM, 1 + FOLD_FROM, 250);
    plot.path(middle.x, middle.y, ink("--accent"), 1.6);
  } else plot.say("no period was found");
  plot.end();
}

// Odd and even primary eclipses: if they differ, the true period is twice this one.
function drawParity(curve, y, period, epoch, duration) {
  const plot = plots[2];
  const half = Math.min(period ? 12 * period : 6, Math.max(1.5 * (duration ?? 4), 2));
  const sides = [{ x: [], y: [] }, { x: [], y: [] }];
  if (period) {
    curve.time.forEach((time, i) => {
      const turn = Math.round((time - epoch) / period);
      const hours = 24 * (time - epoch - turn * period);
      if (Math.abs(hours) > half) return;
      const side = sides[Math.abs(turn % 2)];
      side.x.push(hours);
      side.y.push(curve.flux[i]);
    });
  }
  const both = sides[0].y.concat(sides[1].y);
  plot.start([-half, half], both.length ? limits(both) : y, "hours from primary eclipse", "");
  if (period) {
    const colors = [ink("--accent"), ink("--second")];
    plot.pen.globalAlpha = 0.3;
    sides.forEach((side, parity) => plot.dots(side.x, side.y, colors[parity], 2));
    plot.pen.globalAlpha = 1;
    sides.forEach((side, parity) => {
      const middle = binned(side.x, side.y, -half, half, 40);
      plot.path(middle.x, middle.y, colors[parity], 2, parity ? [6, 5] : []);
    });
  } else plot.say("no period was found");
  plot.end();
}

// ------------------------------------------------------------------ judging

async function send(star, sector, verdict, type) {
  const body = { tic: star.tic, sector, verdict, eb_type: type, note: verdict === "WITHDRAWN" ? "" : part("note").value };
  const headers = { "Content-Type": "application/json", [desk.dataset.tokenHeader]: desk.dataset.token };
  const answer = await ask("vet/decisions", { method: "POST", headers, body: JSON.stringify(body) });
  star.verdict = verdict === "WITHDRAWN" ? "" : verdict;
  star.eb_type = type;
  state.pace = answer.pace_s;
  star.sectors.forEach((item) => factsCache.delete(`vet/stars/${star.tic}/${item}`));
  return answer;
}

async function judge(verdict, type) {
  const star = current();
  if (state.drawn?.star !== star) return; // not on the screen yet
  const answer = await send(star, state.drawn.sector, verdict, type);
  state.judged = state.judged.filter((tic) => tic !== star.tic).concat(star.tic);
  part("note").value = "";
  tellLast(star, answer);
  const open = nextOpen(state.at + 1);
  go(open < 0 ? state.at : open);
}

async function undo() {
  const tic = state.judged.at(-1);
  const at = state.stars.findIndex((star) => star.tic === tic);
  if (at < 0) return;
  await send(state.stars[at], state.stars[at].sectors[0], "WITHDRAWN", "");
  state.judged.pop();
  part("last").replaceChildren(line(`TIC ${tic}: taken back. Judge again.`));
  go(at);
}

function line(text, className) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  if (className) paragraph.className = className;
  return paragraph;
}

function tellLast(star, answer) {
  const model = `model: ${number(answer.probability, 3)}${answer.eb_type ? `, ${answer.eb_type}` : ""}`;
  part("last").replaceChildren(line(`TIC ${star.tic}`, "quiet"), line(`you: ${spoken(star)}`), line(model));
}

function go(at) {
  state.at = (at + state.stars.length) % state.stars.length;
  Object.assign(state, { which: 0, multiple: 1 });
  showProgress();
  return show();
}

function fold(multiple) {
  state.multiple = state.multiple === multiple ? 1 : multiple;
  draw();
}

const doing = {
  EA: () => judge("EB", "EA"),
  EB: () => judge("EB", "EB"),
  EW: () => judge("EB", "EW"),
  NOT_EB: () => judge("NOT_EB", ""),
  UNSURE: () => judge("UNSURE", ""),
  undo,
  next: () => go(state.at + 1),
  previous: () => go(state.at - 1),
  double: () => fold(2),
  half: () => fold(0.5),
  sector: () => { state.which += 1; return show(); },
  note: () => part("note").focus(),
  help: () => part("keymap").showModal(),
};

async function act(action) {
  if (state.busy || (!state.stars.length && action !== "help")) return;
  state.busy = true;
  try {
    await doing[action]();
  } catch (error) {
    complain(error);
  } finally {
    state.busy = false;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.target === part("note")) {
    if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) { event.preventDefault(); part("note").blur(); }
    return;
  }
  const action = actions.get(event.key);
  if (!action || event.repeat || event.ctrlKey || event.metaKey || event.altKey || part("keymap").open) return;
  event.preventDefault();
  act(action);
});
document.querySelectorAll("[data-action]").forEach((button) => button.addEventListener("click", () => {
  button.blur();
  act(button.dataset.action);
}));
part("help").addEventListener("click", () => act("help"));
new ResizeObserver(draw).observe(document.querySelector(".plots"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

async function begin() {
  const queue = await ask("vet/queue.json");
  Object.assign(state, { stars: queue.stars, judged: queue.judged, pace: queue.pace_s });
  showProgress();
  if (state.stars.length) await go(Math.max(0, nextOpen(0)));
}
begin().catch(complain);
