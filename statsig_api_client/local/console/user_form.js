// A user as a form, or as JSON.
import { useState } from "preact/hooks";
import { html } from "./html.js";
import { isObject } from "./values.js";

/** @typedef {import("./users.js").User} User */

/** @type {[string, string, string][]} */
const FIELDS = [
  ["userID", "User ID", "42"],
  ["email", "Email", "ada@example.com"],
  ["country", "Country", "NO"],
  ["locale", "Locale", "en_US"],
  ["appVersion", "App version", "2.1.0"],
  ["ip", "IP address", "8.8.8.8"],
  ["userAgent", "User agent", "Mozilla/5.0 …"],
];
/** @type {[string, string, string, string][]} */
const MAPS = [
  ["customIDs", "Custom IDs", "companyID", "acme"],
  ["custom", "Custom attributes", "plan", "pro"],
  ["privateAttributes", "Private attributes", "plan", "pro"],
];
const MORE = ["locale", "appVersion", "ip", "userAgent", "privateAttributes"];

/**
 * @param {{title: string, user: User, environments: string[], change: (user: User) => void,
 *          remove?: () => void}} properties
 */
export function UserForm({ title, user, environments, change, remove }) {
  const [json, setJson] = useState(/** @type {string | null} */ (null));
  const isMore = MORE.some((field) => user[field] !== undefined);
  return html`
    <section class="card user-form" aria-label=${title}>
      <div class="card-head">
        <h2>${title}</h2>
        <button type="button" class="quiet" aria-pressed=${json !== null}
          onClick=${() => setJson(json === null ? JSON.stringify(user, null, 2) : null)}>JSON</button>
        ${remove && html`<button type="button" class="quiet" onClick=${remove}>Remove</button>`}
      </div>
      ${json === null
        ? html`
            <div class="fields">
              ${FIELDS.filter(([field]) => !MORE.includes(field)).map((field) => html`<${Field} field=${field} user=${user} change=${change} />`)}
              <${Environment} user=${user} environments=${environments} change=${change} />
            </div>
            ${MAPS.filter(([field]) => !MORE.includes(field)).map((map) => html`<${Pairs} map=${map} user=${user} change=${change} />`)}
            <details open=${isMore}>
              <summary>More attributes</summary>
              <div class="fields">
                ${FIELDS.filter(([field]) => MORE.includes(field)).map((field) => html`<${Field} field=${field} user=${user} change=${change} />`)}
              </div>
              ${MAPS.filter(([field]) => MORE.includes(field)).map((map) => html`<${Pairs} map=${map} user=${user} change=${change} />`)}
            </details>
          `
        : html`<${JsonField} title=${title} json=${json} setJson=${setJson} change=${change} />`}
    </section>
  `;
}

/**
 * Return the user with another value of a field; without it if the value is empty.
 * @param {User} user
 * @param {string} field
 * @param {unknown} value
 */
function withField(user, field, value) {
  const { [field]: _, ...others } = user;
  return value === "" || value === undefined ? others : { ...others, [field]: value };
}

/** @param {{field: [string, string, string], user: User, change: (user: User) => void}} properties */
const Field = ({ field: [field, label, example], user, change }) => html`
  <label>
    <span class="label">${label}</span>
    <input type="text" value=${user[field] ?? ""} placeholder=${example} autocomplete="off" spellcheck=${false}
      onInput=${(/** @type {Event} */ event) => change(withField(user, field, /** @type {HTMLInputElement} */ (event.target).value))} />
  </label>
`;

/** @param {{user: User, environments: string[], change: (user: User) => void}} properties */
function Environment({ user, environments, change }) {
  const tier = isObject(user.statsigEnvironment) ? String(user.statsigEnvironment.tier ?? "") : "";
  const names = [...new Set([...environments, ...(tier ? [tier] : [])])];
  return html`
    <label>
      <span class="label">Environment</span>
      <select value=${tier} onChange=${(/** @type {Event} */ event) => {
        const value = /** @type {HTMLSelectElement} */ (event.target).value;
        change(withField(user, "statsigEnvironment", value ? { tier: value } : ""));
      }}>
        <option value="">default</option>
        ${names.map((name) => html`<option value=${name}>${name}</option>`)}
      </select>
    </label>
  `;
}

/** @param {{map: [string, string, string, string], user: User, change: (user: User) => void}} properties */
function Pairs({ map: [field, label, key, value], user, change }) {
  const current = isObject(user[field]) ? user[field] : {};
  const [rows, setRows] = useState(() => toRows(current));
  // Another user, unless it is this form that changed it.
  const shown = JSON.stringify(fromRows(rows)) === JSON.stringify(current) ? rows : toRows(current);
  /** @param {[string, string][]} changed */
  const update = (changed) => {
    setRows(changed);
    const object = fromRows(changed);
    change(withField(user, field, Object.keys(object).length ? object : ""));
  };
  return html`
    <div class="pairs" role="group" aria-label=${label}>
      <div class="pairs-head">
        <span class="label">${label}</span>
        <button type="button" class="quiet" aria-label=${`Add to ${label}`} onClick=${() => setRows([...shown, ["", ""]])}>Add</button>
      </div>
      ${shown.map(
        ([name, text], index) => html`
          <div class="pair" key=${index}>
            <input type="text" aria-label=${`${label}: name ${index + 1}`} placeholder=${key} value=${name} autocomplete="off" spellcheck=${false}
              onInput=${(/** @type {Event} */ event) => update(replaced(shown, index, [/** @type {HTMLInputElement} */ (event.target).value, text]))} />
            <input type="text" aria-label=${`${label}: value ${index + 1}`} placeholder=${value} value=${text} autocomplete="off" spellcheck=${false}
              onInput=${(/** @type {Event} */ event) => update(replaced(shown, index, [name, /** @type {HTMLInputElement} */ (event.target).value]))} />
            <button type="button" class="quiet" aria-label=${`Remove ${name || `row ${index + 1}`}`} onClick=${() => update(shown.filter((_, other) => other !== index))}>×</button>
          </div>
        `,
      )}
    </div>
  `;
}

/**
 * @param {[string, string][]} rows
 * @param {number} index
 * @param {[string, string]} row
 */
const replaced = (rows, index, row) => rows.map((other, place) => (place === index ? row : other));

/**
 * @param {Record<string, unknown>} object
 * @returns {[string, string][]}
 */
const toRows = (object) =>
  Object.entries(object).map(([name, value]) => [name, typeof value === "string" && parsed(value) === value ? value : JSON.stringify(value)]);

/** @param {[string, string][]} rows */
const fromRows = (rows) => Object.fromEntries(rows.filter(([name]) => name).map(([name, text]) => [name, parsed(text)]));

/**
 * Return the value of a text: JSON for numbers, booleans, lists and quoted strings.
 * @param {string} text
 */
function parsed(text) {
  if (!/^\s*(-?\d|true|false|\[|\{|")/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {{title: string, json: string, setJson: (json: string) => void, change: (user: User) => void}} properties */
function JsonField({ title, json, setJson, change }) {
  const problem = userProblem(json);
  return html`
    <label>
      <span class="label">User as in the HTTP API</span>
      <textarea rows="12" spellcheck=${false} value=${json} aria-label=${`${title} as JSON`} aria-invalid=${problem ? "true" : undefined}
        onInput=${(/** @type {Event} */ event) => {
          const text = /** @type {HTMLTextAreaElement} */ (event.target).value;
          setJson(text);
          if (!userProblem(text)) change(JSON.parse(text));
        }} />
      <span class="hint invalid" role="status">${problem}</span>
    </label>
  `;
}

/** @param {string} text */
function userProblem(text) {
  try {
    return isObject(JSON.parse(text)) ? "" : "expected an object";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}
