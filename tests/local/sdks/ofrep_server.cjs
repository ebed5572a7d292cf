// OpenFeature's OFREP client for servers: evaluates the flags of its input.
const { readFileSync } = require("node:fs");
const { OpenFeature } = require("@openfeature/server-sdk");
const { OFREPProvider } = require("@openfeature/ofrep-provider");

async function main() {
  const input = JSON.parse(readFileSync(0, "utf8"));
  const headers = [["Authorization", `Bearer ${input.key}`]];
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: input.url, headers }));
  const client = OpenFeature.getClient();
  const get = {
    boolean: (...flag) => client.getBooleanDetails(...flag),
    number: (...flag) => client.getNumberDetails(...flag),
    object: (...flag) => client.getObjectDetails(...flag),
    string: (...flag) => client.getStringDetails(...flag),
  };
  const results = [];
  for (const context of input.contexts) {
    for (const [key, fallback] of Object.entries(input.flags)) {
      const details = await get[typeof fallback](key, fallback, context);
      results.push([details.value, details.variant, details.reason, details.errorCode ?? null]);
    }
  }
  console.log(JSON.stringify(results));
  await OpenFeature.close();
}

main();
