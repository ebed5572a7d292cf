// The console: the frame of all views.
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { EntitiesView } from "./entities.js";
import { EntityView } from "./entity.js";
import { FaultsView } from "./faults.js";
import { html } from "./html.js";
import { LiveView } from "./live.js";
import { useRoute } from "./router.js";
import { Status } from "./status.js";
import { start } from "./stream.js";
import { WhoView } from "./who.js";

const VIEWS = {
  entities: { title: "Entities", view: EntitiesView },
  who: { title: "Who gets what", view: WhoView },
  live: { title: "Live", view: LiveView },
  faults: { title: "Faults", view: FaultsView },
};

function App() {
  const route = useRoute();
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const place = [route.view, ...route.parts].join("/");
  const first = useRef(place);
  useEffect(() => {
    if (first.current === place) return;
    first.current = "";
    main.current?.focus();
    scrollTo(0, 0);
  }, [place]);
  return html`
    <a class="skip" href="#main" onClick=${skip(main)}>Skip to content</a>
    <header>
      <div class="bar">
        <a class="brand" href="#/">Local Statsig</a>
        <nav aria-label="Views">
          ${Object.entries(VIEWS).map(
            ([view, { title }]) => html`
              <a href="#/${view}" aria-current=${isCurrent(view, route.view) ? "page" : undefined}>${title}</a>
            `,
          )}
        </nav>
      </div>
      <${Status} />
    </header>
    <main id="main" ref=${main} tabindex="-1"><${Content} route=${route} /></main>
  `;
}

/**
 * @param {string} view
 * @param {string} current
 */
const isCurrent = (view, current) => view === current || (view === "entities" && current === "entity");

/**
 * Focus the content without a change of the address, which has the view.
 * @param {{current: HTMLElement | null}} main
 */
const skip = (main) => (/** @type {Event} */ event) => {
  event.preventDefault();
  main.current?.focus();
};

/** @param {{route: import("./router.js").Route}} properties */
function Content({ route }) {
  if (route.view === "entity") {
    const [kind = "", name = ""] = route.parts;
    return html`<${EntityView} key=${`${kind}/${name}`} kind=${kind} name=${name} query=${route.query} />`;
  }
  const known = Object.entries(VIEWS).find(([view]) => view === route.view);
  return html`<${known?.[1].view ?? EntitiesView} query=${route.query} />`;
}

addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("input[type=search]");
  if (search instanceof HTMLInputElement) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

render(html`<${App} />`, document.body);
void start();
