// Statsig's core for Node (@statsig/statsig-node-core): input from stdin, results to stdout.
const { Statsig, StatsigUser } = require("@statsig/statsig-node-core");

async function main() {
  const ask = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const statsig = new Statsig(ask.secretKey, {
    specsUrl: ask.url.replace(/v1$/, "v2/download_config_specs"),
    logEventUrl: `${ask.url}/log_event`,
    idListsUrl: `${ask.url}/get_id_lists`,
    enableIdLists: true,
    // Without these two, conditions on country and browser are wrong until both have loaded.
    waitForCountryLookupInit: true,
    waitForUserAgentInit: true,
    environment: ask.tier ?? undefined,
  });
  await statsig.initialize();
  const results = ask.users.map((each) => {
    const user = new StatsigUser(each);
    const config = (c) => ({ value: c.value, rule: c.ruleID });
    const experiment = (e) => ({ ...config(e), group: e.groupName ?? null });
    const byName = (names, read) => Object.fromEntries(names.map((name) => [name, read(name)]));
    return {
      gates: byName(ask.gates, (name) => {
        const gate = statsig.getFeatureGate(user, name);
        return { value: gate.value, rule: gate.ruleID };
      }),
      configs: byName(ask.configs, (name) => config(statsig.getDynamicConfig(user, name))),
      experiments: byName(ask.experiments, (name) => experiment(statsig.getExperiment(user, name))),
      layers: byName(Object.keys(ask.layers), (name) => {
        const layer = statsig.getLayer(user, name);
        return { value: byName(ask.layers[name], (p) => layer.get(p, null)), rule: layer.ruleID };
      }),
    };
  });
  const metadata = { sku: "A1", size: JSON.stringify({ width: 4 }), none: null };
  statsig.logEvent(new StatsigUser(ask.users[0]), "purchase", 9.5, metadata);
  await statsig.flushEvents();
  await statsig.shutdown();
  process.stdout.write(JSON.stringify(results));
}

main();
