// Requests to the control API below /local.

/** @typedef {import("control_api").components["schemas"]} Schemas */
/** @typedef {Schemas["Entity"]} Entity */
/** @typedef {Schemas["EntityDetails"]} EntityDetails */
/** @typedef {Schemas["Explanation"]} Explanation */
/** @typedef {Schemas["Fault"]} Fault */
/** @typedef {Schemas["LiftReport"]} LiftReport */
/** @typedef {Schemas["OverrideRequest"]} Override */
/** @typedef {Schemas["Recorded"]} Recorded */
/** @typedef {Record<string, string | number | null | undefined>} Query */

/**
 * @param {string} method
 * @param {string} path
 * @param {Query} [query]
 * @param {object} [body]
 */
async function request(method, path, query = {}, body) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const search = parameters.toString();
  const response = await fetch(`/local${path}${search && `?${search}`}`, {
    method,
    ...(body && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  }).catch(() => {
    throw new Error("The local server does not respond.");
  });
  const text = await response.text();
  const data = text && JSON.parse(text);
  if (!response.ok) throw new Error(data.message ?? `HTTP ${response.status}`);
  return data;
}

/** @returns {Promise<Schemas["Status"]>} */
export const getStatus = () => request("GET", "/status");

/** @returns {Promise<Schemas["Project"]>} */
export const getProject = () => request("GET", "/project");

/** @returns {Promise<Schemas["Entities"]>} */
export const getEntities = () => request("GET", "/entities");

/**
 * @param {string} kind
 * @param {string} name
 * @returns {Promise<EntityDetails>}
 */
export const getEntity = (kind, name) => request("GET", "/entity", { kind, name });

/**
 * @param {object} user
 * @returns {Promise<Schemas["Explanations"]>}
 */
export const explain = (user) => request("POST", "/explain", {}, { user });

/**
 * @param {Query} query
 * @returns {Promise<Schemas["ExposureCounts"]>}
 */
export const getExposureCounts = (query) => request("GET", "/exposures/counts", query);

/**
 * @param {Query} query
 * @returns {Promise<Schemas["Page"]>}
 */
export const getExposures = (query) => request("GET", "/exposures", query);

/**
 * @param {Query} query
 * @returns {Promise<Schemas["Page"]>}
 */
export const getRecorded = (query) => request("GET", "/recorded", query);

/**
 * @param {Schemas["LiftRequest"]} analysis
 * @returns {Promise<LiftReport>}
 */
export const getLift = (analysis) => request("POST", "/lift", {}, analysis);

/**
 * @param {Override} override
 * @returns {Promise<Override>}
 */
export const putOverride = (override) => request("PUT", "/overrides", {}, override);

/**
 * @param {Query} query
 * @returns {Promise<void>}
 */
export const removeOverrides = (query) => request("DELETE", "/overrides", query);

/** @returns {Promise<Schemas["Faults"]>} */
export const getFaults = () => request("GET", "/faults");

/**
 * @param {Schemas["FaultRequest"]} fault
 * @returns {Promise<Fault>}
 */
export const addFault = (fault) => request("POST", "/faults", {}, fault);

/** @returns {Promise<void>} */
export const removeFaults = () => request("DELETE", "/faults");

/**
 * @param {Schemas["ResetRequest"]} parts
 * @returns {Promise<void>}
 */
export const reset = (parts) => request("POST", "/reset", {}, parts);
