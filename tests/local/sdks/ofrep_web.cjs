// OpenFeature's OFREP client for web pages: evaluates the flags of its input, and then waits for a
// change of `watched` if there is one.
const { readFileSync, writeSync } = require("node:fs");
const { OpenFeature, ProviderEvents } = require("@openfeature/web-sdk");
const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");

async function main() {
  const input = JSON.parse(readFileSync(0, "utf8"));
  const headers = [["Authorization", `Bearer ${input.key}`]];
  const [first, ...others] = input.contexts;
  await OpenFeature.setContext(first);
  const provider = new OFREPWebProvider({ baseUrl: input.url, headers, cacheMode: "disabled" });
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  const get = {
    boolean: (...flag) => client.getBooleanDetails(...flag),
    number: (...flag) => client.getNumberDetails(...flag),
    object: (...flag) => client.getObjectDetails(...flag),
    string: (...flag) => client.getStringDetails(...flag),
  };
  const results = [];
  for (const context of [first, ...others]) {
    await OpenFeature.setContext(context);
    for (const [key, fallback] of Object.entries(input.flags)) {
      const details = get[typeof fallback](key, fallback);
      results.push([details.value, details.variant, details.reason, details.errorCode ?? null]);
    }
  }
  writeSync(1, JSON.stringify(results) + "\n");
  if (input.watched) {
    const before = client.getBooleanValue(input.watched, false);
    await new Promise((changed) => {
      client.addHandler(ProviderEvents.ConfigurationChanged, () => {
        if (client.getBooleanValue(input.watched, false) !== before) changed();
      });
    });
    writeSync(1, JSON.stringify(client.getBooleanValue(input.watched, false)) + "\n");
  }
  await OpenFeature.close();
}

main();
