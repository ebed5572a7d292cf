// The view and its filters, in the fragment of the address: #/live?kind=gate
import { useEffect, useState } from "preact/hooks";

/** @typedef {{view: string, parts: string[], query: Record<string, string>}} Route */

/** @returns {Route} */
function currentRoute() {
  const [path = "", search = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", ...parts] = path.split("/").map(decode);
  return { view: view || "entities", parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Return the current route, and render again when it changes. */
export function useRoute() {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const update = () => setRoute(currentRoute());
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return route;
}

/**
 * Return the address of a view.
 * @param {string[]} parts
 * @param {Record<string, string>} [query]
 */
export function address(parts, query = {}) {
  const filled = Object.entries(query).filter(([, value]) => value);
  const search = new URLSearchParams(filled).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search && `?${search}`}`;
}

/**
 * Change filters in the address, without an entry in the history.
 * @param {Record<string, string>} changes
 */
export function setQuery(changes) {
  const { view, parts, query } = currentRoute();
  history.replaceState(null, "", address([view, ...parts], { ...query, ...changes }));
  dispatchEvent(new HashChangeEvent("hashchange"));
}
