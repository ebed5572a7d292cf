// Who gets what: every entity for one user, or for two with the differences.
import { useState } from "preact/hooks";
import { explain, getProject } from "./api.js";
import { html } from "./html.js";
import { useCounts, useDelayed, useResource } from "./resources.js";
import { address, setQuery } from "./router.js";
import { UserForm } from "./user_form.js";
import { users } from "./users.js";
import { compact, Empty, KindTag, Problem, Value } from "./values.js";

/** @typedef {import("./api.js").Explanation} Explanation */
/** @typedef {import("./users.js").User} User */

const PAGE_SIZE = 200;

/** @param {{query: Record<string, string>}} properties */
export function WhoView({ query }) {
  const [first, setFirst] = useState(users.first);
  const [second, setSecond] = useState(users.second);
  users.first = first;
  users.second = second;
  const counts = useCounts();
  const project = useResource(getProject, [counts.started, counts.project]);
  const both = useDelayed(JSON.stringify([first, second]), 200);
  const results = useResource(
    () => Promise.all([explain(first), second && explain(second)]),
    [both, counts.started, counts.project],
  );
  const environments = project.data?.environments ?? [];
  const [left, right] = results.data ?? [null, null];
  return html`
    <h1>Who gets what</h1>
    <p class="lead">Every entity for a user, evaluated by Statsig's own core. Nothing is recorded.</p>
    <div class="users">
      <${UserForm} title=${second ? "First user" : "User"} user=${first} environments=${environments} change=${setFirst} />
      ${second
        ? html`<${UserForm} title="Second user" user=${second} environments=${environments} change=${setSecond} remove=${() => setSecond(null)} />`
        : html`<button type="button" class="compare" onClick=${() => setSecond({ ...first })}>Compare with another user</button>`}
    </div>
    <${Problem} message=${results.error} />
    ${left && html`<${Results} first=${left.items} second=${second && right ? right.items : null} query=${query} />`}
  `;
}

/** @param {{first: Explanation[], second: Explanation[] | null, query: Record<string, string>}} properties */
function Results({ first, second, query }) {
  const others = new Map(second?.map((item) => [key(item), item]));
  const pairs = first.map((item) => ({ item, other: others.get(key(item)) ?? null }));
  const differences = pairs.filter(differs).length;
  const found = pairs.filter(
    (pair) =>
      pair.item.name.toLowerCase().includes((query.q ?? "").trim().toLowerCase()) &&
      (!second || !query.differences || differs(pair)),
  );
  return html`
    <div class="filters">
      <label class="grow">
        <span class="label">Search <kbd>/</kbd></span>
        <input type="search" value=${query.q ?? ""} autocomplete="off" spellcheck=${false} placeholder="Name"
          onInput=${(/** @type {Event} */ event) => setQuery({ q: /** @type {HTMLInputElement} */ (event.target).value })} />
      </label>
      ${second &&
      html`
        <label class="check">
          <input type="checkbox" checked=${Boolean(query.differences)}
            onChange=${(/** @type {Event} */ event) => setQuery({ differences: /** @type {HTMLInputElement} */ (event.target).checked ? "1" : "" })} />
          Only differences
        </label>
        <p class="summary" role="status">${differences} of ${first.length} differ</p>
      `}
    </div>
    ${found.length
      ? html`<ul class="results">${found.slice(0, PAGE_SIZE).map((pair) => html`<${Result} key=${key(pair.item)} ...${pair} />`)}</ul>`
      : html`<${Empty}>No entity matches.<//>`}
    ${found.length > PAGE_SIZE && html`<${Empty}>${found.length - PAGE_SIZE} more: search for a name.<//>`}
  `;
}

/** @param {Explanation} item */
const key = (item) => `${item.kind} ${item.name}`;

/** @param {{item: Explanation, other: Explanation | null}} pair */
const differs = ({ item, other }) => other !== null && compact(item.value) !== compact(other.value);

/** @param {{item: Explanation, other: Explanation | null}} pair */
function Result(pair) {
  const { item, other } = pair;
  const different = differs(pair);
  return html`
    <li class=${different ? "result different" : "result"} data-entity=${key(item)}>
      <div class="result-head">
        <a href=${address(["entity", item.kind, item.name])}>${item.name}</a>
        <${KindTag} kind=${item.kind} />
        ${different && html`<span class="badge differs">differs</span>`}
      </div>
      <div class=${other ? "sides two" : "sides"}>
        <${Side} item=${item} other=${other} />
        ${other && html`<${Side} item=${other} other=${item} />`}
      </div>
    </li>
  `;
}

/** @param {{item: Explanation, other: Explanation | null}} properties */
const Side = ({ item, other }) => html`
  <div class="side">
    <p class="answer">
      <${Value} value=${item.value} other=${other?.value} />
      <span class="rule-name">${ruleName(item)}</span>
    </p>
    <details class="why">
      <summary>${item.why}</summary>
      <${Checks} rules=${item.rules} />
    </details>
  </div>
`;

/** @param {Explanation} item */
function ruleName(item) {
  const decisive = item.rules.at(-1);
  const name = decisive?.applies && decisive.ruleID === item.ruleID ? decisive.name : (item.group ?? item.ruleID);
  return item.experiment ? `${item.experiment}: ${name}` : name;
}

/** @param {{rules: Explanation["rules"]}} properties */
const Checks = ({ rules }) =>
  rules.length
    ? html`
        <ol class="checks">
          ${rules.map(
            (rule) => html`
              <li>
                <strong>${rule.name}</strong>
                <ul>
                  ${rule.conditions.map((condition) => html`<${Check} holds=${condition.holds} text=${condition.text} />`)}
                  ${rule.applies && rule.rollout !== 100 && html`<${Check} holds=${rule.inRollout} text=${`in the ${rule.rollout} % rollout`} />`}
                </ul>
              </li>
            `,
          )}
        </ol>
      `
    : html`<p class="muted">There are no rules.</p>`;

/** @param {{holds: boolean, text: string}} properties */
const Check = ({ holds, text }) => html`
  <li class=${holds ? "holds" : "fails"}><span aria-hidden="true">${holds ? "✓" : "✗"}</span> ${text}<span class="hidden">: ${holds ? "holds" : "does not hold"}</span></li>
`;
