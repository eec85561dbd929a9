/** Charts of a job's curves: losses, accuracies, agreement of gradients and of pictures. */

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { make } from "../dom.js";

/** @typedef {Record<string, [number, number][]>} Curves name to [step, value] pairs */

const HEIGHT_PX = 240;
const FEW = 30;
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((n) => [n, n * 10, n * 100, n * 1e3, n * 1e4, n * 1e5])
  .sort((a, b) => a - b);
const GROUPS = [
  { key: "losses", title: "Losses", has: () => true },
  {
    key: "accuracies",
    title: "Accuracy on recovered tasks",
    has: (/** @type {string} */ name) => name.includes("accuracy"),
  },
  {
    key: "gradients",
    title: "Agreement of gradients",
    has: (/** @type {string} */ name) => /gradient|cosine|alignment/.test(name),
  },
  {
    key: "similarities",
    title: "Agreement with the pool",
    has: (/** @type {string} */ name) => name.includes("similarity"),
  },
];

/**
 * The chart of a curve; one that fits no other group is a loss.
 * @param {string} name
 */
function groupOf(name) {
  return [...GROUPS].reverse().find((group) => group.has(name)) ?? GROUPS[0];
}

/** @param {string} name */
function title(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** @param {string} token */
function colour(token) {
  // Browsers resolve `light-dark()` only on an element.
  const probe = make("span", { hidden: true });
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** @param {number | null} value */
function plain(value) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) >= 0.001 || value === 0 ? value.toPrecision(4) : value.toExponential(2);
}

/** One group of curves on one pair of axes. */
class Chart {
  /**
   * @param {{key: string, title: string}} group
   * @param {HTMLElement} place
   */
  constructor(group, place) {
    this.group = group;
    /** @type {Map<string, Map<number, number>>} */
    this.curves = new Map();
    this.plotPlace = make("div", { class: "chart__plot" });
    this.summary = make("p", { class: "visually-hidden" });
    this.card = make(
      "section",
      { class: "card card--tight chart", "aria-label": group.title },
      make("h2", {}, group.title),
      this.plotPlace,
      this.summary,
    );
    place.append(this.card);
    /** @type {uPlot | null} */
    this.plot = null;
    new ResizeObserver(() => this.fit()).observe(this.plotPlace);
  }

  /**
   * @param {string} name
   * @param {[number, number][]} points
   */
  add(name, points) {
    const isNew = !this.curves.has(name);
    const curve = this.curves.get(name) ?? new Map();
    for (const [step, value] of points) curve.set(step, value);
    this.curves.set(name, curve);
    if (isNew) this.forget();
  }

  forget() {
    this.plot?.destroy();
    this.plot = null;
  }

  draw() {
    const data = this.columns();
    if (this.plot) this.plot.setData(data);
    else this.plot = this.make(data);
    if ((this.plot.cursor.left ?? -1) < 0) this.showLast();
    const last = [...this.curves].map(
      ([name, curve]) => `${title(name)} ${plain([...curve.values()].at(-1) ?? null)}`,
    );
    this.summary.textContent = `Last values: ${last.join("; ")}.`;
  }

  /** @param {uPlot.AlignedData} data */
  make(data) {
    const plot = new uPlot(this.options(), data, this.plotPlace);
    // Away from the curves, the legend shows the last values.
    plot.over.addEventListener("mouseleave", () => this.showLast());
    return plot;
  }

  showLast() {
    // After uPlot's own update of the frame, which empties the legend.
    requestAnimationFrame(() => this.plot?.setLegend({ idx: this.plot.data[0].length - 1 }));
  }

  /** @returns {uPlot.AlignedData} the steps, then one column for each curve */
  columns() {
    const steps = [...new Set([...this.curves.values()].flatMap((curve) => [...curve.keys()]))];
    steps.sort((one, other) => one - other);
    const values = [...this.curves.values()].map((curve) => steps.map((step) => curve.get(step) ?? null));
    return [steps, ...values];
  }

  fit() {
    if (this.plot) this.plot.setSize({ width: this.plotPlace.clientWidth, height: HEIGHT_PX });
  }

  options() {
    const names = [...this.curves.keys()];
    // A cosine has its own range, so next to an inner product it gets an axis of its own.
    const second = names.length > 1 ? names.filter((name) => name.includes("cosine")) : [];
    const series = names.map((name, index) => ({
      label: title(name),
      stroke: colour(`--series-${(index % 6) + 1}`),
      width: 1.75,
      spanGaps: true,
      scale: second.includes(name) ? "right" : "y",
      // A line needs two points; a few of them are shown as dots.
      points: { show: (/** @type {uPlot} */ plot) => plot.data[0].length < FEW },
      value: (/** @type {uPlot} */ _, /** @type {number | null} */ value) => plain(value),
    }));
    const axes = [this.axis({ incrs: WHOLE_STEPS }), this.axis({ size: 56 })];
    if (second.length) axes.push(this.axis({ size: 48, scale: "right", side: 1, grid: { show: false } }));
    return {
      width: this.plotPlace.clientWidth || 400,
      height: HEIGHT_PX,
      scales: { x: { time: false } },
      axes,
      series: [{ label: "Step" }, ...series],
      cursor: { points: { size: 6 } },
    };
  }

  /** @param {object} more */
  axis(more) {
    const line = { stroke: colour("--line"), width: 1 };
    return {
      stroke: colour("--text-muted"),
      grid: line,
      ticks: line,
      font: "12px Inter, sans-serif",
      ...more,
    };
  }
}

/** All charts of a job. */
export class Charts {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {Map<string, Chart>} */
    this.charts = new Map();
    document.addEventListener("themechange", () => this.redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** @param {Curves} curves new points */
  add(curves) {
    const touched = new Set();
    for (const [name, points] of Object.entries(curves)) {
      if (points.length === 0) continue;
      const chart = this.chartOf(name);
      chart.add(name, points);
      touched.add(chart);
    }
    for (const chart of touched) chart.draw();
  }

  redraw() {
    for (const chart of this.charts.values()) {
      chart.forget();
      chart.draw();
    }
  }

  /** @param {string} name */
  chartOf(name) {
    const group = groupOf(name);
    let chart = this.charts.get(group.key);
    if (!chart) {
      this.place.querySelector("[data-no-curves]")?.remove();
      chart = new Chart(group, this.place);
      this.charts.set(group.key, chart);
    }
    return chart;
  }
}
