// Statsig's client for browsers (@statsig/js-client): input from stdin, results to stdout.
const { StatsigClient, LogEventCompressionMode } = require("@statsig/js-client");

async function main() {
  const ask = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const client = new StatsigClient(ask.clientKey, ask.users[0], {
    networkConfig: { api: ask.url },
    environment: ask.tier ? { tier: ask.tier } : undefined,
    loggingEnabled: "always", // Elsewhere than in a browser it logs nothing by itself,
    disableStableID: true, // and this would give users an ID that the others do not have.
    logEventCompressionMode: LogEventCompressionMode.Forced,
  });
  const results = [];
  for (const user of ask.users) {
    await client.updateUserAsync(user);
    const config = (c) => ({ value: c.value, rule: c.ruleID });
    const experiment = (e) => ({ ...config(e), group: e.groupName ?? null });
    const byName = (names, read) => Object.fromEntries(names.map((name) => [name, read(name)]));
    results.push({
      gates: byName(ask.gates, (name) => {
        const gate = client.getFeatureGate(name);
        return { value: gate.value, rule: gate.ruleID };
      }),
      configs: byName(ask.configs, (name) => config(client.getDynamicConfig(name))),
      experiments: byName(ask.experiments, (name) => experiment(client.getExperiment(name))),
      layers: byName(Object.keys(ask.layers), (name) => {
        const layer = client.getLayer(name);
        return { value: byName(ask.layers[name], (p) => layer.get(p, null)), rule: layer.ruleID };
      }),
    });
  }
  client.logEvent("purchase", 9.5, { sku: "A1", size: { width: 4 }, none: null });
  await client.shutdown();
  process.stdout.write(JSON.stringify(results));
}

main();
