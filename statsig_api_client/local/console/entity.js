// One entity: its rules or groups with the counts of exposures, its overrides, its last exposures.
import { useState } from "preact/hooks";
import { getEntity, getExposureCounts, getExposures, removeOverrides } from "./api.js";
import { html } from "./html.js";
import { Lift } from "./lift.js";
import { OverrideForm } from "./override_form.js";
import { useCounts, useDelayed, useRecorded, useResource } from "./resources.js";
import { address } from "./router.js";
import { evaluateUser } from "./users.js";
import { clockTime, describe, Empty, KindTag, Problem, userText, Value } from "./values.js";

/** @typedef {import("./api.js").EntityDetails} EntityDetails */
/** @typedef {import("./api.js").Override} Override */
/** @typedef {import("./api.js").Recorded} Recorded */
/** @typedef {EntityDetails["rules"][number]} Rule */
/** @typedef {Record<string, {exposures: number, users: number}>} RuleCounts */

/** @type {Record<string, string>} */
const EXPOSURE_KINDS = { gate: "gate", segment: "gate", holdout: "gate", config: "config", experiment: "config", layer: "layer" };
const OVERRIDABLE = ["gate", "config", "experiment", "layer"];
const LAST_EXPOSURES = 20;

/** @param {{kind: string, name: string, query: Record<string, string>}} properties */
export function EntityView({ kind, name, query }) {
  const counts = useCounts();
  const { data, error, reload } = useResource(() => getEntity(kind, name), [counts.started, counts.project]);
  if (!data) return html`<h1>${name}</h1><${Problem} message=${error} />`;
  return html`
    <p class="crumbs"><a href="#/entities">Entities</a> / ${data.kind}</p>
    <div class="title">
      <h1>${data.name}</h1>
      <${KindTag} kind=${data.kind} />
      ${data.overrides.length > 0 && html`<span class="badge override">overridden</span>`}
      ${!data.enabled && html`<span class="badge">${data.kind === "experiment" ? "not active" : "disabled"}</span>`}
    </div>
    <${Problem} message=${error} />
    <${Facts} entity=${data} />
    <${Usage} entity=${data} />
    ${data.kind === "experiment" && html`<${Lift} name=${name} query=${query} />`}
    ${OVERRIDABLE.includes(data.kind) && html`<${Overrides} entity=${data} changed=${reload} />`}
    <${LastExposures} entity=${data} />
  `;
}

/** @param {{entity: EntityDetails}} properties */
const Facts = ({ entity }) => html`
  <dl class="facts">
    <div><dt>ID type</dt><dd>${entity.idType}</dd></div>
    ${entity.layer &&
    html`<div><dt>Layer</dt><dd><a href=${address(["entity", "layer", entity.layer])}>${entity.layer}</a></dd></div>`}
    ${entity.targeting.length > 0 &&
    html`<div><dt>Targeting</dt><dd>${entity.targeting.map((rule, index) => [index > 0 && " or ", html`<${Conditions} rule=${rule} />`])}</dd></div>`}
  </dl>
`;

/** @param {{entity: EntityDetails}} properties */
function Usage({ entity }) {
  const { recorded, started } = useCounts();
  const [latest, setLatest] = useState(0);
  useRecorded((event) => {
    if (describe(event).name === entity.name) setLatest(event.id);
  });
  const refresh = useDelayed(latest, 200);
  const query = { kind: EXPOSURE_KINDS[entity.kind], name: exposureName(entity) };
  const { data } = useResource(() => getExposureCounts(query), [recorded, started, refresh]);
  /** @type {RuleCounts} */
  const counts = Object.fromEntries((data?.items ?? []).map((item) => [item.ruleID ?? "", item]));
  const groups = entity.rules.filter((rule) => rule.group !== null);
  const rules = entity.rules.filter((rule) => rule.group === null);
  const heading = entity.kind === "experiment" ? "Outside the groups" : "Rules";
  return html`
    ${groups.length > 0 && html`<${Groups} groups=${groups} counts=${counts} />`}
    <section>
      <h2>${heading}</h2>
      <ol class="rules">
        ${rules.map((rule) => html`<${RuleItem} rule=${rule} count=${counts[rule.ruleID]} kind=${entity.kind} />`)}
        <li class="rule">
          <div class="rule-head"><strong>Default</strong><${Count} count=${counts.default} /></div>
          <p class="muted">when no rule applies</p>
          <${Value} value=${entity.default} />
        </li>
      </ol>
    </section>
  `;
}

/** @param {EntityDetails} entity */
const exposureName = (entity) => (entity.kind === "segment" ? `segment:${entity.name}` : entity.name);

/** @param {{rule: Rule, count: {exposures: number, users: number} | undefined, kind: string}} properties */
const RuleItem = ({ rule, count, kind }) => html`
  <li class="rule">
    <div class="rule-head">
      <strong>${rule.name}</strong>
      ${rule.rollout !== 100 && !isHoldout(rule) && html`<span class="badge">rollout ${rule.rollout} %</span>`}
      <${Count} count=${count} />
    </div>
    <p>if <${Conditions} rule=${rule} /></p>
    ${rule.experiment
      ? html`<p>→ experiment <a href=${address(["entity", "experiment", rule.experiment])}>${rule.experiment}</a></p>`
      : kind !== "segment" && html`<${Value} value=${rule.value} />`}
  </li>
`;

/** @param {Rule} rule */
const isHoldout = (rule) => rule.conditions.some((condition) => condition.kind === "holdout");

/** @param {{rule: Pick<Rule, "conditions">}} properties */
const Conditions = ({ rule }) =>
  rule.conditions.length
    ? rule.conditions.map((condition, index) => [
        index > 0 && html` <span class="muted">and</span> `,
        condition.kind && condition.name
          ? html`<a href=${address(["entity", condition.kind, condition.name])}>${condition.text}</a>`
          : html`<span class="condition">${condition.text}</span>`,
      ])
    : "everyone";

/** @param {{count: {exposures: number, users: number} | undefined}} properties */
const Count = ({ count }) => html`
  <span class="exposures">${count ? `${plural(count.exposures, "exposure")}, ${plural(count.users, "user")}` : "no exposures"}</span>
`;

/**
 * @param {number} number
 * @param {string} noun
 */
const plural = (number, noun) => `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;

/** @param {{groups: Rule[], counts: RuleCounts}} properties */
const Groups = ({ groups, counts }) => html`
  <section>
    <h2>Groups</h2>
    <ul class="rules">
      ${groups.map(
        (group) => html`
          <li class="rule">
            <div class="rule-head">
              <strong>${group.group}</strong>
              ${group.share !== null && html`<span class="badge">${Number(group.share.toFixed(2))} %</span>`}
              <${Count} count=${counts[group.ruleID]} />
            </div>
            ${group.share === null && html`<p>if <${Conditions} rule=${group} /></p>`}
            <${Value} value=${group.value} />
          </li>
        `,
      )}
    </ul>
  </section>
`;

/** @param {{entity: EntityDetails, changed: () => void}} properties */
function Overrides({ entity, changed }) {
  const [error, setError] = useState("");
  /** @param {Override} override */
  const remove = async (override) => {
    const unit = override.unitID && { unitID: override.unitID.id, unitType: override.unitID.type };
    const target = override.userID !== undefined ? { userID: override.userID } : unit ?? { scope: "everyone" };
    setError("");
    await removeOverrides({ kind: entity.kind, name: entity.name, ...target }).catch((problem) => setError(problem.message));
    changed();
  };
  return html`
    <section>
      <h2>Overrides</h2>
      <${Problem} message=${error} />
      ${entity.overrides.length > 0 &&
      html`
        <ul class="overrides">
          ${entity.overrides.map(
            (override) => html`
              <li>
                <span>${target(override)}</span>
                ${override.group === undefined ? html`<${Value} value=${override.value} />` : html`<span>group <strong>${override.group}</strong></span>`}
                <button type="button" onClick=${() => remove(override)} aria-label=${`Remove the override for ${target(override)}`}>Remove</button>
              </li>
            `,
          )}
        </ul>
      `}
      <${OverrideForm} entity=${entity} changed=${changed} />
    </section>
  `;
}

/** @param {Override} override */
const target = (override) =>
  override.userID !== undefined
    ? `userID ${override.userID}`
    : override.unitID
      ? `${override.unitID.type} ${override.unitID.id}`
      : "everyone";

/** @param {{entity: EntityDetails}} properties */
function LastExposures({ entity }) {
  const { recorded, started } = useCounts();
  const query = { kind: EXPOSURE_KINDS[entity.kind], name: exposureName(entity), order: "newest", limit: LAST_EXPOSURES };
  const { data, error } = useResource(() => getExposures(query), [recorded, started]);
  const [arrived, setArrived] = useState(/** @type {Recorded[]} */ ([]));
  useRecorded((event) => {
    const { kind, name } = describe(event);
    if (kind === query.kind && name === query.name) setArrived((events) => [event, ...events].slice(0, LAST_EXPOSURES));
  });
  const known = data?.items ?? [];
  const newest = known[0]?.id ?? 0;
  const exposures = [...arrived.filter((event) => event.id > newest), ...known].slice(0, LAST_EXPOSURES);
  return html`
    <section>
      <h2>Last exposures</h2>
      <${Problem} message=${error} />
      ${data && !exposures.length && html`<${Empty}>No exposures yet. They appear here as they arrive.<//>`}
      ${exposures.length > 0 &&
      html`
        <table class="exposure-list">
          <thead><tr><th scope="col">Time</th><th scope="col">User</th><th scope="col">Rule</th><th scope="col"><span class="hidden">Action</span></th></tr></thead>
          <tbody>
            ${exposures.map(
              (event) => html`
                <tr key=${event.id}>
                  <td class="time">${clockTime(event.receivedTime)}</td>
                  <td>${userText(event.user)}</td>
                  <td>${describe(event).rule} ${describe(event).value && html`<${Value} value=${describe(event).value === "pass"} />`}</td>
                  <td class="actions"><button type="button" class="quiet" onClick=${() => evaluateUser(event.user)}>Evaluate user</button></td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      `}
    </section>
  `;
}
