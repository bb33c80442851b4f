// The audits of `graphql-http` against a server: every MUST and SHOULD of GraphQL over HTTP. Prints them as JSON.
import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.argv[2], fetchFn: fetch });
console.log(JSON.stringify(results.map((result) => ({
  name: result.name,
  status: result.status,
  reason: result.status === 'ok' ? undefined : String(result.reason),
}))));
process.exit(0);
