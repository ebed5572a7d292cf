// The lift of an experiment: its metrics, which the address keeps, the results and the checks.
import { useEffect, useRef, useState } from "preact/hooks";
import { getLift, getProject } from "./api.js";
import { html } from "./html.js";
import { Days } from "./lift_days.js";
import { bound, confidence, interval, percent, short } from "./lift_values.js";
import { useCounts, useResource } from "./resources.js";
import { setQuery } from "./router.js";
import { clockTime, Problem } from "./values.js";

/** @typedef {import("./api.js").LiftReport} LiftReport */
/** @typedef {import("./lift_values.js").Result} Result */
/** @typedef {{report: LiftReport, time: number}} Computed */

const PRODUCTION = "production";
const ALL = "all";

/** The width and height of the chart of an interval, in units of the drawing. */
const WIDTH = 160;
const HEIGHT = 20;

/** @param {{name: string, query: Record<string, string>}} properties */
export function Lift({ name, query }) {
  const { started } = useCounts();
  const metrics = lines(query.metrics ?? "");
  const environment = query.environment || PRODUCTION;
  const planned = query.planned ?? "";
  const byDay = Boolean(query.by_day);
  const [text, setText] = useState("");
  const [computed, setComputed] = useState(/** @type {Computed | null} */ (null));
  const [pending, setPending] = useState(0);
  const newest = useRef(0);
  const [error, setError] = useState("");
  const { data: project } = useResource(getProject, [started]);
  const environments = [...new Set([PRODUCTION, ...(project?.environments ?? []), environment, ALL])];

  /**
   * Compute metrics, and return whether they are shown: a later request replaces an earlier one.
   * @param {string[]} wanted
   */
  const compute = async (wanted) => {
    const number = ++newest.current;
    setError("");
    setPending((count) => count + 1);
    try {
      const report = await getLift({
        experiment: name,
        metrics: wanted,
        environment: environment === ALL ? null : environment,
        plannedUnits: planned ? Number(planned) : null,
        byDay,
      });
      if (number !== newest.current) return false;
      setComputed({ report, time: Date.now() });
      return true;
    } catch (problem) {
      if (number === newest.current) setError(/** @type {Error} */ (problem).message);
      return false;
    } finally {
      setPending((count) => count - 1);
    }
  };

  /** @param {Event} event */
  const add = async (event) => {
    event.preventDefault();
    const wanted = [...new Set([...metrics, ...lines(text)])];
    if (!wanted.length || !(await compute(wanted))) return;
    setQuery({ metrics: wanted.join("\n") });
    setText("");
  };
  /** @param {string} metric */
  const remove = (metric) => setQuery({ metrics: metrics.filter((other) => other !== metric).join("\n") });
  useEffect(() => {
    if (metrics.length) void compute(metrics);
  }, [environment, planned, byDay]);

  return html`
    <section>
      <h2>Lift</h2>
      <form class="filters lift-form" onSubmit=${add}>
        <label class="grow">
          <span class="label">Metric</span>
          <input type="text" value=${text} required=${!metrics.length} maxlength="500" autocomplete="off" spellcheck=${false}
            placeholder="purchase:users, purchase:sum or purchase[sku=A1]:count" aria-describedby="lift-hint"
            onInput=${(/** @type {Event} */ event) => setText(/** @type {HTMLInputElement} */ (event.target).value)} />
        </label>
        <label>
          <span class="label">Environment</span>
          <select value=${environment} onChange=${(/** @type {Event} */ event) => setQuery({ environment: /** @type {HTMLSelectElement} */ (event.target).value })}>
            ${environments.map((tier) => html`<option value=${tier}>${tier}</option>`)}
          </select>
        </label>
        <label>
          <span class="label">Planned units</span>
          <input type="text" inputmode="numeric" pattern="[1-9][0-9]{0,14}" title="A number" value=${planned} autocomplete="off"
            onChange=${(/** @type {Event} */ event) => isNumber(event) && setQuery({ planned: /** @type {HTMLInputElement} */ (event.target).value })} />
        </label>
        <label class="check">
          <input type="checkbox" checked=${byDay}
            onChange=${(/** @type {Event} */ event) => setQuery({ by_day: /** @type {HTMLInputElement} */ (event.target).checked ? "1" : "" })} />
          By day
        </label>
        <button type="submit" class="primary">${metrics.length && !text.trim() ? "Compute again" : "Compute"}</button>
      </form>
      <p id="lift-hint" class="hint muted">One of EVENT:count, EVENT:users, EVENT:sum, EVENT:mean, or a ratio such as purchase:sum/view:count.</p>
      <${Problem} message=${error} />
      ${computed && metrics.length > 0 && html`<${Report} ...${computed} metrics=${metrics} remove=${remove} />`}
      <p class="summary" role="status">${pending > 0 ? "Computing …" : ""}</p>
    </section>
  `;
}

/** @param {string} text */
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/** @param {Event} event */
const isNumber = (event) => /** @type {HTMLInputElement} */ (event.target).checkValidity();

/** @param {Computed & {metrics: string[], remove: (metric: string) => void}} properties */
function Report({ report, time, metrics, remove }) {
  const results = report.results.filter((result) => metrics.includes(result.metric_name));
  const limit = Math.min(Math.max(0.01, ...results.flatMap((result) => interval(result) ?? []).map((bound) => Math.abs(bound ?? 0))), 10);
  const notes = results.flatMap((result) => result.notes.map((note) => `${result.metric_name}, ${result.experiment_group}: ${note}`));
  const isComplete = results.every((result) => result.is_complete);
  return html`
    ${report.health.warnings.length > 0 &&
    html`<div class="banner warning" role="status"><ul>${report.health.warnings.map((warning) => html`<li>${warning}</li>`)}</ul></div>`}
    <table class="lift">
      <caption class="hidden">Lift of each metric and test group against ${report.control_group}</caption>
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col">Group</th>
          <th scope="col" class="number">Units</th>
          <th scope="col" class="number">Mean</th>
          <th scope="col" class="number">${report.control_group}</th>
          <th scope="col">Lift</th>
          <th scope="col" class="scale" aria-hidden="true"><span>${percent(-limit, 0)}</span><span>${percent(limit, 0)}</span></th>
          <th scope="col" class="number">p</th>
          <th scope="col"><span class="hidden">Action</span></th>
        </tr>
      </thead>
      <tbody>
        ${results.map((result) => html`<${Row} key=${`${result.metric_name} ${result.experiment_group}`} result=${result} limit=${limit} remove=${remove} />`)}
      </tbody>
    </table>
    ${notes.length > 0 && html`<ul class="muted">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
    <p class="summary">
      ${confidence(results)}, ${isComplete ? "fixed horizon" : "sequential (mSPRT)"}. Computed at ${clockTime(time)}.
    </p>
    ${report.days.length > 0 && html`<${Days} days=${report.days} metrics=${metrics} />`}
    <${Health} health=${report.health} />
  `;
}

/** @param {{result: Result, limit: number, remove: (metric: string) => void}} properties */
function Row({ result, limit, remove }) {
  const bounds = interval(result);
  const p = result.is_complete ? result.p_value : result.sequential_p_value;
  return html`
    <tr>
      <th scope="row">${result.metric_name.split(/(?<=[:/])/).map((part) => [part, html`<wbr />`])}</th>
      <td class="group" data-label="Group">${result.experiment_group}</td>
      <td class="number" data-label="Units">${result.test_units.toLocaleString()}</td>
      <td class="number" data-label="Mean">${short(result.test_mean)}</td>
      <td class="number" data-label=${result.control_group}>${short(result.ctrl_mean)}</td>
      <td class="effect" data-label="Lift">
        <strong>${result.rel_delta === null ? "unknown" : percent(result.rel_delta)}</strong>
        ${result.is_significant && html` <span class="badge significant">significant</span>`}
        ${bounds && html` <span class="bounds">${bound(bounds[0], "−∞")} to ${bound(bounds[1], "∞")}</span>`}
      </td>
      <td class="chart"><${Chart} point=${result.rel_delta} bounds=${bounds} limit=${limit} isSignificant=${result.is_significant} /></td>
      <td class="number" data-label="p">${p === null ? "unknown" : short(p, 2)}</td>
      <td class="actions"><button type="button" class="quiet" aria-label=${`Remove ${result.metric_name}`} onClick=${() => remove(result.metric_name)}>Remove</button></td>
    </tr>
  `;
}

/**
 * The interval around the point, on a scale with zero in its center.
 * @param {{point: number | null, bounds: (number | null)[] | null, limit: number, isSignificant: boolean}} properties
 */
function Chart({ point, bounds, limit, isSignificant }) {
  /** @param {number} value */
  const x = (value) => ((Math.min(Math.max(value, -limit), limit) / limit) * (WIDTH / 2 - 6) + WIDTH / 2).toFixed(1);
  return html`
    <svg class=${isSignificant ? "interval decided" : "interval"} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} width=${WIDTH} height=${HEIGHT} aria-hidden="true">
      <line class="zero" x1=${WIDTH / 2} x2=${WIDTH / 2} y1="0" y2=${HEIGHT} />
      ${bounds && html`<line class="bar" x1=${x(bounds[0] ?? -limit)} x2=${x(bounds[1] ?? limit)} y1=${HEIGHT / 2} y2=${HEIGHT / 2} />`}
      ${point !== null && html`<circle cx=${x(point)} cy=${HEIGHT / 2} r="4" />`}
    </svg>
  `;
}

/** @param {{health: LiftReport["health"]}} properties */
function Health({ health }) {
  const fates = Object.entries(health.account).filter(([, count]) => count > 0);
  const ratio = health.sample_ratio;
  return html`
    <dl class="facts">
      <div><dt>Units</dt><dd>${Object.entries(health.units).map(([group, count]) => `${count.toLocaleString()} ${group}`).join(", ")}</dd></div>
      <div>
        <dt>Sample ratio</dt>
        <dd>${ratio ? html`<span class="badge level-${ratio.level}">${ratio.level}</span> p = ${short(ratio.p_value, 2)}` : "no planned split"}</dd>
      </div>
      <div><dt>Crossovers</dt><dd>${health.crossovers.toLocaleString()} (${(health.crossover_rate * 100).toFixed(1)} %)</dd></div>
      <div><dt>Overridden</dt><dd>${health.overridden.toLocaleString()}</dd></div>
    </dl>
    <details class="account">
      <summary>${health.read.toLocaleString()} records, by outcome</summary>
      <dl>${fates.map(([fate, count]) => html`<div><dt>${fate.replaceAll("_", " ")}</dt><dd>${count.toLocaleString()}</dd></div>`)}</dl>
    </details>
  `;
}
