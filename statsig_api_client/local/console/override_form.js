// The form of an override: pass or fail, a group, or JSON that is checked while typing.
import { useState } from "preact/hooks";
import { putOverride } from "./api.js";
import { html } from "./html.js";
import { compact, isObject, Problem } from "./values.js";

/** @typedef {import("./api.js").EntityDetails} EntityDetails */
/** @typedef {{value: boolean} | {group: string} | {value: Record<string, unknown>}} Choice */

/** @param {{entity: EntityDetails, changed: () => void}} properties */
export function OverrideForm({ entity, changed }) {
  const groups = [...new Set(entity.rules.flatMap((rule) => rule.group ?? []))];
  const isGate = entity.kind === "gate";
  const [choice, setChoice] = useState(isGate ? "pass" : (groups[0] ?? ""));
  const [json, setJson] = useState(() => JSON.stringify(entity.default ?? {}, null, 2));
  const [forUnit, setForUnit] = useState(false);
  const [idType, setIdType] = useState(entity.idType);
  const [id, setId] = useState("");
  const [error, setError] = useState("");
  const isJson = !isGate && choice === "";
  const invalid = isJson ? jsonProblem(json) : "";

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (invalid || (forUnit && !id)) return;
    /** @type {Choice} */
    const value = isGate ? { value: choice === "pass" } : isJson ? { value: JSON.parse(json) } : { group: choice };
    const unit = forUnit ? { unitID: { type: idType, id } } : {};
    const override = { kind: entity.kind, name: entity.name, ...value, ...unit };
    setError("");
    try {
      await putOverride(/** @type {import("./api.js").Override} */ (override));
      changed();
    } catch (problem) {
      setError(/** @type {Error} */ (problem).message);
    }
  };

  const options = isGate ? ["pass", "fail"] : [...groups, ""];
  return html`
    <form class="override-form" onSubmit=${submit}>
      ${(isGate || groups.length > 0) &&
      html`
        <fieldset>
          <legend>Result</legend>
          ${options.map(
            (option) => html`
              <label class="option">
                <input type="radio" name="choice" checked=${choice === option} onChange=${() => setChoice(option)} />
                ${option || "parameters"}
              </label>
            `,
          )}
        </fieldset>
      `}
      ${isJson &&
      html`
        <label class="wide">
          <span class="label">Parameters as JSON${entity.kind === "layer" ? "; others keep the layer's values" : ""}</span>
          <textarea rows=${Math.min(12, json.split("\n").length + 1)} spellcheck=${false} value=${json}
            aria-invalid=${invalid ? "true" : undefined} aria-describedby="json-problem"
            onInput=${(/** @type {Event} */ event) => setJson(/** @type {HTMLTextAreaElement} */ (event.target).value)} />
          <span id="json-problem" class="hint invalid" role="status">${invalid}</span>
        </label>
      `}
      <fieldset>
        <legend>For</legend>
        <label class="option"><input type="radio" name="scope" checked=${!forUnit} onChange=${() => setForUnit(false)} /> everyone</label>
        <label class="option"><input type="radio" name="scope" checked=${forUnit} onChange=${() => setForUnit(true)} /> one unit</label>
        ${forUnit &&
        html`
          <input type="text" aria-label="ID type" class="id-type" value=${idType} required
            onInput=${(/** @type {Event} */ event) => setIdType(/** @type {HTMLInputElement} */ (event.target).value)} />
          <input type="text" aria-label="ID" placeholder="ID, such as 42" value=${id} required autocomplete="off"
            onInput=${(/** @type {Event} */ event) => setId(/** @type {HTMLInputElement} */ (event.target).value)} />
        `}
      </fieldset>
      <button type="submit" class="primary" disabled=${Boolean(invalid)}>Set override</button>
      <${Problem} message=${error} />
    </form>
  `;
}

/** @param {string} text */
function jsonProblem(text) {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? "" : `expected an object, got ${compact(value)}`;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}
