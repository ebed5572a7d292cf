// The state of the server: file, problems, unknown names, keys and reset.
import { useEffect, useRef, useState } from "preact/hooks";
import { getProject, getStatus, reset } from "./api.js";
import { html } from "./html.js";
import { useCounts, useResource } from "./resources.js";
import { address } from "./router.js";
import { subscribe } from "./stream.js";
import { clockTime } from "./values.js";

export function Status() {
  const counts = useCounts();
  const { data, error } = useResource(getStatus, [counts]);
  const [connected, setConnected] = useState(true);
  useEffect(() => subscribe((message) => message.type === "link" && setConnected(message.up)), []);
  if (!data) return error && html`<p class="banner danger" role="alert">${error}</p>`;
  return html`
    <div class="status">
      <span class=${connected ? "dot up" : "dot"} aria-hidden="true"></span>
      <span class="hidden" role="status">${connected ? "Connected" : "Not connected"}</span>
      <span class="file" title=${data.file}>${data.file.split(/[/\\]/).at(-1)}</span>
      <span class="muted">loaded ${clockTime(data.loadTime)}</span>
      ${data.overrides > 0 && html`<a class="badge override" href=${address(["entities"], { overridden: "1" })}>${data.overrides} overridden</a>`}
      ${data.faults > 0 && html`<a class="badge danger" href="#/faults">${data.faults} ${data.faults === 1 ? "fault" : "faults"}</a>`}
      <span class="spring"></span>
      <${Keys} />
      <${Reset} />
    </div>
    ${!connected && html`<p class="banner danger" role="alert">The server does not respond. The page reconnects by itself.</p>`}
    ${data.problem && html`<p class="banner danger" role="alert"><strong>The file has a problem; its previous content is still served.</strong> <code>${data.problem}</code></p>`}
    ${!data.loopbackOnly && html`<p class="banner warning">Other machines can reach this server, without encryption.</p>`}
    ${data.unknownNames.length > 0 &&
    html`
      <div class="banner warning">
        Programs requested names that the project does not have:
        <ul>
          ${data.unknownNames.map(
            ({ kind, name, nearest }) => html`
              <li>${kind} <code>${name}</code>${nearest !== null && html`; did you mean <a href=${address(["entities"], { q: nearest })}>${nearest}</a>?`}</li>
            `,
          )}
        </ul>
      </div>
    `}
  `;
}

function Keys() {
  const [keys, setKeys] = useState(/** @type {{secret: string, client: string} | null} */ (null));
  const toggle = async () => setKeys(keys ? null : (await getProject()).keys);
  return html`
    <div class="keys">
      <button type="button" class="quiet" aria-expanded=${keys !== null} onClick=${toggle}>Keys</button>
      ${keys &&
      html`
        <div class="popover">
          <${CopyField} label="Secret key" value=${keys.secret} />
          <${CopyField} label="Client key" value=${keys.client} />
          <${CopyField} label="Base URL" value=${`${location.origin}/v1`} />
        </div>
      `}
    </div>
  `;
}

/** @param {{label: string, value: string}} properties */
function CopyField({ label, value }) {
  const [copied, setCopied] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const copy = async () => {
    field.current?.select();
    // Without a secure context there is no clipboard; the selection can be copied by hand.
    await navigator.clipboard?.writeText(value).then(() => setCopied(true), () => {});
  };
  return html`
    <div class="copy">
      <label>
        <span class="label">${label}</span>
        <input type="text" readonly ref=${field} value=${value} />
      </label>
      <button type="button" onClick=${copy}>${copied ? "Copied" : "Copy"} <span class="hidden">${label}</span></button>
    </div>
  `;
}

function Reset() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [parts, setParts] = useState({ recorded: true, overrides: true, faults: true });
  const discard = async () => {
    await reset(parts).catch(() => {});
    dialog.current?.close();
  };
  /** @param {"recorded" | "overrides" | "faults"} part */
  const option = (part, label = part) => html`
    <label class="check">
      <input type="checkbox" checked=${parts[part]} onChange=${() => setParts({ ...parts, [part]: !parts[part] })} /> ${label}
    </label>
  `;
  return html`
    <button type="button" class="quiet" onClick=${() => dialog.current?.showModal()}>Reset</button>
    <dialog ref=${dialog} aria-labelledby="reset-title">
      <h2 id="reset-title">Reset the server</h2>
      <p>Discard:</p>
      ${option("recorded", /** @type {any} */ ("events and exposures"))} ${option("overrides")} ${option("faults")}
      <p class="buttons">
        <button type="button" onClick=${() => dialog.current?.close()}>Cancel</button>
        <button type="button" class="primary" onClick=${discard}>Discard</button>
      </p>
    </dialog>
  `;
}
