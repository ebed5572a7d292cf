// Exposures and events as they arrive, newest first.
import { useEffect, useState } from "preact/hooks";
import { getRecorded } from "./api.js";
import { html } from "./html.js";
import { useCounts, useDelayed, useRecorded, useResource } from "./resources.js";
import { address, setQuery } from "./router.js";
import { subscribe } from "./stream.js";
import { evaluateUser } from "./users.js";
import { clockTime, describe, Empty, KIND_LABELS, KindTag, Problem, userText, Value } from "./values.js";

/** @typedef {import("./api.js").Recorded} Recorded */
/** @typedef {Record<string, string>} Filter */

const KINDS = ["event", "gate", "config", "layer"];
const PAGE_SIZE = 100;
/** The number of events that the page keeps; the server has them all. */
const MAX_KEPT = 5000;

/** @param {{query: Filter}} properties */
export function LiveView({ query }) {
  const counts = useCounts();
  const filter = { contains: query.name ?? "", userID: query.user ?? "", kind: query.kind ?? "" };
  const wanted = useDelayed(JSON.stringify(filter), 200);
  const [skips, setSkips] = useState(0);
  const [arrived, setArrived] = useState(/** @type {Recorded[]} */ ([]));
  const [older, setOlder] = useState(/** @type {Recorded[]} */ ([]));
  const [shown, setShown] = useState(PAGE_SIZE);
  // The ID of the newest event that is shown; null unless paused.
  const [pausedAt, setPausedAt] = useState(/** @type {number | null} */ (null));
  const dependencies = [wanted, counts.started, counts.recorded, skips];
  const { data, error } = useResource(
    () => getRecorded({ ...JSON.parse(wanted), order: "newest", limit: PAGE_SIZE }),
    dependencies,
  );
  useEffect(() => {
    setArrived([]);
    setOlder([]);
    setShown(PAGE_SIZE);
  }, dependencies);
  useEffect(() => subscribe((message) => message.type === "skipped" && setSkips((number) => number + 1)), []);
  useRecorded((event) => {
    if (matches(event, filter)) setArrived((events) => [event, ...events].slice(0, MAX_KEPT));
  });

  const known = [...(data?.items ?? []), ...older];
  const newest = known[0]?.id ?? 0;
  const events = [...arrived.filter((event) => event.id > newest), ...known];
  const visible = pausedAt === null ? events : events.filter((event) => event.id <= pausedAt);
  const waiting = events.length - visible.length;
  const last = known.at(-1);

  const loadOlder = async () => {
    if (events.length > shown || !last) {
      setShown(shown + PAGE_SIZE);
      return;
    }
    const page = await getRecorded({ ...filter, order: "newest", limit: PAGE_SIZE, after: last.id });
    setOlder([...older, ...page.items]);
    setShown(shown + PAGE_SIZE);
  };
  const hasOlder = visible.length > shown || (known.length > 0 && known.length % PAGE_SIZE === 0);

  return html`
    <h1>Live</h1>
    <div class="filters">
      <label class="grow">
        <span class="label">Name contains <kbd>/</kbd></span>
        <input type="search" value=${query.name ?? ""} autocomplete="off" spellcheck=${false} placeholder="Event or entity"
          onInput=${change("name")} />
      </label>
      <label>
        <span class="label">User</span>
        <input type="text" value=${query.user ?? ""} autocomplete="off" spellcheck=${false} placeholder="ID" onInput=${change("user")} />
      </label>
      <label>
        <span class="label">Kind</span>
        <select value=${query.kind ?? ""} onChange=${change("kind")}>
          <option value="">all</option>
          ${KINDS.map((kind) => html`<option value=${kind}>${KIND_LABELS[kind]}${kind === "event" ? "" : " exposures"}</option>`)}
        </select>
      </label>
      <button type="button" class="pause" aria-pressed=${pausedAt !== null}
        onClick=${() => setPausedAt(pausedAt === null ? (events[0]?.id ?? 0) : null)}>
        ${pausedAt === null ? "Pause" : "Resume"}
      </button>
    </div>
    <p class="summary" role="status">${pausedAt === null ? "" : `Paused; ${waiting} new`}</p>
    <${Problem} message=${error} />
    ${data && !visible.length && html`<${Empty}>${Object.values(filter).some(Boolean) ? "Nothing matches the filters yet." : "Nothing has been recorded yet. Check a gate, and its exposure appears here."}<//>`}
    <ul class="live">
      ${visible.slice(0, shown).map((event) => html`<${Row} key=${event.id} event=${event} />`)}
    </ul>
    ${hasOlder && html`<button type="button" class="more" onClick=${loadOlder}>Show older</button>`}
  `;
}

/** @param {string} name */
const change = (name) => (/** @type {Event} */ event) =>
  setQuery({ [name]: /** @type {HTMLInputElement} */ (event.target).value });

/**
 * Return whether an event passes the filters, as the server's search does.
 * @param {Recorded} event
 * @param {{contains: string, userID: string, kind: string}} filter
 */
function matches(event, filter) {
  const { kind, name } = describe(event);
  const { userID, customIDs } = event.user;
  const ids = [userID, ...Object.values(customIDs ?? {})].map(String);
  return (
    (!filter.kind || filter.kind === kind) &&
    name.toLowerCase().includes(filter.contains.toLowerCase()) &&
    (!filter.userID || ids.includes(filter.userID))
  );
}

/** @param {{event: Recorded}} properties */
function Row({ event }) {
  const [open, setOpen] = useState(false);
  const { kind, name, value, rule } = describe(event);
  return html`
    <li>
      <details onToggle=${(/** @type {Event} */ change) => setOpen(/** @type {HTMLDetailsElement} */ (change.target).open)}>
        <summary>
          <span class="time">${clockTime(event.receivedTime)}</span>
          <${KindTag} kind=${kind} />
          <span class="name">${name}</span>
          <span class="user muted">${userText(event.user)}</span>
          <span class="outcome">
            ${kind === "event" ? value : value && html`<${Value} value=${value === "pass"} />`}
            ${rule && html` <span class="muted">${rule}</span>`}
          </span>
        </summary>
        ${open &&
        html`
          <div class="event-details">
            <p>
              <button type="button" onClick=${() => evaluateUser(event.user)}>Evaluate user</button>
              ${kind !== "event" && html` <${EntityLink} kind=${kind} name=${name} />`}
            </p>
            <pre tabindex="0" aria-label="All fields">${JSON.stringify(event, null, 2)}</pre>
          </div>
        `}
      </details>
    </li>
  `;
}

/** @param {{kind: string, name: string}} properties */
const EntityLink = ({ kind, name }) =>
  html`<a href=${kind === "config" ? address(["entities"], { q: name }) : address(["entity", kind, name])}>Open ${name}</a>`;
