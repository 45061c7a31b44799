// Small scatter plots on a canvas: sharp on every screen, 20,000 points in a few milliseconds.
"use strict";

const MARGIN = { left: 62, right: 14, top: 12, bottom: 34 };

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Round numbers between two limits, about so many.
function ticks(low, high, about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((unit) => unit * power >= rough);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(n * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

// Limits that flares and wild points do not move; eclipses are dips, and last longer than those.
function limits(flux) {
  const sorted = Float32Array.from(flux).sort();
  const low = sorted[Math.floor(0.0004 * (sorted.length - 1))];
  const high = sorted[Math.ceil(0.996 * (sorted.length - 1))];
  const room = 0.07 * (high - low) || 1e-4;
  return [low - room, high + 2 * room];
}

class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  // Empty axes from x[0] to x[1] and y[0] to y[1].
  start(x, y, xlabel, ylabel) {
    const ratio = window.devicePixelRatio || 1;
    const box = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    Object.assign(this, { x, y, width: box.width, height: box.height });
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, box.width, box.height);
    this.axes(xlabel, ylabel);
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(MARGIN.left, 0, box.width - MARGIN.left - MARGIN.right, box.height - MARGIN.bottom);
    this.pen.clip();
  }

  end() { this.pen.restore(); }

  toX(value) {
    const span = this.width - MARGIN.left - MARGIN.right;
    return MARGIN.left + (span * (value - this.x[0])) / (this.x[1] - this.x[0]);
  }

  toY(value) {
    const span = this.height - MARGIN.top - MARGIN.bottom;
    return MARGIN.top + (span * (this.y[1] - value)) / (this.y[1] - this.y[0]);
  }

  axes(xlabel, ylabel) {
    const { pen } = this;
    const floor = this.height - MARGIN.bottom;
    pen.font = "11px system-ui, sans-serif";
    pen.lineWidth = 1;
    pen.fillStyle = ink("--soft");
    pen.strokeStyle = ink("--line");
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const across = ticks(this.x[0], this.x[1], Math.max(6, this.width / 80));
    for (const value of across.found) {
      const at = Math.round(this.toX(value)) + 0.5;
      this.line(at, MARGIN.top, at, floor);
      pen.fillText(value.toFixed(across.digits), at, floor + 5);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const up = ticks(this.y[0], this.y[1], this.height / 45);
    for (const value of up.found) {
      const at = Math.round(this.toY(value)) + 0.5;
      this.line(MARGIN.left, at, this.width - MARGIN.right, at);
      pen.fillText(value.toFixed(up.digits), MARGIN.left - 6, at);
    }
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    pen.fillText(xlabel, (MARGIN.left + this.width - MARGIN.right) / 2, this.height - 1);
    pen.save();
    pen.translate(3, (MARGIN.top + floor) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textBaseline = "top";
    pen.fillText(ylabel, 0, 0);
    pen.restore();
  }

  line(x0, y0, x1, y1) {
    this.pen.beginPath();
    this.pen.moveTo(x0, y0);
    this.pen.lineTo(x1, y1);
    this.pen.stroke();
  }

  dots(xs, ys, color, size) {
    this.pen.fillStyle = color;
    const half = size / 2;
    for (let i = 0; i < xs.length; i += 1) {
      this.pen.fillRect(this.toX(xs[i]) - half, this.toY(ys[i]) - half, size, size);
    }
  }

  path(xs, ys, color, width, dash = []) {
    this.pen.setLineDash(dash);
    this.pen.strokeStyle = color;
    this.pen.lineWidth = width;
    this.pen.lineJoin = "round";
    this.pen.beginPath();
    for (let i = 0; i < xs.length; i += 1) {
      if (i) this.pen.lineTo(this.toX(xs[i]), this.toY(ys[i]));
      else this.pen.moveTo(this.toX(xs[i]), this.toY(ys[i]));
    }
    this.pen.stroke();
    this.pen.setLineDash([]);
  }

  // Area on the floor from low to high: shares of a fifth of the height.
  haze(low, high, shares, color) {
    const floor = this.height - MARGIN.bottom;
    const most = 0.2 * (floor - MARGIN.top);
    const left = this.toX(low);
    const step = (this.toX(high) - left) / shares.length;
    this.pen.fillStyle = color;
    shares.forEach((share, i) => this.pen.fillRect(left + i * step, floor, step + 0.5, -most * share));
  }

  // Small triangles on the floor (up) or below the ceiling (down).
  marks(xs, color, up) {
    const base = up ? this.height - MARGIN.bottom : 1;
    const tip = up ? base - 8 : base + 8;
    this.pen.fillStyle = color;
    for (const value of xs) {
      const at = this.toX(value);
      this.pen.beginPath();
      this.pen.moveTo(at - 4, base);
      this.pen.lineTo(at + 4, base);
      this.pen.lineTo(at, tip);
      this.pen.fill();
    }
  }

  say(text) {
    this.pen.fillStyle = ink("--soft");
    this.pen.font = "13px system-ui, sans-serif";
    this.pen.textAlign = "center";
    this.pen.textBaseline = "middle";
    this.pen.fillText(text, (MARGIN.left + this.width) / 2, (this.height - MARGIN.bottom) / 2);
  }
}

// Median of the points in each of n equal bins between two limits; empty bins are left out.
function binned(xs, ys, low, high, n) {
  const bins = Array.from({ length: n }, () => []);
  for (let i = 0; i < xs.length; i += 1) {
    const bin = Math.floor((n * (xs[i] - low)) / (high - low));
    if (bin >= 0 && bin < n) bins[bin].push(ys[i]);
  }
  const middle = { x: [], y: [] };
  bins.forEach((values, bin) => {
    if (!values.length) return;
    values.sort((a, b) => a - b);
    middle.x.push(low + ((bin + 0.5) * (high - low)) / n);
    middle.y.push(values[values.length >> 1]);
  });
  return middle;
}
