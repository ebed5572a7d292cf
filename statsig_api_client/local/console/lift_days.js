// The cumulative lift by day: a chart of each metric and test group, and a table of the values.
import { html } from "./html.js";
import { bound, interval, percent } from "./lift_values.js";

/** @typedef {import("./lift_values.js").LiftReport} LiftReport */
/** @typedef {import("./lift_values.js").Result} Result */
/** @typedef {{date: string, number: number, result: Result}} Day */

/** The size of a chart and of the space for its labels, in units of the drawing. */
const WIDTH = 320;
const HEIGHT = 150;
const LEFT = 52;
const BOTTOM = 20;
const TOP = 8;

/** @param {{days: LiftReport["days"], metrics: string[]}} properties */
export function Days({ days, metrics }) {
  const series = seriesOf(days).filter(([{ result }]) => metrics.includes(result.metric_name));
  return html`
    <h3>Cumulative lift by day</h3>
    ${series.flat().some(({ result }) => result.is_complete) &&
    html`<p class="hint muted">The intervals are sequential until the planned units are reached, then of a fixed horizon.</p>`}
    <div class="day-charts">${series.map((points) => html`<${Chart} key=${seriesKey(points[0].result)} points=${points} />`)}</div>
    <details>
      <summary class="muted">Values by day</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="Values by day">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">Group</th>
              <th scope="col">Day (UTC)</th>
              <th scope="col">Lift</th>
              <th scope="col">Interval</th>
            </tr>
          </thead>
          <tbody>
            ${series.flat().map(({ date, result }) => html`
              <tr>
                <th scope="row">${result.metric_name}</th>
                <td>${result.experiment_group}</td>
                <td class="time">${date}</td>
                <td>${result.rel_delta === null ? "unknown" : percent(result.rel_delta)}</td>
                <td>${range(interval(result))}</td>
              </tr>
            `)}
          </tbody>
        </table>
      </div>
    </details>
  `;
}

/** @param {{points: [Day, ...Day[]]}} properties */
function Chart({ points }) {
  const known = points.filter(({ result }) => result.rel_delta !== null);
  const [first, last] = [points[0], /** @type {Day} */ (points.at(-1))];
  const [low, high] = visibleRange(known);
  const digits = high - low < 0.01 ? 2 : high - low < 0.1 ? 1 : 0;
  /** @param {number} number */
  const x = (number) => LEFT + ((number - first.number + 0.5) / points.length) * (WIDTH - LEFT);
  /** @param {number} value */
  const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  /** @param {Day} day */
  const upper = ({ number, result }) => `${x(number)},${y(interval(result)?.[1] ?? high)}`;
  /** @param {Day} day */
  const lower = ({ number, result }) => `${x(number)},${y(interval(result)?.[0] ?? low)}`;
  /** @param {Day} day */
  const middle = ({ number, result }) => `${x(number)},${y(result.rel_delta ?? 0)}`;
  const { result } = last;
  const label = result.rel_delta === null ? "unknown" : `${percent(result.rel_delta)}, interval ${range(interval(result))}`;
  return html`
    <figure>
      <figcaption>${title(points)}</figcaption>
      <svg class=${result.is_significant ? "interval decided" : "interval"} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img"
        aria-label=${`Lift of ${title(points)} until ${last.date}: ${label}`}>
        ${[high, 0, low].map((value) => html`<text x=${LEFT - 6} y=${y(value)} class="y">${value === 0 ? "0%" : percent(value, digits)}</text>`)}
        <line class="zero" x1=${LEFT} x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
        <svg aria-hidden="true" x=${LEFT} width=${WIDTH - LEFT} height=${HEIGHT - BOTTOM} viewBox=${`${LEFT} 0 ${WIDTH - LEFT} ${HEIGHT - BOTTOM}`}>
          ${runs(known.filter(({ result }) => interval(result))).map((run) => html`
            <polygon points=${[...run.map(upper), ...run.map(lower).reverse()].join(" ")} />
          `)}
          ${runs(known).map((run) => html`<polyline points=${run.map(middle).join(" ")} />`)}
          ${known.map(({ number, date, result: one }) => html`
            <circle cx=${x(number)} cy=${y(one.rel_delta ?? 0)} r=${points.length > 40 ? 1.5 : 3}>
              <title>${date}: ${percent(one.rel_delta ?? 0)}, ${range(interval(one))}</title>
            </circle>
          `)}
        </svg>
        <text x=${LEFT} y=${HEIGHT - 4}>${first.date}</text>
        ${points.length > 1 && html`<text x=${WIDTH} y=${HEIGHT - 4} class="end">${last.date}</text>`}
      </svg>
    </figure>
  `;
}

/**
 * Return the days of each metric and test group.
 * @param {LiftReport["days"]} days
 * @returns {[Day, ...Day[]][]}
 */
function seriesOf(days) {
  /** @type {Map<string, [Day, ...Day[]]>} */
  const found = new Map();
  for (const [number, { end, results }] of days.entries()) {
    const date = new Date(Date.parse(end) - 1).toISOString().slice(0, 10);
    for (const result of results) {
      const day = { date, number, result };
      const points = found.get(seriesKey(result));
      if (points) points.push(day);
      else found.set(seriesKey(result), [day]);
    }
  }
  return [...found.values()];
}

/**
 * Return the runs of consecutive days.
 * @param {Day[]} points
 */
function runs(points) {
  /** @type {Day[][]} */
  const found = [];
  for (const point of points) {
    const run = found.at(-1);
    if (run?.at(-1)?.number === point.number - 1) run.push(point);
    else found.push([point]);
  }
  return found;
}

/**
 * Return the range of the intervals of the second half; those of the first days are wide.
 * @param {Day[]} points
 * @returns {[number, number]}
 */
function visibleRange(points) {
  const later = points.slice(Math.floor(points.length / 2));
  const values = later.flatMap(({ result }) => [result.rel_delta ?? 0, ...(interval(result) ?? []).map((value) => value ?? 0)]);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const margin = (high - low) / 5 || 0.01;
  return [low - margin, high + margin];
}

/** @param {Result} result */
const seriesKey = (result) => JSON.stringify([result.metric_name, result.experiment_group]);

/** @param {[Day, ...Day[]]} points */
const title = ([{ result }]) => `${result.metric_name}, ${result.experiment_group}`;

/** @param {(number | null)[] | null} bounds */
const range = (bounds) => (bounds ? `${bound(bounds[0], "−∞")} to ${bound(bounds[1], "∞")}` : "unknown");
