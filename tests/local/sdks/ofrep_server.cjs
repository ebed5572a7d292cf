// OpenFeature's OFREP client for servers: evaluates the flags of a question.
const { readFileSync } = require("node:fs");
const { OpenFeature } = require("@openfeature/server-sdk");
const { OFREPProvider } = require("@openfeature/ofrep-provider");

async function main() {
  const question = JSON.parse(readFileSync(0, "utf8"));
  const headers = [["Authorization", `Bearer ${question.key}`]];
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: question.url, headers }));
  const client = OpenFeature.getClient();
  const get = {
    boolean: (...flag) => client.getBooleanDetails(...flag),
    number: (...flag) => client.getNumberDetails(...flag),
    object: (...flag) => client.getObjectDetails(...flag),
    string: (...flag) => client.getStringDetails(...flag),
  };
  const results = [];
  for (const context of question.contexts) {
    for (const [key, fallback] of Object.entries(question.flags)) {
      const details = await get[typeof fallback](key, fallback, context);
      results.push([details.value, details.variant, details.reason, details.errorCode ?? null]);
    }
  }
  console.log(JSON.stringify(results));
  await OpenFeature.close();
}

main();
