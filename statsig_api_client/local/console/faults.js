// Injected faults: which are armed, the usual ones to add, and removal.
import { useState } from "preact/hooks";
import { addFault, getFaults, removeFaults } from "./api.js";
import { html } from "./html.js";
import { useCounts, useResource } from "./resources.js";
import { Empty, Problem } from "./values.js";

/** @typedef {import("./api.js").Fault} Fault */

/** @type {[string, string, object][]} */
const USUAL = [
  ["Unavailable", "status 503", { status: 503 }],
  ["Rate limited", "status 429, retry after 1 s", { status: 429, retryAfter: 1 }],
  ["Slow", "the real response after 2 s", { delay: 2000 }],
  ["Dropped", "the connection closes without a response", { drop: true }],
  ["Garbage", "status 200, not JSON", { garbage: true }],
];
const CALLS = ["check_gate", "get_config", "get_layer", "log_event", "log_custom_exposure", "initialize", "download_config_specs", "rgstr"];

export function FaultsView() {
  const counts = useCounts();
  const { data, error, reload } = useResource(getFaults, [counts.started, counts.faults]);
  const [call, setCall] = useState("");
  const [times, setTimes] = useState("1");
  const [problem, setProblem] = useState("");
  /** @param {Promise<unknown>} action */
  const apply = (action) => {
    setProblem("");
    action.catch((failure) => setProblem(failure.message)).then(reload);
  };
  /** @param {object} fault */
  const add = (fault) =>
    apply(addFault(/** @type {any} */ ({ ...fault, calls: call ? [call] : null, times: times ? Number(times) : null })));
  const faults = data?.items ?? [];
  return html`
    <h1>Faults</h1>
    <p class="lead">See how your program behaves when Statsig is slow, unavailable or broken.</p>
    <section>
      <h2>Add a fault</h2>
      <div class="filters">
        <label>
          <span class="label">Calls</span>
          <select value=${call} onChange=${(/** @type {Event} */ event) => setCall(/** @type {HTMLSelectElement} */ (event.target).value)}>
            <option value="">all calls</option>
            ${CALLS.map((name) => html`<option value=${name}>${name}</option>`)}
          </select>
        </label>
        <label>
          <span class="label">How often</span>
          <select value=${times} onChange=${(/** @type {Event} */ event) => setTimes(/** @type {HTMLSelectElement} */ (event.target).value)}>
            <option value="1">the next call</option>
            <option value="3">the next 3 calls</option>
            <option value="10">the next 10 calls</option>
            <option value="">until removed</option>
          </select>
        </label>
      </div>
      <div class="presets">
        ${USUAL.map(
          ([title, meaning, fault]) => html`
            <button type="button" class="preset" onClick=${() => add(fault)}>
              <strong>${title}</strong><span>${meaning}</span>
            </button>
          `,
        )}
      </div>
      <${Problem} message=${problem || error} />
    </section>
    <section>
      <div class="card-head">
        <h2>Armed</h2>
        ${faults.length > 0 && html`<button type="button" onClick=${() => apply(removeFaults())}>Remove all</button>`}
      </div>
      ${data && !faults.length && html`<${Empty}>No faults: all calls succeed.<//>`}
      ${faults.length > 0 &&
      html`
        <table>
          <thead><tr><th scope="col">Calls</th><th scope="col">Effect</th><th scope="col">Left</th></tr></thead>
          <tbody>
            ${faults.map(
              (fault) => html`
                <tr key=${fault.id}>
                  <th scope="row">${fault.calls?.join(", ") ?? "all calls"}</th>
                  <td>${effect(fault)}</td>
                  <td>${fault.times ?? "until removed"}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      `}
    </section>
  `;
}

/** @param {Fault} fault */
function effect(fault) {
  const texts = [];
  if (fault.delay) texts.push(`delayed by ${fault.delay / 1000} s`);
  if (fault.drop) texts.push("connection dropped");
  else if (fault.garbage) texts.push("body that is not JSON");
  else if (fault.status !== null) texts.push(`status ${fault.status}`);
  if (fault.retryAfter !== null) texts.push(`retry after ${fault.retryAfter} s`);
  return texts.join(", ");
}
