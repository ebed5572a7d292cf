// Values, users and times as text, and small elements that several views share.
import { html } from "./html.js";

/** @typedef {import("./api.js").Recorded} Recorded */

/** @type {Record<string, string>} */
export const KIND_LABELS = {
  gate: "Gate",
  config: "Config",
  experiment: "Experiment",
  layer: "Layer",
  segment: "Segment",
  holdout: "Holdout",
  event: "Event",
};

/** @param {{kind: string}} properties */
export const KindTag = ({ kind }) =>
  html`<span class="tag kind-${kind}">${KIND_LABELS[kind] ?? kind}</span>`;

/**
 * The value of an entity; parameters that differ from those of `other` are marked.
 * @param {{value: unknown, other?: unknown}} properties
 */
export function Value({ value, other }) {
  if (typeof value === "boolean") {
    return html`<span class=${value ? "pass" : "fail"}>${value ? "pass" : "fail"}</span>`;
  }
  if (!isObject(value)) return html`<code class="parameter">${compact(value)}</code>`;
  const names = Object.keys(value);
  if (!names.length) return html`<span class="muted">no parameters</span>`;
  /** @param {string} name */
  const isChanged = (name) => isObject(other) && compact(value[name]) !== compact(other[name]);
  return html`
    <span class="parameters">
      ${names.map((name) => html`<code class=${isChanged(name) ? "parameter changed" : "parameter"}>${name}: ${compact(value[name])}</code> `)}
    </span>
  `;
}

/** @param {{message: string}} properties */
export const Problem = ({ message }) => message && html`<p class="problem" role="alert">${message}</p>`;

/** @param {{children?: unknown}} properties */
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** @param {unknown} value */
export const compact = (value) => JSON.stringify(value) ?? "";

/** @param {number} milliseconds */
export function clockTime(milliseconds) {
  const time = new Date(milliseconds);
  return time.toLocaleTimeString(undefined, { hour12: false });
}

/** @param {Record<string, unknown>} user */
export function userText(user) {
  const { userID, customIDs } = user;
  const ids = Object.entries(isObject(customIDs) ? customIDs : {});
  const texts = ids.map(([type, id]) => `${type} ${id}`);
  if (userID !== undefined && userID !== null && userID !== "") texts.unshift(String(userID));
  return texts.join(", ") || "no ID";
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @type {Record<string, {kind: string, name: string}>} */
const EXPOSURES = {
  "statsig::gate_exposure": { kind: "gate", name: "gate" },
  "statsig::config_exposure": { kind: "config", name: "config" },
  "statsig::layer_exposure": { kind: "layer", name: "config" },
};

/**
 * Return the kind, name and result of a recorded event, which may be an exposure.
 * @param {Recorded} event
 */
export function describe(event) {
  const exposure = EXPOSURES[event.eventName];
  const metadata = /** @type {Record<string, string>} */ (event.metadata);
  if (!exposure) {
    const value = event.value === null ? "" : String(event.value);
    return { kind: "event", name: event.eventName, value, rule: "" };
  }
  const value = metadata.gateValue === "true" ? "pass" : metadata.gateValue === "false" ? "fail" : "";
  return {
    kind: exposure.kind,
    name: metadata[exposure.name] ?? "",
    value,
    rule: metadata.ruleID ?? "",
  };
}
