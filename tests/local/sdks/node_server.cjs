// Statsig's SDK for Node servers (statsig-node): input from stdin, results to stdout.
const { default: Statsig } = require("statsig-node");

async function main() {
  const ask = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const options = { api: ask.url, initStrategyForIDLists: "await" };
  if (ask.tier) options.environment = { tier: ask.tier };
  await Statsig.initialize(ask.secretKey, options);
  const results = ask.users.map((user) => {
    const config = (c) => ({ value: c.value, rule: c.getRuleID() });
    const experiment = (e) => ({ ...config(e), group: e.getGroupName() });
    const byName = (names, read) => Object.fromEntries(names.map((name) => [name, read(name)]));
    return {
      gates: byName(ask.gates, (name) => {
        const gate = Statsig.getFeatureGateSync(user, name);
        return { value: gate.value, rule: gate.ruleID };
      }),
      configs: byName(ask.configs, (name) => config(Statsig.getConfigSync(user, name))),
      experiments: byName(ask.experiments, (name) => experiment(Statsig.getExperimentSync(user, name))),
      layers: byName(Object.keys(ask.layers), (name) => {
        const layer = Statsig.getLayerSync(user, name);
        return { value: byName(ask.layers[name], (p) => layer.get(p, null)), rule: layer.getRuleID() };
      }),
    };
  });
  Statsig.logEvent(ask.users[0], "purchase", 9.5, { sku: "A1", size: { width: 4 }, none: null });
  await Statsig.flush();
  await Statsig.shutdownAsync();
  process.stdout.write(JSON.stringify(results));
}

main();
