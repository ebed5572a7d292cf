// All entities, with search and filters that the address keeps.
import { useEffect, useState } from "preact/hooks";
import { getEntities } from "./api.js";
import { html } from "./html.js";
import { useCounts, useResource } from "./resources.js";
import { address, setQuery } from "./router.js";
import { Empty, KIND_LABELS, KindTag, Problem } from "./values.js";

/** @typedef {import("./api.js").Entity} Entity */

const KINDS = ["gate", "config", "experiment", "layer", "segment", "holdout"];
const PAGE_SIZE = 200;

/** @param {{query: Record<string, string>}} properties */
export function EntitiesView({ query }) {
  const counts = useCounts();
  const { data, error } = useResource(getEntities, [counts.started, counts.project]);
  const all = data?.items ?? [];
  const searched = all.filter(
    (entity) =>
      entity.name.toLowerCase().includes((query.q ?? "").trim().toLowerCase()) &&
      (!query.overridden || entity.overridden),
  );
  const found = searched.filter((entity) => !query.kind || entity.kind === query.kind);
  return html`
    <h1>Entities</h1>
    <div class="filters">
      <label class="grow">
        <span class="label">Search <kbd>/</kbd></span>
        <input type="search" value=${query.q ?? ""} autocomplete="off" spellcheck=${false}
          placeholder="Name of a gate, config, experiment …" onInput=${change("q")} />
      </label>
      <label class="check">
        <input type="checkbox" checked=${Boolean(query.overridden)} onChange=${toggle} />
        Overridden
      </label>
    </div>
    <div class="chips" role="group" aria-label="Kind">
      <${KindChip} kind="" count=${searched.length} current=${query.kind ?? ""} />
      ${KINDS.map(
        (kind) => html`
          <${KindChip} kind=${kind} current=${query.kind ?? ""}
            count=${searched.filter((entity) => entity.kind === kind).length} />
        `,
      )}
    </div>
    <${Problem} message=${error} />
    ${data && html`<${EntityTable} filter=${`${query.kind} ${query.q}`} entities=${found} total=${all.length} />`}
  `;
}

/** @param {string} name */
const change = (name) => (/** @type {Event} */ event) =>
  setQuery({ [name]: /** @type {HTMLInputElement} */ (event.target).value });

/** @param {Event} event */
const toggle = (event) =>
  setQuery({ overridden: /** @type {HTMLInputElement} */ (event.target).checked ? "1" : "" });

/** @param {{kind: string, count: number, current: string}} properties */
const KindChip = ({ kind, count, current }) => html`
  <button type="button" class="chip" aria-pressed=${kind === current} onClick=${() => setQuery({ kind })}>
    ${kind ? `${KIND_LABELS[kind]}s` : "All"} <span class="count">${count}</span>
  </button>
`;

/** @param {{filter: string, entities: Entity[], total: number}} properties */
function EntityTable({ filter, entities, total }) {
  const [shown, setShown] = useState(PAGE_SIZE);
  useEffect(() => setShown(PAGE_SIZE), [filter]);
  if (!total) return html`<${Empty}>The project defines no entities.<//>`;
  if (!entities.length) return html`<${Empty}>No entity matches the search and filters.<//>`;
  return html`
    <table class="entities">
      <thead>
        <tr><th scope="col">Name</th><th scope="col">Kind</th><th scope="col">Rules or groups</th><th scope="col">State</th></tr>
      </thead>
      <tbody>
        ${entities.slice(0, shown).map((entity) => html`<${Row} key=${`${entity.kind} ${entity.name}`} entity=${entity} />`)}
      </tbody>
    </table>
    ${entities.length > shown &&
    html`<button type="button" class="more" onClick=${() => setShown(shown + PAGE_SIZE)}>
      Show more of ${entities.length.toLocaleString()}
    </button>`}
  `;
}

/** @param {{entity: Entity}} properties */
const Row = ({ entity }) => html`
  <tr>
    <th scope="row"><a href=${address(["entity", entity.kind, entity.name])}>${entity.name}</a></th>
    <td><${KindTag} kind=${entity.kind} /></td>
    <td class="muted groups">${summary(entity.groups)}</td>
    <td>
      ${entity.overridden && html`<span class="badge override">overridden</span>`}
      ${!entity.enabled && html`<span class="badge">disabled</span>`}
    </td>
  </tr>
`;

/** @param {string[]} groups */
const summary = (groups) =>
  groups.length > 4 ? `${groups.slice(0, 3).join(", ")} and ${groups.length - 3} more` : groups.join(", ");
